"""No caller waits in silence, however Inworld fails and however late its model is."""

import asyncio
from typing import Any

import pytest

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.simulator.record import Heard
from tests.end_to_end.test_live import closed, dial, make_bot, turns
from tests.support.inworld.server import (
    ROLE,
    Cut,
    FakeInworld,
    Pause,
    Status,
    Step,
    audio,
    complete_reply,
    content,
    speech,
    tone,
    transcript,
)
from tests.support.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550030"
BOOK = phrasebook("en")
WAIT_PHRASES = BOOK.fillers.splitlines()
# A ceiling on the first sound where nothing has to be waited for (ms).
AT_ONCE = 4_000
# The longest silence (s), on a busy machine. The wait phrase is due at 2.5.
PATIENCE = 30.0

FAILURES: dict[str, list[Step]] = {
    "refused": [Status(503)],
    "reset": [Cut()],
    "reset later": [ROLE, content("Half"), Cut()],
    "hangs": [Pause()],
    "hangs after headers": [ROLE, Pause()],
    "hangs after words": [ROLE, content("Mere words. "), content("And"), Pause()],
    "hangs in mid-sound": [
        *(ROLE, content("Half a sentence."), transcript("Half a sentence.")),
        *(audio(tone(0.3)), Pause()),
    ],
    "hangs after a sentence": [ROLE, *speech("One sentence."), Pause()],
}


async def test_a_caller_hears_something_soon_whatever_fails(
    server: LiveServer, inworld: FakeInworld
) -> None:
    """Played side by side, because some take as long as a caller can bear."""
    await make_bot(NUMBER, greeting="")

    def played(body: Any) -> list[Step]:
        words = body["messages"][-1]["content"].rpartition("? ")[2]
        return FAILURES.get(words.strip("."), complete_reply("Here I am."))

    inworld.reply_with = played

    async def ring(failure: str) -> None:
        async with dial(server, to=NUMBER, pause=0.03) as call:
            await call.say(f"{failure}.")
            await call.hears(1, patience=PATIENCE)
            await call.say("Are you there? Hello")
            await hears_clip(call)

    async def hears_clip(call: Any) -> None:
        texts: list[Heard] = await call.reply(patience=PATIENCE)
        assert texts[-1].kind == "clip"

    await asyncio.gather(*(ring(failure) for failure in FAILURES))


async def test_with_nothing_at_the_other_end_twilio_says_something_soon(
    server: LiveServer, transactional_db: None
) -> None:
    await make_bot(NUMBER, greeting="", apology_message="Nobody voiced this apology.")
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.say("Hello?")
        (first, *_) = await call.hears(1, patience=PATIENCE)
        assert (first.kind, first.waited_ms < AT_ONCE) == ("tts", True)


async def test_a_late_answer_follows_a_wait_phrase(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server, pause=0.03) as call:
        await call.reply()
        inworld.answers([ROLE, Pause(), *complete_reply("At nine.")])
        await call.say("When do you open?")
        await call.hears(1, patience=PATIENCE)
        inworld.resume()
        wait, answer = await call.hears(2)
        assert (wait.kind, answer.kind) == ("clip", "clip")
        assert len(inworld.chats) == 1
        await call.say("Thanks.")
        await call.reply()
    said = str(inworld.chats[1].body["messages"])
    assert "At nine." in said
    assert WAIT_PHRASES[0] not in said
    _, _, filler, turn, *_ = await turns(await closed(call.call_sid))
    assert (filler.kind, filler.heard_text) == ("filler", WAIT_PHRASES[0])
    assert (turn.role, turn.heard_text, turn.error) == ("bot", "At nine.", "")


async def test_a_second_model_answers_when_the_first_one_hangs(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, greeting="", llm_model="a/one", fallback_models="b/two")

    def only_the_second(body: Any) -> list[Step]:
        return complete_reply("At nine.") if body["model"] == "b/two" else [Pause()]

    inworld.reply_with = only_the_second
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.say("When do you open?")
        (answer,) = await call.reply(patience=PATIENCE)
        assert answer.kind == "clip"
        await asyncio.wait_for(inworld.hung_up.wait(), 10)
    assert [chat.body["model"] for chat in inworld.chats] == ["a/one", "b/two"]
    assert inworld.chats[1].body.get("models") is None
    turn = (await turns(await closed(call.call_sid)))[1]
    assert (turn.role, turn.heard_text, turn.error) == ("bot", "At nine.", "")
    assert turn.latency_ms["hedge"] >= 1_200
    assert turn.hedge["model"] == "a/one"
    assert (turn.hedge["characters"], turn.hedge["error"]) == (0, "")


async def test_without_the_switch_no_second_model_is_asked(
    server: LiveServer, inworld: FakeInworld
) -> None:
    bot = {"greeting": "", "llm_model": "a/one", "fallback_models": "b/two"}
    await make_bot(NUMBER, **bot, hedge=False)
    inworld.answers([Pause(), *complete_reply("At nine.")])
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.say("When do you open?")
        await call.hears(1, patience=PATIENCE)  # a wait phrase
        inworld.resume()
        await call.hears(2)
    assert [chat.body["model"] for chat in inworld.chats] == ["a/one"]
