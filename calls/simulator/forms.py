"""The fields of Twilio's webhooks and of the relay's first message."""

from typing import Any

from .line import Line
from .session import Ending
from .twiml import Relay


def call_form(line: Line, call_sid: str, status: str) -> dict[str, str]:
    """The fields of every webhook of a call; most of the locations are unknown."""
    form = {
        "AccountSid": line.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": status,
        "Direction": "inbound",
    }
    for role, number in {"From": line.from_, "To": line.to}.items():
        for name in (role, "Caller" if role == "From" else "Called"):
            form |= {name: number, f"{name}Country": "US"}
            form |= {f"{name}{place}": "" for place in ("City", "State", "Zip")}
    return form


def voice_form(line: Line, call_sid: str) -> dict[str, str]:
    """The webhook of an incoming call."""
    return {
        **call_form(line, call_sid, "ringing"),
        "CallToken": '{"parentCallInfoToken":"simulated","identityHeaderTokens":[]}',
        "StirVerstat": "TN-Validation-Passed-A",
    }


def action_form(
    line: Line, call_sid: str, session_id: str, seconds: float, ending: Ending
) -> dict[str, str]:
    """The webhook after a relay session."""
    status = "completed" if ending.status == "completed" else "in-progress"
    form = {
        **call_form(line, call_sid, status),
        "SessionId": session_id,
        "SessionStatus": ending.status,
        "SessionDuration": str(int(seconds)),
    }
    if ending.handoff is not None:
        form["HandoffData"] = ending.handoff
    if ending.status == "failed":
        code, message = ending.error
        form |= {"ErrorCode": code, "ErrorMessage": message}
    return form


def status_form(
    line: Line, call_sid: str, seconds: float, timestamp: str
) -> dict[str, str]:
    """The number's status callback, after the call."""
    return {
        **call_form(line, call_sid, "completed"),
        "CallDuration": str(int(seconds)),
        "Duration": str(int(seconds // 60) + 1),
        "Timestamp": timestamp,
        "SequenceNumber": "0",
        "CallbackSource": "call-progress-events",
    }


def person_form(
    line: Line, call_sid: str, person_sid: str, number: str, shown: str
) -> dict[str, str]:
    """The webhook of the dialled person's leg, which is a call of its own."""
    form = call_form(line, person_sid, "in-progress")
    form |= {"Direction": "outbound-dial", "ParentCallSid": call_sid}
    return form | {"From": shown, "Caller": shown, "To": number, "Called": number}


def key_form(person: dict[str, str], key: str) -> dict[str, str]:
    """The webhook after the person pressed a key."""
    return {**person, "Digits": key, "FinishedOnKey": "", "msg": "Gather End"}


def dial_form(
    line: Line,
    call_sid: str,
    person_sid: str,
    status: str,
    *,
    bridged: bool,
    seconds: float,
    hung_up: bool,
) -> dict[str, str]:
    """The webhook after dialling a person, whether or not the call was taken."""
    form = {
        **call_form(line, call_sid, "completed" if hung_up else "in-progress"),
        "DialCallSid": person_sid,
        "DialCallStatus": status,
        "DialBridged": "true" if bridged else "false",
    }
    if status == "completed":
        form["DialCallDuration"] = str(int(seconds))
    return form


def setup_fields(
    line: Line, call_sid: str, relay: Relay, *, first: bool
) -> dict[str, Any]:
    """The fields of the `setup` frame, without the session id."""
    return {
        "accountSid": line.account_sid,
        "callSid": call_sid,
        "parentCallSid": "",
        "from": line.from_,
        "to": line.to,
        "forwardedFrom": line.to,
        "callType": "PSTN",
        "callerName": "",
        "direction": "inbound",
        "callStatus": "RINGING" if first else "IN_PROGRESS",
        "customParameters": relay.parameters,
    }
