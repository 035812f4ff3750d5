"""Records calls: what the server hands over here becomes lines of their traces.

Nothing here raises into a call. A call is traced if its file exists: it begins with the
call, for every call with RELAY_TRACE, or for the next one of a bot with its switch on.
"""

import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from bots.config.text import read_json
from bots.models import Bot
from calls.conversation.actions import Action
from calls.conversation.conversation import Conversation
from calls.conversation.events import Event
from calls.trace import files
from calls.trace.masking import DOTS, MASKED_DIGIT, clip_id
from calls.trace.steps import action_json, event_json
from calls.turns.clip_ids import REPLACED

# Headers of Twilio's requests that answer a question about them.
HEADERS = (
    *("User-Agent", "Range", "If-None-Match", "If-Modified-Since", "Cache-Control"),
    "X-Twilio-Webhooks-Signature-Settings",
)
# The only key that no secret contains: it ends an entry.
END_OF_ENTRY = "#"

log = logging.getLogger(__name__)

P = ParamSpec("P")
View = Callable[..., Coroutine[Any, Any, HttpResponse]]
Download = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def harmless(record: Callable[P, None]) -> Callable[P, None]:
    """Log an error of a recording function instead of raising it into a call."""

    @wraps(record)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            record(*args, **kwargs)
        except Exception:
            log.exception("A part of a trace is missing")

    return guarded


class HasConversation(Protocol):
    """A call's session, for this module."""

    conversation: Conversation


class CallTrace:
    """The trace of one call; without a call SID nothing is recorded."""

    def __init__(self, call_sid: str = "") -> None:
        self.call_sid = call_sid
        self.path = files.path_of(call_sid)
        self.clips: set[str] = set()  # linked to this call
        self.deadline: float | None = None  # the conversation's next one

    def write(self, kind: str, at: float | None = None, **fields: Any) -> None:
        """Add a line, with the time `at` or now."""
        if self.path:
            at = time.monotonic() if at is None else at
            files.append(self.path, at, {"kind": kind, **fields})

    @harmless
    def opened(self, config: Mapping[str, Any]) -> None:
        """The relay's socket is open. `config` are the settings of the call."""
        if self.path:
            self.write("settings", config=dict(config))
            self.write("socket", state="open")

    @harmless
    def frame_in(
        self, text: str | None, binary: bytes | None, session: HasConversation | None
    ) -> None:
        """Twilio sent a frame. The session knows if digits are secret now."""
        if not self.path:
            return
        frame = _frame(text, len(text or binary or ""))
        conversation = session.conversation if session else None
        if frame.get("type") == "dtmf":
            digit = str(frame.get("digit", ""))
            if digit != END_OF_ENTRY and may_be_secret(conversation, digit):
                digit = MASKED_DIGIT
            frame = {**dict.fromkeys(frame, DOTS), "type": "dtmf", "digit": digit}
        self.write("in", frame=frame)

    @harmless
    def frame_out(self, text: str) -> None:
        """We send a frame."""
        if not self.path:
            return
        frame = _frame(text, len(text))
        if frame.get("type") == "play":
            full = str(frame.get("source", "")).rpartition("/")[2]
            files.link_clip(full, self.call_sid)
            self.clips.add(full)
        self.write("out", frame=frame)

    @harmless
    def step(
        self,
        conversation: Conversation,
        event: Event,
        actions: Sequence[Action],
        at: float,
    ) -> None:
        """The conversation received an event `at` this time and decided on actions."""
        if not self.path:
            return
        facts = event_json(event)
        if self.deadline is not None and self.deadline < at:
            facts["late_ms"] = (at - self.deadline) * 1000
        self.write("event", at, **facts)
        for action in actions:
            self.write("action", at, **action_json(action))
        self.deadline = conversation.next_deadline()

    @harmless
    def closed(self, code: int) -> None:
        """The relay's socket is closed."""
        if self.path:
            self.write("socket", state="closed", code=code)
            files.unlink_clips(self.clips)


NOT_TRACED = CallTrace()


def trace_of(call_sid: str) -> CallTrace:
    """The trace of a call, for its session. With RELAY_TRACE every call has one."""
    if settings.RELAY_TRACE:
        is_traced = files.create(call_sid, time.monotonic())
    else:
        is_traced = files.exists(call_sid)
    return CallTrace(call_sid) if is_traced else NOT_TRACED


def take_switch(bot: Bot, call_sid: str) -> bool:
    """Trace this call if the bot's switch is on; only one call gets it."""
    if not bot.trace_next_call:
        return False
    switched_on = Bot.objects.filter(pk=bot.pk, trace_next_call=True)
    # Of several processes the database lets one update the row.
    if switched_on.update(trace_next_call=False) != 1:
        return False
    return files.create(call_sid, time.monotonic())


def may_be_secret(conversation: Conversation | None, digit: str) -> bool:
    """True if a key that is pressed now may belong to a secret entry.

    Keys may be pressed before the bot asks for an entry, so only a key of the menu, or
    one of an entry that is not secret, can be shown if the bot may ask for any.
    """
    if conversation is None:
        return True
    at, digits = time.monotonic(), conversation.digits
    if conversation.menu.lookup(digit, at):
        return False
    if conversation.config.mask_dtmf or digits.is_secret:
        return True
    if conversation.caller_input.is_masked(at):
        return True
    return conversation.config.can_collect_digits and digits.request is None


def traced(view: View) -> View:
    """Record a request of Twilio and the answer, if it is about a traced call."""

    @wraps(view)
    async def recorded(request: HttpRequest, **path: Any) -> HttpResponse:
        at = time.monotonic()
        # Twilio asks about a leg of its own during a transfer.
        call_sid = request.POST.get("ParentCallSid") or request.POST.get("CallSid", "")
        if settings.RELAY_TRACE and request.path.rstrip("/").endswith("/voice"):
            files.create(call_sid, at)
        response = await view(request, **path)
        if (trace := files.path_of(call_sid)) and files.exists(call_sid):
            _record(trace, request, response, at)
        return response

    return recorded


def traced_fetch(view: Download) -> Download:
    """Record the download of a clip that a traced call plays."""

    @wraps(view)
    async def recorded(request: HttpRequest, **path: Any) -> HttpResponseBase:
        at = time.monotonic()
        response = await view(request, **path)
        if files.has_clips():
            _record_fetch(str(path.get("clip_id", "")), request, response, at)
        return response

    return recorded


@harmless
def _record(
    trace: Path, request: HttpRequest, response: HttpResponse, at: float
) -> None:
    form = {name: str(value) for name, value in request.POST.items()}
    query = dict.fromkeys(request.GET, DOTS)
    asked: dict[str, Any] = {"path": request.path, "query": query, "form": form}
    asked |= {"kind": "callback", "seen_headers": _headers(request)}
    files.append(trace, at, asked)
    answer = {"kind": "twiml", "path": request.path, "took_ms": _since(at)}
    answer |= {"status": response.status_code, "document": response.content.decode()}
    files.append(trace, time.monotonic(), answer)


@harmless
def _record_fetch(
    full: str, request: HttpRequest, response: HttpResponseBase, at: float
) -> None:
    record: dict[str, Any] = {"kind": "fetch", "clip": clip_id(full)}
    record |= {"method": request.method, "status": response.status_code}
    # The length of a clip that still grows is not known yet.
    if isinstance(response, HttpResponse):
        record["bytes"] = len(response.content)
    record["took_ms"] = _since(at)
    if replaced := response.headers.get(REPLACED):
        record["replaced"] = replaced
    files.append_fetch(full, at, record | {"seen_headers": _headers(request)})


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name: request.headers[name] for name in HEADERS if name in request.headers}


def _frame(text: str | None, size: int) -> dict[str, Any]:
    """A frame as JSON; one that is none is described by its size only."""
    frame = read_json(text or "")
    return frame if isinstance(frame, dict) else {"type": "unreadable", "bytes": size}


def _since(at: float) -> float:
    return round((time.monotonic() - at) * 1000, 1)
