"""A line that an operator types for the bot to say. Pure."""

from dataclasses import dataclass

from calls.turns.turn import Turn


@dataclass(slots=True)
class OperatorLine:
    """A line, and its turn once the bot begins to say it.

    One that comes `now` interrupts the bot; others follow what it is saying.
    """

    id: str
    text: str
    now: bool = False
    turn: Turn | None = None
