"""A trace and its replay as lines to read. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from bots.config.text import one_line
from calls.trace.replay import Replayed, Step
from calls.trace.steps import CAUSED_BY_FRAMES
from calls.trace.trace_file import Line, Trace

# An action that moved by less counts as done at the same time.
SAME_MS = 250.0
MAX_LENGTH = 100
# Events that say nothing that other lines do not say.
HIDDEN_EVENTS = {*CAUSED_BY_FRAMES, "ClipFetched", "TimerFired", "CallEnded"}
LEGEND = (
    "> from Twilio   < to Twilio   = done, and done again in the replay",
    "- done, but not in the replay   + only in the replay",
)


def timeline(trace: Trace, replayed: Replayed) -> Iterator[str]:
    """The call line by line; actions are marked where the replay differs."""
    yield from LEGEND
    entries = [
        (line.ms, text)
        for line in trace.lines
        if (text := _described(line)) is not None
    ]
    entries += [(step.ms, _step(step)) for step in replayed.steps]
    for ms, text in sorted(entries, key=lambda entry: entry[0]):
        yield f"{ms / 1000:9.3f} {text}"
    for problem in (*trace.problems, *replayed.problems):
        yield f"! {problem}"
    yield _conclusion(replayed)


def _conclusion(replayed: Replayed) -> str:
    steps, count = replayed.steps, replayed.differences
    if not steps:
        return "The trace has no conversation: no socket was opened."
    moved = sum(step.is_same and abs(step.moved_ms) >= SAME_MS for step in steps)
    late = f", {moved} at another time" if moved else ""
    if count == 0:
        return f"The replay does the same: {len(steps)} actions{late}."
    return f"The replay differs in {count} of {len(steps)} actions{late}."


def _step(step: Step) -> str:
    mark = "=" if step.is_same else "-" if step.replayed_ms is None else "+"
    name = str(step.facts.get("action", "unknown"))
    rest = {key: value for key, value in step.facts.items() if key != "action"}
    moved = f"  ({step.moved_ms:+.0f} ms)" if abs(step.moved_ms) >= SAME_MS else ""
    return f"{mark} {name} {_facts(rest)}{moved}"


def _described(line: Line) -> str | None:
    """One line of the trace in words; None if others say the same."""
    match line.kind:
        case "in":
            return f"> {_frame(line)}"
        case "out":
            return f"< {_frame(line)}"
        case "callback":
            status = line.text("DialCallStatus") or line.text("SessionStatus")
            return f"> POST {line.text('path')} {status or line.text('CallStatus')}"
        case "twiml":
            document = one_line(line.text("document"), MAX_LENGTH)
            return f"< {document or line.text('status')}"
        case "fetch":
            size = f"{line.text('bytes')} bytes in {line.text('took_ms')} ms"
            method, status = line.text("method"), line.text("status")
            return f"> {method} clip {line.text('clip')}: {status}, {size}"
        case "socket":
            return f"> the socket is {line.text('state')} {line.text('code')}".rstrip()
        case "event" if line.get("event") not in HIDDEN_EVENTS:
            return f"  {line.text('event')} {_facts(_plain(line.fields))}"
        case "start":
            return f"  {line.text('wall')}"
    return None


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event; of a clip, its id, length and words."""
    hidden = ("event", "late_ms")
    plain = {key: value for key, value in fields.items() if key not in hidden}
    if isinstance(clip := plain.get("clip"), Mapping):
        name, seconds = clip.get("id") or "Twilio's voice", clip.get("seconds")
        seconds = round(seconds, 3) if isinstance(seconds, float) else seconds
        plain["clip"] = f"{name}, {seconds} s"
        plain["text"] = clip.get("text", "")
    return plain


def _frame(line: Line) -> str:
    frame = line.fields.get("frame")
    fields = frame if isinstance(frame, Mapping) else {}
    rest = {key: value for key, value in fields.items() if key != "type"}
    return f"{line.text('type')} {_facts(rest)}"


def _facts(facts: Mapping[str, Any]) -> str:
    filled = {key: value for key, value in facts.items() if value not in ("", None, [])}
    text = ", ".join(f"{key}: {value}" for key, value in filled.items())
    return one_line(text, MAX_LENGTH)
