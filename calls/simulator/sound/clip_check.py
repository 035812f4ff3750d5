"""Checks and decodes clips as Twilio does."""

from io import BytesIO

import httpx
import soxr

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.wav import BadWav, read, unwrap

from ..line import MP3_TYPE

# Twilio rejects any other content type with error 13420.
WAV_TYPES = ("audio/wav", "audio/wave", "audio/x-wav")
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
        return _decoded_mp3(body) if len(body) >= MP3_HEAD_BYTES else None
    if len(body) < HEADER_BYTES:
        return None
    try:
        return unwrap(bytes(body))
    except BadWav as error:
        raise BadClip(str(error)) from error


def _decoded_mp3(body: bytearray) -> Pcm:
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
    return decoded(body).seconds


def decoded(body: bytes) -> Pcm:
    """The sound of such a file; raises BadClip for any other."""
    try:
        return read(body)
    except BadWav as error:
        raise BadClip(str(error)) from error
