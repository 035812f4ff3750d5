"""Streamed parts in, the function calls that a model wants made out. Pure."""

from dataclasses import dataclass, field

from bots.config.text import read_json
from bots.inworld.events import ToolCallPart

# Far more than any tool of ours takes, and than a model asks for at once.
MAX_ARGUMENTS_LENGTH = 20_000
MAX_CALLS = 8
INCOMPLETE = object()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants called; `arguments` are JSON, as written."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class ToolCalls:
    """Puts the parts of one reply's calls together.

    They are kept by the number that the provider gives a call. Google's gives the same
    to all, so a second name under it is another call.
    """

    parts: dict[tuple[int, int], list[ToolCallPart]] = field(default_factory=dict)

    def feed(self, part: ToolCallPart) -> None:
        """Add a part; what is absurdly long or many is left out."""
        place = (part.index, sum(index == part.index for index, _ in self.parts) or 1)
        known = self.parts.get(place, [])
        if _begins_another(part, known):
            place, known = (part.index, place[1] + 1), []
        length = sum(len(each.arguments) for each in known) + len(part.arguments)
        if (known or len(self.parts) < MAX_CALLS) and length <= MAX_ARGUMENTS_LENGTH:
            self.parts[place] = [*known, part]

    def complete(self) -> tuple[ToolCall, ...]:
        """The calls that have a name, in order, each with an id."""
        calls = [_joined(place, self.parts[place]) for place in sorted(self.parts)]
        return tuple(call for call in calls if call.name)


def _begins_another(part: ToolCallPart, known: list[ToolCallPart]) -> bool:
    """Whether a part is not of the call that is known under its number."""
    if not (known and part.name):
        return False
    if part.id:
        return all(each.id != part.id for each in known)
    return _is_whole("".join(each.arguments for each in known))


def _is_whole(arguments: str) -> bool:
    return read_json(arguments, default=INCOMPLETE) is not INCOMPLETE


def _joined(place: tuple[int, int], parts: list[ToolCallPart]) -> ToolCall:
    return ToolCall(
        next((part.id for part in parts if part.id), f"call_{place[0]}"),
        next((part.name for part in parts if part.name), ""),
        "".join(part.arguments for part in parts) or "{}",
    )
