"""One call in progress: carries out what its `Conversation` decides."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, assert_never

from django.conf import settings
from django.utils import timezone

from bots.choices import Interruptible
from bots.profile import Profile
from calls import relay
from calls.actions import (
    Action,
    Discard,
    HangUp,
    Play,
    Record,
    Resort,
    SpeakText,
    StartReply,
    StopReply,
    Withhold,
)
from calls.audio import clip_file, silence
from calls.clips import ClipsUnavailable
from calls.conversation import Conversation
from calls.events import CallConnected, CallEnded, ClipFetched, Event, TimePassed
from calls.logs import CallLog
from calls.manners import Manners, backchannels
from calls.models import Call
from calls.playback import Clip
from calls.speaker import Speaker
from calls.switchboard import Switchboard
from calls.transcripts import CallAnswered, CallOver, TurnWrite

log = logging.getLogger(__name__)

# Played in place of a clip that must not be heard but is still in the queue.
HUSH_SECONDS = 0.05
# How long the carrier may take to act on our `end`.
END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """The call's monotonic clock and the wall time it stands for."""

    started: float = field(default_factory=monotonic)
    started_at: datetime = field(default_factory=timezone.now)

    def moment(self, at: float) -> datetime:
        """The wall time of a monotonic moment."""
        return self.started_at + timedelta(seconds=at - self.started)


class CallSession:
    """Events in from the socket and the speaker, frames and writes out."""

    def __init__(
        self,
        call: Call,
        board: Switchboard,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        profile = Profile.from_json(call.settings)
        self.call = call
        self.board = board
        self.send = send
        self.close_socket = close_socket
        self.log = CallLog(log, call.call_sid)
        self.clock = Clock()
        self.conversation = Conversation(manners(profile))
        self.speaker = Speaker(
            profile,
            board.inworld,
            board.clips,
            board.phrases,
            voice=board.voices[profile.tts_voice, profile.tts_model],
            emit=self.handle,
            queued_seconds=self._queued_seconds,
            log=self.log,
        )
        self.alarm: asyncio.TimerHandle | None = None
        self.chores: set[asyncio.Task[None]] = set()
        self.withheld: dict[str, bytes] = {}  # clips by id, silence in their place
        self.over = False
        self.closed = asyncio.Event()

    async def connected(self) -> None:
        """The relay is ready: greet, and have a connection to Inworld ready, too."""
        self._write(CallAnswered(self.call.pk, timezone.now()))
        self._chore(self.board.inworld.warm())
        await self.handle(CallConnected())
        standing = self.conversation.manners.standing_sentences
        self._chore(self.speaker.prepare(standing))

    async def handle(self, event: Event) -> None:
        """Let the conversation decide on an event and do what it says."""
        if self.over:
            return
        now = monotonic()
        for action in self.conversation.receive(event, now):
            await self._perform(action)
        self._set_alarm()

    async def close(self, status: Call.Status, reason: Call.EndReason) -> None:
        """The line is gone: stop everything and close the transcript."""
        if self.over:
            return
        await self.handle(CallEnded())
        # Stopped replies report once more, for what was written and never heard.
        await self.speaker.aclose()
        self.over = True
        if self.alarm:
            self.alarm.cancel()
        self.board.fetches.forget(self._fetched)
        self._write(CallOver(self.call.pk, status, reason, timezone.now()))
        self.closed.set()

    async def _perform(self, action: Action) -> None:
        match action:
            case SpeakText(number, text, within):
                self.speaker.speak(number, text, within)
            case StartReply(number, messages, model):
                self.speaker.reply(number, messages, model)
            case StopReply(number):
                self.speaker.stop(number)
            case Play(clip, interruptible):
                await self._play(clip, interruptible=interruptible)
            case Withhold(clips):
                self._chore(self._withhold(clips))
            case Discard(clips, queued):
                self._chore(self._discard(clips, queued=queued))
            case Record(turn):
                self._write(TurnWrite(self.call.pk, turn, self.clock.moment))
            case Resort(rung):
                self.log.warning("An answer failed, next: %s", rung)
            case HangUp(reason, transfer):
                await self._hang_up(Call.EndReason(reason), transfer=transfer)
            case _:
                assert_never(action)

    async def _play(self, clip: Clip, *, interruptible: bool) -> None:
        if not clip.url:
            await self.send(relay.text(clip.text, interruptible=interruptible))
            return
        if body := self.withheld.pop(clip.id, b""):
            with suppress(ClipsUnavailable):
                await self.board.clips.put(clip.id, body, settings.CLIP_TTL_SECONDS)
        self.board.fetches.expect(clip.id, self._fetched)
        await self.send(relay.play(clip.url, interruptible=interruptible))

    async def _hang_up(self, reason: Call.EndReason, *, transfer: bool) -> None:
        """End the relay session; the action URL says what becomes of the call."""
        self._write(
            CallOver(self.call.pk, Call.Status.COMPLETED, reason, timezone.now())
        )
        handoff = json.dumps({"transfer": True}) if transfer else ""
        await self.send(relay.end(handoff))
        # The carrier closes the socket; if it does not, we do.
        if self.alarm:
            self.alarm.cancel()
        self.alarm = asyncio.get_running_loop().call_later(
            END_SECONDS, lambda: self._chore(self.close_socket())
        )

    async def _withhold(self, clips: tuple[Clip, ...]) -> None:
        """Put silence in the place of clips, and keep them here."""
        store, hush = self.board.clips, _hush()
        for clip in clips:
            if clip.shared or not clip.url:
                continue
            with suppress(ClipsUnavailable):
                self.withheld[clip.id] = await store.get(clip.id) or b""
                await store.put(clip.id, hush, settings.CLIP_TTL_SECONDS)

    async def _discard(self, clips: tuple[Clip, ...], *, queued: bool) -> None:
        store = self.board.clips
        ids = [clip.id for clip in clips if clip.url and not clip.shared]
        # In the place of these there is silence already, and something may come for it.
        ids = [clip_id for clip_id in ids if self.withheld.pop(clip_id, None) is None]
        try:
            if not queued:
                await store.drop(ids)
                return
            for clip_id in ids:
                await store.put(clip_id, _hush(), settings.CLIP_TTL_SECONDS)
        except ClipsUnavailable as error:
            self.log.warning("Clips of a dropped reply could not be removed: %s", error)

    def _fetched(self, clip_id: str) -> None:
        self._chore(self.handle(ClipFetched(clip_id)))

    def _set_alarm(self) -> None:
        if self.conversation.over:
            return
        if self.alarm:
            self.alarm.cancel()
        self.alarm = None
        wakes_at = self.conversation.wakes_at()
        if wakes_at is not None:
            delay = max(wakes_at - monotonic(), 0)
            loop = asyncio.get_running_loop()
            self.alarm = loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        self._chore(self.handle(TimePassed()))

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the call, without letting go of it."""
        task = asyncio.create_task(work)
        self.chores.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: asyncio.Task[None]) -> None:
        self.chores.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Something beside the call failed", exc_info=error)

    def _queued_seconds(self) -> float:
        ends_at = self.conversation.playback.ends_at()
        return 0.0 if ends_at is None else max(ends_at - monotonic(), 0.0)

    def _write(self, write: CallAnswered | TurnWrite | CallOver) -> None:
        self.board.transcripts.put(write)


def _hush() -> bytes:
    """A clip nobody hears."""
    return clip_file(silence(HUSH_SECONDS, settings.CLIP_SAMPLE_RATE))


def manners(profile: Profile) -> Manners:
    """What of a bot's settings shapes the conversation."""
    return Manners(
        system_prompt=profile.system_prompt,
        greeting=profile.greeting,
        speech_interrupts=profile.interruptible
        in (Interruptible.SPEECH, Interruptible.ANY),
        keys_interrupt=profile.interruptible in (Interruptible.DTMF, Interruptible.ANY),
        fallback_models=profile.fallback_models,
        backchannels=backchannels(profile.backchannels),
        mask_keys=profile.mask_keys,
        silence_seconds=profile.silence_seconds,
        silence_prompts=profile.silence_prompts,
        silence_question=profile.silence_question,
        max_call_seconds=profile.max_call_minutes * 60,
        time_warning=profile.time_warning,
        goodbye=profile.goodbye,
        apology=profile.apology,
        can_transfer=bool(profile.transfer_number),
        transfer_notice=profile.transfer_notice,
    )
