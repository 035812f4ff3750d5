"""One call in progress: carries out what its `Conversation` decides."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, assert_never

from bots.config.bot_config import Profile
from bots.config.local_time import minute_of_week
from calls import metrics, models
from calls.background import Chores
from calls.conversation.actions import (
    Action,
    ChangeLanguage,
    Discard,
    HangUp,
    Play,
    Record,
    Resort,
    SpeakText,
    StartReply,
    StopReply,
    UseTool,
    Withhold,
)
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    ClipFetched,
    Event,
    TimePassed,
)
from calls.live_feed.snapshot import Glimpse, News
from calls.logs import CallLog
from calls.models import Call
from calls.rules import manners
from calls.session import turn_metrics
from calls.session.active_calls import Switchboard
from calls.session.resumed import resumed
from calls.session.tool_runner import Toolbox
from calls.session.variables import variables
from calls.speech.clip_muting import Shelf
from calls.speech.speaker import Speaker
from calls.transcripts.clock import Clock
from calls.transcripts.writes import (
    CallAnswered,
    CallHandedOver,
    CallLookedUp,
    CallLost,
    CallOver,
    TurnWrite,
    Write,
)
from calls.turns.playback import Clip
from calls.turns.turn import Turn
from calls.twilio import relay

log = logging.getLogger(__name__)

# How long the carrier may take to act on our `end`.
END_SECONDS = 5.0
# How long to whom a caller goes may take to be written.
HAND_OVER_SECONDS = 1.0
# How long a second one who stops a session waits for the first.
STOP_SECONDS = 2.0
# More news than one session of a call has.
NEWS_A_SESSION = 1_000_000


class CallSession:
    """Events in from the socket and the speaker, frames and writes out."""

    def __init__(
        self,
        call: Call,
        board: Switchboard,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[..., Coroutine[Any, Any, None]],
    ) -> None:
        self.profile = profile = Profile.from_json(call.settings)
        self.call = call
        self.board = board
        self.send = send
        self.close_socket = close_socket
        self.log = CallLog(log, call.call_sid)
        self.clock = Clock()
        self.conversation = Conversation(manners(profile))
        self.glimpse = Glimpse(call, profile, self.conversation)
        self.tally = turn_metrics.Tally()
        self.speaker = Speaker(
            profile,
            board.inworld,
            board.clips,
            board.phrases,
            voice=board.voice(profile),
            emit=self.handle,
            queued_seconds=self._queued_seconds,
            log=self.log,
        )
        self.toolbox = Toolbox(self.handle, self.log)
        self.alarm: asyncio.TimerHandle | None = None
        self.chores = Chores(self.log)
        self.shelf = Shelf(board.clips, self.log)
        self.stopping = self.over = self.handed_over = False
        self.closed = asyncio.Event()
        # Viewers must not take what follows for old.
        self.glimpse.number = call.reconnects * NEWS_A_SESSION

    async def connected(
        self, setup: relay.Setup, said: Sequence[models.Turn] = ()
    ) -> None:
        """The relay is ready: greet, or go on after what was said in an earlier one."""
        self._write(CallAnswered(self.call.pk, self.clock.started_at))
        self.board.controls.start()
        self.board.heartbeat.start()
        self.chores.start(self.board.inworld.warm())
        now, profile = self.clock.started_at, self.profile
        known = variables(self.call, profile, setup.parameters, now)
        minute, looks_up = minute_of_week(now, profile.time_zone), profile.lookup
        self.toolbox.known = known
        if said:
            begin: Event = resumed(self.call, said, self.clock, known, minute)
        else:
            begin = CallConnected(known, bool(looks_up), minute)
            if looks_up:
                self.toolbox.look_up(looks_up, self._looked_up)
        await self.handle(begin)
        self.tally.recall(self.conversation.turns)
        standing = self.conversation.manners.standing_sentences
        self.chores.start(self.speaker.prepare(standing))

    async def handle(self, event: Event) -> None:
        """Let the conversation decide on an event and do what it says."""
        if self.over:
            return
        now = monotonic()
        for action in self.conversation.receive(event, now):
            await self._perform(action)
        self._set_alarm()
        self.glimpse.happened(event)
        self._show(self.glimpse.state_news)

    def whole(self) -> News:
        """All that a viewer can see of the call now."""
        return self.glimpse.whole(self.clock.started, monotonic())

    async def close(self, status: Call.Status, reason: Call.EndReason) -> None:
        """The line is gone: stop everything and close the transcript."""
        if await self._stop():
            self._show(lambda: self.glimpse.end_news(reason.label))
            now, session = self.clock.now, self.call.reconnects
            if not self.handed_over:  # the call goes on, with a person
                self._write(CallOver(self.call.pk, status, reason, now, session))
            self.closed.set()

    async def lose(self) -> None:
        """The relay is gone, the call perhaps not: leave it to the next session."""
        if await self._stop():
            now, session = self.clock.now, self.call.reconnects
            if not self.handed_over:  # nobody has to come back here
                self._write(CallLost(self.call.pk, now, session))
            self.closed.set()

    async def _stop(self) -> bool:
        """Stop everything; false where that has been done, and is done by now."""
        if self.stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closed.wait(), STOP_SECONDS)
            return False
        self.stopping = True
        await self.handle(CallEnded())
        await self.toolbox.aclose()
        # Stopped replies report once more, for what was written and never heard.
        await self.speaker.aclose()
        self.over = True
        if self.alarm:
            self.alarm.cancel()
        self.board.fetches.forget(self._fetched)
        return True

    async def _perform(self, action: Action) -> None:  # noqa: C901
        match action:
            case SpeakText():
                self.speaker.speak(action)
            case StartReply():
                self.speaker.reply(action)
            case StopReply(number):
                self.speaker.stop(number)
            case Play(clip, interruptible):
                await self._play(clip, interruptible=interruptible)
            case Withhold(clips):
                self.chores.start(self.shelf.withhold(clips))
            case Discard(clips, queued):
                self.chores.start(self.shelf.discard(clips, queued=queued))
            case Record(turn):
                self._record(turn)
            case Resort(rung):
                metrics.RESORTS.labels(rung).inc()
                self.log.warning("An answer failed, next: %s", rung)
            case UseTool(call_id, tool, arguments):
                self.toolbox.use(call_id, tool, arguments)
            case ChangeLanguage(language):
                await self._change_language(language)
            case HangUp(transfer=None):
                await self._hang_up(Call.EndReason(action.reason))
            case HangUp():
                await self._hand_over(action)
            case _:
                assert_never(action)

    async def _play(self, clip: Clip, *, interruptible: bool) -> None:
        if not clip.url:
            metrics.CARRIER_VOICE.inc()
            await self.send(relay.text(clip.text, interruptible=interruptible))
            return
        await self.shelf.put_back(clip)
        self.board.fetches.expect(clip.id, self._fetched)
        await self.send(relay.play(clip.url, interruptible=interruptible))

    async def _hang_up(self, reason: Call.EndReason) -> None:
        """End the relay session, and with it the call."""
        self.glimpse.reason = reason.label
        status, now = Call.Status.COMPLETED, self.clock.now
        self._write(CallOver(self.call.pk, status, reason, now, self.call.reconnects))
        await self._end("")

    async def _hand_over(self, action: HangUp) -> None:
        """End the relay session; the action URL rings up whom the caller is for."""
        assert action.transfer  # noqa: S101  (for the type checker)
        target, self.handed_over = action.transfer, True
        language = self.conversation.manners.language
        told = {"summary": action.summary, "language": language}
        transfer = {**target.to_json(), **told}
        self.glimpse.put_through(transfer)
        self._write(CallHandedOver(self.call.pk, transfer, self.call.reconnects))
        # Whoever the carrier asks next, in whichever process, reads it in the row.
        await self.board.transcripts.flush(HAND_OVER_SECONDS)
        await self._end(json.dumps({"transfer": True}))

    async def _end(self, handoff: str) -> None:
        await self.send(relay.end(handoff))
        # The carrier closes the socket; if it does not, we do.
        if self.alarm:
            self.alarm.cancel()
        self.alarm = asyncio.get_running_loop().call_later(
            END_SECONDS, lambda: self.chores.start(self.close_socket())
        )

    async def _change_language(self, language: str) -> None:
        """Speak and understand another of the bot's languages."""
        profile = self.profile.speaking(language)
        self.speaker.change(profile, self.board.voice(profile))
        await self.send(relay.language(language))
        standing = self.conversation.manners.standing_sentences
        self.chores.start(self.speaker.prepare(standing))

    def _looked_up(self, values: Mapping[str, str]) -> None:
        """Keep what is known for a session that goes on with the call."""
        if values:
            told = self.call.variables  # wins, and comes first: only so many are kept
            self._write(CallLookedUp(self.call.pk, {**told, **values, **told}))

    def _fetched(self, clip_id: str) -> None:
        self.chores.start(self.handle(ClipFetched(clip_id)))

    def _set_alarm(self) -> None:
        if self.conversation.over:
            return
        if self.alarm:
            self.alarm.cancel()
        self.alarm = None
        if (wakes_at := self.conversation.wakes_at()) is not None:
            delay = max(wakes_at - monotonic(), 0)
            loop = asyncio.get_running_loop()
            self.alarm = loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        self.chores.start(self.handle(TimePassed()))

    def _queued_seconds(self) -> float:
        return self.conversation.playback.queued(monotonic())

    def _record(self, turn: Turn) -> None:
        self.tally.record(turn)
        session = self.call.reconnects
        self._write(TurnWrite(self.call.pk, turn, self.clock.moment, session))
        self._show(lambda: self.glimpse.turn_news(turn, self.clock.started))

    def _show(self, news: Callable[[], News | None]) -> None:
        """Tell viewers, where there are any; the call goes on whatever comes of it."""
        if not self.board.broadcaster.is_watched:
            return
        try:
            if told := news():
                self.board.broadcaster.tell_viewers(told)
        except Exception:
            self.log.exception("Viewers could not be told")

    def _write(self, write: Write) -> None:
        self.board.transcripts.put(write)
