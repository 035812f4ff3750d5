"""The sound of a simulated caller: words in a local voice, and the tones of keys."""

import asyncio

from bots.audio.dtmf import TONE_SECONDS, tone
from bots.audio.pcm import TELEPHONE_RATE
from bots.sandbox.voice.speech import speak

from ..line import Line
from ..record import Record

# Between two keys of somebody who types quickly, in seconds.
KEY_PAUSE = 0.1
# Reads what Twilio's own voice would say.
TWILIO_VOICE = "Alex"


def spoken(text: str, voice: str, language: str = "") -> bytes:
    """A text as 16-bit mono samples at telephone rate."""
    return speak(text, voice, language=language, sample_rate=TELEPHONE_RATE).pcm


class CallersVoice:
    """Records what the caller says, which then takes time. Without a voice, neither."""

    def __init__(self, line: Line, record: Record) -> None:
        self.name = line.voice
        self.record = record
        self.ends_at = 0.0  # on the record's clock

    async def begin(self, text: str, language: str) -> None:
        """Begin to say a text."""
        if self.name:
            samples = await asyncio.to_thread(spoken, text, self.name, language)
            seconds = self.record.say(samples)
            self.ends_at = self.record.clock.seconds + seconds

    async def finish(self) -> None:
        """Wait until it is said."""
        left = self.ends_at - self.record.clock.seconds
        if self.name and left > 0:
            await self.record.clock.wait(left)

    async def press(self, key: str) -> None:
        """Make the sound of a key that was pressed, and move on to the next one."""
        if self.name:
            self.record.say(tone(key))
            await self.record.clock.wait(TONE_SECONDS + KEY_PAUSE)
