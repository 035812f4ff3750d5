"""What operators tell the calls of this process, and who watches them."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import monotonic, time
from uuid import uuid4

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

# How long an order may be on its way (s), and how long whoever gave it waits for word.
# One that comes later was given up: its operator is told that it was not done.
ORDER_SECONDS = 2.0
ANSWER_SECONDS = 3.0
# How long a line for the bot to say may be, in characters.
LINE_LIMIT = 500


class OperatorControls:
    """The process's ear for viewers and operators; calls never wait for it."""

    def __init__(self, calls: ActiveCalls, broadcaster: Broadcaster) -> None:
        self.sessions = calls.sessions
        self.broadcaster = broadcaster
        self.server = uuid4().hex
        self.listener = ChannelListener(SERVERS, self._take, self._announce)
        self.task: asyncio.Task[None] | None = None
        self.orders: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen, where nobody has begun yet."""
        if self.task is None:
            self.task = asyncio.create_task(self.listener.run(), name="controls")

    async def aclose(self) -> None:
        """Stop listening; orders that were given are carried out."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task, *self.orders}, timeout=1)

    def command(
        self, call_sid: str, what: str, text: str, answered: Callable[[str], None]
    ) -> bool:
        """Take an order for a call of this process; False when it is elsewhere.

        `answered` is told why it was refused, or nothing when it was carried out.
        """
        session = self.sessions.get(call_sid)
        if session is None:
            return False
        # A task of ours: whoever gave the order may be gone before it is done.
        task = asyncio.create_task(self._carry_out(session, what, text, answered))
        self.orders.add(task)
        task.add_done_callback(self.orders.discard)
        return True

    def _answer(self, order: Message, refused: str) -> None:
        answer = {"type": "live.answer", "order": order["order"], "refused": refused}
        self.broadcaster.answer(order["viewer"], answer)

    def _announce(self, channel: str) -> None:
        """Viewers ask at once who is there."""
        self.broadcaster.tell_viewers({"hello": self.server})

    def _take(self, message: Message) -> None:
        match message:
            case {"type": "controls.roll", "viewer": viewer}:
                self._list_calls(viewer)
            case {"type": "controls.whole", "viewer": viewer, "calls": calls}:
                for call_sid in calls:
                    if session := self.sessions.get(call_sid):
                        whole = {"type": "live.whole", "whole": session.snapshot()}
                        self.broadcaster.answer(viewer, whole)
            case {"type": "controls.order", "call": call_sid, "given_at": given_at}:
                if call_sid not in self.sessions:
                    return
                if abs(time() - given_at) > ORDER_SECONDS:
                    words = "%s: an order came too late, or by a clock that is wrong"
                    log.warning(words, call_sid)
                    return
                answered = partial(self._answer, message)
                self.command(call_sid, message["what"], message["text"], answered)

    def _list_calls(self, viewer: str) -> None:
        """Tell a viewer which calls are here, and how much there is to know of each."""
        if not self.broadcaster.is_watched:
            # What happened meanwhile was told to nobody: there is something to ask for.
            for session in self.sessions.values():
                session.glimpse.number += 1
        self.broadcaster.renew_viewer()
        calls = {sid: call.glimpse.number for sid, call in self.sessions.items()}
        roll = {"type": "live.roll", "server": self.server, "calls": calls}
        self.broadcaster.answer(viewer, roll)

    async def _carry_out(
        self,
        session: CallSession,
        what: str,
        text: str,
        answered: Callable[[str], None],
    ) -> None:
        refused = why_not(session.conversation, what, text)
        if not refused:
            try:
                await session.handle(event_of(what, text))
            except Exception:
                log.exception("%s: an order failed", session.call.call_sid)
                refused = "The server failed to do that; its log says why."
        answered(refused)


def why_not(talk: Conversation, what: str, text: str = "") -> str:
    """Why a call cannot do that now; empty when it can."""
    if talk.is_over:
        return "The call is over."
    if what == "end":
        return ""
    if talk.final_message:
        return "The call is ending already."
    return _not_put_through(talk, text) if what == "transfer" else ""


def _not_put_through(talk: Conversation, name: str) -> str:
    if not talk.config.transfer_targets:
        return "The call's bot has no transfer number, nor other people."
    if talk.state.transfer_limit_reached:
        return "So many people did not take this call that nobody more is rung up."
    if talk.state.available_target(monotonic(), name):
        return ""
    return "Nobody of that name takes calls now." if name else "Nobody takes calls now."


def event_of(what: str, text: str) -> Event:
    """An order as the conversation takes it."""
    match what:
        case "say":
            return OperatorSaid(text[:LINE_LIMIT])
        case "end":
            return OperatorEnded()
        case "transfer":
            return OperatorTransferred(text)
    raise ValueError(f"No such order: {what}")
