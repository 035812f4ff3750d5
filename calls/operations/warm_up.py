"""Makes greetings and other fixed sentences ready before a caller needs them."""

import asyncio
import logging
from collections import deque
from dataclasses import replace
from datetime import datetime
from math import inf
from time import monotonic

from django.conf import settings

from bots.config.bot_config import BotConfig
from bots.config_builder import config_of
from bots.inworld.client import SpeechRequest
from bots.inworld.errors import InworldError
from bots.models import Bot
from calls.background import PeriodicTask
from calls.clips.clip_store import ClipsUnavailable
from calls.db import run_in_db_thread
from calls.operations.voice_checks import VoiceChecks, is_refusal
from calls.session.services import Services
from calls.speech.fixed_sentences import TEST_WORD, fixed_sentences, voice_tests
from calls.speech.phrase_cache import MAX_CACHED_BYTES

log = logging.getLogger(__name__)

# How often to look for bots that were saved, in any process.
POLL_SECONDS = 2.0
# Sentences made at once; at most half of what the plan generates at once.
MAX_CONCURRENT = 4
SENTENCE_SECONDS = 10.0
# A round ends after this, so that a bot saved meanwhile does not wait.
ROUND_SECONDS = 5.0
# With so many failures in a round, Inworld is taken to be away.
MAX_FAILURES = 4
# The pause after such a round, doubled each time.
RETRY_SECONDS, MAX_RETRY_SECONDS = 2.0, 60.0
# The rest of the cache is for sentences that no bot has now.
MAX_BYTES = 0.8 * MAX_CACHED_BYTES

Saved = list[tuple[int, datetime]]


class WarmUp(PeriodicTask):
    """Prepares the sentences of all active bots, and again when a bot was saved.

    Saved bots are found in the database: whichever process or command saved them, each
    process notices.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(POLL_SECONDS, self.run, "Warm-up")
        self.phrases = services.phrases
        self.voices = VoiceChecks(services.inworld)
        self.saved: Saved | None = None  # the bots, as they were read last
        self.missing: deque[SpeechRequest] = deque()
        self.failed: list[SpeechRequest] = []  # in this round
        self.retry_at, self.retry_seconds = 0.0, RETRY_SECONDS
        self.awaited_until = -inf

    @property
    def is_awaited(self) -> bool:
        """True until all is ready for the first time, or for WARM_UP_SECONDS."""
        return monotonic() < self.awaited_until

    def start(self) -> None:
        """Begin, if the settings want it."""
        if settings.WARM_UP_SECONDS and self.task is None:
            self.awaited_until = monotonic() + settings.WARM_UP_SECONDS
            loop = asyncio.get_running_loop()
            loop.call_later(settings.WARM_UP_SECONDS, self._on_limit)
            super().start()

    async def run(self) -> None:
        """Read the bots that were saved, make what is missing, and test a voice."""
        await self._read_bots()
        if monotonic() < self.retry_at:
            return
        try:
            await self._make_missing()
            if not self.missing:
                self.awaited_until = -inf
                await self._test_voice()
        except (InworldError, TimeoutError) as error:
            log.warning("Fixed sentences are made later: %s", type(error).__name__)
            self.retry_at = monotonic() + self.retry_seconds
            self.retry_seconds = min(2 * self.retry_seconds, MAX_RETRY_SECONDS)
        else:
            self.retry_seconds = RETRY_SECONDS

    async def _read_bots(self) -> None:
        saved = await run_in_db_thread(_saved_bots)()
        if saved == self.saved:
            return
        configs = await run_in_db_thread(_configs)()
        await self.voices.use(voice for each in configs for voice in voice_tests(each))
        self.missing = deque(fixed_sentences(configs))
        self.saved, self.retry_at = saved, 0.0

    async def _make_missing(self) -> None:
        """Make sentences for ROUND_SECONDS; raises the error if some could not be."""
        if not self.missing:
            return
        self.failed, until = [], monotonic() + ROUND_SECONDS
        workers = (self._work(until) for _ in range(_concurrency()))
        errors = [error for error in await asyncio.gather(*workers) if error]
        self.missing.extend(self.failed)
        if errors:
            raise errors[0]
        if self.missing:
            self.run_soon()

    async def _work(self, until: float) -> Exception | None:
        """Make one sentence after the other; returns the latest error."""
        failure: Exception | None = None
        while self.missing and len(self.failed) < MAX_FAILURES and monotonic() < until:
            sentence = self.missing.popleft()
            try:
                await self._make(sentence)
            except (InworldError, TimeoutError) as error:
                self.failed.append(sentence)
                failure = error
        return failure

    async def _make(self, sentence: SpeechRequest) -> None:
        voice = replace(sentence, text=TEST_WORD)
        if voice in self.voices.refused or self.phrases.has(sentence):
            return
        if self.phrases.size > MAX_BYTES:
            log.info("No memory for more fixed sentences: calls make them")
            return self.missing.clear()
        try:
            await self.phrases.get(sentence, SENTENCE_SECONDS)
        except ClipsUnavailable:
            pass  # it is in the memory of this process
        except InworldError as error:
            if not is_refusal(error):
                raise
            if await self.voices.works(voice):
                log.warning("Inworld refuses a sentence in the voice %s", voice.voice)

    async def _test_voice(self) -> None:
        if await self.voices.run():
            self.saved = None  # make the sentences of a voice that works again
            self.run_soon()

    def _on_limit(self) -> None:
        if self.awaited_until > -inf and not self.closing:
            self.awaited_until = -inf
            log.warning(
                "Takes calls before all greetings are ready (WARM_UP_SECONDS); the "
                "rest is made beside the calls"
            )


def _concurrency() -> int:
    allowed = settings.INWORLD_MAX_CONCURRENCY
    return min(MAX_CONCURRENT, max(1, allowed // 2)) if allowed else MAX_CONCURRENT


def _saved_bots() -> Saved:
    """The active bots, and when they were saved last."""
    active = Bot.objects.filter(is_active=True).order_by("pk")
    return list(active.values_list("pk", "updated_at"))


def _configs() -> list[BotConfig]:
    active = Bot.objects.with_related().filter(is_active=True)
    return [config_of(bot) for bot in active.order_by("-is_default", "pk")]
