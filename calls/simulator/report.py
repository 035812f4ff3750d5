"""Formats a simulated call as lines of text for the terminal."""

from collections.abc import Iterable, Iterator
from statistics import median
from typing import Any

from bots.config.text import read_json
from calls.models import Turn
from calls.turns.turn import SWITCH_LANGUAGE

from .call import SimulatedCall
from .record import Heard


def at(ms: float, who: str, what: str) -> str:
    """One line of the log; milliseconds since dialling."""
    return f"+{ms:6.0f} ms  {who:<4}  {what}"


def sound(heard: Heard, *, first: bool, words: str = "") -> str:
    """A sound that begins, with its words; the first of an answer with its latency."""
    words = heard.text or words
    text = f" “{words}”" if words else ""
    labels = {"clip": "", "tts": " (Twilio's voice)", "digits": " (tones)"}
    length = "a growing clip" if heard.growing else f"{heard.seconds:.1f} s"
    line = f"▶ {length}{labels[heard.kind]}{text}"
    if first and heard.turn:
        line += f" (first sound {heard.waited_ms:.0f} ms after you spoke)"
    return at(heard.at_ms, "bot", line)


def cut(heard: Heard) -> str:
    """A sound that was interrupted."""
    seconds = heard.played_seconds
    return at(heard.at_ms + seconds * 1000, "bot", f"✂ stops after {seconds:.1f} s")


def transcript(turns: Iterable[Turn]) -> Iterator[str]:
    """The server's transcript, with the parts that the caller did not hear."""
    for turn in turns:
        who = "you" if turn.role == Turn.Role.CALLER else turn.role
        text = _tool_call(turn) if turn.tool_call else _heard_part(turn)
        yield f"{who:<6}  {text}{_error(turn)}"
        if (
            turn.tool_call.get("name") == SWITCH_LANGUAGE
            and not turn.tool_call["failed"]
        ):
            yield f"{'':<6}  From here on in {_arguments(turn).get('language')}."


def _tool_call(turn: Turn) -> str:
    """A tool call: name, arguments, duration, result."""
    call = turn.tool_call
    arguments = ", ".join(f"{name}={value}" for name, value in _arguments(turn).items())
    ms = turn.latency_ms.get("tool")
    duration = "" if ms is None else f" ({ms} ms)"
    result = call["result"] or "no answer"
    if call["failed"]:
        result = f"failed: {result}"
    return f"{call['name']}({arguments}){duration} → {result}"


def _arguments(turn: Turn) -> dict[str, Any]:
    written = turn.tool_call["arguments"]
    arguments = read_json(written, default=written)
    return arguments if isinstance(arguments, dict) else {"not an object": arguments}


def _heard_part(turn: Turn) -> str:
    if turn.role != Turn.Role.BOT or turn.heard_text == turn.text:
        return turn.text
    if turn.text.startswith(turn.heard_text):
        unheard = turn.text[len(turn.heard_text) :].strip()
        return f"{turn.heard_text} [not heard: {unheard}]".strip()
    return f"{turn.text} [heard: {turn.heard_text}]"


def _error(turn: Turn) -> str:
    return f" [{turn.error}]" if turn.error else ""


def summary(call: SimulatedCall) -> str:
    """The call in one line."""
    seconds = sum(heard.played_seconds for heard in call.heard)
    waits = call.waits_ms
    first_sound = f", median first sound {median(waits):.0f} ms" if waits else ""
    turns = call.record.turn
    return "".join(
        [
            f"{turns} turn{'s' * (turns != 1)}, {seconds:.1f} s heard{first_sound}",
            *_growing_clips(call),
        ]
    )


def _growing_clips(call: SimulatedCall) -> Iterator[str]:
    gaps = [gap for heard in call.heard for _, gap in heard.gaps]
    if gaps:
        yield f", gaps in growing clips: {len(gaps)}, the longest {max(gaps):.1f} s"
    if call.record.refused:
        yield f", growing clips refused: {len(call.record.refused)}"
