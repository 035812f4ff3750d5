"""A clip that grows as an MP3: its words, its length and its end."""

import asyncio
from io import BytesIO

import pytest
import soundfile

from bots.audio.pcm import Pcm
from bots.audio.wav import read
from bots.inworld.segments import Segment
from calls.clips.clip_format import ClipFormat
from calls.clips.clip_store import MemoryClips
from calls.clips.growing_formats import DELAY_SECONDS
from calls.clips.signed_ids import is_issued
from calls.speech.growing_clip import GrowingClip
from tests.calls.speech.test_growing_clip import (
    SECOND,
    TEXT,
    FailingBodies,
    begun,
    body_of,
    growing,
)
from tests.calls.speech.test_growing_clip import store as store

# Two frames, at the end.
PADDING_SECONDS = 0.072


def mp3(store: MemoryClips, head_start: float = 0.0) -> GrowingClip:
    return growing(store, head_start, ClipFormat.MP3)


def seconds_of(body: bytes) -> float:
    """The length of an MP3 by its decoder."""
    samples, rate = soundfile.read(BytesIO(body), dtype="int16")
    return float(len(samples) / rate)


async def test_the_whole_clip_is_a_wav_as_long_as_the_mp3(store: MemoryClips) -> None:
    clip = mp3(store)
    assert is_issued(clip.id)
    body, writing = await begun(store, clip)
    assert clip.clip.available == clip.seconds
    clip.finish(Segment(f" {TEXT}", Pcm(48_000, SECOND + SECOND)))
    await writing
    played = seconds_of(await body)
    assert 0 <= played - DELAY_SECONDS - 2 < PADDING_SECONDS
    assert clip.clip.seconds == pytest.approx(played)
    file = await store.get(clip.id)
    assert file
    assert read(file).seconds == pytest.approx(played)
    assert (clip.clip.text, clip.rest) == (TEXT, None)


async def test_a_cut_ends_the_mp3_with_a_whole_frame(store: MemoryClips) -> None:
    clip = mp3(store)
    body, writing = await begun(store, clip)
    clip.cut()
    await writing
    played = seconds_of(await body)
    assert played == pytest.approx(clip.seconds)
    assert played < DELAY_SECONDS + 1
    cut = clip.clip
    assert TEXT.startswith(cut.text)
    assert 0 < len(cut.text) < len(TEXT)
    assert cut.seconds <= played


async def test_a_cut_before_the_head_start_sends_nothing(store: MemoryClips) -> None:
    clip = mp3(store, head_start=9.0)
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.feed(bytearray(SECOND), TEXT)
    await asyncio.sleep(0.1)
    clip.cut()
    await writing
    assert await body == b""
    assert (clip.clip.text, clip.clip.seconds) == ("", 0.0)


async def test_a_sentence_shorter_than_the_head_start_is_complete(
    store: MemoryClips,
) -> None:
    clip = mp3(store, head_start=9.0)
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND)))
    await writing
    assert 0 <= seconds_of(await body) - DELAY_SECONDS - 1 < PADDING_SECONDS


async def test_what_the_store_did_not_take_follows(store: MemoryClips) -> None:
    store.bodies = FailingBodies(pieces=1)
    clip = mp3(store)
    body, writing = await begun(store, clip)
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND + SECOND)))
    await writing
    played, rest = seconds_of(await body), clip.rest
    assert rest
    assert 0 <= played + rest.pcm.seconds - DELAY_SECONDS - 2 < PADDING_SECONDS
    said = clip.clip.text
    assert said
    assert said + rest.text == TEXT
