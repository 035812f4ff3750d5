"""Function calls of a model, put together from streamed parts. Pure."""

from dataclasses import dataclass, field

from bots.config.text import read_json
from bots.inworld.events import ToolCallPart

# Far more than our tools accept, and than a model requests at once.
MAX_ARGUMENTS_LENGTH = 20_000
MAX_CALLS = 8
INCOMPLETE = object()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call requested by the model; `arguments` are JSON as written."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class ToolCalls:
    """Puts the parts of one reply's calls together.

    The provider numbers the calls. Google gives all the same number, so a second name
    under a number begins another call.
    """

    parts: dict[tuple[int, int], list[ToolCallPart]] = field(default_factory=dict)

    def feed(self, part: ToolCallPart) -> None:
        """Add a part; parts above the limits are left out."""
        key = (part.index, sum(index == part.index for index, _ in self.parts) or 1)
        earlier = self.parts.get(key, [])
        if _begins_another(part, earlier):
            key, earlier = (part.index, key[1] + 1), []
        length = sum(len(p.arguments) for p in [*earlier, part])
        if (earlier or len(self.parts) < MAX_CALLS) and length <= MAX_ARGUMENTS_LENGTH:
            self.parts[key] = [*earlier, part]

    def complete(self) -> tuple[ToolCall, ...]:
        """The calls that have a name, in order, each with an id."""
        calls = [_joined(key, self.parts[key]) for key in sorted(self.parts)]
        return tuple(call for call in calls if call.name)


def _begins_another(part: ToolCallPart, earlier: list[ToolCallPart]) -> bool:
    """True if a part does not continue the call with its number."""
    if not (earlier and part.name):
        return False
    if part.id:
        return all(p.id != part.id for p in earlier)
    return _is_complete("".join(p.arguments for p in earlier))


def _is_complete(arguments: str) -> bool:
    return read_json(arguments, default=INCOMPLETE) is not INCOMPLETE


def _joined(key: tuple[int, int], parts: list[ToolCallPart]) -> ToolCall:
    return ToolCall(
        next((part.id for part in parts if part.id), f"call_{key[0]}"),
        next((part.name for part in parts if part.name), ""),
        "".join(part.arguments for part in parts) or "{}",
    )
