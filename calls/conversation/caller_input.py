"""The caller's words and keys on their way into the transcript. Pure."""

import re
from dataclasses import replace

from calls.conversation.actions import Action, Record
from calls.conversation.dtmf import (
    ENTRY_PAUSE,
    MASKED,
    Closed,
    KeyEntry,
    KeyRequest,
    spelled,
)
from calls.conversation.responder import Answers
from calls.turns.playback import Cue
from calls.turns.turn import ASKED, KEYS, Turn, next_index

# Of the caller, in characters; of a longer one the end counts.
LONGEST_TURN = 20_000
# Of a request for keys, in JSON.
_SECRET = re.compile(r'"secret"\s*:\s*true')


class Hearing:
    """What the caller said and pressed; `entry` are the keys of the moment."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.turns = answers.turns
        self.entry = KeyEntry()

    @property
    def due_at(self) -> float | None:
        """When the keys are complete; who has pressed none hears the question first."""
        entry, playback = self.entry, self.answers.replies.playback
        if entry.request is None or entry.keys or entry.due_at is None:
            return entry.due_at
        heard_at = playback.ends_at() or playback.ended_at
        return max(entry.due_at, heard_at + entry.request.seconds)

    def take_in(self, text: str, at: float) -> list[Action]:
        """Add to the transcript what the caller has pressed and said."""
        hidden, actions = self.entry.is_secret, list[Action]()
        if self.entry.keys:
            actions = self.pressed(self.entry.take(at), at, hidden=hidden)
        return [*actions, *self.heard(text, at)] if text else actions

    def press(self, key: str, at: float) -> bool:
        """Add a key to the entry; true when it completes it."""
        self.entry.hides |= self.is_still_secret(at)
        return self.entry.press(key, at)

    def pressed(self, keys: str, at: float, *, hidden: bool = False) -> list[Action]:
        """Add keys, hidden where they are secret or the bot hides all of them."""
        shown = MASKED if hidden or self.answers.manners.mask_keys else None
        return self.heard(spelled(keys), at, shown)

    def is_slip(self, at: float) -> bool:
        """Whether a key only rounds off an entry that its length has completed.

        Who is used to a last # presses it after a fixed length as well.
        """
        closed = self.entry.closed
        if closed is None or not closed.full or at >= closed.at + ENTRY_PAUSE:
            return False
        return not self._sounds(closed.at, at)

    def is_still_secret(self, at: float) -> bool:
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
        if not answer or self.answers.replies.numbered[answer[0].reply - 1].writing:
            return True
        last = answer[-1]
        heard = last.clip.seconds if last.heard is None else last.heard
        return at < last.starts_at + heard + closed.request.seconds

    def recall(self, at: float) -> None:
        """The line broke, perhaps while a secret was to be typed: it may yet come."""
        for turn in reversed(self.turns):
            if turn.role == "bot" and turn.heard and turn.model != ASKED:
                return
            if turn.tool:
                secret = turn.tool.name == KEYS and _SECRET.search(turn.tool.arguments)
                request = KeyRequest(turn.tool.call_id, secret=True)
                self.entry.closed = Closed(request, at) if secret else None
                return

    def heard(
        self, text: str, at: float, shown: str | None = None, *, aside: bool = False
    ) -> list[Action]:
        """Add the caller's words: to the same turn while nothing came between."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role != "caller" or last.aside or aside:
            last = Turn(next_index(self.turns), "caller", started_at=at, aside=aside)
            self.turns.append(last)
        if shown is not None or last.shown is not None:
            before = last.text if last.shown is None else last.shown
            added = text if shown is None else shown
            last.shown = f"{before} {added}".strip()[-LONGEST_TURN:]
        last.text = f"{last.text} {text}".strip()[-LONGEST_TURN:]
        last.heard, last.ended_at = last.text, at
        return [Record(replace(last))]

    def _sounds(self, since: float, at: float) -> bool:
        """Whether the first answer since then is to be heard by now."""
        return any(cue.starts_at <= at for cue in self._answer(since))

    def _answer(self, since: float) -> list[Cue]:
        """What was heard, or will be, of the first answer since then."""
        replies = self.answers.replies
        wanted = {reply.number for reply in replies.numbered if reply.wanted}
        said = [
            cue
            for cue in replies.playback.cues
            if cue.sent_at >= since and cue.heard != 0 and cue.reply in wanted
        ]
        return [cue for cue in said if cue.reply == said[0].reply]
