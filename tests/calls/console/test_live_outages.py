"""The live view over Redis: across processes, and while Redis is away."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from bots.models import Bot
from calls.console.live.consumer import NO_ANSWER
from tests.end_to_end.test_live import dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import running
from tests.support.pages.live import Viewer, operator, page_socket, said, watching
from tests.support.services import Redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A Redis to break; skipped where there is none for the others either."""
    with Redis() as own:
        yield own


OUTAGES = {
    "killed": (Redis.kill, Redis.start),
    "frozen": (Redis.freeze, Redis.thaw),
}


@pytest.mark.parametrize(("breaks", "mends"), OUTAGES.values(), ids=OUTAGES)
async def test_a_call_goes_on_without_redis_and_its_viewer_catches_up_afterwards(
    database_url: str,
    inworld: FakeInworld,
    bot: Bot,
    redis: Redis,
    breaks: Callable[[Redis], None],
    mends: Callable[[Redis], None],
) -> None:
    settings = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    inworld.says("While nobody could look.")
    async with (
        running(**settings, REDIS_URL=redis.url) as server,
        watching(server, await operator()) as viewer,
        dial(server) as call,
    ):
        await call.reply()
        sid = call.call_sid
        await viewer.sees(sid, lambda seen: len(seen["turns"]) == 1)
        breaks(redis)
        await call.say("Are you still there?")
        answer = await call.reply()
        assert [sound.text for sound in answer] == ["While nobody could look."]
        # The viewer's own process has the call: it needs nobody else.
        assert await viewer.command("say-next", sid, "One moment.") == ""
        await call.hears(2)
        mends(redis)
        seen = await viewer.sees(sid, lambda seen: len(seen["turns"]) == 4)
        assert said(seen)[1:] == [
            ("caller", "Are you still there?", ""),
            ("bot", "While nobody could look.", ""),
            ("bot", "One moment.", ""),
        ]
        await call.say("Good.")
        await call.reply()
        await viewer.sees(sid, lambda seen: len(seen["turns"]) == 6)
    assert server.output.count("cut off") <= 3  # once a part that noticed, not more
    assert "Traceback" not in server.output


async def test_a_viewer_of_one_process_sees_and_ends_a_call_of_another(
    database_url: str, redis_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    settings = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    async with (
        running(**settings, REDIS_URL=redis_url) as one,
        running(**settings, REDIS_URL=redis_url) as other,
        watching(other, await operator()) as viewer,
        dial(one) as call,
    ):
        await call.reply()
        await viewer.sees(call.call_sid, lambda seen: len(seen["turns"]) == 1)
        assert len(viewer.servers) == 2
        assert await viewer.command("say-next", call.call_sid, "Over the wire.") == ""
        await call.hears(2)
        assert await viewer.command("end", call.call_sid) == ""
        await call.ends()
        await viewer.sees(call.call_sid, lambda seen: "ended" in seen)
        assert "Traceback" not in one.output + other.output


async def test_an_order_that_was_given_up_stays_undone(
    database_url: str, inworld: FakeInworld, bot: Bot, redis: Redis
) -> None:
    settings = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    inworld.says("Still here.")
    async with (
        running(**settings, REDIS_URL=redis.url) as one,
        running(**settings, REDIS_URL=redis.url) as other,
        watching(other, await operator()) as viewer,
        dial(one) as call,
    ):
        await call.reply()
        sid = call.call_sid
        await viewer.sees(sid, lambda seen: len(seen["turns"]) == 1)
        redis.freeze()
        assert await viewer.command("end", sid) == NO_ANSWER
        redis.thaw()
        await call.say("Hello?")
        await call.reply()
        seen = await viewer.sees(sid, lambda seen: len(seen["turns"]) == 3)
        assert "ended" not in seen


async def test_who_comes_to_look_while_redis_is_away_sees_the_call_once_it_is_back(
    database_url: str, inworld: FakeInworld, bot: Bot, redis: Redis
) -> None:
    settings = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    redis.kill()
    async with (
        running(**settings, REDIS_URL=redis.url) as server,
        dial(server) as call,
        page_socket(server, await operator()) as socket,
    ):
        await call.reply()
        viewer = Viewer(socket)
        reading = asyncio.create_task(viewer.read())
        for _ in range(2):
            redis.start()
            viewer.servers.clear()
            await viewer.until(lambda: viewer.servers)
            seen = await viewer.sees(call.call_sid, lambda seen: seen["turns"])
            assert said(seen)[0] == ("bot", bot.greeting, "")
            assert await viewer.command("say-next", call.call_sid, "Hello again.") == ""
            redis.kill()
        await socket.close()
        await reading
    assert "Traceback" not in server.output
