"""The bot's words as viewers follow them: said, heard now, and queued.

Viewers get the times at which each queued clip will probably sound, and tell by their
own clock how far the bot is. So nothing is sent while a clip merely plays.
"""

from typing import Any

from calls.conversation.conversation import Conversation
from calls.conversation.replies import Reply
from calls.turns.clip import QueuedClip
from calls.turns.heard_text import split_at_heard
from calls.turns.operator_line import OperatorLine

# An operator's latest lines, which viewers follow until they are said.
MAX_LINES = 8

Fields = dict[str, Any]


def words_in_queue(conversation: Conversation, began: float) -> list[Fields]:
    """Each turn that the bot is saying: what was said, and the pieces that follow."""
    pending = conversation.playback.pending()
    replies = {queued.reply: None for queued in pending}  # in their order
    shown = []
    for number in replies:
        reply = conversation.replies.by_number[number - 1]
        clips = [queued for queued in pending if queued.reply == number]
        shown.append(_turn_in_queue(conversation, reply, clips, began))
    return shown


def _turn_in_queue(
    conversation: Conversation, reply: Reply, clips: list[QueuedClip], began: float
) -> Fields:
    turn = reply.turn
    text = turn.display_text[0] if turn else ""
    heard = conversation.playback.heard_text(reply.number, text)
    said, rest = split_at_heard(text, heard)
    pieces = []
    for queued in clips:
        # Its last piece has what is left: no clip may say which words are its own.
        text, rest = (
            (rest, "")
            if queued is clips[-1] and not reply.writing
            else split_at_heard(rest, queued.clip.text)
        )
        pieces.append(
            {
                "text": text,
                "starts": round(queued.starts_at - began, 1),
                "ends": round(queued.ends_at - began, 1),
            }
        )
    if rest:
        pieces.append({"text": rest, "starts": None, "ends": None})
    return {"turn": turn.index if turn else -1, "said": said, "pieces": pieces}


def operator_lines(conversation: Conversation, began: float) -> list[Fields]:
    """An operator's latest lines, and what became of each.

    `starts` is when a line that is being said will probably sound, `seconds` when it
    had ended.
    """
    latest = conversation.replies.operator_lines[-MAX_LINES:]
    return [_line_fields(conversation, line, began) for line in latest]


def _line_fields(
    conversation: Conversation, line: OperatorLine, began: float
) -> Fields:
    reply = next(
        (each for each in conversation.replies.by_number if _says(each, line)), None
    )
    clips = [
        queued
        for queued in conversation.playback.pending()
        if reply and queued.reply == reply.number
    ]
    turn = line.turn
    ended_at = turn.ended_at if turn and not clips else None
    return {
        "id": line.id,
        "text": line.text,
        "now": line.now,
        "state": _line_state(conversation, line, reply, is_queued=bool(clips)),
        "starts": round(clips[0].starts_at - began, 1) if clips else None,
        "seconds": None if ended_at is None else round(ended_at - began, 1),
    }


def _says(reply: Reply, line: OperatorLine) -> bool:
    """True if this reply is the one that says a line: others may have tried before."""
    return reply.operator_line is line and (reply.writing or reply.turn is not None)


def _line_state(
    conversation: Conversation,
    line: OperatorLine,
    reply: Reply | None,
    *,
    is_queued: bool,
) -> str:
    """One of: waiting, saying, said, cut, unheard, lost."""
    turn, is_over = line.turn, conversation.is_over
    if turn is None:
        is_lost = is_over or conversation.final_message
        is_next = reply or line in conversation.replies.lines
        return "waiting" if is_next and not is_lost else "lost"
    if turn.ended_at is None or is_queued:
        return "saying"
    if not turn.heard_text.strip():
        is_last = conversation.replies.current is reply
        return "lost" if is_over and is_last else "unheard"
    return "cut" if turn.interrupted else "said"
