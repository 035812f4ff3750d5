"""Turns replies into clips that the caller can hear: one task per reply.

Reports to the conversation through `emit`. The conversation recognises reports on a
reply that was stopped meanwhile by the reply's number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace

from django.conf import settings

from bots.audio.pcm import Pcm
from bots.audio.wav import wav
from bots.config.bot_config import BotConfig
from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import InworldError
from bots.inworld.events import Audio
from bots.inworld.segment_policy import SegmentState
from bots.inworld.segments import Segment
from calls import metrics
from calls.clips.call_streaming import CallStreaming
from calls.clips.clip_bodies import BodyLost
from calls.clips.clip_store import ClipStore, ClipsUnavailable, clip_url
from calls.clips.signed_ids import new_clip_id
from calls.conversation.actions import SpeakText, StartReply
from calls.conversation.events import (
    ClipGrew,
    ClipReady,
    Event,
    FirstToken,
    ReplyEnded,
)
from calls.logs import CallLog
from calls.prices.usage import Meter
from calls.speech.audio import at_telephone_rate
from calls.speech.early_clip import EarlyClip
from calls.speech.first_tokens import FirstTokens
from calls.speech.growing_clip import BegunClip, GrowingClip
from calls.speech.inworld_requests import (
    reply_request,
    speech_request,
    speech_requests,
)
from calls.speech.levels import Levels, analyse
from calls.speech.phrase_cache import PhraseCache
from calls.speech.quiet_timer import QuietTimer
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import SpeakingRate
from calls.speech.segment_queue import SegmentQueue
from calls.speech.speech_text import speech_parts
from calls.turns.clip import Clip, twilio_tts_clip
from calls.turns.clip_ids import REPORTED_SUFFIX
from calls.turns.pace import Pace

# How long the end of a call waits for connections to close.
STOP_SECONDS = 1.0
# A second request for an answer must not take a slot from another caller's first one.
NO_SLOT = "INWORLD_MAX_CONCURRENCY leaves no slot for a second model."

Emit = Callable[[Event], Awaitable[None]]


class Speaker:
    """The voice of one call."""

    def __init__(
        self,
        config: BotConfig,
        inworld: Inworld,
        clips: ClipStore,
        phrases: PhraseCache,
        *,
        rate: SpeakingRate,
        first_tokens: FirstTokens,
        streaming: CallStreaming,
        emit: Emit,
        queued_seconds: Callable[[], float],
        log: CallLog,
    ) -> None:
        self.config = config
        self.inworld = inworld
        self.clips = clips
        self.phrases = phrases
        self.meter = Meter()
        self.emit = emit
        self.queued_seconds = queued_seconds
        self.log = log
        self.rate = rate
        self.first_tokens = first_tokens  # of the bot's own model
        self.streaming = streaming
        # Clips that were sent before their end, by reply.
        self.growing: dict[int, BegunClip] = {}
        self.pace = Pace()  # of all replies
        self.is_pace_reported = False
        self.running: dict[int, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def reply(self, start: StartReply) -> None:
        """Begin a reply of a language model."""
        self._begin(start.reply, self._answer(start))

    def speak(self, spoken: SpeakText) -> None:
        """Begin a fixed sentence; Twilio's voice says it if synthesis is too slow."""
        self._begin(spoken.reply, self._speak_text(spoken))

    def use_config(self, config: BotConfig, rate: SpeakingRate) -> None:
        """Speak with other settings from now on, at that voice's rate."""
        self.config, self.rate = config, rate

    async def prepare(self, sentences: Iterable[str]) -> None:
        """Make fixed sentences before they are needed."""
        requests = speech_requests(self.config, sentences)
        await self.phrases.prepare(requests, self._count)

    def stop(self, number: int) -> None:
        """Stop a reply. Cancels only once, so that its cleanup can finish."""
        task = self.running.pop(number, None)
        if task:
            task.cancel()
        if growing := self.growing.get(number):
            growing.cut()

    @property
    def growth(self) -> list[ClipGrew]:
        """Reports on the clips that still grow, as they are now."""
        return [ClipGrew(clip.clip, clip.reached) for clip in self.growing.values()]

    async def finish_cut_clips(self) -> None:
        """Wait until clips that are cut or complete can be fetched as wholes.

        What replaces them in the store before that would be replaced by their sound.
        """
        for clip in list(self.growing.values()):
            if clip.is_cut or clip.segment:
                await clip.reported.wait()

    async def aclose(self) -> None:
        """Stop everything and wait for the connections to close."""
        for number in list(self.running):
            self.stop(number)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=STOP_SECONDS)

    def _begin(self, number: int, work: Coroutine[None, None, None]) -> None:
        task = self.running[number] = self._spawn(work)
        task.add_done_callback(lambda done: self._done(number, done))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a part of a reply. The loop keeps no strong reference to tasks."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        self.running.pop(number, None)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Reply %d broke off", number, exc_info=error)

    async def _speak_text(self, spoken: SpeakText) -> None:
        errors, seconds = list[str](), 0.0
        for text in speech_parts(spoken.text):
            # A later part may take as long as the part before it plays.
            timeout = max(spoken.timeout, seconds)
            clip, error = await self._part(replace(spoken, text=text, timeout=timeout))
            errors += [error] if error else []
            seconds = clip.seconds
            await self.emit(ClipReady(spoken.reply, clip))
        await self.emit(ReplyEnded(spoken.reply, spoken.text, "".join(errors[:1])))

    async def _part(self, spoken: SpeakText) -> tuple[Clip, str]:
        """The clip of a text that one request can speak, and why it is not ours."""
        error = ""
        try:
            return await self._fixed_sentence(spoken), ""
        except (InworldError, ClipsUnavailable, TimeoutError) as failure:
            if isinstance(failure, InworldError):
                metrics.count_error(failure)
            # The message may quote the sentence, so it is stored with the turn only.
            name = type(failure).__name__
            self.log.warning("Twilio's voice says a fixed sentence: %s", name)
            reason = str(failure) or "it took too long to synthesise"
            error = f"Spoken by Twilio's voice: {reason}"
        except Exception:
            # The caller must not wait in silence, whatever the cause.
            self.log.exception("A fixed sentence could not be synthesised")
        return twilio_tts_clip(spoken.text), error

    async def _fixed_sentence(self, spoken: SpeakText) -> Clip:
        """The clip of a sentence: from the cache for all calls, or made for now."""
        request = self._request(spoken.text)
        own_id = new_clip_id() + REPORTED_SUFFIX if spoken.own_clip else ""
        if spoken.is_cacheable:
            phrase = await self.phrases.get(request, spoken.timeout, self._count)
            clip = phrase.clip(spoken.text)
            return await self._own_copy(clip, own_id, phrase.wav) if own_id else clip
        speech = self.inworld.speak(request, self._count)
        pcm = at_telephone_rate(await asyncio.wait_for(speech, spoken.timeout))
        stored = await self._store(spoken.text, pcm, analyse(pcm), own_id)
        return stored or twilio_tts_clip(spoken.text)

    async def _own_copy(self, clip: Clip, clip_id: str, wav: bytes) -> Clip:
        """A copy of a shared clip for this call only."""
        await self.clips.put(clip_id, wav, clip.seconds + settings.CLIP_TTL_SECONDS)
        return replace(clip, id=clip_id, url=clip_url(clip_id), shared=False)

    async def _answer(self, start: StartReply) -> None:
        stream = ReplyStream(start.reply, self.log, self.rate)
        stream.calls.names = {tool["function"]["name"] for tool in start.functions}
        head_start = self.streaming.head_start
        segments = SegmentQueue(stream, head_start, self._grow, self._send_early)
        publishing = self._spawn(self._publish_all(stream, segments))
        try:
            await self._stream(stream, start, segments)
            segments.close()
            await publishing
            if not stream.error:
                for text in speech_parts(stream.text_without_audio):
                    await self._synthesise(stream, text)
            self._check_pace()
        finally:
            publishing.cancel()
            if start.model in ("", self.config.llm_model):
                stream.teach(self.first_tokens)
            models = (
                start.model or self.config.llm_model,
                *self.config.fallback_models,
            )
            stream.count(self.meter, models, self.config.tts_model)
            await self.emit(stream.ended())

    async def _stream(
        self, stream: ReplyStream, start: StartReply, segments: SegmentQueue
    ) -> None:
        """Read a reply; put its segments on the queue when they are ready."""
        timer = QuietTimer(stream, segments.put)
        stream.record_stage("request_sent")
        if start.is_hedge and self.inworld.is_full:
            return stream.refuse(NO_SLOT)
        try:
            request = reply_request(self.config, start)
            async with self.inworld.reply(request) as events:
                async for event in events:
                    for segment in stream.feed(event):
                        segments.put(segment)
                    if self.config.hedges and stream.notices_first_token():
                        await self.emit(FirstToken(stream.number))
                    if isinstance(event, Audio):
                        segments.sound()
                        timer.restart()
        except InworldError as error:
            stream.fail(error)
        finally:
            timer.cancel()
        # Speech that came before an error can still be heard.
        for segment in stream.segmenter.end():
            segments.put(segment)

    def _grow(self, state: SegmentState) -> GrowingClip | None:
        """A clip for a segment that begins to sound, if it is to be streamed."""
        streamed = self.streaming.begin_segment(
            is_first=state.is_first,
            is_whole=self._is_whole(state),
            queued=self.queued_seconds,
        )
        if streamed is None:
            return None
        clip_format, head_start = streamed
        return GrowingClip(
            self.clips,
            self.rate,
            clip_format=clip_format,
            sample_rate=state.sample_rate,
            head_start=head_start,
            lifetime=_lifetime(),
        )

    def _send_early(self, state: SegmentState) -> EarlyClip | None:
        """A clip for a segment that is nearly complete, if its address may go out."""
        is_early = self.streaming.sends_early(
            is_whole=self._is_whole(state), queued=self.queued_seconds
        )
        if not is_early:
            return None
        return EarlyClip(self.clips, self.rate, state.text, _lifetime())

    def _is_whole(self, state: SegmentState) -> bool:
        """False for a part of a sentence, or while another clip is not complete."""
        return bool(state.text) and not (state.released or self.growing)

    def _count(self, characters: int) -> None:
        self.meter.speech(self.config.tts_model, characters)

    def _request(self, text: str) -> SpeechRequest:
        return speech_request(self.config, text)

    async def _publish_all(self, stream: ReplyStream, segments: SegmentQueue) -> None:
        while segment := await segments.ready.get():
            if isinstance(segment, Segment):
                await self._publish(stream, segment)
            else:
                await self._publish_begun(stream, segment)

    async def _publish_begun(self, stream: ReplyStream, clip: BegunClip) -> None:
        """Send a clip now, and report on it until it is complete."""
        try:
            await clip.begin()
        except BodyLost as error:
            self.log.warning("A sentence is sent at its end only: %s", error)
            if segment := await clip.whole():
                await self._publish(stream, segment)
            return
        self.growing[stream.number] = clip
        self._spawn(self._write(stream.number, clip))
        stream.record_stage("first_clip")
        await self.emit(ClipReady(stream.number, clip.clip))
        await clip.reported.wait()
        stream.record_stage("clip_complete")
        if clip.segment:
            self.pace.add(clip.segment.text, clip.segment.pcm.seconds)
            self.rate.learn_sound(clip.segment.text, clip.clip.speech_frames)
            # It remembers how loud the voice is.
            stream.is_silence(clip.segment.text, clip.levels)
        if clip.rest:
            await self._publish(stream, clip.rest)

    async def _write(self, number: int, clip: BegunClip) -> None:
        """Write a clip to its end, also after its reply was stopped."""
        try:
            await clip.run()
        finally:
            del self.growing[number]
            self.streaming.body(clip.id, clip.began_at, clip.ended_at, clip.seconds)
            await self.emit(ClipGrew(clip.clip, clip.reached))
            clip.reported.set()

    async def _synthesise(self, stream: ReplyStream, text: str) -> None:
        """Synthesise words that came without speech; at worst Twilio says them."""
        if not text:
            return
        try:
            request = self._request(text)
            segment = Segment(text, await self.inworld.speak(request, self._count))
        except InworldError as error:
            stream.fail(error)
            await self.emit(ClipReady(stream.number, twilio_tts_clip(text)))
        else:
            await self._publish(stream, segment)

    async def _publish(self, stream: ReplyStream, segment: Segment) -> None:
        pcm = at_telephone_rate(segment.pcm)
        levels = analyse(pcm)
        if stream.is_silence(segment.text, levels):
            return
        self.pace.add(segment.text, pcm.seconds)
        clip = await self._store(segment.text, pcm, levels)
        if clip:
            self.rate.learn_sound(segment.text, clip.speech_frames)
        stream.record_stage("first_clip")
        if clip:
            await self.emit(ClipReady(stream.number, clip))

    def _check_pace(self) -> None:
        """Warn once a call if the replies are too fast or too slow to be speech."""
        pace = self.pace
        if pace.is_certain and not pace.is_plausible and not self.is_pace_reported:
            self.is_pace_reported = True
            self.log.warning(
                "Replies take %.2f s a word, as no voice does. `manage.py doctor` "
                "measures it, too, and says what to do.",
                pace.seconds_per_word,
            )

    async def _store(
        self, words: str, pcm: Pcm, levels: Levels, own_id: str = ""
    ) -> Clip | None:
        """A clip of the sound; without a store, Twilio's voice says its words."""
        suffix = REPORTED_SUFFIX if self.streaming.watches_next else ""
        text, clip_id = words.strip(), own_id or new_clip_id() + suffix
        # The time to live begins when Twilio starts to play the clip.
        lifetime = self.queued_seconds() + pcm.seconds + settings.CLIP_TTL_SECONDS
        try:
            await self.clips.put(clip_id, wav(pcm.data, pcm.sample_rate), lifetime)
        except ClipsUnavailable as error:
            self.log.warning("No clip store, Twilio's voice speaks: %s", error)
            return twilio_tts_clip(text) if text else None
        frames = levels.speech_frames
        return Clip(clip_id, clip_url(clip_id), text, pcm.seconds, frames)


def _lifetime() -> float:
    """For how long a clip is kept (s) that is sent before its length is known."""
    return settings.CLIP_MAX_SECONDS + settings.CLIP_TTL_SECONDS
