"""Every observed or possible fault of Inworld, during a live call.

After every fault the caller soon hears something, and the next question is answered.
"""

from dataclasses import dataclass

import pytest

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.simulator.call import SimulatedCall
from calls.simulator.record import Heard
from tests.end_to_end.test_live import closed, dial, turns
from tests.support.inworld.script import event, sample
from tests.support.inworld.server import (
    DONE,
    ROLE,
    Cut,
    FakeInworld,
    Status,
    Step,
    audio,
    content,
    error,
    finish,
    speech,
    tone,
    transcript,
    usage,
)
from tests.support.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

APOLOGY = phrasebook("en").apology_message
# A ceiling on the first sound, in ms from the caller's last word.
AT_ONCE = 6_000

HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = "<html><body><h1>Welcome</h1></body></html>"
GRPC = {"code": 14, "message": "upstream is gone", "details": []}


@dataclass(frozen=True, slots=True)
class Fault:
    """Inworld's reply, the error in the transcript, and the number of requests."""

    script: list[Step]
    words: str
    tries: int = 2


FAULTS = {
    "400": Fault([Status(400)], "answered 400: status 400", 1),
    "401": Fault([Status(401)], "answered 401: status 401", 1),
    "402": Fault([Status(402)], "answered 402: status 402", 1),
    "403": Fault([Status(403)], "answered 403: status 403", 1),
    "404": Fault([Status(404)], "answered 404: status 404", 1),
    "302": Fault([Status(302, headers={"Location": "/"})], "answered 302", 1),
    "429": Fault([Status(429)], "answered 429: status 429"),
    "429, come back in 1 s": Fault(
        [Status(429, headers={"Retry-After": "1"})], "answered 429"
    ),
    "429, come back in 30 s": Fault(
        [Status(429, headers={"Retry-After": "30"})], "answered 429", 1
    ),
    "500": Fault([Status(500)], "answered 500: status 500"),
    "502, a gateway's page": Fault([Status(502, PAGE, HTML)], "answered 502"),
    "503": Fault([Status(503)], "answered 503: status 503"),
    "503, gRPC": Fault([Status(503, GRPC)], "answered 503: upstream is gone"),
    "400, gRPC": Fault([Status(400, GRPC)], "answered 400: upstream is gone", 1),
    "a page with 200": Fault([Status(200, PAGE, HTML)], "expected a stream"),
    "JSON with 200": Fault([Status(200, GRPC)], "expected a stream"),
    "text with 200": Fault([Status(200, "Hello")], "ended the connection"),
    "error chunk": Fault([error("it broke")], "failed during a reply: it broke"),
    "error chunk, [DONE]": Fault([ROLE, error("it broke"), DONE], "it broke"),
    "error before any sound": Fault([content("Half a"), error("it broke")], "it broke"),
    "cut before headers": Fault([Cut()], "cannot be reached"),
    "cut after headers": Fault([b": hello\n\n", Cut()], "ended the connection"),
    "cut before any sound": Fault([content("Half"), Cut()], "ended the connection"),
    "ends at once": Fault([b""], "ended the connection"),
    "only [DONE]": Fault([DONE], "an empty answer"),
    "empty reply": Fault([ROLE, finish(), usage(), DONE], "an empty answer"),
    "blank reply": Fault([content(" \n"), finish(), DONE], "an empty answer"),
    "malformed JSON": Fault([b'data: {"choices"\n\n', DONE], "an empty answer"),
    "unknown JSON": Fault([event({"choices": 7}), DONE], "an empty answer"),
}
PASSING = {name: fault for name, fault in FAULTS.items() if fault.tries == 2}


async def question(
    call: SimulatedCall, text: str = "Hello?", sounds: int = 1
) -> list[Heard]:
    """Ask a question and check that its answer comes soon.

    On a busy machine a pause between two of its `sounds` is no end.
    """
    await call.say(text)
    await call.hears(sounds)
    heard = await call.reply()
    assert heard[0].waited_ms < AT_ONCE
    return heard


async def is_answered(
    call: SimulatedCall, inworld: FakeInworld, text: str = "Are you there?"
) -> list[dict[str, str]]:
    """Check that the next question is answered; return the history of its request."""
    inworld.reply_with = None
    inworld.says("Here I am.")
    before = len(inworld.chats)
    heard = await question(call, text)
    assert [sound.kind for sound in heard] == ["clip"]
    assert len(inworld.chats) == before + 1
    messages: list[dict[str, str]] = inworld.chats[-1].body["messages"]
    assert messages[-1]["content"].endswith(text)
    assert APOLOGY not in str(messages)
    return messages


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_lasting_fault_is_apologised_for_and_the_call_goes_on(
    server: LiveServer, inworld: FakeInworld, bot: Bot, fault: Fault
) -> None:
    inworld.reply_with = lambda body: fault.script
    async with dial(server, pause=0.03) as call:
        await call.reply()
        (apology,) = await question(call)
        assert apology.kind == "clip"
        assert len(inworld.chats) == fault.tries
        messages = await is_answered(call, inworld)
    assert messages[-1]["content"] == "Hello? Are you there?"
    assert call.errors == []
    _, _, said, _, answer = await turns(await closed(call.call_sid))
    assert (said.role, said.text, said.heard_text) == ("system", APOLOGY, APOLOGY)
    assert fault.words in said.error
    steps = ["retry"] * (fault.tries - 1) + ["apology"]
    assert [name for name in said.latency_ms if name in ("retry", "apology")] == steps
    assert (answer.role, answer.text, answer.error) == ("bot", "Here I am.", "")


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_a_passing_fault_is_retried_once_and_never_noticed(
    server: LiveServer, inworld: FakeInworld, bot: Bot, fault: Fault
) -> None:
    async with dial(server, pause=0.03) as call:
        await call.reply()
        inworld.answers(fault.script)
        inworld.says("We open at nine.")
        assert [sound.kind for sound in await question(call)] == ["clip"]
        assert len(inworld.chats) == 2
        assert inworld.chats[0].body == inworld.chats[1].body
    _, _, answer = await turns(await closed(call.call_sid))
    assert (answer.role, answer.heard_text) == ("bot", "We open at nine.")
    assert "retry" in answer.latency_ms
    assert "apology" not in answer.latency_ms


CUT_SHORT = {
    "error after a sentence": ([*speech("So much."), error("it broke")], "it broke"),
    "error in a sentence": (
        [*speech("So"), content(" much."), transcript(" much."), error("it broke")],
        "it broke",
    ),
    "error in mid-sound": (
        [content("So much."), transcript("So much."), audio(tone(0.1)), error("no")],
        "failed during a reply: no",
    ),
    "cut in mid-sound": (
        [content("So much."), transcript("So much."), audio(tone(0.1)), Cut()],
        "ended the connection",
    ),
    "no [DONE]": ([ROLE, *speech("So much.")], "ended the connection"),
    "a finish without [DONE]": ([ROLE, *speech("So much."), finish()], ""),
}


@pytest.mark.parametrize(("script", "words"), CUT_SHORT.values(), ids=CUT_SHORT)
async def test_speech_before_a_fault_is_heard_and_not_requested_again(
    server: LiveServer, inworld: FakeInworld, bot: Bot, script: list[Step], words: str
) -> None:
    inworld.answers(script)
    async with dial(server, pause=0.03) as call:
        await call.reply()
        assert {sound.kind for sound in await question(call)} == {"clip"}
        assert len(inworld.chats) == 1
        messages = await is_answered(call, inworld)
    row = (await turns(await closed(call.call_sid)))[2]
    assert row.role == "bot"
    assert row.heard_text.startswith("So")
    assert words in row.error
    assert bool(row.error) is bool(words)
    assert messages[-2] == {"role": "assistant", "content": row.heard_text}


VOICED = {
    "no sound at all": (
        [ROLE, content("Mere words."), finish(), DONE],
        ["Mere words."],
    ),
    "one sentence without": (
        [ROLE, *speech("First."), content(" Mere words."), finish(), DONE],
        ["First.", "Mere words."],
    ),
    "sound that is none": (
        [content("Mere words."), event({"choices": [{"delta": {"audio": 7}}]}), DONE],
        ["Mere words."],
    ),
    "only a transcript": (
        [transcript("Mere words."), finish(), DONE],
        ["Mere words."],
    ),
}


@pytest.mark.parametrize(("script", "heard"), VOICED.values(), ids=VOICED)
async def test_text_that_came_without_sound_is_voiced_through_the_tts_api(
    server: LiveServer,
    inworld: FakeInworld,
    bot: Bot,
    script: list[Step],
    heard: list[str],
) -> None:
    *_, words = heard
    inworld.answers(script)
    async with dial(server, pause=0.03) as call:
        await call.reply()
        answer = await question(call, sounds=len(heard))
        assert [sound.kind for sound in answer] == ["clip"] * len(heard)
        assert len(inworld.chats) == 1
        messages = await is_answered(call, inworld)
    spoken = [request.body["text"] for request in inworld.spoken]
    assert words in [text.strip() for text in spoken]
    row = (await turns(await closed(call.call_sid)))[2]
    assert (row.role, row.error) == ("bot", "")
    assert row.heard_text == " ".join(heard)
    assert messages[-2]["content"] == row.heard_text


ODD = ["data-first", "extra-fields", "odd-bytes", "riff-header", "audio-after-finish"]


@pytest.mark.parametrize("name", [*ODD, "transcript-with-data", "two-segments"])
async def test_unusual_audio_chunks_are_heard(
    server: LiveServer, inworld: FakeInworld, bot: Bot, name: str
) -> None:
    async with dial(server, pause=0.03) as call:
        await call.reply()
        inworld.answers([sample(name), DONE])
        assert {sound.kind for sound in await question(call)} == {"clip"}
        assert len(inworld.chats) == 1
        await is_answered(call, inworld)
    assert call.errors == []
    assert (await turns(await closed(call.call_sid)))[2].error == ""
