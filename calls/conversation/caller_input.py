"""The caller's words and keys on their way into the transcript. Pure."""

import re
from dataclasses import replace

from calls.conversation.actions import Action, SaveTurn
from calls.conversation.dtmf import (
    INTER_DIGIT_TIMEOUT,
    MASKED,
    CompletedRequest,
    DigitBuffer,
    DigitRequest,
    digits_text,
)
from calls.conversation.responder import Responder
from calls.turns.playback import QueuedClip
from calls.turns.turn import ASKED, COLLECT_DIGITS, Turn, next_index

# Of the caller, in characters; of a longer one the end counts.
MAX_TURN_LENGTH = 20_000
# Of a request for keys, in JSON.
_SECRET = re.compile(r'"secret"\s*:\s*true')


class CallerInput:
    """What the caller said and pressed; `entry` are the keys of the moment."""

    def __init__(self, answers: Responder) -> None:
        self.answers = answers
        self.turns = answers.turns
        self.entry = DigitBuffer()

    @property
    def due_at(self) -> float | None:
        """When the keys are complete; who has pressed none hears the question first."""
        entry, playback = self.entry, self.answers.replies.playback
        if entry.request is None or entry.keys or entry.due_at is None:
            return entry.due_at
        heard_at = playback.ends_at() or playback.ended_at
        return max(entry.due_at, heard_at + entry.request.seconds)

    def commit(self, text: str, at: float) -> list[Action]:
        """Add to the transcript what the caller has pressed and said."""
        hidden, actions = self.entry.is_secret, list[Action]()
        if self.entry.keys:
            actions = self.record_digits(self.entry.take(at), at, hidden=hidden)
        return [*actions, *self.record_speech(text, at)] if text else actions

    def add_digit(self, key: str, at: float) -> bool:
        """Add a key to the entry; true when it completes it."""
        self.entry.masks |= self.is_masked(at)
        return self.entry.press(key, at)

    def record_digits(
        self, keys: str, at: float, *, hidden: bool = False
    ) -> list[Action]:
        """Add keys, hidden where they are secret or the bot hides all of them."""
        shown = MASKED if hidden or self.answers.manners.mask_dtmf else None
        return self.record_speech(digits_text(keys), at, shown)

    def is_trailing_terminator(self, at: float) -> bool:
        """Whether a key only rounds off an entry that its length has completed.

        Who is used to a last # presses it after a fixed length as well.
        """
        closed = self.entry.closed
        if closed is None or not closed.full or at >= closed.at + INTER_DIGIT_TIMEOUT:
            return False
        return not self._sounds(closed.at, at)

    def is_masked(self, at: float) -> bool:
        """Whether a key may be meant for a secret entry that is closed.

        Until the answer sounds it may correct what was typed. Who has not typed all
        may still begin after the answer, for as long as after the question.
        """
        closed = self.entry.closed
        if closed is None or not closed.request.secret:
            return False
        if closed.complete:
            return not self._sounds(closed.at, at)
        answer = self._answer(closed.at)
        if not answer or self.answers.replies.by_number[answer[0].reply - 1].writing:
            return True
        last = answer[-1]
        heard = last.clip.seconds if last.heard is None else last.heard
        return at < last.starts_at + heard + closed.request.seconds

    def restore(self, at: float) -> None:
        """The line broke, perhaps while a secret was to be typed: it may yet come."""
        for turn in reversed(self.turns):
            if turn.role == "bot" and turn.heard_text and turn.model != ASKED:
                return
            if turn.tool_call:
                secret = turn.tool_call.name == COLLECT_DIGITS and _SECRET.search(
                    turn.tool_call.arguments
                )
                request = DigitRequest(turn.tool_call.call_id, secret=True)
                self.entry.closed = CompletedRequest(request, at) if secret else None
                return

    def record_speech(
        self, text: str, at: float, shown: str | None = None, *, aside: bool = False
    ) -> list[Action]:
        """Add the caller's words: to the same turn while nothing came between."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role != "caller" or last.is_backchannel or aside:
            last = Turn(
                next_index(self.turns), "caller", started_at=at, is_backchannel=aside
            )
            self.turns.append(last)
        if shown is not None or last.redacted is not None:
            before = last.text if last.redacted is None else last.redacted
            added = text if shown is None else shown
            last.redacted = f"{before} {added}".strip()[-MAX_TURN_LENGTH:]
        last.text = f"{last.text} {text}".strip()[-MAX_TURN_LENGTH:]
        last.heard_text, last.ended_at = last.text, at
        return [SaveTurn(replace(last))]

    def _sounds(self, since: float, at: float) -> bool:
        """Whether the first answer since then is to be heard by now."""
        return any(cue.starts_at <= at for cue in self._answer(since))

    def _answer(self, since: float) -> list[QueuedClip]:
        """What was heard, or will be, of the first answer since then."""
        replies = self.answers.replies
        wanted = {reply.number for reply in replies.by_number if reply.is_answer}
        said = [
            cue
            for cue in replies.playback.cues
            if cue.sent_at >= since and cue.heard != 0 and cue.reply in wanted
        ]
        return [cue for cue in said if cue.reply == said[0].reply]
