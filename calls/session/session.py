"""One call in progress: carries out what its `Conversation` decides."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, assert_never

from bots.config.local_time import minute_of_week
from bots.config_builder import config_from_json
from calls import metrics, models
from calls.background import BackgroundTasks
from calls.conversation.actions import (
    Action,
    CallTool,
    ChangeLanguage,
    CountFallback,
    DropClips,
    HangUp,
    MuteClips,
    Play,
    SaveTurn,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    ClipFetched,
    Event,
    TimerFired,
)
from calls.live_feed.snapshot import CallSnapshot, Update
from calls.logs import CallLog
from calls.models import Call
from calls.session import turn_metrics
from calls.session.resumed import resumed
from calls.session.services import Services
from calls.session.tool_runner import ToolRunner
from calls.session.variables import variables
from calls.speech.clip_muting import ClipMuter
from calls.speech.speaker import Speaker
from calls.transcripts.clock import Clock
from calls.transcripts.writes import (
    CallAnswered,
    CallClosed,
    RelayLost,
    TransferStarted,
    TurnWrite,
    VariablesFound,
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
MAX_UPDATES = 1_000_000


class CallSession:
    """Events in from the socket and the speaker, frames and writes out."""

    def __init__(
        self,
        call: Call,
        services: Services,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[..., Coroutine[Any, Any, None]],
    ) -> None:
        self.profile = profile = config_from_json(call.settings)
        self.call = call
        self.services = services
        self.send = send
        self.close_socket = close_socket
        self.log = CallLog(log, call.call_sid)
        self.clock = Clock()
        self.conversation = Conversation(profile)
        self.glimpse = CallSnapshot(call, profile, self.conversation)
        self.tally = turn_metrics.TurnMetrics()
        self.speaker = Speaker(
            profile,
            services.inworld,
            services.clips,
            services.phrases,
            voice=services.speaking_rate(profile),
            emit=self.handle,
            queued_seconds=self._queued_seconds,
            log=self.log,
        )
        self.toolbox = ToolRunner(self.handle, self.log)
        self.timer: asyncio.TimerHandle | None = None
        self.tasks = BackgroundTasks(self.log)
        self.clip_muter = ClipMuter(services.clips, self.log)
        self.stopping = self.over = self.handed_over = False
        self.closed = asyncio.Event()
        # Viewers must not take what follows for old.
        self.glimpse.number = call.reconnects * MAX_UPDATES

    async def start(self, setup: relay.Setup, said: Sequence[models.Turn] = ()) -> None:
        """The relay is ready: greet, or go on after what was said in an earlier one."""
        self._write(CallAnswered(self.call.pk, self.clock.started_at))
        self.tasks.start(self.services.inworld.preconnect())
        now, profile = self.clock.started_at, self.profile
        known = variables(self.call, profile, setup.parameters, now)
        minute, looks_up = minute_of_week(now, profile.time_zone), profile.lookup_tool
        self.toolbox.variables = known
        if said:
            begin: Event = resumed(self.call, said, self.clock, known, minute)
        else:
            begin = CallConnected(known, bool(looks_up), minute)
            if looks_up:
                self.toolbox.look_up(looks_up, self._looked_up)
        await self.handle(begin)
        self.tally.recall(self.conversation.turns)
        standing = self.conversation.config.fixed_sentences
        self.tasks.start(self.speaker.prepare(standing))

    async def handle(self, event: relay.RelayEvent) -> None:
        """Let the conversation decide on an event and do what it says."""
        if isinstance(event, relay.RelayError):
            self.log.warning("Twilio rejected a frame, error %s", event.code or "-")
            return
        if self.over:
            return
        now = monotonic()
        for action in self.conversation.receive(event, now):
            await self._perform(action)
        self._set_alarm()
        self.glimpse.on_event(event)
        self._publish(self.glimpse.state_news)

    def snapshot(self) -> Update:
        """All that a viewer can see of the call now."""
        return self.glimpse.full(self.clock.started, monotonic())

    async def close(self, status: Call.Status, reason: Call.EndReason) -> None:
        """The line is gone: stop everything and close the transcript."""
        if await self._stop():
            self._publish(lambda: self.glimpse.end_news(reason.label))
            now, session = self.clock.now, self.call.reconnects
            if not self.handed_over:  # the call goes on, with a person
                self._write(CallClosed(self.call.pk, status, reason, now, session))
            self.closed.set()

    async def detach(self) -> None:
        """The relay is gone, the call perhaps not: leave it to the next session."""
        if await self._stop():
            now, session = self.clock.now, self.call.reconnects
            if not self.handed_over:  # nobody has to come back here
                self._write(RelayLost(self.call.pk, now, session))
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
        if self.timer:
            self.timer.cancel()
        self.services.fetches.remove(self._fetched)
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
            case MuteClips(clips):
                self.tasks.start(self.clip_muter.mute(clips))
            case DropClips(clips, queued):
                self.tasks.start(self.clip_muter.drop(clips, queued=queued))
            case SaveTurn(turn):
                self._record(turn)
            case CountFallback(step):
                metrics.FALLBACKS.labels(step).inc()
                self.log.warning("An answer failed, next: %s", step)
            case CallTool(call_id, tool, arguments):
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
            metrics.TWILIO_TTS_SENTENCES.inc()
            await self.send(relay.text(clip.text, interruptible=interruptible))
            return
        await self.clip_muter.restore(clip)
        self.services.fetches.listen(clip.id, self._fetched)
        await self.send(relay.play(clip.url, interruptible=interruptible))

    async def _hang_up(self, reason: Call.EndReason) -> None:
        """End the relay session, and with it the call."""
        self.glimpse.reason = reason.label
        status, now = Call.Status.COMPLETED, self.clock.now
        self._write(CallClosed(self.call.pk, status, reason, now, self.call.reconnects))
        await self._end("")

    async def _hand_over(self, action: HangUp) -> None:
        """End the relay session; the action URL rings up whom the caller is for."""
        assert action.transfer  # noqa: S101  (for the type checker)
        target, self.handed_over = action.transfer, True
        language = self.conversation.config.language
        told = {"summary": action.summary, "language": language}
        transfer = {**target.to_json(), **told}
        self.glimpse.put_through(transfer)
        self._write(TransferStarted(self.call.pk, transfer, self.call.reconnects))
        # Whoever the carrier asks next, in whichever process, reads it in the row.
        await self.services.transcripts.flush(HAND_OVER_SECONDS)
        await self._end(json.dumps({"transfer": True}))

    async def _end(self, handoff: str) -> None:
        await self.send(relay.end(handoff))
        # The carrier closes the socket; if it does not, we do.
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(
            END_SECONDS, lambda: self.tasks.start(self.close_socket())
        )

    async def _change_language(self, language: str) -> None:
        """Speak and understand another of the bot's languages."""
        profile = self.profile.in_language(language)
        self.speaker.use_config(profile, self.services.speaking_rate(profile))
        await self.send(relay.language(language))
        standing = self.conversation.config.fixed_sentences
        self.tasks.start(self.speaker.prepare(standing))

    def _looked_up(self, values: Mapping[str, str]) -> None:
        """Keep what is known for a session that goes on with the call."""
        if values:
            told = self.call.variables  # wins, and comes first: only so many are kept
            self._write(VariablesFound(self.call.pk, {**told, **values, **told}))

    def _fetched(self, clip_id: str) -> None:
        self.tasks.start(self.handle(ClipFetched(clip_id)))

    def _set_alarm(self) -> None:
        if self.conversation.is_over:
            return
        if self.timer:
            self.timer.cancel()
        self.timer = None
        if (wakes_at := self.conversation.next_deadline()) is not None:
            delay = max(wakes_at - monotonic(), 0)
            loop = asyncio.get_running_loop()
            self.timer = loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self.tasks.start(self.handle(TimerFired()))

    def _queued_seconds(self) -> float:
        return self.conversation.playback.queued_seconds(monotonic())

    def _record(self, turn: Turn) -> None:
        self.tally.record(turn)
        session = self.call.reconnects
        self._write(TurnWrite(self.call.pk, turn, self.clock.wall_time, session))
        self._publish(lambda: self.glimpse.turn_update(turn, self.clock.started))

    def _publish(self, news: Callable[[], Update | None]) -> None:
        """Tell viewers, where there are any; the call goes on whatever comes of it."""
        if not self.services.broadcaster.is_watched:
            return
        try:
            if told := news():
                self.services.broadcaster.tell_viewers(told)
        except Exception:
            self.log.exception("Viewers could not be told")

    def _write(self, write: Write) -> None:
        self.services.transcripts.put(write)
