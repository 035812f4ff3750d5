"""Clips as the carrier receives them, and the recording of a call."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import httpx

from bots.audio import mulaw
from bots.audio.wav import wav

from .record import Heard

# What Twilio accepts as WAV; it refuses the rest with error 13420.
CONTENT_TYPES = ("audio/wav", "audio/wave", "audio/x-wav")
SAMPLE_WIDTH = 2
MULAW_TAG = b"\x07\x00"


class BadClip(Exception):
    """The carrier cannot play what it was given."""


def clip_seconds(response: httpx.Response) -> float:
    """Check a fetched clip as strictly as the pickiest player would; its length."""
    if response.status_code != 200:
        raise BadClip(f"status {response.status_code}")
    kind = response.headers.get("Content-Type", "none").partition(";")[0].strip()
    if kind not in CONTENT_TYPES:
        raise BadClip(f"Content-Type {kind}")
    length = response.headers.get("Content-Length")
    if length != str(len(response.content)):
        raise BadClip(f"Content-Length {length} for {len(response.content)} bytes")
    return wav_seconds(response.content)


def wav_seconds(body: bytes) -> float:
    """The length of a complete mono WAV file; raises BadClip for any other.

    16-bit samples or mu-law, as Twilio plays them.
    """
    announced = int.from_bytes(body[4:8], "little") + 8
    if body[:4] != b"RIFF" or announced != len(body):
        raise BadClip(f"not RIFF, or of {announced} bytes instead of {len(body)}")
    rate, samples, frames = _samples(body)
    if len(samples) != frames * SAMPLE_WIDTH:
        raise BadClip(f"{len(samples)} bytes of sound for {frames} samples")
    return frames / rate


def _decoded(body: bytes) -> tuple[bytes, int]:
    rate, size = (int.from_bytes(body[at : at + 4], "little") for at in (24, 40))
    if len(body) != size + 44:
        raise BadClip(f"{len(body) - 44} bytes of sound for {size} samples")
    return mulaw.decode(body[44:]), rate


def _samples(body: bytes) -> tuple[int, bytes, int]:
    if body[20:22] == MULAW_TAG:
        body = wav(*_decoded(body))
    try:
        with wave.open(io.BytesIO(body)) as clip:
            if (clip.getnchannels(), clip.getsampwidth()) != (1, SAMPLE_WIDTH):
                raise BadClip("not 16-bit mono")
            frames = clip.getnframes()
            return clip.getframerate(), clip.readframes(frames), frames
    except (wave.Error, EOFError) as error:
        raise BadClip(f"not a WAV file: {error}") from error


def save_recording(heard: Sequence[Heard], path: Path) -> None:
    """Write what was heard of the bot's clips as one WAV, silence in between."""
    rate, line = 0, bytearray()
    for sound in heard:
        if not sound.wav:
            continue
        own_rate, samples, _ = _samples(sound.wav)
        rate = rate or own_rate
        if own_rate != rate:
            raise BadClip(f"clips of {rate} and of {own_rate} Hz in one recording")
        played = round(sound.played_seconds * rate) * SAMPLE_WIDTH
        start = round(sound.at_ms * rate / 1000) * SAMPLE_WIDTH
        line.extend(bytes(max(start - len(line), 0)))
        # A looped clip goes round until the played part is full.
        rounds = samples * (played // max(len(samples), 1) + 1)
        line[start:] = rounds[:played]
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(SAMPLE_WIDTH)
        recording.setframerate(rate or 8000)
        recording.writeframes(bytes(line))
