"""The live page's WebSocket: sends updates of all calls, takes operators' commands."""

import asyncio
import json
import logging
from contextlib import suppress
from functools import partial
from time import time
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.db import Error

from bots.access.numbers import CONTROL, VIEW, scope_with_numbers
from bots.access.scope import scope_of, visible
from bots.config.text import clean, one_line, read_json
from bots.site_settings.current import site_values
from calls.accounts.idle import is_idle, note_activity
from calls.accounts.second_factor import has_second_factor
from calls.background import BackgroundTasks
from calls.console.change_log import log_change
from calls.console.live.masked_updates import Rights, shown
from calls.console.live.transferred import transferred_calls
from calls.db import run_in_db_thread
from calls.live_feed.broadcast import VIEWERS
from calls.live_feed.channel_listener import ChannelListener, Message
from calls.models import Call
from calls.operations.runtime import runtime
from calls.session.operator_controls import ANSWER_SECONDS, LINE_LIMIT, line_id
from calls.session.services import services

log = logging.getLogger(__name__)

NOT_ALLOWED = 4403
# How often a page asks for the list of calls, and checks its permission again.
LIST_SECONDS = 4.0
# Messages kept for a browser that reads slowly; later ones are dropped.
MAX_OUTBOX = 500
# Calls that a page may request in full between two lists, each once. Sending them
# costs the process that runs the calls; the next list shows what is still missing.
MAX_REQUESTED = 200
MAX_TARGET_NAME_LENGTH = 60
FIRST_TARGET = "the first person available"

NO_ANSWER = "The call is over, or its server cannot be reached."
ONLY_WATCH = "Your account may watch this call, but not control it."
NOT_UNDERSTOOD = "That was not understood; reload the page."
LOG_MESSAGES = {
    "end": "Live: asked to end the call",
    "say-now": "Live: asked the bot to say “{text}” now",
    "say-next": "Live: asked the bot to say “{text}” next",
    "transfer": "Live: asked to transfer the caller to {text}",
}


class Refused(Exception):
    """A command that is not passed on; the text tells the operator why."""


class LiveConsumer(AsyncWebsocketConsumer):
    """One open live page. Keeps working if the channel layer fails."""

    # `ChannelListener` joins the layer instead, and again after a failure.
    channel_layer_alias = "none"
    rights = Rights()  # until those of the user have been read

    async def connect(self) -> None:
        """Accept staff who may read calls."""
        self.channel = ""
        self.unconfirmed: dict[str, asyncio.TimerHandle] = {}  # by command id
        self.outbox: asyncio.Queue[Message] = asyncio.Queue(MAX_OUTBOX)
        self.tasks = BackgroundTasks(log)
        self.requested: set[str] = set()
        self.rights = await _rights(self.scope)
        if not self.rights.watch:
            return await self.close()
        await self.accept()
        runtime().operator_controls.start()  # so that this process answers
        listener = ChannelListener(VIEWERS, self._on_message, self._joined)
        for loop in (listener.run(), self._send_outbox(), self._refresh()):
            self.tasks.start(loop)

    async def disconnect(self, code: int) -> None:
        for timer in self.unconfirmed.values():
            timer.cancel()
        await self.tasks.aclose()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Handle a request or a command of the page."""
        match read_json(text_data or ""):
            case {"want": [*calls]}:
                self._request({clean(str(call)) for call in calls[:MAX_REQUESTED]})
            case {"do": str(command), "call": str(call), "command": str(name), **rest}:
                text = clean(str(rest.get("text", "")))
                await self._command(command, clean(call), clean(name), text)

    def _list_calls(self) -> None:
        self.requested.clear()
        self._ask("controls.list")

    def _request(self, calls: set[str]) -> None:
        left = MAX_REQUESTED - len(self.requested)
        if new := sorted(calls - self.requested)[:left]:
            self.requested.update(new)
            self._ask("controls.full", calls=new)

    async def _command(self, command: str, call_sid: str, name: str, text: str) -> None:
        """Record a command and pass it on; the page is told the result as `name`."""
        command_id = f"{uuid4().hex} {name}"
        try:
            is_line = command.startswith("say-")
            text = _spoken(text) if is_line else text[:MAX_TARGET_NAME_LENGTH]
            await _record(self.scope, command, call_sid, text)
        except Refused as refusal:
            return self._answered(command_id, str(refusal))
        except Error as error:
            log.error("A command could not be recorded: %s", type(error).__name__)
            failure = "Not done: the database cannot be reached."
            return self._answered(command_id, failure)
        loop = asyncio.get_running_loop()
        self.unconfirmed[command_id] = loop.call_later(
            ANSWER_SECONDS, self._missed, command_id
        )
        # Calls of this process are reached without the layer, which may have failed.
        confirmed = partial(self._confirmed, command_id)
        if not runtime().operator_controls.command(
            call_sid, command, text, command_id, confirmed
        ):
            self._ask(
                "controls.command",
                call=call_sid,
                what=command,
                text=text,
                command=command_id,
                given_at=time(),
            )

    def _missed(self, command_id: str) -> None:
        del self.unconfirmed[command_id]
        self._answered(command_id, NO_ANSWER)

    def _confirmed(self, command_id: str, refused: str) -> None:
        if timer := self.unconfirmed.pop(command_id, None):
            timer.cancel()
            self._answered(command_id, refused)

    def _answered(self, command_id: str, refused: str) -> None:
        name, line = command_id.partition(" ")[2], line_id(command_id)
        self._put({"command": name, "refused": refused, "line": line})

    def _joined(self, channel: str) -> None:
        self.channel = channel
        self._list_calls()

    def _ask(self, kind: str, **fields: Any) -> None:
        message = {"type": kind, "viewer": self.channel, **fields}
        services().broadcaster.tell_servers(message)

    def _on_message(self, message: Message) -> None:
        """Handle a server's message to this page. Must not block."""
        match message:
            case {"type": "live.updates", "updates": updates}:
                if any("server_online" in update for update in updates):
                    self._list_calls()
                self._put(
                    {"updates": [update for update in updates if "call" in update]}
                )
            case {"type": "live.list", "server": server, "calls": calls, "bots": bots}:
                self._put({"server": server, "calls": calls, "bots": bots})
            case {"type": "live.full", "full": full}:
                self._put({"full": full})
            case {"type": "live.answer", "command": command_id, "refused": refused}:
                self._confirmed(command_id, refused)

    def _put(self, message: Message) -> None:
        if not self.outbox.full():
            self.outbox.put_nowait(message)

    async def _send_outbox(self) -> None:
        # If the page has just been left, `disconnect` comes next.
        with suppress(Disconnected):
            while True:
                message = await self.outbox.get()
                rights = self.rights
                if rights.hide_some:  # in a thread: long texts would hold up the calls
                    message = await asyncio.to_thread(shown, message, rights)
                else:
                    message = shown(message, rights)
                if message:
                    await self.send(text_data=json.dumps(message))

    async def _refresh(self) -> None:
        """Ask for the list of calls regularly, until the user may no longer see it.

        Transferred calls run in no process, so they come from the database.
        """
        while self.rights.watch:
            if self.channel:
                self._list_calls()
            with suppress(Error):
                self._put({"away": await transferred_calls()})
            await asyncio.sleep(LIST_SECONDS)
            with suppress(Error):
                self.rights = await _rights(self.scope)
        await self.close(NOT_ALLOWED)


def _spoken(text: str) -> str:
    """The text as the bot can say it, in one line. Raises `Refused`."""
    line = one_line(text)
    if not line:
        raise Refused("Write what the bot is to say.")
    if len(line) > LINE_LIMIT:
        raise Refused(f"A line may have {LINE_LIMIT} characters; this has {len(line)}.")
    return line


def _account(scope: Any) -> Any:
    """The socket's user, read anew.

    None after a logout, idleness or a changed password, without a required second
    factor, or if the account was deleted or deactivated.
    """
    session = _session(scope)
    if is_idle(session):
        return None
    # Checks the hash, too: a new password ends all earlier sessions.
    request: Any = SimpleNamespace(session=session)
    account: Any = get_user(request)
    is_staff = account.is_active and account.is_staff
    return account if is_staff and has_second_factor(account, session) else None


def _session(scope: Any) -> Any:
    """The socket's session, read anew."""
    session = scope["session"]
    return session.__class__(session.session_key)


@run_in_db_thread
def _rights(scope: Any) -> Rights:
    """The calls that the user may watch and control now."""
    account = _account(scope)
    if account is None:
        return Rights()
    masks = site_values().mask_caller_numbers
    return Rights(
        watch=scope_of(account, VIEW),
        control=scope_of(account, CONTROL),
        numbers=scope_with_numbers(account),
        masks_lists=masks,
    )


@run_in_db_thread
def _record(scope: Any, command: str, call_sid: str, text: str) -> None:
    """Log the command and who gave it. Raises `Refused` if that is not permitted."""
    account, message = _account(scope), LOG_MESSAGES.get(command)
    if message is None:
        raise Refused(NOT_UNDERSTOOD)
    if account is None or not account.has_perm(CONTROL):
        raise Refused(ONLY_WATCH)
    calls = visible(Call.objects.open().filter(call_sid=call_sid), account)
    call = calls.first()
    if call is None:
        raise Refused("The call is over.")
    if not account.has_perm(CONTROL, call):
        raise Refused(ONLY_WATCH)
    log_change(account.pk, call, message.format(text=text or FIRST_TARGET))
    session = _session(scope)
    if note_activity(session):
        session.save()
