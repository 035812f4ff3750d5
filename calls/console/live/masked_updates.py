"""Removes phone numbers from the messages to a live page whose user may see none."""

from typing import Any

from bots.phone_numbers.masking import NumberMask
from calls.conversation.dtmf import MASKED
from calls.live_feed.channel_listener import Message
from calls.live_feed.snapshot import TOOL_CALL_LIMIT, Update


def shown(message: Message, *, hide: bool) -> Message:
    """The message for the page. Without `hide`, only our list of numbers is removed."""
    match message:
        case {"updates": updates}:
            return {"updates": [_update(update, hide=hide) for update in updates]}
        case {"full": full}:
            return {"full": _update(full, hide=hide)}
    return message


def _update(update: Update, *, hide: bool) -> Update:
    """An update or a whole call. Its header has been masked where it was made."""
    shown = {name: value for name, value in update.items() if name != "numbers"}
    if not hide:
        return shown
    mask = NumberMask(update.get("numbers", []))
    if state := shown.get("state"):
        shown["state"] = _state(state, mask)
    if turn := shown.get("turn"):
        shown["turn"] = _turn(turn, mask)
    if turns := shown.get("turns"):
        shown["turns"] = [_turn(turn, mask) for turn in turns]
    return shown


def _state(state: Update, mask: NumberMask) -> Update:
    """Keys and words that go on; keys one by one would tell a number."""
    keys = MASKED if state["keys"] else ""
    partial = mask.said(state["partial"], is_unfinished=True)
    saying = [_turn_in_queue(turn, mask) for turn in state["saying"]]
    lines = [{**line, "text": mask.said(line["text"])} for line in state["lines"]]
    words = {"partial": partial, "saying": saying, "lines": lines}
    return {**state, "keys": keys, **words}


def _turn_in_queue(turn: Update, mask: NumberMask) -> Update:
    """A turn that the bot is saying, whose pieces are one text."""
    pieces = turn["pieces"]
    texts = [turn["said"], *(piece["text"] for piece in pieces)]
    said, *rest = mask.pieces(*texts, is_unfinished=True)
    masked = [{**piece, "text": text} for piece, text in zip(pieces, rest, strict=True)]
    return {**turn, "said": said, "pieces": masked}


def _turn(turn: Update, mask: NumberMask) -> Update:
    """A turn, which may still grow, or whose tool call may have been cut."""
    heard, missed = mask.pieces(turn["heard"], turn["missed"], is_unfinished=True)
    use = turn["use"] and {name: _data(turn["use"][name], mask) for name in turn["use"]}
    error = mask.made(turn["error"])
    return {**turn, "heard": heard, "missed": missed, "use": use, "error": error}


def _data(value: Any, mask: NumberMask) -> Any:
    if not isinstance(value, str):
        return value
    return mask.said(mask.made(value), is_unfinished=len(value) >= TOOL_CALL_LIMIT)
