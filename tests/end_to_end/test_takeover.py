"""Turn taking on a live call: noises, listening words, silence and keys."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command

from bots.models import Bot
from calls.conversation.dtmf import MASKED
from calls.simulator.call import SimulatedCall
from calls.simulator.record import Heard
from calls.turns.messages import CONTINUE
from tests.end_to_end.test_live import closed, dial, make_bot, turns, written
from tests.support.inworld.server import DONE, ROLE, FakeInworld, Pause, speech
from tests.support.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550040"
FIRST, SECOND = "This takes a while to say.", "And this follows."
LONG = [*speech(FIRST, SECOND, seconds=2.0)]


def sources(heard: Iterable[Heard]) -> list[str]:
    return [sound.source for sound in heard]


async def asked(
    call: SimulatedCall, inworld: FakeInworld, script: Iterable[Any], seconds: float
) -> list[Heard]:
    """Ask and wait until some of the answer is heard; return its sounds so far."""
    await call.reply()
    inworld.answers(script)
    await call.say("Tell me.")
    assert await call.speaking(seconds)
    return [sound for sound in call.heard if sound.turn]


async def test_after_a_cough_the_same_clip_is_played_again_at_no_cost(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        (begun,) = await asked(call, inworld, [ROLE, *LONG, DONE], seconds=0.8)
        await written_out(call)
        assert await call.cough()
        heard = await call.hears(3)
        assert heard[0] is begun
        assert heard[1].source == begun.source
        assert heard[2].source != begun.source
        assert [sound.cut for sound in heard] == [True, False, False]
        assert len(inworld.chats) == 1
        await call.say("And then?")
        await call.reply()
    messages = (await inworld.request(2)).body["messages"]
    assert messages[-2] == {"role": "assistant", "content": f"{FIRST} {SECOND}"}
    assert messages[-1] == {"role": "user", "content": "And then?"}
    answer = (await turns(await closed(call.call_sid)))[2]
    assert (answer.heard_text, answer.interrupted) == (f"{FIRST} {SECOND}", False)


async def test_a_cough_in_the_second_clip_does_not_repeat_the_first(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        begun = await asked(call, inworld, [ROLE, *LONG, DONE], seconds=2.8)
        assert await call.cough()
        heard = await call.hears(3)
    assert sources(heard) == [*sources(begun), begun[1].source]


async def test_after_a_cough_the_rest_of_an_unfinished_answer_is_asked_for(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    script = [ROLE, *speech(FIRST, seconds=2.0), Pause()]
    async with dial(server) as call:
        (begun,) = await asked(call, inworld, script, seconds=0.8)
        inworld.says("Here is the rest.")
        assert await call.cough()
        await asyncio.wait_for(inworld.hung_up.wait(), 15)
        heard = await call.hears(3)
        assert heard[1].source == begun.source
    messages = (await inworld.request(2)).body["messages"]
    assert messages[-2]["content"] == FIRST
    assert messages[-1] == {"role": "user", "content": CONTINUE}
    said = await turns(await closed(call.call_sid))
    assert [turn.heard_text for turn in said[2:]] == [FIRST, "Here is the rest."]


async def test_a_listening_word_does_not_take_the_turn(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        (begun,) = await asked(call, inworld, [ROLE, *LONG, DONE], seconds=0.8)
        await written_out(call)
        await call.say("Mhm, okay.")
        heard = await call.hears(2)
        assert heard[0].source == begun.source
        assert len(inworld.chats) == 1
        await call.say("And then?")
        await call.reply()
    assert "Mhm" not in str((await inworld.request(2)).body["messages"])
    said = await turns(await closed(call.call_sid))
    assert [(turn.role, turn.interrupted) for turn in said[2:4]] == [
        ("bot", False),
        ("caller", False),
    ]
    assert (said[2].heard_text, said[3].text) == (f"{FIRST} {SECOND}", "Mhm, okay.")


async def test_the_same_word_after_a_question_is_an_answer(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        inworld.says("Shall I book it?")
        await call.say("A table, please.")
        await call.reply()
        await call.say("Okay.")
        await call.reply()
    assert (await inworld.request(2)).body["messages"][-1]["content"] == "Okay."


async def test_a_silent_caller_is_asked_again_and_hears_the_goodbye_to_its_end(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(
        NUMBER,
        idle_timeout_seconds=1,
        idle_reprompts=1,
        greeting="Hi!",
        idle_prompt="Hello?",
        goodbye_message="Goodbye, then.",
    )
    async with dial(server, to=NUMBER, fast=False) as call:
        await call.ends()
    greeting, question, goodbye = call.heard
    assert question.at_ms - greeting.at_ms > 1000 * (1 + greeting.seconds) - 50
    assert goodbye.at_ms - question.at_ms > 1000 * (1 + question.seconds) - 50
    assert not goodbye.cut
    assert goodbye.played_seconds == goodbye.seconds
    (end,) = [frame for frame in call.frames if frame.message["type"] == "end"]
    assert end.at_ms >= goodbye.at_ms + 1000 * goodbye.seconds
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "caller-silent")
    said = [(turn.role, turn.heard_text) for turn in await turns(row)]
    assert said == [("bot", "Hi!"), ("bot", "Hello?"), ("bot", "Goodbye, then.")]


async def test_hidden_keys_reach_only_the_model(
    server: LiveServer,
    inworld: FakeInworld,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await make_bot(NUMBER, mask_dtmf=True)
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        inworld.says("Thank you.")
        await call.press("8642#")
        await call.reply()
    assert (await inworld.request()).body["messages"][-1]["content"] == (
        "[pressed 8 6 4 2]"
    )
    row = await closed(call.call_sid)
    said = [(turn.role, turn.text, turn.heard_text) for turn in await turns(row)]
    assert said[1] == ("caller", MASKED, MASKED)
    await sync_to_async(call_command)("export_calls")
    exported = json.loads(capsys.readouterr().out)
    assert exported["turns"][1]["text"] == MASKED
    for digits in ("8642", "8 6 4 2"):
        assert digits not in json.dumps(exported)
        assert digits not in server.output


async def test_keys_over_a_reply_end_it_and_their_answer_is_heard(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        (begun,) = await asked(call, inworld, [ROLE, *LONG, DONE], seconds=0.8)
        inworld.says("You pressed one.")
        assert await call.press("1#")
        # One clip may have crossed the interrupt on its way.
        *stray, answer = await call.reply()
    assert begun.cut
    assert len(stray) <= 1
    assert not answer.cut
    sent = [frame.message["type"] for frame in call.frames if frame.sent]
    assert [kind for kind in sent if kind in ("dtmf", "interrupt")] == [
        *("dtmf", "interrupt", "dtmf")
    ]
    _, _, interrupted, keys, said = await turns(await closed(call.call_sid))
    assert interrupted.interrupted
    assert FIRST.startswith(interrupted.heard_text)
    assert keys.text == "[pressed 1]"
    assert (said.heard_text, said.interrupted) == ("You pressed one.", False)


async def test_an_interrupt_later_than_the_answer_to_its_key_spares_that_answer(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await asked(call, inworld, [ROLE, *LONG, DONE], seconds=0.8)
        await written_out(call)
        inworld.says("You pressed nothing but the hash key.")
        plays = len(played(call))
        await call.send_raw(json.dumps({"type": "dtmf", "digit": "#"}))
        await call.record.until(lambda: len(played(call)) > plays)
        interrupt = {"type": "interrupt", "durationUntilInterruptMs": 800}
        await call.send_raw(json.dumps(interrupt))
        # The simulated line did not purge its queue; the answer is behind the rest.
        assert played(call)[-1] in sources(await call.reply())
        await call.say("Thanks.")
        await call.reply()
    messages = (await inworld.request(3)).body["messages"]
    assert messages[-2]["content"] == "You pressed nothing but the hash key."
    said = (await turns(await closed(call.call_sid)))[4]
    assert said.text == "You pressed nothing but the hash key."
    assert (said.heard_text, said.interrupted) == (said.text, False)


async def written_out(call: SimulatedCall) -> None:
    """Wait until the server has all of the answer, not only its first clip."""
    await written(call.call_sid, lambda said: len(said) == 3 and said[2].model != "")


def played(call: SimulatedCall) -> list[str]:
    """Return the sources of the clips that the bot plays."""
    frames = (frame.message for frame in call.frames if not frame.sent)
    return [frame["source"] for frame in frames if frame["type"] == "play"]
