"""Calls that use tools: the fake model requests them from a real HTTP server."""

import json
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.models import Bot, Secret, Tool, ToolParameter
from calls.models import Call, Turn
from calls.review.export import record_of
from calls.simulator.call import SimulatedCall
from calls.simulator.record import Heard
from calls.turns.lost_session import RELAY_LOST
from tests.conftest import numbered
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.support.inworld.script import speech
from tests.support.inworld.server import (
    FakeInworld,
    chunk,
    complete_reply,
    finish,
    tool_call,
)
from tests.support.live import LiveServer
from tests.support.tool_server import Said, ToolServer, Waits, json_answer, redirect

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550040"
KEY = "key-of-the-shop-0123456789"
FILLERS = "One moment.\nStill looking."


@sync_to_async
def shop(tools: ToolServer, lookup: bool = False, **settings: Any) -> Bot:
    """Create a bot with a tool that looks up orders, and optionally a caller lookup."""
    secret = Secret(name="shop_key")
    secret.set_value(KEY)
    secret.save()
    tool = Tool.objects.create(
        name="look_up_order",
        description="Tells where an order is.",
        url=f"{tools.url}/orders/{{{{order_id}}}}?shop={{{{shop|main}}}}",
        headers="Authorization: Bearer {{secret.shop_key}}",
        timeout_seconds=settings.pop("timeout_seconds", 5),
        failure_instructions="Offer to call back.",
    )
    ToolParameter.objects.create(tool=tool, name="order_id")
    ToolParameter.objects.create(tool=tool, name="pin", required=False, secret=True)
    if lookup:
        settings["lookup_tool"] = Tool.objects.create(
            name="who_calls",
            url=f"{tools.url}/customers/{{{{caller_number}}}}",
            timeout_seconds=settings.pop("within", 2),
        )
    bot = numbered(NUMBER, **{"greeting": "Hello.", "fillers": FILLERS, **settings})
    bot.tools.add(tool)
    return bot


def wants(name: str, **arguments: Any) -> list[Any]:
    """Return a reply that calls a function."""
    return tool_call(name, arguments)


def said(heard: list[Heard]) -> int:
    return len([sound for sound in heard if sound.kind == "clip"])


def messages(inworld: FakeInworld, number: int) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = inworld.chats[number - 1].body["messages"]
    return history


def tool_turns(all_turns: list[Turn]) -> list[Turn]:
    return [turn for turn in all_turns if turn.role == "tool"]


def fillers(all_turns: list[Turn]) -> list[str]:
    return [turn.text for turn in all_turns if turn.kind == "filler"]


async def heard(call: SimulatedCall, words: str, times: int) -> None:
    """Wait until the caller has heard an answer so many times."""

    def is_written(all_turns: list[Turn]) -> bool:
        return [turn.heard_text for turn in all_turns].count(words) == times

    await written(call.call_sid, is_written)


async def begins_filler(call: SimulatedCall, number: int) -> None:
    """Wait until the bot says its filler of this number."""
    await written(call.call_sid, lambda rows: len(fillers(rows)) == number)


# A tool in a call


async def test_the_model_uses_a_tool_and_the_caller_hears_the_result(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools)
    tools.answers["/orders/42"] = json_answer('{"state": "on its way"}')
    inworld.answers(wants("look_up_order", order_id="42", pin="4711"))
    inworld.says("It is on its way.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where is order 42? My PIN is 4711.")
        assert said(await call.reply()) == 1
    assert tools.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert tools.requests[0].query == {"shop": "main", "pin": "4711"}

    tools_sent = inworld.chats[0].body["tools"]
    assert tools_sent[0]["function"]["name"] == "look_up_order"
    request, result = messages(inworld, 2)[-2:]
    (use,) = request["tool_calls"]
    assert use["function"]["name"] == "look_up_order"
    assert json.loads(use["function"]["arguments"]) == {"order_id": "42", "pin": "4711"}
    assert (result["role"], result["tool_call_id"]) == ("tool", use["id"])
    assert "on its way" in result["content"]

    row = await closed(call.call_sid)
    all_turns = await turns(row)
    assert [t.role for t in all_turns] == ["bot", "caller", "tool", "bot"]
    assert all_turns[-1].heard_text == "It is on its way."
    (use,) = tool_turns(all_turns)
    assert json.loads(use.tool_call["arguments"]) == {"order_id": "42", "pin": "••••"}
    assert "on its way" in use.tool_call["result"]
    assert use.tool_call["failed"] is False
    assert use.latency_ms["tool"] >= 0
    record = await sync_to_async(record_of)(await Call.objects.aget(pk=row.pk))
    assert record["turns"][2]["tool_call"] == use.tool_call
    assert "4711" not in server.output
    assert KEY not in server.output
    assert KEY not in json.dumps(row.settings)


async def test_a_call_that_is_streamed_twice_is_made_once_and_keeps_its_signature(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    bot = await shop(tools, llm_model="google-ai-studio/gemini-3-flash")
    lights = Tool(name="lights_on", method="POST", url=f"{tools.url}/lights")
    await lights.asave()
    await bot.tools.aadd(lights)
    tools.answers["/lights"] = json_answer("{}")
    signature = {"google": {"thought_signature": "CgIB/+=="}}
    function = {"name": "lights_on", "arguments": ""}
    part = {"index": 0, "id": "a", "function": function, "extra_content": signature}
    again = {"id": "b", "function": {**function, "arguments": {}}}
    inworld.answers(
        [
            chunk({"tool_calls": [part]}),
            chunk({"tool_calls": [again]}),
            chunk({"content": "<think>They want light.</think>Let there"}),
            *speech(" be light."),
            finish("stop"),
        ]
    )
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Turn the lights on.")
        await inworld.request(2)
    assert [request.method for request in tools.requests] == ["POST"]
    request, result = messages(inworld, 2)[-2:]
    (use,) = request["tool_calls"]
    assert use["extra_content"] == signature
    assert re.fullmatch("[a-zA-Z0-9]{9}", use["id"])
    assert result["tool_call_id"] == use["id"]
    assert request["content"] == "Let there be light."
    assert inworld.spoken[-1].body["text"] == "Let there be light."
    row = await closed(call.call_sid)
    (turn,) = tool_turns(await turns(row))
    assert turn.tool_call["provider_fields"] == {"extra_content": signature}
    record = await sync_to_async(record_of)(await Call.objects.aget(pk=row.pk))
    assert "CgIB" not in json.dumps(record)


async def test_a_secret_argument_is_never_written_not_even_while_the_tool_runs(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, filler_delay_seconds=10.0)
    tools.answers["/orders/42"] = Waits()
    inworld.answers(wants("look_up_order", order_id="42", pin="4711"))
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where is it?")
        (use,) = tool_turns(
            await written(call.call_sid, lambda all_turns: bool(tool_turns(all_turns)))
        )
        assert json.loads(use.tool_call["arguments"])["pin"] == "••••"
    (use,) = tool_turns(await turns(await closed(call.call_sid)))
    assert json.loads(use.tool_call["arguments"])["pin"] == "••••"
    assert use.tool_call["failed"] is True


async def test_a_quick_tool_is_used_in_silence_and_a_slow_one_with_varied_sentences(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    # The quick one must be quicker than this on a busy machine, too.
    await shop(tools, filler_delay_seconds=1.0)
    tools.answers["/orders/1"] = json_answer("{}")
    tools.answers["/orders/2"] = Waits()

    def answer(body: Any) -> Any:
        last = body["messages"][-1]
        if last["role"] == "tool":
            return complete_reply("Here it is.")
        return wants("look_up_order", order_id=last["content"].split()[-1])

    inworld.reply_with = answer
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        for asked, order in enumerate((1, 2, 2)):
            await call.say(f"Where is order {order}")
            if order == 2:
                await begins_filler(call, asked)
                tools.resume()
            await heard(call, "Here it is.", times=asked + 1)
    all_turns = await turns(await closed(call.call_sid))
    assert fillers(all_turns) == FILLERS.splitlines()
    roles = [turn.role for turn in all_turns]
    assert roles[1:5] == ["caller", "tool", "bot", "caller"]


async def test_words_during_a_tool_call_join_the_question(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, filler_delay_seconds=10.0)
    tools.answers["/orders/42"] = Waits(json_answer('{"state": "lost"}'))
    inworld.answers(wants("look_up_order", order_id="42"))
    inworld.says("It is lost.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where is order 42?")
        await tools.request()
        await call.say("It was a blue one.")
        await written(call.call_sid, lambda all_turns: len(all_turns) == 4)
        assert len(inworld.chats) == 1
        tools.resume()
        await call.reply()
    history = messages(inworld, 2)
    assert [m["role"] for m in history[-4:]] == ["user", "assistant", "tool", "user"]
    assert "lost" in history[-2]["content"]
    assert history[-1]["content"] == "It was a blue one."
    assert len(inworld.chats) == 2


async def test_a_line_that_breaks_while_a_tool_runs_costs_a_sentence_not_the_answer(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, filler_delay_seconds=10.0)
    tools.answers["/orders/42"] = Waits()
    inworld.answers([*speech("Let me look."), *wants("look_up_order", order_id="42")])
    inworld.says("It is on its way.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where is order 42?")
        await call.reply()
        await tools.request()
        await call.lose_connection()
        await call.hears(3)  # those words, a notice of the reconnect, and the answer
    history = messages(inworld, 2)
    assert [m["role"] for m in history[-4:]] == ["user", "assistant", "tool", "user"]
    assert (history[-3]["content"], history[-2]["content"]) == (
        "Let me look.",
        RELAY_LOST,
    )
    all_turns = await turns(await closed(call.call_sid))
    assert all_turns[-1].heard_text == "It is on its way."
    assert tool_turns(all_turns)[0].tool_call["result"] == RELAY_LOST


async def test_two_tools_at_once_are_answered_once(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools)
    tools.answers |= {f"/orders/{n}": json_answer(f'{{"n": {n}}}') for n in (1, 2)}
    first = wants("look_up_order", order_id="1")
    second = wants("look_up_order", order_id="2")
    script = [*first[:-2], *(_moved(step) for step in second[1:-2]), *first[-2:]]
    inworld.answers(script)
    inworld.says("Both are here.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where are orders 1 and 2?")
        await call.reply()
    request, one, two = messages(inworld, 2)[-3:]
    assert len({use["id"] for use in request["tool_calls"]}) == 2
    assert ('"n": 1' in one["content"], '"n": 2' in two["content"]) == (True, True)
    assert len(inworld.chats) == 2


def _moved(step: Any) -> Any:
    """Return a chunk of a tool call, changed to the second call of the reply."""
    moved = step.replace(b'"tool_calls":[{"index":0', b'"tool_calls":[{"index":1')
    return moved.replace(b"call_1", b"call_2")


# Failures


@pytest.mark.parametrize(
    ("habit", "why"),
    [
        (Said(500, b"Broken."), "status 500"),
        (Waits(), "No answer within 0.5 s."),
        (redirect("http://169.254.169.254/latest/"), "no public address"),
        (redirect("http://localhost:9/"), "no public address"),
    ],
)
async def test_the_model_reads_why_a_tool_failed_and_what_to_do(
    habit: Any, why: str, server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, timeout_seconds=0.5)
    tools.answers["/orders/42"] = habit
    inworld.answers(wants("look_up_order", order_id="42"))
    inworld.says("I cannot look it up. May we call you back?")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Where is order 42?")
        assert said(await call.reply()) == 1
    result = messages(inworld, 2)[-1]["content"]
    assert result.startswith("The tool failed: ")
    assert why in result
    assert result.endswith("Offer to call back.")
    (use,) = tool_turns(await turns(await closed(call.call_sid)))
    assert use.tool_call["failed"] is True
    assert why in use.tool_call["result"]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("look_up_order", {"order_id": [42]}, "[42] is not of type 'string'"),
        ("look_up_order", {"order_id": "../../admin"}, "change the path"),
        ("look_up_order", {"order_id": "1", "host": "evil"}, "'host' was unexpected"),
        ("delete_everything", {}, "There is no such function."),
        ("transfer_call", {"target": "+15005550666"}, "There is no such function."),
    ],
)
async def test_forbidden_tool_calls_are_not_made(
    name: str,
    arguments: dict[str, Any],
    why: str,
    server: LiveServer,
    inworld: FakeInworld,
    tools: ToolServer,
) -> None:
    await shop(tools)
    inworld.answers(wants(name, **arguments))
    inworld.says("Let me ask again.")
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Do it.")
        assert said(await call.reply()) == 1
    assert tools.requests == []
    assert why in messages(inworld, 2)[-1]["content"]


async def test_a_model_that_only_ever_calls_tools_is_made_to_speak(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools)
    tools.answers["/orders/1"] = json_answer("{}")

    def answer(body: Any) -> Any:
        if body.get("tool_choice") == "none" or "tools" not in body:
            return complete_reply("Enough looking.")
        return wants("look_up_order", order_id="1")

    inworld.reply_with = answer
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        await call.say("Look.")
        await call.reply()
    all_turns = await turns(await closed(call.call_sid))
    assert all_turns[-1].heard_text == "Enough looking."
    assert len(tool_turns(all_turns)) == 5


# Variables


async def test_parameters_of_the_voice_address_reach_prompt_greeting_and_tool(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(
        tools,
        greeting="Hello from {{shop|nowhere}}, {{name|stranger}}.",
        system_prompt="You are {{bot_name}}. {{caller_number}} calls {{shop}}.",
    )
    tools.answers["/orders/1"] = json_answer("{}")
    inworld.answers(wants("look_up_order", order_id="1"))
    inworld.says("Yes.")
    parameters = (
        ("shop", "Köln & <Co>"),
        ("elsewhere", "1"),
        ("caller_number", "forged"),
    )
    async with dial(server, to=NUMBER, parameters=parameters) as call:
        await call.reply()
        await call.say("Is it there?")
        await call.reply()
    prompt = messages(inworld, 1)[0]["content"]
    assert prompt == f"You are Bot {NUMBER}. +15005550001 calls Köln & <Co>."
    assert tools.requests[0].query["shop"] == "Köln & <Co>"
    row = await closed(call.call_sid)
    assert row.variables == {"shop": "Köln & <Co>", "caller_number": "forged"}
    assert (await turns(row))[0].heard_text == "Hello from Köln & <Co>, stranger."


async def test_the_caller_lookup_fills_in_variables_of_the_greeting(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(
        tools,
        lookup=True,
        greeting="Hello {{name|there}}.",
        system_prompt="Talk to {{name|somebody}}, who is {{mood|calm}}, in {{shop}}.",
    )
    answer = json_answer('{"name": "Ann", "caller_number": "forged", "shop": "b"}')
    tools.answers["/customers/%2B15005550001"] = Waits(answer)
    parameters = (("shop", "a"), ("name", ""))
    async with dial(server, to=NUMBER, parameters=parameters) as call:
        await tools.request()
        assert call.heard == []
        tools.resume()
        await call.reply()
        await call.say("Hi.")
        await call.reply()
        await call.lose_connection()
        await call.reply()
        await call.say("Hi again.")
        await call.reply()
    for number in (1, 2):
        prompt = messages(inworld, number)[0]["content"]
        assert prompt == "Talk to Ann, who is calm, in a."
    row = await closed(call.call_sid)
    assert row.variables == {"shop": "a", "name": "Ann"}
    assert (await turns(row))[0].heard_text == "Hello Ann."
    assert len(tools.requests) == 1


async def test_a_greeting_waits_for_a_lookup_only_as_long_as_its_time_limit(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, lookup=True, within=0.5, greeting="Hello {{name|there}}.")
    tools.answers["/customers/%2B15005550001"] = Waits()
    async with dial(server, to=NUMBER) as call:
        (greeting,) = await call.reply()
        assert greeting.waited_ms > 400  # the lookup is never answered
    row = await closed(call.call_sid)
    assert row.variables == {}
    system_turn, greeted = await turns(row)
    assert system_turn.error == "The lookup who_calls failed: No answer within 0.5 s."
    assert greeted.heard_text == "Hello there."


async def test_a_lookup_that_fails_or_that_the_greeting_does_not_need_costs_nothing(
    server: LiveServer, inworld: FakeInworld, tools: ToolServer
) -> None:
    await shop(tools, lookup=True, greeting="Hello.", within=5)
    tools.answers["/customers/%2B15005550001"] = Waits(Said(500))
    async with dial(server, to=NUMBER) as call:
        assert said(await call.reply()) == 1  # while the lookup still waits
        tools.resume()
        await call.say("Hi.")
        await call.reply()
    all_turns = await turns(await closed(call.call_sid))
    system_turn, *spoken = sorted(all_turns, key=lambda turn: turn.role != "system")
    assert system_turn.error == (
        "The lookup who_calls failed: The server answered with status 500."
    )
    assert [turn.role for turn in spoken] == ["bot", "caller", "bot"]
