"""Writes the sound of a growing clip in the format of its body, piece by piece."""

from typing import NamedTuple, Protocol

import lameenc

from bots.audio.pcm import TELEPHONE_RATE
from bots.audio.wav import stream_header
from calls.clips.clip_format import ClipFormat

# MPEG-2 layer III, which every player knows; a phone line carries half of its rate.
MP3_RATE, MP3_KBPS = 16_000, 48
FRAME_SAMPLES = 576
FRAME_BYTES = FRAME_SAMPLES * MP3_KBPS * 1000 // 8 // MP3_RATE
# The sound of a frame at the telephone rate, in bytes.
FRAME_SOUND = 2 * FRAME_SAMPLES * TELEPHONE_RATE // MP3_RATE
# The silence that begins every MP3: LAME is 576 samples late, and any decoder 529.
DELAY_SECONDS = 1105 / MP3_RATE
# LAME's fast end of 0 to 9; nothing is lost at this bit rate.
QUALITY = 7


class Written(NamedTuple):
    """A piece of a file, and the sound that a player gets out of it."""

    file: bytes = b""
    sound: bytes = b""


class FormatWriter(Protocol):
    """Takes sound at the telephone rate.

    `delay` is how much silence a player hears first, in seconds, and `held` the sound
    that was taken and not written yet.
    """

    delay: float
    held: bytearray

    def feed(self, sound: bytes) -> Written:
        """Take sound; return what can be written by now."""

    def end(self) -> Written:
        """Return the rest: nothing more will come."""


class WavWriter:
    """Writes a file of unknown length."""

    delay = 0.0

    def __init__(self) -> None:
        self.held = bytearray()  # always empty
        self.header = stream_header(TELEPHONE_RATE)

    def feed(self, sound: bytes) -> Written:
        """Return the same sound, the first behind a header."""
        if not sound:
            return Written()
        header, self.header = self.header, b""
        return Written(header + sound, sound)

    def end(self) -> Written:
        """Nothing is held back."""
        return Written()


class Mp3Writer:
    """Writes frames of a constant bit rate, only whole ones."""

    delay = DELAY_SECONDS

    def __init__(self) -> None:
        self.held = bytearray(2 * round(DELAY_SECONDS * TELEPHONE_RATE))
        self.file = bytearray()
        self.encoder = lameenc.Encoder()
        self.encoder.silence()  # it would write to standard error
        self.encoder.set_channels(1)
        self.encoder.set_in_sample_rate(TELEPHONE_RATE)
        self.encoder.set_out_sample_rate(MP3_RATE)
        self.encoder.set_bit_rate(MP3_KBPS)
        self.encoder.set_quality(QUALITY)
        self.is_empty = True

    def feed(self, sound: bytes) -> Written:
        """Encode sound; the latest 0.1 s is held back until more comes."""
        if not sound:
            return Written()
        self.is_empty = False
        self.held += sound
        self.file += self.encoder.encode(sound)
        return self._frames()

    def end(self) -> Written:
        """Encode what was held back, with silence up to the end of the last frame."""
        if self.is_empty:
            return Written()
        self.file += self.encoder.flush()
        sound = len(self.file) // FRAME_BYTES * FRAME_SOUND
        self.held += bytes(max(sound - len(self.held), 0))
        return self._frames()

    def _frames(self) -> Written:
        frames = len(self.file) // FRAME_BYTES
        file, sound = frames * FRAME_BYTES, frames * FRAME_SOUND
        written = Written(bytes(self.file[:file]), bytes(self.held[:sound]))
        del self.file[:file], self.held[:sound]
        return written


def format_writer(clip_format: ClipFormat) -> FormatWriter:
    """A writer for one clip."""
    return Mp3Writer() if clip_format is ClipFormat.MP3 else WavWriter()
