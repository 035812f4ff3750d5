"""Turns replies into clips the caller can hear: one task per reply, never two.

Reports to the conversation through `emit`; what it reports of a reply that was
stopped meanwhile is recognised there by its number.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
)

from django.conf import settings

from bots.audio.pcm import Pcm
from bots.config.bot_config import BotConfig
from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import InworldError
from bots.inworld.segments import Segment
from calls import metrics
from calls.conversation.actions import SpeakText, StartReply
from calls.conversation.events import ClipReady, Event, ReplyEnded
from calls.logs import CallLog
from calls.speech.audio import at_rate, clip_file
from calls.speech.clip_store import ClipStore, ClipsUnavailable, clip_url, new_clip_id
from calls.speech.inworld_requests import reply_request, voicing
from calls.speech.levels import analyse
from calls.speech.phrase_cache import PhraseCache
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import POLL_SECONDS, SpeakingRate
from calls.turns.playback import Clip, twilio_tts_clip

# How long the end of a call waits for connections to be let go.
STOP_SECONDS = 1.0

Emit = Callable[[Event], Awaitable[None]]


class Speaker:
    """The voice of one call."""

    def __init__(
        self,
        profile: BotConfig,
        inworld: Inworld,
        clips: ClipStore,
        phrases: PhraseCache,
        *,
        voice: SpeakingRate,
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
        self.rate = voice
        self.running: dict[int, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def reply(self, start: StartReply) -> None:
        """Begin an answer of the bot's model, or of another."""
        self._begin(start.reply, self._answer(start))

    def speak(self, spoken: SpeakText) -> None:
        """Begin a sentence; when it takes too long the carrier speaks it."""
        self._begin(spoken.reply, self._speak_text(spoken))

    def use_config(self, profile: BotConfig, voice: SpeakingRate) -> None:
        """Speak as another profile says from now on, at that voice's pace."""
        self.profile, self.rate = profile, voice

    async def prepare(self, sentences: Iterable[str]) -> None:
        """Have fixed sentences ready before they are needed."""
        await self.phrases.prepare(self._voicing(text) for text in sentences if text)

    def stop(self, number: int) -> None:
        """Stop a reply. Cancels once: its end must not be cut short itself."""
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
        task = self.running[number] = self._spawn(work)
        task.add_done_callback(lambda done: self._done(number, done))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a part of a reply; held on to, because the loop alone would not."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        self.running.pop(number, None)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Reply %d broke off", number, exc_info=error)

    async def _speak_text(self, spoken: SpeakText) -> None:
        number, text, error = spoken.reply, spoken.text, ""
        try:
            clip = await self._fixed_sentence(spoken)
        except (InworldError, ClipsUnavailable, TimeoutError) as trouble:
            if isinstance(trouble, InworldError):
                metrics.count_error(trouble)
            # Its words may quote the sentence, so they stand with the turn only.
            name = type(trouble).__name__
            self.log.warning("A fixed sentence is left to the carrier: %s", name)
            reason = str(trouble) or "it took too long to synthesise"
            error = f"Spoken by the carrier's voice: {reason}"
            clip = twilio_tts_clip(text)
        except Exception:
            # Whatever it is, the caller must not wait for it in silence.
            self.log.exception("A fixed sentence could not be voiced")
            clip = twilio_tts_clip(text)
        await self.emit(ClipReady(number, clip))
        await self.emit(ReplyEnded(number, text, error))

    async def _fixed_sentence(self, spoken: SpeakText) -> Clip:
        """A sentence's clip: kept for other calls, or for this one and moment only."""
        voicing = self._voicing(spoken.text)
        if spoken.is_cacheable:
            return (await self.phrases.get(voicing, spoken.timeout)).clip(spoken.text)
        speech = self.inworld.speak(voicing)
        pcm = await asyncio.wait_for(speech, spoken.timeout)
        clip = await self._store(Segment(spoken.text, pcm))
        return clip or twilio_tts_clip(spoken.text)

    async def _answer(self, start: StartReply) -> None:
        number, quick = start.reply, self.profile.early_first_clause
        progress = ReplyStream(number, self.log, self.rate, quick)
        ready: asyncio.Queue[Segment | None] = asyncio.Queue()
        publishing = self._spawn(self._publish_all(progress, ready))
        try:
            await self._stream(progress, start, ready)
            ready.put_nowait(None)
            await publishing
            if not progress.error and (text := progress.text_without_audio):
                await self._synthesise(progress, text)
        finally:
            publishing.cancel()
            await self.emit(progress.ended())

    async def _stream(
        self,
        progress: ReplyStream,
        start: StartReply,
        ready: asyncio.Queue[Segment | None],
    ) -> None:
        """Read a reply; what of it is ready to be heard goes on the queue."""
        watching = self._spawn(_poll(progress, ready))
        progress.record_stage("request_sent")
        try:
            request = reply_request(self.profile, start)
            async with self.inworld.reply(request) as events:
                async for event in events:
                    for segment in progress.feed(event):
                        ready.put_nowait(segment)
        except InworldError as error:
            progress.fail(error)
        finally:
            watching.cancel()
        # What was voiced before an error can still be heard.
        for segment in progress.segmenter.end():
            ready.put_nowait(segment)

    def _voicing(self, text: str) -> SpeechRequest:
        return voicing(self.profile, text, settings.CLIP_SAMPLE_RATE)

    async def _publish_all(
        self, progress: ReplyStream, ready: asyncio.Queue[Segment | None]
    ) -> None:
        while segment := await ready.get():
            await self._publish(progress, segment)

    async def _synthesise(self, progress: ReplyStream, text: str) -> None:
        """Give words that came without sound a voice; at worst the carrier's."""
        try:
            segment = Segment(text, await self.inworld.speak(self._voicing(text)))
        except InworldError as error:
            progress.fail(error)
            await self.emit(ClipReady(progress.number, twilio_tts_clip(text)))
        else:
            await self._publish(progress, segment)

    async def _publish(self, progress: ReplyStream, segment: Segment) -> None:
        if progress.is_silence(segment):
            return
        clip = await self._store(segment)
        progress.record_stage("first_clip")
        if clip:
            await self.emit(ClipReady(progress.number, clip))

    async def _store(self, segment: Segment) -> Clip | None:
        """A clip of the segment; without a store, its words in the carrier's voice."""
        pcm: Pcm = at_rate(segment.pcm, settings.CLIP_SAMPLE_RATE)
        text, clip_id = segment.text.strip(), new_clip_id()
        # The time to live counts from when the clip's turn to be played has come.
        lifetime = self.queued_seconds() + pcm.seconds + settings.CLIP_TTL_SECONDS
        try:
            await self.clips.put(clip_id, clip_file(pcm), lifetime)
        except ClipsUnavailable as error:
            self.log.warning("No clip store, the carrier's voice speaks: %s", error)
            return twilio_tts_clip(text) if text else None
        frames = analyse(pcm).speech_frames
        return Clip(clip_id, clip_url(clip_id), text, pcm.seconds, frames)


async def _poll(progress: ReplyStream, ready: asyncio.Queue[Segment | None]) -> None:
    """Look at a stream in its pauses, for segments that are complete by their sound."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        for segment in progress.poll():
            ready.put_nowait(segment)
