"""Function calls of a model, put together from streamed parts. Pure.

OpenAI streams a call as its id and name, then its arguments in pieces. Other providers
leave out the numbers, give all calls the same one, repeat the name, the arguments so
far or the whole call, or invent an id for each part. Nobody asks for the same thing
twice in one breath: calls with the same name and arguments are one call.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bots.inworld.events import ToolCallPart
from bots.inworld.provider_fields import ProviderFields
from bots.model_json.loose_json import AROUND, UNREADABLE, loose_value
from bots.model_json.tool_arguments import InvalidArguments, extends, read_arguments

# Far more than our tools accept, and than a model requests at once.
MAX_ARGUMENTS_LENGTH = 20_000
MAX_CALLS = 8
# Texts in the place of arguments that are still to come.
BLANK = frozenset({"", "{}", "null", '""', "[]"})
# With these begins an object, or one that is encoded twice.
BEGINNINGS = ("{", '"')
# Prefixes and suffixes that models add to the name of a function.
AROUND_NAMES = re.compile(
    r"^(functions?|tools?|default_api)[.:/]|(:\d+|\(.*\)|<\|.*)$", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call requested by the model; `arguments` are as it wrote them.

    The provider may need its own `fields` back with the call, and the `reasoning` with
    the message.
    """

    id: str
    name: str
    arguments: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    reasoning: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToolCalls:
    """Puts the parts of one reply's calls together; `names` are the functions'."""

    names: Collection[str] = ()
    calls: list["_Call"] = field(default_factory=list)
    reasoning: ProviderFields = field(default_factory=ProviderFields)

    def feed(self, part: ToolCallPart) -> None:
        """Add a part; parts above the limits are left out."""
        call = self._call_of(part)
        if call is None and len(self.calls) < MAX_CALLS:
            call = _Call(part.index)
            self.calls.append(call)
        if call:
            call.add(part)

    def complete(self) -> tuple[ToolCall, ...]:
        """The calls that have a name, in order, each with an id."""
        kept: list[_Call] = []
        for call in sorted(self.calls, key=lambda call: call.index or 0):
            call.name = self._known_name(call.name)
            if not call.name or (call.is_text and call.name not in self.names):
                continue
            if not any(other.takes_in(call) for other in kept):
                kept.append(call)
        return tuple(
            ToolCall(
                call.ids[0] if call.ids else f"call_{call.index or number}",
                call.name,
                call.arguments.text.strip(AROUND) or "{}",
                call.fields.value,
                {} if number else self.reasoning.value,
            )
            for number, call in enumerate(kept)
        )

    def _call_of(self, part: ToolCallPart) -> "_Call | None":
        """The call that a part continues; None if it begins one."""
        same = [c for c in reversed(self.calls) if part.index in (None, c.index)]
        if not same and not part.name and not part.id:
            same = self.calls[-1:]  # numbered differently from the call's first part
        by_id = [call for call in same if part.id in call.ids]
        for call in [*by_id, *same][:1]:
            if self._continues(part, call):
                return call
        return None

    def _continues(self, part: ToolCallPart, call: "_Call") -> bool:
        if not part.name or not call.name:
            return True
        if part.name != call.name and not self._is_piece(part.name, call.name):
            return False
        if not call.arguments.is_complete:
            return True
        if part.id and call.ids and part.id not in call.ids:
            return False
        return part.id in call.ids or call.arguments.is_repeated_by(part.arguments)

    def _is_piece(self, piece: str, name: str) -> bool:
        """True if a name goes on, as it comes in pieces or once more with each part."""
        if name in self.names:
            return False
        longer = piece if piece.startswith(name) else name + piece
        return any(known.startswith(longer) for known in self.names)

    def _known_name(self, name: str) -> str:
        """The name of a function where only its spelling differs."""
        if name in self.names:
            return name
        plain = AROUND_NAMES.sub("", name.strip()).casefold()
        same = [known for known in self.names if known.casefold() == plain]
        return same[0] if len(same) == 1 else name


class _Call:
    """A call of which parts are still coming."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.ids: list[str] = []
        self.name = ""
        self.arguments = _Arguments()
        self.fields = ProviderFields()
        self.is_text = False

    def add(self, part: ToolCallPart) -> None:
        if part.id and part.id not in self.ids:
            self.ids.append(part.id)
        is_repeated = part.name.startswith(self.name)
        self.name = part.name if is_repeated else self.name + part.name
        self.arguments.add(part.arguments)
        if part.fields != self.fields.value:
            self.fields.add(part.fields)
        self.is_text |= part.is_text

    def takes_in(self, other: "_Call") -> bool:
        """Take in a call that is this one once more; false if it is another."""
        if self.name != other.name or not self._is_same(other):
            return False
        if self.arguments.is_repeated_by(other.arguments.text, grows=True):
            self.arguments = other.arguments
        if not self.fields.value:
            self.fields = other.fields
        return True

    def _is_same(self, other: "_Call") -> bool:
        mine, others = self.arguments, other.arguments
        if mine.text == others.text:
            return True
        if mine.value == others.value and mine.value is not UNREADABLE:
            return True
        if {*self.ids}.isdisjoint(other.ids):
            is_blank = mine.is_blank or others.is_blank
            return is_blank and not (self.ids and other.ids)
        return (
            mine.is_blank
            or others.is_blank
            or mine.is_repeated_by(others.text, grows=True)
            or others.is_repeated_by(mine.text, grows=True)
        )


class _Arguments:
    """The arguments of a call: pieces, or everything so far with each part."""

    def __init__(self) -> None:
        self._joined = ""
        self._latest = ""  # the same, less what a later part repeats

    def add(self, part: str) -> None:
        if self._is_whole_again(part):
            return
        self._joined = (self._joined + part)[:MAX_ARGUMENTS_LENGTH]
        repeats = self.is_repeated_by(part, grows=True)
        self._latest = (part if repeats else self._latest + part)[:MAX_ARGUMENTS_LENGTH]

    @property
    def text(self) -> str:
        if self._joined == self._latest:
            return self._joined
        is_object = "}" in self._joined and isinstance(loose_value(self._joined), dict)
        return self._joined if is_object else self._latest

    @property
    def value(self) -> object:
        return _value(self.text)

    @property
    def is_blank(self) -> bool:
        return self.text.strip(AROUND) in BLANK

    @property
    def is_complete(self) -> bool:
        return not self.is_blank and self.value is not UNREADABLE

    def is_repeated_by(self, part: str, *, grows: bool = False) -> bool:
        """True if a part says everything again, and perhaps more."""
        before, part = self._latest.strip(AROUND), part.strip(AROUND)
        if before in BLANK:
            return bool(part)
        if not (before.startswith(BEGINNINGS) and part.startswith(BEGINNINGS)):
            return False
        if not before.endswith("}"):
            return part.startswith(before)
        earlier, later = _value(before), _value(part)
        if not (isinstance(earlier, dict) and isinstance(later, dict)):
            return False
        return bool(later) and extends(later, earlier, grows=grows)

    def _is_whole_again(self, part: str) -> bool:
        may_end = self._joined.rstrip(AROUND).endswith("}")
        if not (may_end and part.lstrip(AROUND).startswith(BEGINNINGS)):
            return False
        value = loose_value(self._joined)
        return isinstance(value, dict) and value == _value(part)


def _value(text: str) -> object:
    if "}" not in text and text.strip(AROUND) not in BLANK:
        return UNREADABLE  # the usual case, while parts are coming
    try:
        return read_arguments(text)
    except InvalidArguments:
        return UNREADABLE
