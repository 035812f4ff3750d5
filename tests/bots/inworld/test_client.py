"""The HTTP exchange with Inworld, against a server on a real socket."""

import asyncio

import pytest

from bots.inworld import client
from bots.inworld.client import Inworld
from bots.inworld.errors import (
    BadCredentials,
)
from bots.inworld.events import Done, ModelChosen, Text, Usage
from bots.inworld.segments import Segmenter
from tests.support.inworld.replies import (
    KEY,
    VOICING,
    EndsWhenQuiet,
    asking,
    replied,
)
from tests.support.inworld.server import (
    DONE,
    ROLE,
    SAMPLE_VOICES,
    FakeInworld,
    Pause,
    Step,
    content,
    event,
    speech,
)


async def test_a_reply_is_streamed_to_its_end(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.says("Hello there.", "How can I help?", seconds=0.5)
    segmenter, segments = Segmenter(EndsWhenQuiet()), []
    for heard in (events := await replied(inworld)):
        segments += segmenter.feed(heard)
    assert [(s.text, s.pcm.seconds) for s in segments] == [
        ("Hello there.", 0.5),
        (" How can I help?", 0.5),
    ]
    assert segmenter.written == "Hello there. How can I help?"
    assert Usage(9, 9) in events
    assert events[-1] == Done()


async def test_what_is_sent(fake: FakeInworld, inworld: Inworld) -> None:
    async with inworld.reply(asking(fallback_models=("a/b", "c"))):
        request = await fake.request()
    assert request.headers["authorization"] == f"Basic {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.body == {
        "model": "openai/gpt-4.1-mini",
        "stream": True,
        "stream_options": {"include_usage": True},
        "audio": {"voice": "Clive", "model": "inworld-tts-2"},
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 300,
        "temperature": 0.7,
        "models": ["a/b", "c"],
        "extra_body": {"models": ["a/b", "c"]},
    }
    assert "extra_body" not in asking().body()
    assert "temperature" not in asking(temperature=None).body()


async def test_a_caller_transcribed_with_half_a_character_is_answered(
    fake: FakeInworld, inworld: Inworld
) -> None:
    async with inworld.reply(asking("Hi \ud83d")) as reply:
        assert [heard async for heard in reply][-1] == Done()


async def test_events_arrive_while_the_reply_is_written(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([content("Hello"), Pause(), DONE])
    async with inworld.reply(asking()) as reply:
        await anext(reply)
        assert await anext(reply) == Text("Hello")
        fake.resume()
        assert await anext(reply) == Done()
        with pytest.raises(StopAsyncIteration):
            await anext(reply)


async def test_waiting_with_a_timeout_loses_no_event(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([b": ping\n\n", Pause(), content("Late"), DONE])
    async with inworld.reply(asking()) as reply:
        pending = asyncio.ensure_future(anext(reply))
        done, _ = await asyncio.wait({pending}, timeout=0.02)
        assert not done
        fake.resume()
        assert [await pending, *[heard async for heard in reply]][-2:] == [
            Text("Late"),
            Done(),
        ]


async def test_leaving_the_block_hangs_up(fake: FakeInworld, inworld: Inworld) -> None:
    fake.answers([*speech("Sure."), Pause(), DONE])
    async with inworld.reply(asking()) as reply:
        await anext(reply)
        assert not fake.hung_up.is_set()
    await asyncio.wait_for(fake.hung_up.wait(), 15)
    await fake.quiet()


@pytest.mark.parametrize("script", [[Pause()], [ROLE, Pause()]])
async def test_cancelling_hangs_up(
    script: list[Step], fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers(script)
    turn = asyncio.create_task(replied(inworld))
    await fake.request()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await asyncio.wait_for(fake.hung_up.wait(), 15)


async def test_a_text_is_spoken_at_the_rate_asked_for(
    fake: FakeInworld, inworld: Inworld
) -> None:
    pcm = await inworld.speak(VOICING)
    assert pcm.sample_rate == 8000
    assert pcm.seconds == pytest.approx(len(VOICING.text) / 15, abs=0.001)
    assert fake.requests[0].body == {
        "text": "Thanks for calling.",
        "voiceId": "Clive",
        "modelId": "inworld-tts-2",
        "language": "en-US",
        "audioConfig": {"audioEncoding": "WAV", "sampleRateHertz": 8000},
    }


async def test_a_voice_that_is_refused(fake: FakeInworld, inworld: Inworld) -> None:
    fake.tts_status = 401
    with pytest.raises(BadCredentials, match="refused with 401"):
        await inworld.speak(VOICING)


async def test_every_page_of_voices_is_read(
    fake: FakeInworld, inworld: Inworld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await inworld.voices() == SAMPLE_VOICES
    monkeypatch.setattr(client, "VOICES_PER_PAGE", 1)
    assert await inworld.voices() == SAMPLE_VOICES
    assert len(fake.requests) == 3


async def test_warming_up_raises_nothing(fake: FakeInworld, inworld: Inworld) -> None:
    fake.voices_status = 403
    await inworld.preconnect()
    assert fake.requests[0].query == {"pageSize": "1"}
    assert fake.chats == []


async def test_other_bots_can_be_given_other_replies(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.reply_with = lambda body: [event({"model": body["model"]}), DONE]
    async with inworld.reply(asking(model="x/y")) as reply:
        assert [str(heard) async for heard in reply] == [
            "ModelChosen(model='x/y')",
            "Done()",
        ]


async def test_a_model_is_named_once_and_again_when_another_takes_over(
    fake: FakeInworld, inworld: Inworld
) -> None:
    models = ["x/y", "x/y", "x/z", "x/z"]
    fake.reply_with = lambda _: [*(event({"model": name}) for name in models), DONE]
    async with inworld.reply(asking()) as reply:
        assert [heard async for heard in reply] == [
            ModelChosen("x/y"),
            ModelChosen("x/z"),
            Done(),
        ]


async def test_a_client_is_full_while_all_its_slots_are_taken(
    fake: FakeInworld,
) -> None:
    limited = Inworld(fake.url, KEY, concurrency=1)
    fake.answers([ROLE, Pause()])
    assert not limited.is_full
    async with limited.reply(asking()):
        assert limited.is_full
    assert not limited.is_full
    await limited.aclose()
