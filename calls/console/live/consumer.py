"""The live page's socket: news of all calls out, an operator's orders in."""

import asyncio
import json
import logging
from contextlib import suppress
from functools import partial
from time import time
from typing import Any
from unicodedata import category
from uuid import uuid4

from channels.generic.websocket import AsyncWebsocketConsumer
from django import db
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.contenttypes.models import ContentType
from django.utils.crypto import constant_time_compare

from calls.accounts.sign_in import has_second_factor
from calls.console.live.transferred import transferred_calls
from calls.db import run_in_db_thread
from calls.live_feed.broadcast import VIEWERS
from calls.live_feed.channel_listener import ChannelListener, Message
from calls.models import Call
from calls.operations.runtime import runtime
from calls.session.operator_controls import ANSWER_SECONDS, LINE_LIMIT
from calls.session.services import services

log = logging.getLogger(__name__)

NOT_ALLOWED = 4403
# How often a viewer asks which calls there are, and whether it may still look (s).
ROLL_SECONDS = 4.0
# What a browser that reads slowly may leave waiting, in messages.
OUTBOX_LIMIT = 500
CLOSE_SECONDS = 1.0
# As many calls a page may ask for between two rolls, each once: telling of them costs
# the process that has the calls, and the next roll shows what is still missing.
WANTED_LIMIT = 200

# Of a person callers are put through to, in characters.
NAME_LIMIT = 60
ANYBODY = "whoever is there"

NO_ANSWER = "The call is over, or its server cannot be reached."
NOT_UNDERSTOOD = "That was not understood; reload the page."
ORDERS = {
    "end": "Live: asked to end the call",
    "say": "Live: asked the bot to say “{text}”",
    "transfer": "Live: asked to put the caller through to {text}",
}


class Refused(Exception):
    """An order that is not passed on; says why, for the operator."""


class LiveConsumer(AsyncWebsocketConsumer):
    """One open live page; it survives whatever happens to the channel layer."""

    # Its own listener joins the layer, again and again where it must.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Accept staff who may read calls."""
        self.channel = ""
        self.waiting: dict[str, asyncio.TimerHandle] = {}  # orders not yet confirmed
        self.outbox: asyncio.Queue[Message] = asyncio.Queue(OUTBOX_LIMIT)
        self.tasks: list[asyncio.Task[None]] = []
        self.wanted: set[str] = set()
        if not await _may_look(self.scope):
            return await self.close()
        await self.accept()
        runtime().operator_controls.start()  # so that at least this process answers
        listener = ChannelListener(VIEWERS, self._take, self._joined)
        work = (listener.run(), self._send_on(), self._ask_on())
        self.tasks = [asyncio.create_task(each) for each in work]

    async def disconnect(self, code: int) -> None:
        """The page is gone."""
        for timer in self.waiting.values():
            timer.cancel()
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=CLOSE_SECONDS)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take a question or an order of the page."""
        match _parsed(text_data):
            case {"want": [*calls]}:
                self._want({_plain(str(call)) for call in calls[:WANTED_LIMIT]})
            case {"do": str(what), "call": str(call), "order": str(order), **rest}:
                text = _plain(str(rest.get("text", "")))
                await self._order(what, _plain(call), _plain(order), text)

    def _call_roll(self) -> None:
        self.wanted.clear()
        self._ask("controls.roll")

    def _want(self, calls: set[str]) -> None:
        left = WANTED_LIMIT - len(self.wanted)
        if new := sorted(calls - self.wanted)[:left]:
            self.wanted.update(new)
            self._ask("controls.whole", calls=new)

    async def _order(self, what: str, call_sid: str, name: str, text: str) -> None:
        """Record an order and pass it on; the page hears what becomes of it."""
        try:
            text = _spoken(text) if what == "say" else text[:NAME_LIMIT]
            await _record(self.scope, what, call_sid, text)
        except Refused as refusal:
            return self._answered(name, str(refusal))
        except db.Error as error:
            log.error("An order could not be recorded: %s", type(error).__name__)
            return self._answered(name, "Not done: the database cannot be reached.")
        order = f"{uuid4().hex} {name}"
        loop = asyncio.get_running_loop()
        self.waiting[order] = loop.call_later(ANSWER_SECONDS, self._missed, order)
        # A call of this process is reached without the layer, which may be away.
        confirmed = partial(self._confirmed, order)
        if not runtime().operator_controls.command(call_sid, what, text, confirmed):
            given = {"what": what, "text": text, "order": order, "given_at": time()}
            self._ask("controls.order", call=call_sid, **given)

    def _missed(self, order: str) -> None:
        del self.waiting[order]
        self._answered(order.partition(" ")[2], NO_ANSWER)

    def _confirmed(self, order: str, refused: str) -> None:
        if timer := self.waiting.pop(order, None):
            timer.cancel()
            self._answered(order.partition(" ")[2], refused)

    def _answered(self, order: str, refused: str) -> None:
        self._put({"order": order, "refused": refused})

    def _joined(self, channel: str) -> None:
        self.channel = channel
        self._call_roll()

    def _ask(self, kind: str, **what: Any) -> None:
        message = {"type": kind, "viewer": self.channel, **what}
        services().broadcaster.tell_servers(message)

    def _take(self, message: Message) -> None:
        """Something for this page came from a server; nothing here may wait."""
        match message:
            case {"type": "live.news", "news": news}:
                if any("hello" in each for each in news):
                    self._call_roll()
                self._put({"news": [each for each in news if "call" in each]})
            case {"type": "live.roll", "server": server, "calls": calls}:
                self._put({"server": server, "calls": calls})
            case {"type": "live.whole", "whole": whole}:
                self._put({"whole": whole})
            case {"type": "live.answer", "order": order, "refused": refused}:
                self._confirmed(order, refused)

    def _put(self, message: Message) -> None:
        if not self.outbox.full():
            self.outbox.put_nowait(message)

    async def _send_on(self) -> None:
        while True:
            await self.send(text_data=json.dumps(await self.outbox.get()))

    async def _ask_on(self) -> None:
        """Keep asking who is there, for as long as the viewer may look.

        Callers who are with a person are in no process, so their rows tell of them.
        """
        allowed = True
        while allowed:
            if self.channel:
                self._call_roll()
            with suppress(db.Error):
                self._put({"away": await transferred_calls()})
            await asyncio.sleep(ROLL_SECONDS)
            with suppress(db.Error):
                allowed = await _may_look(self.scope)
        await self.close(NOT_ALLOWED)


def _parsed(text: str | None) -> object:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _plain(text: str) -> str:
    """A text without what neither a database nor UTF-8 can hold."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _spoken(text: str) -> str:
    """A line as the bot can say it. Raises `Refused`."""
    words = " ".join("".join(c if category(c) != "Cc" else " " for c in text).split())
    if not words:
        raise Refused("Write what the bot is to say.")
    if len(words) > LINE_LIMIT:
        raise Refused(
            f"A line may have {LINE_LIMIT} characters; this has {len(words)}."
        )
    return words


def _account(scope: Any) -> Any:
    """Whose socket it is, as of now; None once logged out, switched off or gone.

    Nor without the code of the second step, where one is asked for.
    """
    session, user_id = scope["session"], scope["user"].pk
    if user_id is None or not session.exists(session.session_key):
        return None
    staff = get_user_model().objects.filter(is_active=True, is_staff=True)
    account = staff.filter(pk=user_id).first()
    if account is None or not has_second_factor(account, session):
        return None
    # With another password since, every session that began before is over.
    known = session.get(HASH_SESSION_KEY, "")
    is_same = constant_time_compare(known, account.get_session_auth_hash())
    return account if is_same else None


@run_in_db_thread
def _may_look(scope: Any) -> bool:
    account = _account(scope)
    return account is not None and account.has_perm("calls.view_call")


@run_in_db_thread
def _record(scope: Any, what: str, call_sid: str, text: str) -> None:
    """Note who orders what. Raises `Refused` where it cannot or may not be done."""
    account, words = _account(scope), ORDERS.get(what)
    if words is None:
        raise Refused(NOT_UNDERSTOOD)
    if account is None or not account.has_perm("calls.change_call"):
        raise Refused("Your account may watch calls, but not act on them.")
    call = Call.objects.open().filter(call_sid=call_sid).first()
    if call is None:
        raise Refused("The call is over.")
    LogEntry.objects.create(
        user=account,
        content_type=ContentType.objects.get(app_label="calls", model="call"),
        object_id=str(call.pk),
        object_repr=str(call),
        action_flag=CHANGE,
        change_message=words.format(text=text or ANYBODY),
    )
