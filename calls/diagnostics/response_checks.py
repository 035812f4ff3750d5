"""Judges responses that came through SERVER_URL: did this server send them?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from calls.diagnostics.findings import Finding, failure, ok
from calls.turns.clip_ids import GONE, REPLACED, UNAVAILABLE
from calls.twilio.signatures import NOT_SIGNED

NGROK_CODE = re.compile(rb"ERR_NGROK_\d+")
NGROK_OFFLINE = "ERR_NGROK_3200"
# The parts of the round trip, as findings name them.
ADDRESS, WEBHOOK, CLIP, SOCKET = "Address", "Webhook", "Clips", "Calls"
TO_THIS_SERVER = "Make it forward to the PORT of this server."


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer; header names in any case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def webhook(answer: HttpAnswer, tokens: Sequence[str]) -> Finding:
    """Judge the answer to a status callback that we signed."""
    if answer.status == 204 and tokens:
        return ok(WEBHOOK, "Signed requests arrive and are accepted as Twilio's.")
    if answer.status == 204:
        return ok(WEBHOOK, "Requests arrive, unchecked: TWILIO_AUTH_TOKEN is not set.")
    if answer.status == 403 and answer.body.startswith(NOT_SIGNED):
        if not tokens:
            return failure(
                WEBHOOK, "All requests are refused: TWILIO_AUTH_TOKEN is not set."
            )
        return failure(
            WEBHOOK,
            "A voicebot answers but refuses our signature (403). It has another "
            "TWILIO_AUTH_TOKEN or SERVER_URL, or a proxy changes the path.",
        )
    return failure(WEBHOOK, _unknown_server(answer))


def shared_key(answer: HttpAnswer, key: str) -> Finding:
    """Judge the answer to a status callback that we signed with a shared key."""
    if answer.status == 204:
        return ok(WEBHOOK, f"Requests signed with the shared key {key} are accepted.")
    return failure(
        WEBHOOK,
        f"Requests signed with the shared key {key} are refused ({answer.status}). "
        "Restart the server, so that it reads TWILIO_SHARED_KEYS.",
    )


def clip(answer: HttpAnswer, wav: bytes) -> Finding:
    """Judge the answer to a request for a clip of ours."""
    replaced = _lowered(answer.headers).get(REPLACED.lower(), "")
    if answer.status == 200 and answer.body == wav and not replaced:
        return ok(CLIP, "A clip stored here comes back whole: it is this server.")
    ours = not answer.body and not _ngrok_code(answer)
    if replaced == UNAVAILABLE:
        return failure(
            CLIP, "The clip store cannot be read. Is the Redis of REDIS_URL up?"
        )
    if replaced == GONE or (answer.status == 404 and ours):
        return failure(
            CLIP,
            "A voicebot answers that does not have our clip: another server, or "
            "another process of this one. Several processes need one REDIS_URL.",
        )
    if answer.status == 200 and answer.body.startswith(b"RIFF"):
        return failure(
            CLIP,
            "The clip is changed on its way. Have the proxy leave it as it is.",
        )
    return failure(CLIP, _unknown_server(answer))


def socket(answer: HttpAnswer) -> Finding:
    """Judge the answer to a WebSocket of a call that does not exist."""
    if answer.status == 403 and not answer.body:
        return ok(SOCKET, "WebSockets come through, and one without a call is refused.")
    if answer.status == 101:
        return failure(
            SOCKET, "Another server takes the WebSocket. SERVER_URL leads elsewhere."
        )
    if answer.status in (200, 204, 400, 404, 405, 426, 501):
        return failure(
            SOCKET,
            f"The WebSocket is answered as a web page ({answer.status}). Have the "
            "proxy pass WebSockets on (headers Upgrade and Connection, HTTP/1.1).",
        )
    return failure(SOCKET, _unknown_server(answer))


def _unknown_server(answer: HttpAnswer) -> str:
    """Describe what answers instead of this server, and what to do."""
    headers = _lowered(answer.headers)
    if code := _ngrok_code(answer):
        return _ngrok_problem(code)
    match answer.status:
        case 301 | 302 | 303 | 307 | 308:
            to = headers.get("location", "elsewhere")[:200]
            return f"It redirects to {to}. Put the final address into SERVER_URL."
        case 401 | 403 | 407 | 511:
            return (
                f"A login page or firewall in front of the server asks who we are "
                f"({answer.status}). Have it let /voice, /audio and /conversation "
                "through."
            )
        case 502 | 503 | 504 | 520 | 521 | 522 | 523 | 530:
            return (
                f"A tunnel or proxy answers, but reaches no server ({answer.status}). "
                f"{TO_THIS_SERVER}"
            )
    is_html = "html" in headers.get("content-type", "")
    content = "a web page" if is_html else "something"
    return (
        f"Another server answers, with {content} of its own "
        f"({_status_text(answer.status)}). Check SERVER_URL, and where its tunnel "
        "or proxy leads."
    )


def _ngrok_code(answer: HttpAnswer) -> str:
    if code := _lowered(answer.headers).get("ngrok-error-code", ""):
        return code[:40]
    match = NGROK_CODE.search(answer.body)
    return match[0].decode() if match else ""


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _ngrok_problem(code: str) -> str:
    if code == NGROK_OFFLINE:
        return f"ngrok answers that no tunnel runs ({code}). Start it at this address."
    return f"ngrok answers instead of this server ({code}). {TO_THIS_SERVER}"


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
