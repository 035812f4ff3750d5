"""What an answer through SERVER_URL says about who gave it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from calls.twilio.signatures import NOT_SIGNED

NGROK_CODE = re.compile(rb"ERR_NGROK_\d+")
NGROK_OFFLINE = "ERR_NGROK_3200"
TO_THIS_SERVER = "Make it forward to the PORT of this server."


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One line of a check: what was tried, whether it works, and what to do."""

    name: str
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer; header names in any case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Verdict = tuple[bool, str]


def webhook(answer: HttpAnswer, tokens: Sequence[str]) -> Verdict:
    """Judge the answer to a status callback that we signed."""
    if answer.status == 204 and tokens:
        return True, "Signed requests arrive and are taken for Twilio's."
    if answer.status == 204:
        return True, "Requests arrive, unchecked: TWILIO_AUTH_TOKEN is not set."
    if answer.status == 403 and answer.body.startswith(NOT_SIGNED):
        if not tokens:
            return False, "All requests are refused: TWILIO_AUTH_TOKEN is not set."
        return False, (
            "A voicebot answers but refuses our signature (403). It has another "
            "TWILIO_AUTH_TOKEN or SERVER_URL, or a proxy changes the path."
        )
    return False, _unknown_server(answer)


def clip(answer: HttpAnswer, wav: bytes) -> Verdict:
    """Judge the answer to a request for a clip of ours."""
    if answer.status == 200 and answer.body == wav:
        return True, "A clip stored here comes back whole: it is this server."
    ours = not answer.body and not _ngrok_code(answer)
    if answer.status == 503 and ours:
        return False, "The clip store cannot be read. Is the Redis of REDIS_URL up?"
    if answer.status == 404 and ours:
        return False, (
            "A voicebot answers that does not have our clip: another server, or "
            "another process of this one. Several processes need one REDIS_URL."
        )
    if answer.status == 200 and answer.body.startswith(b"RIFF"):
        return (
            False,
            "The clip is changed on its way. Have the proxy leave it as it is.",
        )
    return False, _unknown_server(answer)


def socket(answer: HttpAnswer) -> Verdict:
    """Judge the answer to a WebSocket of a call that does not exist."""
    if answer.status == 403 and not answer.body:
        return True, "WebSockets come through, and one without a call is refused."
    if answer.status == 101:
        return False, "Another server takes the WebSocket. SERVER_URL leads elsewhere."
    if answer.status in (200, 204, 400, 404, 405, 426, 501):
        return False, (
            f"The WebSocket is answered as a web page ({answer.status}). Have the "
            "proxy pass WebSockets on (headers Upgrade and Connection, HTTP/1.1)."
        )
    return False, _unknown_server(answer)


def _unknown_server(answer: HttpAnswer) -> str:
    """Name who answers instead of this server."""
    headers = _lowered(answer.headers)
    if code := _ngrok_code(answer):
        return _of_ngrok(code)
    match answer.status:
        case 301 | 302 | 303 | 307 | 308:
            to = headers.get("location", "elsewhere")[:200]
            return f"It redirects to {to}. Put the final address into SERVER_URL."
        case 401 | 403 | 407 | 511:
            return (
                f"Something before the server asks who we are ({answer.status}): a "
                "login page or firewall. Have it let /voice, /audio and /conversation "
                "through."
            )
        case 502 | 503 | 504 | 520 | 521 | 522 | 523 | 530:
            return (
                f"A tunnel or proxy answers, but reaches no server ({answer.status}). "
                f"{TO_THIS_SERVER}"
            )
    what = "a web page" if "html" in headers.get("content-type", "") else "something"
    return (
        f"Another server answers, with {what} of its own ({_named(answer.status)}). "
        "Check SERVER_URL, and where its tunnel or proxy leads."
    )


def _ngrok_code(answer: HttpAnswer) -> str:
    if code := _lowered(answer.headers).get("ngrok-error-code", ""):
        return code[:40]
    found = NGROK_CODE.search(answer.body)
    return found[0].decode() if found else ""


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _of_ngrok(code: str) -> str:
    if code == NGROK_OFFLINE:
        return f"ngrok answers that no tunnel runs ({code}). Start it at this address."
    return f"ngrok answers instead of this server ({code}). {TO_THIS_SERVER}"


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
