"""Turns replies into clips the caller can hear: one task per reply, never two.

Reports to the conversation through `emit`; what it reports of a reply that was
stopped meanwhile is recognised there by its number.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
)
from contextlib import aclosing
from dataclasses import dataclass, field
from random import uniform
from time import monotonic

from django.conf import settings

from bots.inworld.client import Inworld, ReplyRequest, Voicing
from bots.inworld.errors import InworldError, RateLimited
from bots.inworld.events import Audio, Served, Text, Usage
from bots.inworld.events import Event as StreamEvent
from bots.inworld.pcm import Pcm
from bots.inworld.segments import Segment, Segmenter
from bots.profile import Profile
from calls.audio import at_rate, pace
from calls.clips import ClipStore, ClipsUnavailable, clip_url, new_clip_id
from calls.events import ClipReady, Event, ReplyEnded
from calls.history import Message
from calls.logs import CallLog
from calls.phrases import Phrases
from calls.playback import Clip, spoken_by_carrier
from calls.wav import wav

# A stream this quiet after sound has ended its segment; nothing else marks an end.
SEGMENT_IDLE_SECONDS = 0.3
# A request refused for its rate is repeated about this much later, in seconds, unless
# the refusal names a time; spread, so that not all calls come back at once.
BACK_OFF = 0.4
# How long the end of a call waits for connections to be let go.
STOP_SECONDS = 1.0

Emit = Callable[[Event], Awaitable[None]]


@dataclass(slots=True)
class Progress:
    """How far one streamed reply has come; `marks` are monotonic seconds by stage."""

    number: int
    log: CallLog
    segmenter: Segmenter = field(default_factory=Segmenter)
    marks: dict[str, float] = field(default_factory=dict)
    buffered: int = 0  # bytes of sound since the last segment
    model: str = ""
    usage: Usage | None = None
    error: str = ""
    retryable: bool = True
    retry_after: float | None = None

    def take(self, event: StreamEvent | None) -> list[Segment]:
        """Take in what the stream brought (None: nothing for a while)."""
        match event:
            case None:
                return self.segmenter.idle()
            case Served(model):
                self.model = model
            case Usage():
                self.usage = event
            case Text():
                self.mark("first_token")
            case Audio(data):
                self.mark("first_audio")
                self.buffered += len(data)
        segments = self.segmenter.feed(event)
        if self.buffered > settings.CLIP_MAX_SECONDS * 96_000:
            segments += self.segmenter.idle()
        if segments:
            self.buffered = 0
        return segments

    def note(self, error: InworldError) -> None:
        """Keep what Inworld could not do, in plain words."""
        # They may quote the caller's, so they stand with the turn only.
        self.log.warning("Reply %d failed upstream: %s", self.number, error.kind)
        self.error = str(error)
        self.retryable = error.retryable
        if isinstance(error, RateLimited):
            self.retry_after = error.retry_after or BACK_OFF * uniform(0.5, 1.5)  # noqa: S311

    def mark(self, stage: str) -> None:
        """Note when a stage was first reached."""
        self.marks.setdefault(stage, monotonic())

    def ended(self) -> ReplyEnded:
        """The report on this reply."""
        return ReplyEnded(
            self.number,
            text=self.segmenter.written.strip(),
            error=self.error,
            retryable=self.retryable,
            retry_after=self.retry_after,
            model=self.model,
            prompt_tokens=self.usage.prompt_tokens if self.usage else None,
            completion_tokens=self.usage.completion_tokens if self.usage else None,
            marks=self.marks,
        )


class Speaker:
    """The voice of one call."""

    def __init__(
        self,
        profile: Profile,
        inworld: Inworld,
        clips: ClipStore,
        phrases: Phrases,
        *,
        emit: Emit,
        queued_seconds: Callable[[], float],
        log: CallLog,
    ) -> None:
        self.profile = profile
        self.inworld = inworld
        self.clips = clips
        self.phrases = phrases
        self.emit = emit
        self.queued_seconds = queued_seconds
        self.log = log
        self.running: dict[int, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def reply(self, number: int, messages: list[Message], model: str = "") -> None:
        """Begin an answer of the bot's model, or of another."""
        self._begin(number, self._answer(number, messages, model))

    def speak(self, number: int, text: str, within: float) -> None:
        """Begin a fixed sentence; after `within` seconds the carrier speaks it."""
        self._begin(number, self._recite(number, text, within))

    async def prepare(self, sentences: Iterable[str]) -> None:
        """Have fixed sentences ready before they are needed."""
        rate = settings.CLIP_SAMPLE_RATE
        await self.phrases.prepare(
            voicing(self.profile, text, rate) for text in sentences if text
        )

    def stop(self, number: int) -> None:
        """Stop a reply. Cancels once: a second time could cost httpx a connection."""
        task = self.running.pop(number, None)
        if task:
            task.cancel()

    async def aclose(self) -> None:
        """Stop everything and wait for the connections to be let go."""
        for number in list(self.running):
            self.stop(number)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=STOP_SECONDS)

    def _begin(self, number: int, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name=f"reply {number}")
        self.running[number] = task
        self.tasks.add(task)
        task.add_done_callback(lambda done: self._done(number, done))

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.running.pop(number, None)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Reply %d broke off", number, exc_info=error)

    async def _recite(self, number: int, text: str, within: float) -> None:
        error, wanted = "", voicing(self.profile, text, settings.CLIP_SAMPLE_RATE)
        try:
            phrase = await self.phrases.get(wanted, within)
            clip = phrase.clip(text)
        except (InworldError, ClipsUnavailable, TimeoutError) as trouble:
            reason = str(trouble) or "it took too long to synthesise"
            self.log.warning("A fixed sentence is left to the carrier: %s", reason)
            error = f"Spoken by the carrier's voice: {reason}"
            clip = spoken_by_carrier(text)
        await self.emit(ClipReady(number, clip))
        await self.emit(ReplyEnded(number, text, error))

    async def _answer(self, number: int, messages: list[Message], model: str) -> None:
        progress = Progress(number, self.log)
        request = reply_request(self.profile, messages, model)
        try:
            try:
                await self._stream(progress, request)
            except InworldError as error:
                progress.note(error)
            # What was voiced before an error can still be heard.
            for segment in progress.segmenter.end():
                await self._publish(progress, segment)
            if not progress.error and progress.segmenter.unvoiced:
                await self._voice(progress, progress.segmenter.unvoiced)
        finally:
            await self.emit(progress.ended())

    async def _stream(self, progress: Progress, request: ReplyRequest) -> None:
        progress.mark("request_sent")
        async with (
            self.inworld.reply(request) as events,
            # Closed before the stream is: its read must not outlive it.
            aclosing(or_quiet(events, SEGMENT_IDLE_SECONDS)) as events_and_pauses,
        ):
            async for event in events_and_pauses:
                for segment in progress.take(event):
                    await self._publish(progress, segment)

    async def _voice(self, progress: Progress, text: str) -> None:
        """Give words that came without sound a voice; at worst the carrier's."""
        wanted = voicing(self.profile, text, settings.CLIP_SAMPLE_RATE)
        try:
            segment = Segment(text, await self.inworld.speak(wanted))
        except InworldError as error:
            progress.note(error)
            await self.emit(ClipReady(progress.number, spoken_by_carrier(text)))
        else:
            await self._publish(progress, segment)

    async def _publish(self, progress: Progress, segment: Segment) -> None:
        clip = await self._store(segment)
        progress.mark("first_clip")
        if clip:
            await self.emit(ClipReady(progress.number, clip))

    async def _store(self, segment: Segment) -> Clip | None:
        """A clip of the segment; without a store, its words in the carrier's voice."""
        pcm: Pcm = at_rate(segment.pcm, settings.CLIP_SAMPLE_RATE)
        text, clip_id = segment.text.strip(), new_clip_id()
        # The time to live counts from when the clip's turn to be played has come.
        lifetime = self.queued_seconds() + pcm.seconds + settings.CLIP_TTL_SECONDS
        try:
            await self.clips.put(clip_id, wav(pcm.data, pcm.sample_rate), lifetime)
        except ClipsUnavailable as error:
            self.log.warning("No clip store, the carrier's voice speaks: %s", error)
            return spoken_by_carrier(text) if text else None
        return Clip(clip_id, clip_url(clip_id), text, pcm.seconds, pace(pcm))


def reply_request(
    profile: Profile, messages: list[Message], model: str = ""
) -> ReplyRequest:
    """What a bot asks the Router for, of its own model unless another is named."""
    return ReplyRequest(
        model=model or profile.llm_model,
        messages=messages,
        voice=profile.tts_voice,
        tts_model=profile.tts_model,
        max_tokens=profile.max_reply_tokens,
        temperature=profile.temperature,
        fallback_models=profile.fallback_models,
    )


def voicing(profile: Profile, text: str, sample_rate: int) -> Voicing:
    """What a bot asks the TTS API for."""
    return Voicing(
        text=text,
        voice=profile.tts_voice,
        model=profile.tts_model,
        language=profile.language,
        sample_rate=sample_rate,
    )


async def or_quiet(
    events: AsyncIterator[StreamEvent], seconds: float
) -> AsyncGenerator[StreamEvent | None]:
    """The events, and None each time none came for `seconds`.

    The read under way is kept across such a pause, not cancelled and begun again.
    """
    read: asyncio.Future[StreamEvent] | None = None
    try:
        while True:
            read = read or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({read}, timeout=seconds)
            if not done:
                yield None
                continue
            try:
                event = read.result()
            except StopAsyncIteration:
                return
            finally:
                read = None
            yield event
    finally:
        if read:
            read.cancel()
            await asyncio.wait({read})
