"""Later fallback steps: other models, Twilio's voice, a person, a polite goodbye."""

import asyncio
import json
from typing import Any

import pytest

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.simulator.call import SimulatedCall
from calls.simulator.forms import call_form
from calls.simulator.line import Line
from calls.simulator.record import Heard
from calls.simulator.twilio_client import TwilioClient
from calls.speech.speech_text import PART_CHARACTERS, speech_parts
from tests.conftest import INWORLD_PORT
from tests.end_to_end.test_live import closed, dial, make_bot, turns
from tests.support.inworld.refusals import NO_TEMPERATURE
from tests.support.inworld.server import (
    DONE,
    ROLE,
    Delay,
    FakeInworld,
    Pause,
    Status,
    Step,
    audio,
    complete_reply,
    content,
    finish,
    speech,
    transcript,
)
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

BOOK = phrasebook("en")
WAIT_PHRASE = BOOK.fillers.splitlines()[0]
NUMBER = "+15005550030"
COLLEAGUE = "+15005550099"
# A ceiling on the first sound, in ms from the caller's last word.
AT_ONCE = 4_000
# The longest silence (s), on a busy machine: a fault that shows only in silence is
# noticed after LIVENESS, 5 s.
PATIENCE = 30.0


async def ask(call: SimulatedCall, text: str = "Hello?") -> list[Heard]:
    await call.say(text)
    return await call.reply(patience=PATIENCE)


def kinds(heard: list[Heard]) -> list[str]:
    return [sound.kind for sound in heard]


# Long texts


async def test_a_long_greeting_is_spoken_by_the_bots_voice_in_parts(
    server: LiveServer, inworld: FakeInworld
) -> None:
    greeting = "".join(f"This is sentence {number} of many. " for number in range(90))
    await make_bot(NUMBER, greeting=greeting.strip())
    count = len(speech_parts(greeting.strip()))
    assert count > 4
    async with dial(server, to=NUMBER, pause=0.03) as call:
        heard = await call.hears(count, patience=PATIENCE)
    assert kinds(heard) == ["clip"] * count
    row, *_ = await turns(await closed(call.call_sid))
    assert (row.text, row.error) == (greeting.strip(), "")
    asked = [request.body["text"] for request in inworld.spoken]
    parts = list(dict.fromkeys(text for text in asked if "sentence" in text))
    assert " ".join(parts) == greeting.strip()
    assert max(map(len, parts)) <= PART_CHARACTERS


# Other models


async def test_fallback_models_are_asked_in_order_after_one_retry(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, llm_model="a/one", fallback_models="b/two\nc/three")

    def only_the_third(body: Any) -> list[Step]:
        third = body["model"] == "c/three"
        return complete_reply("Third time lucky.") if third else [Status(503)]

    inworld.reply_with = only_the_third
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.reply()
        assert kinds(await ask(call)) == ["clip"]
        assert models(inworld) == ["a/one", "a/one", "b/two", "c/three"]
        inworld.reply_with = None
        await ask(call, "And now?")
        assert models(inworld)[4:] == ["a/one"]
    _, _, answer, _, _ = await turns(await closed(call.call_sid))
    assert (answer.role, answer.heard_text) == ("bot", "Third time lucky.")
    assert {"retry", "fallback"} <= answer.latency_ms.keys()


async def test_a_refused_model_is_not_asked_again_before_the_next_one(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, llm_model="a/one", fallback_models="b/two\nc/three")
    inworld.reply_with = lambda body: [Status(404)]
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.reply()
        await ask(call)
        assert models(inworld) == ["a/one", "b/two", "c/three"]
    apology = (await turns(await closed(call.call_sid)))[2]
    assert list(apology.latency_ms)[:2] == ["fallback", "apology"]


async def test_a_refused_temperature_costs_no_fallback_step(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, llm_model="a/one", temperature=0.2)
    inworld.answers([NO_TEMPERATURE["openai"]])
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.reply()
        assert kinds(await ask(call)) == ["clip"]
        assert kinds(await ask(call, "And now?")) == ["clip"]
    sent = [chat.body.get("temperature") for chat in inworld.chats]
    assert sent == [0.2, None, None]
    answer = (await turns(await closed(call.call_sid)))[2]
    assert not {"retry", "fallback", "apology"} & answer.latency_ms.keys()
    assert answer.error == ""


def models(inworld: FakeInworld) -> list[str]:
    return [chat.body["model"] for chat in inworld.chats]


# Twilio's voice


async def test_twilio_greets_when_the_greeting_cannot_be_synthesised(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, greeting="A greeting nobody voiced.")
    inworld.tts_status = 503
    async with dial(server, to=NUMBER, pause=0.03) as call:
        (greeting,) = await call.reply()
        assert (greeting.kind, greeting.text) == (
            "tts",
            "A greeting nobody voiced.",
        )
        assert greeting.waited_ms < AT_ONCE
        assert kinds(await ask(call)) == ["clip"]
    row = (await turns(await closed(call.call_sid)))[0]
    assert (row.role, row.heard_text) == ("bot", "A greeting nobody voiced.")
    assert "Twilio's voice: Inworld answered 503" in row.error


async def test_words_without_audio_are_spoken_by_twilio(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, greeting="", apology_message="Pardon me.")
    inworld.tts_status = 503
    inworld.reply_with = lambda body: [ROLE, content("Mere words."), finish(), DONE]
    async with dial(server, to=NUMBER, pause=0.03) as call:
        (words,) = await ask(call)
        assert (words.kind, words.text) == ("tts", "Mere words.")
        assert words.waited_ms < AT_ONCE
        assert len(inworld.chats) == 1
        inworld.reply_with = None
        assert kinds(await ask(call, "Now?")) == ["clip"]
    row = (await turns(await closed(call.call_sid)))[1]
    assert (row.role, row.heard_text) == ("bot", "Mere words.")
    assert "503" in row.error


async def test_a_reply_whose_sound_cannot_be_played_is_synthesised(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, greeting="")
    playable = speech("This is sound.")
    noise = [content(" This not."), transcript(" This not."), audio(b"OggS" * 99)]
    inworld.answers([ROLE, *playable, *noise, finish(), DONE])
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.say("Hello?")
        assert kinds(await call.hears(2, patience=PATIENCE)) == ["clip", "clip"]
        assert "This not." in [request.body["text"] for request in inworld.spoken]
        assert len(inworld.chats) == 1
    row = (await turns(await closed(call.call_sid)))[1]
    assert (row.heard_text, row.error) == ("This is sound. This not.", "")


async def test_with_inworld_gone_twilio_speaks_and_then_hangs_up(
    server: LiveServer, transactional_db: None
) -> None:
    await make_bot(
        NUMBER,
        greeting="Good day.",
        apology_message="Sorry.",
        goodbye_message="So long.",
    )
    async with dial(server, to=NUMBER, pause=0.03) as call:
        heard = [*await call.reply(), *await ask(call), *await ask(call, "What?")]
        await call.say("Hey!")
        heard += await call.reply()
        await call.ends()
    assert kinds(heard) == ["tts"] * 4
    assert [sound.text for sound in heard] == ["Good day.", *["Sorry."] * 2, "So long."]
    assert max(sound.waited_ms for sound in heard) < AT_ONCE
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "bot-failed")
    assert "cannot be reached" in (await turns(row))[2].error


async def test_inworld_may_go_and_come_back_during_a_call(
    server: LiveServer, transactional_db: None
) -> None:
    await make_bot(NUMBER, apology_message="Sorry, again please.")
    async with FakeInworld(INWORLD_PORT):
        call = dial(server, to=NUMBER, pause=0.03)
        await call.__aenter__()
        await call.reply()
        assert kinds(await ask(call)) == ["clip"]
    (apology,) = await ask(call, "And then?")
    assert apology.waited_ms < AT_ONCE
    async with FakeInworld(INWORLD_PORT):
        assert kinds(await ask(call, "Back again?")) == ["clip"]
        await call.__aexit__(None, None, None)


# Silence instead of a fault


async def test_inworld_falling_silent_leaves_no_caller_in_silence(
    server: LiveServer, inworld: FakeInworld
) -> None:
    """Played side by side, because each takes as long as a caller can bear."""
    silences: dict[str, list[Step]] = {
        "nothing": [Pause()],
        "headers": [ROLE, Pause()],
        "pings": [b": ping\n\n", Delay(0.1)] * 200,
        "text": [ROLE, content("Mere words. "), content("And more."), Pause()],
        "unvoiced": [ROLE, content("Hanging words."), finish(), DONE],
    }
    await make_bot(NUMBER, greeting="")
    inworld.tts_hangs_on = "Hanging"

    def played(body: Any) -> list[Step]:
        words = body["messages"][-1]["content"].split()
        return complete_reply("Yes.") if words[-1] == "there?" else silences[words[0]]

    inworld.reply_with = played

    async def ring(name: str) -> None:
        async with dial(server, to=NUMBER, pause=0.03) as call:
            await call.say(name)
            assert len(await call.hears(2, patience=PATIENCE)) == 2, name
            assert kinds(await ask(call, "Are you there?")) == ["clip"], name
        wait, said = (await turns(await closed(call.call_sid)))[1:3]
        assert (wait.kind, wait.heard_text) == ("filler", WAIT_PHRASE), name
        assert (said.role, said.text) == ("system", BOOK.apology_message), name
        assert "No sound came in time." in said.error
        assert {"retry", "apology"} <= said.latency_ms.keys()

    async def greet() -> None:
        number = "+15005550031"
        await make_bot(number, greeting="Hanging greeting.")
        async with dial(server, to=number, pause=0.03) as call:
            (greeting,) = await call.reply(patience=PATIENCE)
            assert greeting.kind == "tts"
            assert kinds(await ask(call, "Are you there?")) == ["clip"]

    async def apologise() -> None:
        number = "+15005550032"
        await make_bot(number, greeting="", apology_message="Hanging apology.")
        silences["refused"] = [Status(401)]
        async with dial(server, to=number, pause=0.03) as call:
            (apology,) = await ask(call, "refused")
            assert apology.kind == "tts"
            assert kinds(await ask(call, "Are you there?")) == ["clip"]

    await asyncio.gather(greet(), apologise(), *(ring(name) for name in silences))


async def test_a_stream_that_stalls_after_a_sentence_does_not_keep_the_caller(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([ROLE, *speech("This much came.", seconds=1.2), Pause()])
    async with dial(server) as call:
        await call.reply()
        assert kinds(await ask(call)) == ["clip"]
        (answer,) = await ask(call, "And the rest?")
        assert answer.waited_ms < AT_ONCE
        await asyncio.wait_for(inworld.hung_up.wait(), 15)
    messages = inworld.chats[1].body["messages"]
    assert messages[-2] == {"role": "assistant", "content": "This much came."}


# A person, or goodbye


async def test_a_caller_is_transferred_after_two_failures_in_a_row(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, transfer_number=COLLEAGUE)
    inworld.reply_with = lambda body: [Status(401)]
    async with dial(server, to=NUMBER, pause=0.03) as call:
        await call.reply()
        await ask(call)
        inworld.reply_with = None
        await ask(call, "A good answer starts the count anew.")
        inworld.reply_with = lambda body: [Status(401)]
        await ask(call, "One.")
        assert not call.over
        (notice,) = await ask(call, "Two.")
        await call.ends()
    assert (notice.kind, notice.cut) == ("clip", False)
    assert call.dialled == COLLEAGUE
    assert json.loads(call.actions[0]["HandoffData"]) == {"transfer": True}
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "transferred")
    assert (await turns(row))[-1].text == BOOK.transfer_notice


async def test_a_caller_nobody_can_take_over_hears_goodbye_after_three_failures(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.reply_with = lambda body: [Status(401)]
    async with dial(server) as call:
        await call.reply()
        for text in ("One.", "Two.", "Three."):
            (last,) = await ask(call, text)
        await call.ends()
    assert (last.kind, last.cut) == ("clip", False)
    assert call.dialled == ""
    assert "HandoffData" not in call.actions[0]
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "bot-failed")
    said = await turns(row)
    assert [turn.text for turn in said if turn.role == "system"] == [
        BOOK.apology_message
    ] * 2
    assert said[-1].text == BOOK.goodbye_message


HANDOFFS = [
    *('{"transfer": "+19005550000"}', '{"transfer": 1}', '{"transfer": "true"}'),
    *('{"dial": "+19005550000"}', '{"transfer": {"number": "+19005550000"}}'),
    *("", " ", "null", "[]", '["transfer"]', '"transfer"', "true", "1" * 5_000),
    *(
        "[" * 15_000,  # a webhook takes 64 KB
        '{"transfer":' * 1_500,
        "\x00",
        "{",
        '{"transfer": tru',
        "\ufeff",
    ),
    *("+19005550000", "<Dial>+19005550000</Dial>", '{"transfer": "\\ud800"}'),
]
WILLING = '{"transfer": true, "number": "+19005550000", "to": "<Dial>+1900</Dial>"}'


async def test_forged_handoff_data_dials_nobody(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=server.url)
    await make_bot(NUMBER, transfer_number=COLLEAGUE)

    async def twiml_of(twilio: TwilioClient, call_sid: str, handoff: str) -> str:
        form = call_form(line, call_sid, "in-progress") | {"SessionStatus": "ended"}
        form |= {"HandoffData": handoff, "TransferNumber": "+19005550000"}
        return await twilio.post(f"{PUBLIC_URL}/voice/action", form)

    twilio = TwilioClient(line)
    async with dial(server) as plain, dial(server, to=NUMBER, pause=0.03) as willing:
        forged = [
            twiml_of(twilio, call.call_sid, handoff)
            for handoff in HANDOFFS
            for call in (plain, willing)
        ]
        assert not [
            twiml for twiml in await asyncio.gather(*forged) if "<Dial" in twiml
        ]
        # Even one as we send it: no bot has transferred these callers.
        for call_sid in (plain.call_sid, willing.call_sid, "CA-unknown"):
            assert "<Dial" not in await twiml_of(twilio, call_sid, WILLING)
    await twilio.close()
