"""Checks and decodes clips as Twilio does, and writes the recording of a call."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import httpx
import soxr

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.wav import BadWav, read, unwrap, wav

from .line import MP3_TYPE
from .record import Heard

# Twilio rejects any other content type with error 13420.
WAV_TYPES = ("audio/wav", "audio/wave", "audio/x-wav")
SAMPLE_WIDTH = 2
HEADER_BYTES = 44
# The decoder recognises an MP3 by its first three frames, which are at most so long.
MP3_HEAD_BYTES = 700


class BadClip(Exception):
    """Twilio could not play the clip."""


class RefusedClip(BadClip):
    """This carrier plays no clip of an unknown length."""


def check_head(response: httpx.Response) -> None:
    """Check the head of an answer as strictly as Twilio may."""
    if response.status_code != 200:
        raise BadClip(f"status {response.status_code}")
    kind = content_type(response)
    if kind not in WAV_TYPES and (kind != MP3_TYPE or has_length(response)):
        raise BadClip(f"Content-Type {kind}")


def content_type(response: httpx.Response) -> str:
    """The bare content type of an answer."""
    kind: str = response.headers.get("Content-Type", "none")
    return kind.partition(";")[0].strip()


def has_length(response: httpx.Response) -> bool:
    """False for a clip that may still grow."""
    return "Content-Length" in response.headers


def clip_seconds(response: httpx.Response) -> float:
    """Check a fetched clip of a known length; returns its seconds."""
    length = response.headers["Content-Length"]
    if length != str(len(response.content)):
        raise BadClip(f"Content-Length {length} for {len(response.content)} bytes")
    return wav_seconds(response.content)


def sound_so_far(kind: str, body: bytearray) -> Pcm | None:
    """The sound of a growing clip of this content type; None before the first sample.

    Raises BadClip if its beginning is complete and wrong.
    """
    if kind == MP3_TYPE:
        return _decoded(body) if len(body) >= MP3_HEAD_BYTES else None
    if len(body) < HEADER_BYTES:
        return None
    try:
        return unwrap(bytes(body))
    except BadWav as error:
        raise BadClip(str(error)) from error


def _decoded(body: bytearray) -> Pcm:
    """The sound of an MP3 as a phone line carries it."""
    # Servers load this module, too, and spare the memory of a decoder.
    import soundfile

    try:
        with soundfile.SoundFile(BytesIO(body)) as file:
            if (file.format, file.channels) != ("MP3", 1):
                raise BadClip(f"{file.format} of {file.channels} channels, not MP3")
            samples, rate = file.read(dtype="int16"), file.samplerate
    except soundfile.LibsndfileError as error:
        raise BadClip(f"no MP3: {error.error_string}") from error
    resampled = soxr.resample(samples, rate, TELEPHONE_RATE)
    return Pcm(TELEPHONE_RATE, resampled.astype("<i2", copy=False).tobytes())


def wav_seconds(body: bytes) -> float:
    """The length of a complete 16-bit mono WAV file; raises BadClip for any other."""
    return _read(body).seconds


def _read(body: bytes) -> Pcm:
    try:
        return read(body)
    except BadWav as error:
        raise BadClip(str(error)) from error


def save_recording(heard: Sequence[Heard], path: Path) -> None:
    """Write the heard parts of the clips as one WAV, with silence in between."""
    rate, line = 0, bytearray()
    for sound in heard:
        if not sound.wav:
            continue
        clip = _read(sound.wav)
        rate = rate or clip.sample_rate
        if clip.sample_rate != rate:
            raise BadClip(
                f"clips of {rate} and of {clip.sample_rate} Hz in one recording"
            )
        played = round(sound.played_seconds * rate) * SAMPLE_WIDTH
        start = round(sound.at_ms * rate / 1000) * SAMPLE_WIDTH
        line.extend(bytes(max(start - len(line), 0)))
        # Repeat a looped clip up to the length that was played.
        rounds = clip.data * (played // max(len(clip.data), 1) + 1)
        line[start:] = _with_gaps(rounds[:played], sound, rate)
    path.write_bytes(wav(bytes(line), rate or 8000))


def _with_gaps(samples: bytes, sound: Heard, rate: int) -> bytes:
    """The samples with the silences in which more of them had to arrive."""
    line, done = bytearray(), 0
    for position, seconds in sound.gaps:
        place = round(position * rate) * SAMPLE_WIDTH
        line += samples[done:place] + bytes(round(seconds * rate) * SAMPLE_WIDTH)
        done = place
    return bytes(line + samples[done:])
