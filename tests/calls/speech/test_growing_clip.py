"""A clip that grows: what its body gets, and what is left if the store fails."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.wav import read
from bots.inworld.segments import Segment
from calls.clips.clip_bodies import SILENT_SECONDS, BodyLost, MemoryBodies
from calls.clips.clip_format import ClipFormat
from calls.clips.clip_store import MemoryClips
from calls.speech.growing_clip import (
    LONG_PIECE_SECONDS,
    PIECE_SECONDS,
    GrowingClip,
)
from calls.speech.segment_end import SpeakingRate
from tests.support.inworld.script import tone

TEXT = "We open at nine, and we close at six."
SECOND = tone(1.0)
HEADER = 44


class FailingBodies(MemoryBodies):
    """Bodies in memory that take so many pieces and no more."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.left = pieces

    async def append(self, clip_id: str, sound: bytes) -> None:
        if sound:
            self.left -= 1
        if self.left < 0:
            raise BodyLost("Redis is gone.")
        await super().append(clip_id, sound)


@pytest.fixture
async def store() -> AsyncIterator[MemoryClips]:
    clips = MemoryClips(max_bytes=1_000_000)
    yield clips
    await clips.aclose()


def growing(
    store: MemoryClips,
    head_start: float = 0.0,
    clip_format: ClipFormat = ClipFormat.WAV,
) -> GrowingClip:
    rate = SpeakingRate(letters_per_second=15.0)
    return GrowingClip(
        store,
        rate,
        clip_format=clip_format,
        sample_rate=48_000,
        head_start=head_start,
        lifetime=60,
    )


async def body_of(store: MemoryClips, clip: GrowingClip) -> "asyncio.Task[bytes]":
    """Begin to read a clip's body."""
    await clip.begin()
    pieces = await store.bodies.read(clip.id)
    assert pieces

    async def read_all() -> bytes:
        return b"".join([piece async for piece in pieces])

    return asyncio.create_task(read_all())


async def until(condition: object) -> None:
    async with asyncio.timeout(5):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def begun(
    store: MemoryClips, clip: GrowingClip
) -> tuple["asyncio.Task[bytes]", "asyncio.Task[None]"]:
    """Read and write a clip whose first second of sound has nearly left."""
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.feed(bytearray(SECOND), TEXT)
    await until(lambda: clip.seconds > 0.8)
    return body, writing


async def test_the_body_is_the_whole_clip_behind_another_header(
    store: MemoryClips,
) -> None:
    clip = growing(store)
    body, writing = await begun(store, clip)
    so_far = clip.clip
    assert so_far.is_growing
    assert so_far.available == clip.seconds
    assert so_far.text == TEXT
    clip.finish(Segment(f" {TEXT}", Pcm(48_000, SECOND + SECOND)))
    await writing
    file = await store.get(clip.id)
    assert file
    assert read(file).data == (await body)[HEADER:]
    assert clip.clip.seconds == pytest.approx(2.0, abs=0.001)
    assert (clip.clip.available, clip.clip.text, clip.rest) == (None, TEXT, None)


async def test_nothing_leaves_before_the_head_start(store: MemoryClips) -> None:
    clip = growing(store, head_start=1.5)
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.feed(bytearray(SECOND), TEXT)
    await asyncio.sleep(0.1)
    assert (clip.seconds, clip.reached) == (0.0, 0.0)
    clip.feed(bytearray(SECOND + SECOND), TEXT)
    await until(lambda: clip.seconds > 1.9)
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND + SECOND)))
    await writing
    assert len(await body) == HEADER + 2 * 2 * TELEPHONE_RATE


async def test_pieces_are_longer_the_more_is_left_to_play(store: MemoryClips) -> None:
    clip = growing(store, head_start=0.05)
    await clip.begin()
    # The head start is waited for without a pause.
    assert clip.pause == 0.0
    writing = asyncio.create_task(clip.run())
    sound = bytearray(SECOND[: len(SECOND) // 10 & ~1])
    clip.feed(sound, TEXT)
    await until(lambda: clip.seconds > 0)
    assert clip.pause == PIECE_SECONDS
    sound += SECOND
    clip.feed(sound, TEXT)
    await until(lambda: clip.seconds > 0.9)
    assert PIECE_SECONDS < clip.pause <= LONG_PIECE_SECONDS
    clip.cut()
    await writing
    assert 2 * LONG_PIECE_SECONDS < SILENT_SECONDS  # a reader hears a sign of life


async def test_a_sentence_shorter_than_the_head_start_is_not_held_back(
    store: MemoryClips,
) -> None:
    clip = growing(store, head_start=1.5)
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.feed(bytearray(SECOND), TEXT)
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND)))
    await writing
    assert len(await body) == HEADER + 2 * TELEPHONE_RATE


async def test_a_cut_ends_the_body_with_what_there_was(store: MemoryClips) -> None:
    clip = growing(store)
    body, writing = await begun(store, clip)
    clip.cut()
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND + SECOND)))  # too late
    await writing
    assert len(await body) < HEADER + 2 * TELEPHONE_RATE
    cut = clip.clip
    # The words end where the sound does, and both before half a word.
    assert TEXT.startswith(cut.text)
    assert 0 < len(cut.text) < len(TEXT)
    assert cut.seconds <= clip.seconds
    assert clip.rest is None
    file = await store.get(clip.id)
    assert file
    assert read(file).seconds == pytest.approx(cut.seconds, abs=0.001)


async def test_a_cut_before_the_first_sound_leaves_silence(store: MemoryClips) -> None:
    clip = growing(store)
    body = await body_of(store, clip)
    writing = asyncio.create_task(clip.run())
    clip.cut()
    await writing
    assert await body == b""
    file = await store.get(clip.id)
    assert file
    assert not any(read(file).data)
    assert (clip.clip.text, clip.clip.seconds) == ("", 0.0)


async def test_what_the_store_did_not_take_is_the_rest(store: MemoryClips) -> None:
    store.bodies = FailingBodies(pieces=1)
    clip = growing(store)
    body, writing = await begun(store, clip)
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND + SECOND)))
    await writing
    assert len(await body) == HEADER + round(2 * TELEPHONE_RATE * clip.seconds)
    rest = clip.rest
    assert rest
    assert clip.seconds + rest.pcm.seconds == pytest.approx(2.0, abs=0.001)
    said = clip.clip.text
    assert said
    assert said + rest.text == TEXT
    assert rest.pcm.sample_rate == TELEPHONE_RATE


async def test_a_store_that_takes_nothing_leaves_everything(store: MemoryClips) -> None:
    store.bodies = FailingBodies(pieces=0)
    clip = growing(store)
    body = await body_of(store, clip)
    clip.feed(bytearray(SECOND), TEXT)
    clip.finish(Segment(TEXT, Pcm(48_000, SECOND)))
    await clip.run()
    assert await body == b""
    assert clip.rest == Segment(TEXT, clip.rest.pcm if clip.rest else Pcm(1, b""))


async def test_playback_cannot_be_ahead_of_the_sound(store: MemoryClips) -> None:
    clip = growing(store)
    await clip.begin()
    writing = asyncio.create_task(clip.run())
    clip.feed(bytearray(SECOND), TEXT)
    await until(lambda: clip.seconds > 0.9)
    assert 0 <= clip.reached < 0.5
    await asyncio.sleep(clip.seconds)
    assert clip.reached == clip.seconds
    clip.feed(bytearray(SECOND + SECOND), TEXT)
    await until(lambda: clip.seconds > 1.9)
    assert clip.reached < 1.5  # it stood still before the second one came
    clip.cut()
    await writing
