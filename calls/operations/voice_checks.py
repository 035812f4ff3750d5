"""Finds voices that Inworld refuses, before a caller hears that."""

import logging
from collections.abc import Iterable
from time import monotonic

from django import db

from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import InworldError, InworldRejected
from bots.models import VoiceCheck
from calls.db import run_in_db_thread

log = logging.getLogger(__name__)

# How often a process tests a voice that works, and one that was refused.
CHECK_SECONDS = 24 * 3600.0
RECHECK_SECONDS = 300.0
# Statuses with which Inworld refuses a voice, its model, or a text.
REFUSALS = (400, 404, 422)

store_result = run_in_db_thread(VoiceCheck.objects.record)
store_only = run_in_db_thread(VoiceCheck.objects.keep_only)


def is_refusal(error: InworldError) -> bool:
    """True if the request itself was refused, so that it will be again."""
    return isinstance(error, InworldRejected) and error.status in REFUSALS


class VoiceChecks:
    """Tests each voice with a word. A voice is named by the request for that word."""

    def __init__(self, inworld: Inworld) -> None:
        self.inworld = inworld
        self.due_at: dict[SpeechRequest, float] = {}  # monotonic, by voice
        self.refused: set[SpeechRequest] = set()

    async def use(self, voices: Iterable[SpeechRequest]) -> None:
        """Test these voices from now on; those that were refused at once."""
        due_at = {voice: self.due_at.get(voice, 0.0) for voice in voices}
        self.due_at = due_at | dict.fromkeys(self.refused & due_at.keys(), 0.0)
        self.refused &= due_at.keys()
        await store_only(due_at)

    async def run(self) -> bool:
        """Test a voice that is due. True if one that was refused works now.

        Raises `InworldError` if Inworld cannot be asked now.
        """
        voice = min(self.due_at, key=self.due_at.__getitem__, default=None)
        if voice is None or self.due_at[voice] > monotonic():
            return False
        was_refused = voice in self.refused
        return await self.works(voice) and was_refused

    async def works(self, voice: SpeechRequest) -> bool:
        """Test a voice now and store the result."""
        refusal = ""
        try:
            await self.inworld.speak(voice)
        except InworldRejected as error:
            if not is_refusal(error):
                raise
            refusal = error.message
            if voice not in self.refused:
                log.warning("Inworld refuses the voice %s: %s", voice.voice, refusal)
        (self.refused.add if refusal else self.refused.discard)(voice)
        pause = RECHECK_SECONDS if refusal else CHECK_SECONDS
        self.due_at[voice] = monotonic() + pause
        try:
            await store_result(voice, refusal)
        except db.Error:
            self.due_at[voice] = monotonic() + RECHECK_SECONDS
        return not refusal
