"""One call in progress: carries out what its `Conversation` decides."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from math import ceil
from time import monotonic
from typing import Any, assert_never

from bots.config.bot_config import BotConfig
from bots.config.local_time import minute_of_week
from calls import metrics, models
from calls.background import BackgroundTasks
from calls.conversation.actions import (
    Action,
    CallTool,
    ChangeLanguage,
    CountFallback,
    DropClips,
    HangUp,
    HideKey,
    MuteClips,
    Play,
    SaveTurn,
    SetRecording,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    ClipFetched,
    ClipGrew,
    ClipReady,
    ClipRefused,
    ClipReplaced,
    Event,
    ReplyEnded,
    TimerFired,
)
from calls.live_feed.snapshot import CallSnapshot, Update
from calls.logs import CallLog
from calls.models import Call
from calls.prices.usage import RELAY, Kind, Usage
from calls.recordings.recorder import NOT_RECORDED, Recorder
from calls.session.recording import recorder_of
from calls.session.resume_event import resume_event
from calls.session.services import Services
from calls.session.tool_runner import ToolRunner
from calls.session.turn_metrics import TurnMetrics
from calls.session.variables import variables
from calls.speech.clip_muting import ClipMuter
from calls.speech.speaker import Speaker
from calls.trace.recording import NOT_TRACED, CallTrace
from calls.transcripts.clock import Clock
from calls.transcripts.writes import (
    CallAnswered,
    CallClosed,
    RelayLost,
    TransferStarted,
    TurnWrite,
    UsageCounted,
    VariablesFound,
    Write,
)
from calls.turns.clip import Clip
from calls.turns.recording import RecordingState
from calls.turns.turn import Turn
from calls.twilio import relay
from calls.twilio.relay_errors import ENDS_SESSION, NOT_ABOUT_FRAMES, explain

log = logging.getLogger(__name__)

# How long Twilio may take to close the socket after our `end`.
END_SECONDS = 5.0
# How long a hang-up for a transfer waits until the transfer is in the database.
TRANSFER_FLUSH_SECONDS = 1.0
# How long a second call of `close` or `detach` waits for the first.
STOP_SECONDS = 2.0
# Above the number of updates that one session of a call publishes.
MAX_UPDATES = 1_000_000


class CallSession:
    """Feeds events to the conversation; sends frames and queues writes."""

    trace: CallTrace = NOT_TRACED
    recorder: Recorder = NOT_RECORDED

    def __init__(
        self,
        call: Call,
        services: Services,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[..., Coroutine[Any, Any, None]],
        config: BotConfig,
    ) -> None:
        self.config = config
        self.call = call
        self.services = services
        self.send = send
        self.close_socket = close_socket
        self.log = CallLog(log, call.call_sid)
        self.clock = Clock()
        self.conversation = Conversation(config)
        self.call_snapshot = CallSnapshot(call, self.conversation, self.clock.started)
        self.turn_metrics = TurnMetrics()
        self.streaming = services.call_streaming(call.call_sid)
        self.speaker = Speaker(
            config,
            services.inworld,
            services.clips,
            services.phrases,
            rate=services.speaking_rate(config),
            first_tokens=services.first_tokens[call.bot_id, config.llm_model],
            streaming=self.streaming,
            emit=self.handle,
            queued_seconds=self._queued_seconds,
            log=self.log,
        )
        self.tool_runner = ToolRunner(self.handle, self.log)
        self.timer: asyncio.TimerHandle | None = None
        self.tasks = BackgroundTasks(self.log)
        self.clip_muter = ClipMuter(services.clips, self.log)
        self.stopping = self.over = self.is_transferring = False
        self.is_failed = False  # Twilio ends the session, and asks how to go on
        self.closed = asyncio.Event()
        # Numbers go on after a reconnect: viewers ignore updates with lower ones.
        self.call_snapshot.number = call.reconnects * MAX_UPDATES

    async def start(
        self, setup: relay.Setup, earlier_turns: Sequence[models.Turn] = ()
    ) -> None:
        """Begin once the relay is set up: greet, or resume after `earlier_turns`."""
        # Of a phone call, at Twilio.
        self.streaming.account_sid = "" if self.call.is_test else setup.account_sid
        self._write(CallAnswered(self.call.pk, self.clock.started_at))
        self.recorder = self.make_recorder(setup)
        self.tasks.start(self.services.inworld.preconnect())
        now, config = self.clock.started_at, self.config
        values = variables(self.call, config, setup.parameters, now)
        minute, lookup = minute_of_week(now, config.time_zone), config.lookup_tool
        self.tool_runner.variables = values
        late_after = self.speaker.first_tokens.late_after
        if earlier_turns:
            event: Event = resume_event(
                *(self.call, earlier_turns, self.clock, values, minute),
                late_after,
            )
        else:
            event = CallConnected(values, bool(lookup), minute, late_after)
            if lookup:
                self.tool_runner.look_up(lookup, self._on_lookup)
        await self.handle(event)
        self.turn_metrics.restore(self.conversation.turns)
        self._prepare_sentences()

    def make_recorder(self, setup: relay.Setup) -> Recorder:
        """The recorder of this call."""
        return recorder_of(self.call, setup.account_sid, self.services, self.log)

    async def handle(self, event: relay.RelayEvent) -> None:
        """Pass an event to the conversation and perform the actions it returns."""
        if isinstance(event, relay.RelayError):
            self.log.warning("Twilio rejected a frame, error %s", event.code or "-")
            kind = explain(event.code).kind
            self.is_failed |= kind in ENDS_SESSION
            if event.sound is None or (event.code and kind in NOT_ABOUT_FRAMES):
                return
            event = ClipRefused(event.sound)
        if self.over:
            return
        if not isinstance(event, ClipReady | ClipGrew):
            for growth in self.speaker.growth:  # what can be heard by now
                await self._step(growth)
        await self._step(event)
        if isinstance(event, ReplyEnded):
            self._write_usage()

    async def _step(self, event: Event) -> None:
        now = monotonic()
        self.streaming.on_event(event, now)
        actions = self.conversation.receive(event, now)
        self.trace.step(self.conversation, event, actions, now)
        for action in actions:
            await self._perform(action)
        self._set_timer()
        self.call_snapshot.on_event(event)
        self._publish(self.call_snapshot.state_update)

    def snapshot(self) -> Update:
        """The whole call so far, for viewers."""
        return self.call_snapshot.full(monotonic())

    async def close(self, status: Call.Status, reason: Call.EndReason) -> None:
        """The call is over: stop everything and close its transcript."""
        if await self._stop():
            self._publish(lambda: self.call_snapshot.end_update(reason.label))
            now, session = self.clock.now, self.call.reconnects
            if not self.is_transferring:  # the call goes on, with a person
                self._write(CallClosed(self.call.pk, status, reason, now, session))
            self.closed.set()

    async def detach(self) -> None:
        """The relay is gone, but perhaps not the call: leave it to the next session."""
        if not self.stopping:
            self.recorder.leave()
        if await self._stop():
            now, session = self.clock.now, self.call.reconnects
            if not self.is_transferring:  # no reconnect is expected
                self._write(RelayLost(self.call.pk, now, session))
            self.closed.set()

    async def _stop(self) -> bool:
        """Stop everything. False if another call of this has done so; it has ended."""
        if self.stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closed.wait(), STOP_SECONDS)
            return False
        self.stopping = True
        await self.handle(CallEnded())
        await self.tool_runner.aclose()
        # Stopped replies report once more, with the text that was never heard.
        await self.speaker.aclose()
        self.streaming.end()
        self._write_usage()
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
                self.tasks.start(self._mute(clips))
            case DropClips(clips, queued):
                self.tasks.start(self._drop(clips, queued=queued))
            case SaveTurn(turn):
                self._record(turn)
            case CountFallback(step):
                metrics.FALLBACKS.labels(step).inc()
                self.log.warning("Next step for a late or failed reply: %s", step)
            case CallTool(call_id, tool, arguments):
                self.tool_runner.use(call_id, tool, arguments)
            case ChangeLanguage(language):
                await self._change_language(language)
            case SetRecording(state):
                self.recorder.set_state(state)
            case HideKey():
                self.recorder.hide_key()
            case HangUp(transfer=None):
                await self._hang_up(Call.EndReason(action.reason))
            case HangUp():
                await self._transfer(action)
            case _:
                assert_never(action)

    async def _play(self, clip: Clip, *, interruptible: bool) -> None:
        if not clip.url:
            metrics.TWILIO_TTS_SENTENCES.inc()
            await self.send(relay.text(clip.text, interruptible=interruptible))
            return
        await self.clip_muter.restore(clip)
        is_alone = len(self.conversation.playback.pending()) == 1
        self.streaming.played(clip, monotonic(), was_idle=is_alone)
        self.services.fetches.listen(clip.id, self._fetched)
        await self.send(relay.play(clip.url, interruptible=interruptible))

    async def _mute(self, clips: tuple[Clip, ...]) -> None:
        await self.speaker.finish_cut_clips()
        await self.clip_muter.mute(clips)

    async def _drop(self, clips: tuple[Clip, ...], *, queued: bool) -> None:
        await self.speaker.finish_cut_clips()
        await self.clip_muter.drop(clips, queued=queued)

    async def _hang_up(self, reason: Call.EndReason) -> None:
        """End the relay session, and with it the call."""
        self.call_snapshot.end_reason = reason.label
        status, now = Call.Status.COMPLETED, self.clock.now
        self._write(CallClosed(self.call.pk, status, reason, now, self.call.reconnects))
        await self._end("")

    async def _transfer(self, action: HangUp) -> None:
        """End the relay session; Twilio's action URL then dials the target."""
        assert action.transfer  # noqa: S101  (for the type checker)
        self.is_transferring = True
        self.recorder.set_state(RecordingState.OFF)  # the person has not agreed
        transfer = {
            **action.transfer.to_json(),
            "summary": action.summary,
            "language": self.conversation.config.language,
        }
        self.call_snapshot.on_transfer(transfer)
        self._write(TransferStarted(self.call.pk, transfer, self.call.reconnects))
        # The process that answers Twilio's next request reads it from the database.
        await self.services.transcripts.flush(TRANSFER_FLUSH_SECONDS)
        await self._end(json.dumps({"transfer": True}))

    async def _end(self, handoff: str) -> None:
        await self.send(relay.end(handoff))
        # Twilio closes the socket; if it does not, we do.
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(
            END_SECONDS, lambda: self.tasks.start(self.close_socket())
        )

    async def _change_language(self, language: str) -> None:
        """Switch speech and transcription to another of the bot's languages."""
        config = self.config.in_language(language)
        self.speaker.use_config(config, self.services.speaking_rate(config))
        speech = config.twilio_language
        await self.send(relay.language(speech=speech, transcription=config.language))
        self._prepare_sentences()

    def _prepare_sentences(self) -> None:
        sentences = self.conversation.config.fixed_sentences
        self.tasks.start(self.speaker.prepare(sentences))

    def _on_lookup(self, values: Mapping[str, str]) -> None:
        """Store the values, for a later session of the call."""
        if values:
            # The call's own variables win, and come first: their number is limited.
            own = self.call.variables
            self._write(VariablesFound(self.call.pk, {**own, **values, **own}))

    def _fetched(self, clip_id: str, served: bool) -> None:
        event = ClipFetched(clip_id) if served else ClipReplaced(clip_id)
        self.tasks.start(self.handle(event))

    def _set_timer(self) -> None:
        if self.conversation.is_over:
            return
        if self.timer:
            self.timer.cancel()
        self.timer = None
        if (deadline := self.conversation.next_deadline()) is not None:
            delay = max(deadline - monotonic(), 0)
            loop = asyncio.get_running_loop()
            self.timer = loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self.tasks.start(self.handle(TimerFired()))

    def _queued_seconds(self) -> float:
        return self.conversation.playback.queued_seconds(monotonic())

    def _record(self, turn: Turn) -> None:
        self.turn_metrics.record(turn)
        session = self.call.reconnects
        self._write(TurnWrite(self.call.pk, turn, self.clock.wall_time, session))
        self._publish(lambda: self.call_snapshot.turn_update(turn))

    def _publish(self, make_update: Callable[[], Update | None]) -> None:
        """Send an update to viewers, if there are any. Never fails."""
        if not self.services.broadcaster.is_watched:
            return
        try:
            if update := make_update():
                self.services.broadcaster.tell_viewers(update)
        except Exception:
            self.log.exception("An update for viewers failed")

    def _write_usage(self) -> None:
        """Write what this session of the call has used so far."""
        seconds = (self.clock.now - self.clock.started_at).total_seconds()
        usages = [Usage(Kind.RELAY, quantity=ceil(seconds)), *self.speaker.meter.usages]
        source = f"{RELAY} {self.call.reconnects}"
        self._write(UsageCounted(self.call.call_sid, source, usages))

    def _write(self, write: Write) -> None:
        self.services.transcripts.put(write)
