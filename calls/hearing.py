"""The caller's words and keys on their way into the transcript. Pure."""

from dataclasses import replace

from calls.actions import Action, Record
from calls.answers import Answers
from calls.keypad import MASKED, KeyEntry, spelled
from calls.turns import Turn, next_index

# Of the caller, in characters; of a longer one the end counts.
LONGEST_TURN = 20_000


class Hearing:
    """What the caller said and pressed; `entry` are the keys of the moment."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.turns = answers.turns
        self.entry = KeyEntry()

    def take_in(self, text: str, at: float) -> list[Action]:
        """Add to the transcript what the caller has pressed and said."""
        actions = self.pressed(self.entry.take(), at) if self.entry.keys else []
        return [*actions, *self.heard(text, at)] if text else actions

    def pressed(self, keys: str, at: float) -> list[Action]:
        """Add keys, hidden where the bot hides them."""
        shown = MASKED if self.answers.manners.mask_keys else None
        return self.heard(spelled(keys), at, shown)

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
