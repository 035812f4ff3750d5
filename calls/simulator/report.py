"""A call in lines of text, for a person to follow."""

import json
from collections.abc import Iterable, Iterator
from statistics import median
from typing import Any

from calls.models import Turn
from calls.turns.turn import SWITCH_LANGUAGE

from .call import SimulatedCall
from .record import Heard


def at(ms: float, who: str, what: str) -> str:
    """One line of the log; milliseconds since dialling."""
    return f"+{ms:6.0f} ms  {who:<4}  {what}"


def sound(heard: Heard, *, first: bool) -> str:
    """A sound that begins; the first of an answer tells how long it took."""
    words = "" if heard.text is None else f" “{heard.text}”"
    says = {"clip": "", "carrier": " (the carrier's voice)", "digits": " (tones)"}
    line = f"▶ {heard.seconds:.1f} s{says[heard.kind]}{words}"
    if first and heard.turn:
        line += f" (first sound {heard.waited_ms:.0f} ms after you spoke)"
    return at(heard.at_ms, "bot", line)


def cut(heard: Heard) -> str:
    """A sound that was cut short."""
    seconds = heard.played_seconds
    return at(heard.at_ms + seconds * 1000, "bot", f"✂ stops after {seconds:.1f} s")


def transcript(turns: Iterable[Turn]) -> Iterator[str]:
    """What was said according to the server, with what the caller did not hear."""
    for turn in turns:
        who = "you" if turn.role == Turn.Role.CALLER else turn.role
        words = _use(turn) if turn.tool_call else _heard_part(turn)
        yield f"{who:<6}  {words}{_trouble(turn)}"
        if (
            turn.tool_call.get("name") == SWITCH_LANGUAGE
            and not turn.tool_call["failed"]
        ):
            yield f"{'':<6}  From here on in {_arguments(turn).get('language')}."


def _use(turn: Turn) -> str:
    """A tool, what it was given, how long it took and what came of it."""
    use, given = turn.tool_call, _arguments(turn)
    listed = ", ".join(f"{name}={value}" for name, value in given.items())
    ms = turn.latency_ms.get("tool")
    took = "" if ms is None else f" ({ms} ms)"
    came_to = "failed: " if use["failed"] else ""
    return f"{use['name']}({listed}){took} → {came_to}{use['result'] or 'no answer'}"


def _arguments(turn: Turn) -> dict[str, Any]:
    try:
        given = json.loads(turn.tool_call["arguments"])
    except (ValueError, RecursionError):
        given = turn.tool_call["arguments"]
    return given if isinstance(given, dict) else {"not an object": given}


def _heard_part(turn: Turn) -> str:
    if turn.role != Turn.Role.BOT or turn.heard_text == turn.text:
        return turn.text
    if turn.text.startswith(turn.heard_text):
        unheard = turn.text[len(turn.heard_text) :].strip()
        return f"{turn.heard_text} [not heard: {unheard}]".strip()
    return f"{turn.text} [heard: {turn.heard_text}]"


def _trouble(turn: Turn) -> str:
    return f" [{turn.error}]" if turn.error else ""


def summary(call: SimulatedCall) -> str:
    """The call in one line."""
    seconds = sum(heard.played_seconds for heard in call.heard)
    waits = call.waits_ms
    first_sound = f", median first sound {median(waits):.0f} ms" if waits else ""
    turns = call.record.turn
    return f"{turns} turn{'s' * (turns != 1)}, {seconds:.1f} s heard{first_sound}"
