"""A whole clip whose address is sent before its sentence has ended."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from bots.audio.pcm import Pcm
from bots.audio.wav import read
from bots.inworld.client import Inworld
from bots.inworld.segments import Segment
from calls.clips.clip_bodies import BEAT_SECONDS, SILENT_SECONDS
from calls.clips.clip_store import ClipsUnavailable, MemoryClips
from calls.clips.signed_ids import is_issued
from calls.session.services import Services
from calls.speech.early_clip import EarlyClip
from calls.speech.segment_end import SpeakingRate
from calls.turns.clip_ids import REPLACED
from calls.webhooks import clip as clip_view
from tests.support.inworld.script import tone

TEXT = "We open at nine, and we close at six."
SENTENCE = Segment(TEXT, Pcm(48_000, tone(1.0)))


class FullClips(MemoryClips):
    """A store that takes no clip."""

    async def put(self, clip_id: str, wav: bytes, seconds: float) -> None:
        raise ClipsUnavailable("The store is full.")


@pytest.fixture
async def serving(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    services = Services(Inworld("http://127.0.0.1:9", "key"), MemoryClips(1_000_000))
    monkeypatch.setattr(clip_view, "services", lambda: services)
    yield services
    await services.aclose()


def early(services: Services) -> EarlyClip:
    rate = SpeakingRate(letters_per_second=15.0)
    return EarlyClip(services.clips, rate, TEXT, lifetime=60)


async def get(clip: EarlyClip) -> HttpResponse:
    request = RequestFactory().get(clip.url)
    response = await clip_view.audio(request, clip_id=clip.id)
    assert isinstance(response, HttpResponse)
    return response


async def test_a_fetch_waits_for_the_whole_clip(serving: Services) -> None:
    clip = early(serving)
    await clip.begin()
    assert is_issued(clip.id)
    announced = clip.clip
    assert announced.is_growing
    assert announced.audible_seconds == 0
    assert 1.5 < announced.seconds < 3  # as its words let expect
    running, fetch = asyncio.create_task(clip.run()), asyncio.create_task(get(clip))
    # Signs of life keep a fetch waiting.
    done, _ = await asyncio.wait({fetch}, timeout=SILENT_SECONDS + BEAT_SECONDS)
    assert not done
    clip.finish(SENTENCE)
    await running
    response = await fetch
    assert response["Content-Length"] == str(len(response.content))
    sound = read(response.content)
    assert sound.sample_rate == 8000
    assert sound.seconds == pytest.approx(1.0, abs=0.01)
    known = clip.clip
    assert not known.is_growing
    assert known.text == TEXT
    assert known.seconds == pytest.approx(1.0, abs=0.01)
    assert (await get(clip)).content == response.content


async def test_a_complete_clip_has_its_length_at_once(serving: Services) -> None:
    clip = early(serving)
    clip.finish(SENTENCE)
    assert clip.clip.seconds == pytest.approx(1.0, abs=0.01)
    assert clip.clip.speech_frames


async def test_a_clip_that_is_cut_is_silence_and_says_nothing(
    serving: Services,
) -> None:
    clip = early(serving)
    await clip.begin()
    running, fetch = asyncio.create_task(clip.run()), asyncio.create_task(get(clip))
    clip.cut()
    clip.finish(SENTENCE)  # comes too late
    await running
    sound = read((await fetch).content)
    assert sound.seconds < 0.1
    assert not any(sound.data)
    assert (clip.clip.text, clip.clip.seconds < 0.1) == ("", True)


async def test_a_complete_sentence_is_not_cut(serving: Services) -> None:
    clip = early(serving)
    await clip.begin()
    clip.finish(SENTENCE)
    clip.cut()
    await clip.run()
    assert read((await get(clip)).content).seconds == pytest.approx(1.0, abs=0.01)


async def test_a_store_that_fails_is_told_to_the_call(serving: Services) -> None:
    serving.clips = FullClips(0)
    clip, seen = early(serving), list[tuple[str, bool]]()
    serving.fetches.listen(clip.id, lambda *report: seen.append(report))
    await clip.begin()
    clip.finish(SENTENCE)
    await clip.run()
    response = await get(clip)
    assert response[REPLACED]
    assert seen == [(clip.id, False)]


async def test_a_maker_that_dies_leaves_silence(serving: Services) -> None:
    clip = early(serving)
    await clip.begin()  # and it never runs
    async with asyncio.timeout(15):
        assert (await get(clip))[REPLACED]
