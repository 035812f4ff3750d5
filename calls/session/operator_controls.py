"""Messages from other processes to the calls of this one.

They are commands of operators, requests of viewers, and downloads of clips.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import monotonic, time
from uuid import uuid4

from calls.clips.clip_fetches import FetchListeners
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    Event,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
)
from calls.live_feed.broadcast import SERVERS, Broadcaster
from calls.live_feed.channel_listener import ChannelListener, Message
from calls.session.active_calls import ActiveCalls
from calls.session.session import CallSession

log = logging.getLogger(__name__)

# A command older than this is ignored: its sender stops waiting after ANSWER_SECONDS,
# and tells the operator that it was not done.
COMMAND_SECONDS = 2.0
ANSWER_SECONDS = 3.0
# Longest sentence for the bot to say, in characters.
LINE_LIMIT = 500


class OperatorControls:
    """Receives the messages. Calls never wait for it."""

    def __init__(
        self, calls: ActiveCalls, broadcaster: Broadcaster, fetches: FetchListeners
    ) -> None:
        self.sessions = calls.sessions
        self.broadcaster = broadcaster
        self.fetches = fetches
        self.server = uuid4().hex
        self.listener = ChannelListener(SERVERS, self._take, self._announce)
        self.task: asyncio.Task[None] | None = None
        self.commands: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start listening, unless that was done."""
        if self.task is None:
            self.task = asyncio.create_task(self.listener.run(), name="controls")

    async def aclose(self) -> None:
        """Stop listening, after the commands that were received."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task, *self.commands}, timeout=1)

    def command(
        self,
        call_sid: str,
        action: str,
        text: str,
        command_id: str,
        answered: Callable[[str], None],
    ) -> bool:
        """Carry out a command for a call of this process; False if it is not here.

        `answered` gets the reason for a refusal, or an empty string.
        """
        session = self.sessions.get(call_sid)
        if session is None:
            return False
        # A task of its own, because its sender may disconnect before it is done.
        task = asyncio.create_task(
            self._carry_out(session, action, text, command_id, answered)
        )
        self.commands.add(task)
        task.add_done_callback(self.commands.discard)
        return True

    def _answer(self, command: Message, refused: str) -> None:
        answer = {
            "type": "live.answer",
            "command": command["command"],
            "refused": refused,
        }
        self.broadcaster.answer(command["viewer"], answer)

    def _announce(self, channel: str) -> None:
        """Tell viewers that this process is online, so that they ask for its calls."""
        self.broadcaster.tell_viewers({"server_online": self.server})

    def _take(self, message: Message) -> None:
        match message:
            case {"type": "controls.list", "viewer": viewer}:
                self._list_calls(viewer)
            case {"type": "controls.full", "viewer": viewer, "calls": calls}:
                for call_sid in calls:
                    if session := self.sessions.get(call_sid):
                        answer = {"type": "live.full", "full": session.snapshot()}
                        self.broadcaster.answer(viewer, answer)
            case {"type": "controls.fetched", "clip": clip_id, "served": served}:
                self.fetches.notify(clip_id, served=served)
            case {"type": "controls.command", "call": call_sid, "given_at": given_at}:
                if call_sid not in self.sessions:
                    return
                if abs(time() - given_at) > COMMAND_SECONDS:
                    log.warning(
                        "%s: a command is too old, or a clock is wrong", call_sid
                    )
                    return
                answered = partial(self._answer, message)
                what, text, command_id = (
                    message[name] for name in ("what", "text", "command")
                )
                self.command(call_sid, what, text, command_id, answered)

    def _list_calls(self, viewer: str) -> None:
        """Send a viewer the list of calls, each with its latest update's number."""
        if not self.broadcaster.is_watched:
            # Without viewers, updates are not numbered: a new number makes the viewer
            # ask for the whole call.
            for session in self.sessions.values():
                session.call_snapshot.number += 1
        self.broadcaster.renew_viewer()
        calls = {
            call_sid: session.call_snapshot.number
            for call_sid, session in self.sessions.items()
        }
        bots = {
            call_sid: session.call.bot_id for call_sid, session in self.sessions.items()
        }
        answer = {"type": "live.list", "server": self.server, "calls": calls}
        answer["bots"] = bots
        self.broadcaster.answer(viewer, answer)

    async def _carry_out(
        self,
        session: CallSession,
        action: str,
        text: str,
        command_id: str,
        answered: Callable[[str], None],
    ) -> None:
        refused = why_not(session.conversation, action, text)
        if not refused:
            try:
                await session.handle(event_of(action, text, command_id))
            except Exception:
                log.exception("%s: a command failed", session.call.call_sid)
                refused = "The server failed to do that; its log says why."
        answered(refused)


def line_id(command_id: str) -> str:
    """The name under which viewers follow the line of a command."""
    return command_id.partition(" ")[0]


def why_not(conversation: Conversation, action: str, text: str = "") -> str:
    """The reason why a call cannot do that now; empty if it can."""
    if conversation.is_over:
        return "The call is over."
    if action == "end":
        return ""
    if conversation.final_message:
        return "The call is ending already."
    return _why_no_transfer(conversation, text) if action == "transfer" else ""


def _why_no_transfer(conversation: Conversation, name: str) -> str:
    if not conversation.config.transfer_targets:
        return "The call's bot has nobody to transfer callers to."
    if conversation.state.transfer_limit_reached:
        return "Too many transfers of this call failed. No more are tried."
    if conversation.state.available_target(monotonic(), name):
        return ""
    return f"{name} takes no calls now." if name else "Nobody takes calls now."


def event_of(action: str, text: str, command_id: str) -> Event:
    """The conversation's event for a command."""
    match action:
        case "say-now" | "say-next":
            is_now = action == "say-now"
            return OperatorSaid(text[:LINE_LIMIT], is_now, line_id(command_id))
        case "end":
            return OperatorEnded()
        case "transfer":
            return OperatorTransferred(text)
    raise ValueError(f"Unknown command: {action}")
