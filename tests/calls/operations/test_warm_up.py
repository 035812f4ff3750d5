"""Greetings that are ready before the first call, and voices that Inworld refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import httpx
import pytest
from pytest_django import Settings

from bots.inworld.client import Inworld
from bots.models import Bot, SpokenLanguage
from calls.clips.clip_store import ClipStore, MemoryClips, RedisClips
from calls.diagnostics.findings import Finding
from calls.diagnostics.refused_voices import refused_voice_findings
from calls.operations.health import WARMING_UP
from calls.operations.warm_up import WarmUp, _concurrency
from calls.session.services import Services
from calls.speech.fixed_sentences import TEST_WORD, fixed_sentences
from calls.speech.phrase_cache import PhraseCache
from tests.conftest import INWORLD_PORT
from tests.end_to_end.test_live import dial
from tests.support.bot_configs import bot_config
from tests.support.inworld.replies import KEY, VOICING
from tests.support.inworld.server import FakeInworld
from tests.support.live import running

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def process(
    fake: FakeInworld, clips: ClipStore | None = None
) -> AsyncIterator[WarmUp]:
    """The warm-up of one process; a test runs its rounds by hand."""
    services = Services(Inworld(fake.url, KEY), clips or MemoryClips(10**7))
    yield WarmUp(services)
    await services.aclose()


def texts(fake: FakeInworld) -> list[str]:
    spoken = [request.body["text"] for request in fake.spoken]
    return [text for text in spoken if text != TEST_WORD]


async def test_all_fixed_sentences_are_made_once_and_those_of_a_saved_bot_anew(
    bot: Bot, inworld: FakeInworld
) -> None:
    async with process(inworld) as warm_up:
        await warm_up.run()
        assert bot.greeting == texts(inworld)[0]
        assert "Sorry, we were cut off for a moment." in texts(inworld)
        made = len(texts(inworld))
        await warm_up.run()
        assert len(texts(inworld)) == made
        bot.greeting = "Welcome to the zeppelin."
        await bot.asave()
        await warm_up.run()
        assert texts(inworld)[made:] == ["Welcome to the zeppelin."]


async def test_a_second_process_takes_the_sentences_from_redis(
    bot: Bot, inworld: FakeInworld, redis_url: str
) -> None:
    for _ in range(2):
        async with process(inworld, RedisClips(redis_url)) as warm_up:
            await warm_up.run()
            assert len(warm_up.phrases.ready) == len(texts(inworld)) > 3


async def refused_voices() -> list[Finding]:
    active = Bot.objects.filter(is_active=True)
    return await asyncio.to_thread(refused_voice_findings, active)


async def test_a_refused_voice_is_reported_until_it_works(
    bot: Bot, inworld: FakeInworld
) -> None:
    inworld.tts_status = 404
    async with process(inworld) as warm_up:
        await warm_up.run()
        [finding] = await refused_voices()
        assert finding.is_failure
        assert f"{bot}: Inworld refuses the voice Clive" in finding.message
        assert "refused with 404" in finding.message
        asked = len(inworld.spoken)
        await warm_up.run()
        assert len(inworld.spoken) == asked  # nothing more in a refused voice
        inworld.tts_status = 200
        await bot.asave()
        await warm_up.run()
        await warm_up.run()
        assert not await refused_voices()
        assert bot.greeting in texts(inworld)


async def test_a_refusal_is_over_when_no_active_bot_uses_the_voice(
    bot: Bot, inworld: FakeInworld
) -> None:
    inworld.tts_status = 400
    async with process(inworld) as warm_up:
        await warm_up.run()
        bot.is_active = False
        await bot.asave()
        assert not await refused_voices()


async def test_sentences_that_inworld_cannot_make_now_are_made_later(
    bot: Bot, inworld: FakeInworld
) -> None:
    inworld.tts_status = 503
    async with process(inworld) as warm_up:
        await warm_up.run()
        asked = len(inworld.spoken)
        assert asked < len(fixed_sentences([bot_config()])) * 2
        await warm_up.run()
        assert len(inworld.spoken) == asked  # a pause comes first
        assert not await refused_voices()
        inworld.tts_status, warm_up.retry_at = 200, monotonic()
        await warm_up.run()
        assert not warm_up.missing
        assert bot.greeting in texts(inworld)


async def test_further_languages_are_made_in_their_own_voices(
    bot: Bot, inworld: FakeInworld
) -> None:
    await SpokenLanguage.objects.acreate(bot=bot, language="de-DE", voice="Johanna")
    async with process(inworld) as warm_up:
        await warm_up.run()
    last = inworld.spoken[-2].body
    assert (last["voiceId"], last["language"]) == ("Johanna", "de-DE")


def test_every_bots_greeting_comes_before_a_second_sentence_of_any() -> None:
    bots = [bot_config(greeting=f"This is {name}.") for name in ("Ann", "Bob")]
    spoken = [request.text for request in fixed_sentences(bots)]
    assert spoken[:2] == ["This is Ann.", "This is Bob."]
    assert len(spoken) == len(set(spoken))


def test_a_greeting_that_only_a_call_can_fill_is_not_made_ahead() -> None:
    config = bot_config(greeting="Hello {{name}}.", consent_message="We record.")
    spoken = [request.text for request in fixed_sentences([config])]
    assert spoken[0] == "We record."
    assert not [text for text in spoken if "Hello" in text]


@pytest.mark.parametrize(("allowed", "used"), [(0, 4), (1, 1), (5, 2), (100, 4)])
def test_calls_keep_at_least_half_of_the_plan(
    settings: Settings, allowed: int, used: int
) -> None:
    settings.INWORLD_MAX_CONCURRENCY = allowed
    assert _concurrency() == used


async def test_the_sandboxs_voice_is_not_kept_for_the_real_one(
    settings: Settings, inworld: FakeInworld
) -> None:
    clips, client = MemoryClips(10**7), Inworld(inworld.url, KEY)
    settings.SANDBOX_RUNNING = True
    await PhraseCache(client, clips).get(VOICING, 5)
    settings.SANDBOX_RUNNING = False
    await PhraseCache(client, clips).get(VOICING, 5)
    assert len(inworld.spoken) == 2
    await client.aclose()


async def reasons(http: httpx.AsyncClient) -> list[str]:
    found: list[str] = (await http.get("/readyz")).json()["reasons"]
    return found


async def ready(http: httpx.AsyncClient) -> None:
    while True:
        if not await reasons(http):
            return
        await asyncio.sleep(0.02)


async def test_a_server_is_ready_when_the_greeting_of_its_first_call_is(
    bot: Bot, inworld: FakeInworld, database_url: str
) -> None:
    inworld.tts_pauses = True
    own = {"DATABASE_URL": database_url, "WARM_UP_SECONDS": "60"}
    async with (
        running(INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}", **own) as server,
        httpx.AsyncClient(base_url=server.url) as http,
        asyncio.timeout(30),
    ):
        assert await reasons(http) == [WARMING_UP]
        inworld.tts_pauses = False
        for _ in range(10):
            inworld.resume()
        await ready(http)
        made = texts(inworld)
        async with dial(server) as call:
            assert [sound.kind for sound in await call.reply()] == ["clip"]
        assert texts(inworld) == made


async def test_a_server_takes_calls_after_the_limit_while_inworld_hangs(
    bot: Bot, inworld: FakeInworld, database_url: str
) -> None:
    inworld.tts_pauses = True
    own = {"DATABASE_URL": database_url, "WARM_UP_SECONDS": "1"}
    async with (
        running(INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}", **own) as server,
        httpx.AsyncClient(base_url=server.url) as http,
        asyncio.timeout(30),
    ):
        await ready(http)
        await server.logs("Takes calls before all greetings are")
