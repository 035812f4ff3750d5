"""Events and actions of a conversation as the JSON of a trace, and back. Pure.

Events that frames cause have only their names here: the frames are in the trace.
Results of tools, variables and chat messages are left out: they are private, and decide
nothing.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, assert_never, get_args

from bots.inworld.tool_calls import ToolCall
from calls.conversation import actions as act
from calls.conversation import events as ev
from calls.trace.masking import clip_id
from calls.turns.clip import Clip
from calls.turns.turn import COLLECT_DIGITS, END_CALL, SWITCH_LANGUAGE, TRANSFER_CALL

BUILT_IN = (END_CALL, TRANSFER_CALL, SWITCH_LANGUAGE, COLLECT_DIGITS)
UNKNOWN_RESULT = "(not in the trace)"

Json = dict[str, Any]
# Their contents are in the frame before them.
CausedByFrames = (
    ev.CallerSpoke
    | ev.CallerInterrupted
    | ev.CallerSpeaking
    | ev.DtmfReceived
    | ev.PlaybackChanged
)
WithoutFields = ev.OperatorEnded | ev.TimerFired | ev.CallEnded
CAUSED_BY_FRAMES = {kind.__name__: kind for kind in get_args(CausedByFrames)}
WITHOUT_FIELDS: Mapping[str, type[WithoutFields]] = {
    kind.__name__: kind for kind in get_args(WithoutFields)
}


def event_json(event: ev.Event) -> Json:  # noqa: C901
    """The record of an event."""
    name = {"event": type(event).__name__}
    if isinstance(event, CausedByFrames | WithoutFields):
        return name
    match event:
        case ev.CallConnected():
            facts: Json = {"has_lookup": event.has_lookup}
            facts["minute_of_week"] = event.minute_of_week
            facts["late_after"] = event.late_after
        case ev.CallResumed():
            facts = {"seconds": event.seconds, "minute_of_week": event.minute_of_week}
            facts |= {"returned": event.returned, "late_after": event.late_after}
        case ev.FirstToken(reply):
            facts = {"reply": reply}
        case ev.ClipReady(reply, clip):
            facts = {"reply": reply, "clip": _clip_json(clip)}
        case ev.ClipGrew(clip, reached):
            facts = {"clip": _clip_json(clip), "reached": reached}
        case ev.ClipFetched(clip_name) | ev.ClipReplaced(clip_name):
            facts = {"clip": clip_id(clip_name)}
        case ev.ClipRefused(sound):
            facts = {"sound": _masked_sound(sound)}
        case ev.ReplyEnded():
            facts = _reply_json(event)
        case ev.LookupDone():
            facts = {"error": event.error}
        case ev.ToolCallEnded():
            facts = {"call_id": event.call_id, "failed": event.failed}
        case ev.OperatorSaid(text, now):
            facts = {"text": text, "now": now}
        case ev.OperatorTransferred(target):
            facts = {"target": target}
        case _:
            assert_never(event)
    return {**name, **facts}


def event_of(line: Mapping[str, Any]) -> ev.Event | None:  # noqa: C901
    """The event of such a line; None if this version does not know it."""
    name = str(line.get("event"))
    if name in WITHOUT_FIELDS:
        return WITHOUT_FIELDS[name]()
    try:
        match name:
            case "CallConnected":
                return _connected_of(line)
            case "CallResumed":
                return _resumed_of(line)
            case "FirstToken":
                return ev.FirstToken(int(line["reply"]))
            case "ClipReady":
                return ev.ClipReady(int(line["reply"]), _clip_of(line["clip"]))
            case "ClipGrew":
                return ev.ClipGrew(_clip_of(line["clip"]), float(line["reached"]))
            case "ClipFetched":
                return ev.ClipFetched(str(line["clip"]))
            case "ClipRefused":
                return ev.ClipRefused(str(line["sound"]))
            case "ClipReplaced":
                return ev.ClipReplaced(str(line["clip"]))
            case "ReplyEnded":
                return _reply_of(line)
            case "LookupDone":
                return ev.LookupDone({}, str(line["error"]))
            case "ToolCallEnded":
                failed = bool(line["failed"])
                return ev.ToolCallEnded(str(line["call_id"]), UNKNOWN_RESULT, failed)
            case "OperatorSaid":
                return ev.OperatorSaid(str(line["text"]), line["now"] is True)
            case "OperatorTransferred":
                return ev.OperatorTransferred(str(line["target"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def action_json(action: act.Action) -> Json:  # noqa: C901
    """The record of an action."""
    match action:
        case act.SpeakText(reply, text):
            facts: Json = {"reply": reply, "text": text}
        case act.StartReply(reply, _, model):
            facts = {"reply": reply, "model": model}
        case act.StopReply(reply):
            facts = {"reply": reply}
        case act.Play(clip, interruptible):
            facts = {"clip": clip_id(clip.id), "text": clip.text}
            facts["interruptible"] = interruptible
        case act.MuteClips(clips):
            facts = {"clips": [clip_id(clip.id) for clip in clips]}
        case act.DropClips(clips, queued):
            facts = {"clips": [clip_id(clip.id) for clip in clips], "queued": queued}
        case act.SaveTurn(turn):
            facts = {"role": turn.role, "turn_kind": str(turn.kind)}
            facts["interrupted"] = turn.interrupted
        case act.CountFallback(step):
            facts = {"step": str(step)}
        case act.CallTool(call_id, tool):
            facts = {"call_id": call_id, "tool": tool.name}
        case act.ChangeLanguage(language):
            facts = {"language": language}
        case act.SetRecording(state):
            facts = {"state": str(state)}
        case act.HideKey():
            facts = {}
        case act.HangUp(reason, transfer):
            facts = {
                "reason": str(reason),
                "transfer": transfer.name if transfer else "",
            }
        case _:
            assert_never(action)
    return {"action": type(action).__name__, **facts}


def _masked_sound(url: str) -> str:
    """The address of a clip, with its ID masked; other texts stay as they are."""
    before, _, name = url.rpartition("/audio/")
    return f"/audio/{clip_id(name)}" if before else url


def _clip_json(clip: Clip) -> Json:
    return {
        "id": clip_id(clip.id),
        "text": clip.text,
        "seconds": clip.seconds,
        "frames": b64encode(clip.speech_frames).decode(),
        "shared": clip.shared,
        "available": clip.available,
    }


def _clip_of(stored: Mapping[str, Any]) -> Clip:
    name, available = str(stored["id"]), stored.get("available")
    return Clip(
        name,
        f"/audio/{name}" if name else "",
        str(stored["text"]),
        float(stored["seconds"]),
        b64decode(stored.get("frames") or ""),
        shared=bool(stored.get("shared")),
        available=None if available is None else float(available),
    )


def _reply_json(event: ev.ReplyEnded) -> Json:
    return {
        "reply": event.reply,
        "text": event.text,
        "error": event.error,
        "retryable": event.retryable,
        "retry_after": event.retry_after,
        "model": event.model,
        "calls": [_call_json(call) for call in event.calls],
    }


def _call_json(call: ToolCall) -> Json:
    """A tool call; arguments of HTTP tools may be secret, and decide nothing."""
    known = call.name in BUILT_IN
    arguments = call.arguments if known else ""
    return {"id": call.id, "name": call.name, "arguments": arguments}


def _connected_of(line: Mapping[str, Any]) -> ev.CallConnected:
    late_after, minute = _seconds(line.get("late_after")), int(line["minute_of_week"])
    return ev.CallConnected({}, bool(line["has_lookup"]), minute, late_after)


def _resumed_of(line: Mapping[str, Any]) -> ev.CallResumed:
    """The event without the turns before it, which other lines tell of."""
    late_after = _seconds(line.get("late_after"))
    seconds, minute = float(line["seconds"]), int(line["minute_of_week"])
    return ev.CallResumed(
        (), 0.0, seconds, {}, minute, str(line["returned"]), late_after
    )


def _seconds(stored: Any) -> float | None:
    return None if stored is None else float(stored)


def _reply_of(line: Mapping[str, Any]) -> ev.ReplyEnded:
    return ev.ReplyEnded(
        int(line["reply"]),
        str(line["text"]),
        str(line["error"]),
        retryable=bool(line["retryable"]),
        retry_after=_seconds(line["retry_after"]),
        model=str(line.get("model", "")),
        calls=tuple(
            ToolCall(str(c["id"]), str(c["name"]), str(c["arguments"]) or "{}")
            for c in line["calls"]
        ),
    )
