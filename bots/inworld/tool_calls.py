"""Streamed parts in, the function calls that a model wants made out. Pure."""

from dataclasses import dataclass, field

from bots.inworld.events import ToolCallPart

# Far more than any tool of ours takes, and than a model asks for at once.
LONGEST_ARGUMENTS = 20_000
MOST_CALLS = 8


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants called; `arguments` are JSON, as written."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class ToolCalls:
    """Puts the parts of one reply's calls together."""

    parts: dict[int, list[ToolCallPart]] = field(default_factory=dict)

    def take(self, part: ToolCallPart) -> None:
        """Add a part; what is absurdly long or many is left out."""
        known = self.parts.get(part.index, [])
        length = sum(len(each.arguments) for each in known) + len(part.arguments)
        if (known or len(self.parts) < MOST_CALLS) and length <= LONGEST_ARGUMENTS:
            self.parts[part.index] = [*known, part]

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls that have a name, in order; each with an id of its own."""
        calls = [_joined(place, self.parts[place]) for place in sorted(self.parts)]
        return tuple(call for call in calls if call.name)


def _joined(place: int, parts: list[ToolCallPart]) -> ToolCall:
    return ToolCall(
        next((part.id for part in parts if part.id), f"call_{place}"),
        next((part.name for part in parts if part.name), ""),
        "".join(part.arguments for part in parts) or "{}",
    )
