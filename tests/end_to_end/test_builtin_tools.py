"""Bots that hang up, change their language and ask for keys, over real sockets."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from bots.models.menu_key import MenuKey
from bots.models.spoken_language import SpokenLanguage
from bots.models.tool import Tool
from calls.conversation.dtmf import MASKED
from calls.conversation.tool_calls import SPOKE_INSTEAD
from calls.simulator.call import SimulatedCall
from tests.conftest import numbered
from tests.end_to_end.test_live import closed, dial, make_bot, turns, written
from tests.support.inworld.script import Step
from tests.support.inworld.server import ROLE, FakeInworld, speech, tool_call
from tests.support.live import LiveServer, running

pytestmark = pytest.mark.django_db(transaction=True)

GOODBYE = "Goodbye then, and have a nice day."
NUMBER = "+15005550031"
GERMAN = phrasebook("de-DE")


def after_words(said: str, name: str, seconds: float = 0.2) -> list[Step]:
    """Return a reply that speaks and then calls a function."""
    _, *call = tool_call(name, {})
    return [ROLE, *speech(said, seconds=seconds), *call]


def sent(call: SimulatedCall, kind: str) -> list[dict[str, Any]]:
    """Return the server's messages of a kind."""
    messages = [f.message for f in call.frames if not f.sent]
    return [message for message in messages if message["type"] == kind]


def spoken(inworld: FakeInworld, text: str) -> list[dict[str, Any]]:
    """Return the synthesis requests for a text."""
    return [request.body for request in inworld.spoken if request.body["text"] == text]


def result(request: Any) -> str:
    """Return the tool result at the end of a chat request."""
    last = request.body["messages"][-1]
    assert last["role"] == "tool"
    return str(last["content"])


# The end


async def test_the_model_ends_the_call_after_its_goodbye(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(tool_call("end_call", {"goodbye": GOODBYE}))
    async with dial(server) as call:
        await call.reply()
        await call.say("That was all.")
        await call.ends()
    assert not call.hung_up
    assert len(spoken(inworld, GOODBYE)) == 1
    assert call.heard[-1].played_seconds == call.heard[-1].seconds > 2
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "bot-hung-up")
    said = [(turn.role, turn.heard_text) for turn in await turns(row)]
    assert said[1:] == [("caller", "That was all."), ("tool", ""), ("bot", GOODBYE)]
    names = [tool["function"]["name"] for tool in inworld.chats[0].body["tools"]]
    assert names == ["end_call"]


async def test_after_a_spoken_goodbye_the_line_is_closed_without_another(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(after_words(GOODBYE, "end_call"))
    async with dial(server) as call:
        await call.reply()
        await call.say("That was all.")
        await call.ends()
    row = await closed(call.call_sid)
    assert row.end_reason == "bot-hung-up"
    assert [t.heard_text for t in await turns(row) if t.role == "bot"] == [
        bot.greeting,
        GOODBYE,
    ]
    assert len(inworld.chats) == 1


@pytest.mark.parametrize("spoken_first", [True, False])
async def test_nobody_cuts_a_goodbye_short(
    server: LiveServer, inworld: FakeInworld, bot: Bot, spoken_first: bool
) -> None:
    inworld.answers(
        after_words(GOODBYE, "end_call", seconds=1.2)
        if spoken_first
        else tool_call("end_call", {"goodbye": "Goodbye for today."})
    )
    async with dial(server, fast=False) as call:
        await call.reply()
        await call.say("That was all.")
        await call.interrupt("Wait, one more thing!", after=0.4)
        await call.ends()
    last = call.heard[-1]
    assert (last.cut, last.played_seconds) == (False, last.seconds)
    row = await closed(call.call_sid)
    assert row.end_reason == "bot-hung-up"
    said = await turns(row)
    assert "Wait, one more thing!" in [turn.text for turn in said]
    goodbye = next(turn for turn in said if "Goodbye" in turn.text and turn.index)
    assert (goodbye.heard_text, goodbye.interrupted) == (goodbye.text, False)
    assert len(inworld.chats) == 1


async def test_the_server_ends_a_call_after_a_goodbye_without_a_hang_up(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    for words in ("Thank you, bye!", "Of course. Bye-bye!"):
        inworld.says(words)
    async with dial(server, timeout=9.0) as call:
        await call.reply()
        await call.say("Thanks, that is it.")
        await call.reply(patience=5)
        await call.say("Oh, do you open on Sunday?")  # it is not closed at once
        await call.reply()
        await call.ends()
    assert not call.hung_up
    row = await closed(call.call_sid)
    assert row.end_reason == "bot-hung-up"
    assert [t.text for t in await turns(row)][-2:] == [
        "Oh, do you open on Sunday?",
        "Of course. Bye-bye!",
    ]


# Languages


@sync_to_async
def bilingual() -> Bot:
    bot = numbered(NUMBER, greeting="Hello, how can I help?", goodbye_message=GOODBYE)
    # A voice that no other test uses: the server caches clips by voice.
    SpokenLanguage.objects.create(bot=bot, language="de-DE", voice="Lena")
    return bot


async def test_a_call_goes_on_in_the_language_that_was_asked_for(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await bilingual()
    inworld.answers(tool_call("switch_language", {"language": "de-DE"}))
    inworld.says("Gern, auf Deutsch.")
    inworld.says("Um neun Uhr.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Auf Deutsch, bitte.")
        await call.reply()
        await call.say("Wann öffnen Sie?")
        await call.reply()
        call_sid = call.call_sid
        await written(call_sid, lambda turns: turns[-1].ended_at is not None)
        await call.lose_connection()
        await call.record.until(lambda: call.sessions == 2)
        await call.reply()
        inworld.answers(tool_call("end_call", {}))
        await call.say("Tschüss.")
        await call.ends()
    assert call.errors == []
    both = {"ttsLanguage": "de-DE", "transcriptionLanguage": "de-DE"}
    assert sent(call, "language") == [{"type": "language", **both}] * 2
    said = [f.message for f in call.frames if f.message["type"] == "prompt"]
    assert [m["lang"] for m in said] == ["en-US", "de-DE", "de-DE"]
    voices = [chat.body["audio"]["voice"] for chat in inworld.chats]
    assert voices == ["Clive", "Lena", "Lena", "Lena"]
    assert (
        result(inworld.chats[1]) == "You and the caller now speak de-DE. Go on in it."
    )
    for sentence in (
        GERMAN.reconnected,
        GERMAN.goodbye_message,
        GERMAN.apology_message,
    ):
        (voiced,) = spoken(inworld, sentence)
        assert (voiced["voiceId"], voiced["language"]) == ("Lena", "de-DE")
    texts = [turn.text for turn in await turns(await closed(call_sid))]
    assert texts[-1] == GERMAN.goodbye_message


async def test_a_language_the_bot_does_not_have_changes_nothing(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await bilingual()
    inworld.answers(tool_call("switch_language", {"language": "fr-FR"}))
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("En français?")
        await call.reply()
    assert sent(call, "language") == []
    assert "not one of yours" in result(inworld.chats[1])
    assert inworld.chats[1].body["audio"]["voice"] == "Clive"


# Keys


async def test_a_pin_reaches_the_model_and_nothing_else(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, can_collect_digits=True)
    question = {"question": "Type your PIN now.", "length": 4, "secret": True}
    inworld.answers(tool_call("ask_for_keys", question))
    inworld.says("Thank you.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Here is my PIN.")
        await call.reply()
        await call.press("4719")
        await call.reply()
    assert result(inworld.chats[1]) == "The caller pressed 4 7 1 9."
    row = await closed(call.call_sid)
    stored = [(t.role, t.text, t.tool_call) for t in await turns(row)]
    assert [text for role, text, _ in stored if role == "bot"][1:] == [
        "Type your PIN now.",
        "Thank you.",
    ]
    used = next(tool for _, _, tool in stored if tool)
    assert used["result"] == f"The caller {MASKED.strip('[]')}."
    for leaked in ("4 7 1 9", "4719", "4 7", "7 1"):
        assert leaked not in json.dumps(stored)
        assert leaked not in server.output.partition(call.call_sid)[2]


async def test_a_caller_who_speaks_instead_of_typing_is_understood(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, can_collect_digits=True)
    inworld.answers(tool_call("ask_for_keys", {"question": "Which number?"}))
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("My order.")
        await call.reply()
        await call.say("Forty-two.")
        await call.reply()
    *_, result, last = inworld.chats[1].body["messages"]
    assert (result["content"], last["content"]) == (SPOKE_INSTEAD, "Forty-two.")


async def test_keys_of_the_menu_say_use_tools_and_hang_up(
    database_url: str, inworld: FakeInworld
) -> None:
    bot = await make_bot(NUMBER, can_collect_digits=True, goodbye_message=GOODBYE)
    # Any address that answers with JSON will do.
    url = f"{inworld.url}/llm/v1alpha/models"
    tool = await Tool.objects.acreate(name="hours", description="Hours.", url=url)
    await bot.tools.aadd(tool)
    for key, action, more in (
        ("1", "say", {"message": "We open at nine."}),
        ("2", "tool", {"tool": tool}),
        ("3", "end", {}),
    ):
        await MenuKey.objects.acreate(bot=bot, key=key, action=action, **more)
    inworld.answers(tool_call("ask_for_keys", {"question": "Which?", "length": 2}))
    inworld.says("Thirteen.")
    inworld.says("The list is empty.")
    allowed = f"127.0.0.1:{inworld.port}"
    async with (
        running(
            DATABASE_URL=database_url,
            INWORLD_BASE_URL=inworld.url,
            TOOL_ALLOWED_PRIVATE_HOSTS=allowed,
        ) as server,
        dial(server, to=NUMBER) as call,
    ):
        await call.reply()
        await call.press("1")
        await call.reply()
        await call.say("A number.")
        await call.reply()
        await call.press("13")  # these were asked for
        await call.reply()
        await call.press("2")
        await call.reply()
        await call.press("3")
        await call.ends()
    row = await closed(call.call_sid)
    assert row.end_reason == "bot-hung-up"
    said = [(t.role, t.text) for t in await turns(row)][1:]
    assert said == [
        ("caller", "[pressed 1]"),
        ("bot", "We open at nine."),
        ("caller", "A number."),
        ("tool", "ask_for_keys"),
        ("bot", "Which?"),
        ("bot", "Thirteen."),
        ("caller", "[pressed 2]"),
        ("tool", "hours"),
        ("bot", "The list is empty."),
        ("caller", "[pressed 3]"),
        ("bot", GOODBYE),
    ]
    assert result(inworld.chats[1]) == "The caller pressed 1 3."
    assert result(inworld.chats[2]).endswith('{"models": []}')


# Variables


async def test_variables_of_a_call_are_filled_in_greeting_and_prompt(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(
        NUMBER,
        name="Ada",
        greeting="{{bot_name}} here, hello {{name|there}}{{nobody_knows}}.",
        system_prompt="{{caller_number}} calls {{called_number}}. It is {{now}}.",
        time_zone="Asia/Tokyo",
    )
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Hi")
        await call.reply()
    assert spoken(inworld, "Ada here, hello there.")
    prompt = inworld.chats[0].body["messages"][0]["content"]
    who, when = prompt.split(" It is ")
    assert who == f"{call.line.from_} calls {NUMBER}."
    row = await closed(call.call_sid)
    assert f"{row.started_at.year}" in when
    assert (await turns(row))[0].text == "Ada here, hello there."
