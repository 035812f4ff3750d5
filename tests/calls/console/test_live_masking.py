"""The live page of a user who may not see phone numbers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.access.scope import Scope
from bots.models import Bot, Tool, ToolParameter
from calls.console.live.masked_updates import Rights, shown
from calls.conversation.dtmf import MASKED
from tests.conftest import INWORLD_PORT, numbered
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld, tool_call
from tests.support.live import LiveServer, serving
from tests.support.pages.live import cookie_with, operator, said, watching
from tests.support.woven_call import CALLER, EVERYWHERE, SHOWN, leaks

pytestmark = pytest.mark.django_db(transaction=True)

OURS = "+15005550070"

ALL = Scope(None)


@pytest.fixture(scope="module")
def masking_server(database_url: str) -> Iterator[LiveServer]:
    with serving(
        DATABASE_URL=database_url,
        INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}",
        MASK_CALLER_NUMBERS="true",
    ) as live:
        yield live


@sync_to_async
def make_bot() -> Bot:
    tool = Tool.objects.create(name="find_customer", url="https://10.0.0.1/")
    ToolParameter.objects.create(tool=tool, name="phone")
    ToolParameter.objects.create(tool=tool, name="note")
    bot = numbered(OURS, greeting="Hello.")
    bot.tools.add(tool)
    return bot


def without_numbers(message: Any) -> bool:
    return not leaks(json.dumps(message, default=str))


async def test_a_viewer_follows_a_call_and_never_gets_the_number(
    masking_server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot()
    inworld.answers(tool_call("find_customer", {"phone": CALLER, "note": EVERYWHERE}))
    inworld.says("I read it back: 0157 3826", "4917. Is that right?")
    viewers = await cookie_with("view_call", name="Vera"), await operator()
    async with (
        watching(masking_server, viewers[0]) as viewer,
        watching(masking_server, viewers[1]) as controller,
        dial(masking_server, to=OURS, from_=CALLER) as call,
    ):
        sid = call.call_sid
        await call.reply()
        for text in ("My number is 0157", "My number is 0157 382 649"):
            partial = {"type": "prompt", "voicePrompt": text, "last": False}
            await call.send_raw(json.dumps(partial))
            await viewer.sees(sid, lambda seen: seen["state"]["partial"])
        await call.say("My number is 0157 382 649 17.")
        await call.reply()
        await call.press("0157")
        pressed = await viewer.sees(sid, lambda seen: seen["state"]["keys"])
        assert pressed["state"]["keys"] == MASKED
        seen = await viewer.sees(sid, lambda seen: len(seen["turns"]) >= 4)
        full = await controller.sees(sid, lambda seen: len(seen["turns"]) >= 4)
        assert seen["about"]["from"] == full["about"]["from"] == SHOWN
        assert said(seen)[1] == ("caller", f"My number is {SHOWN}.", "")
        assert said(full)[1] == ("caller", "My number is 0157 382 649 17.", "")
        assert SHOWN in seen["turns"][2]["use"]["given"]
        assert CALLER in full["turns"][2]["use"]["given"]
        async with watching(masking_server, viewers[0]) as late:
            late_view = await late.sees(sid, lambda seen: len(seen["turns"]) >= 4)
            assert without_numbers(late_view)
        await call.hang_up()
    await closed(sid)
    assert viewer.received
    assert all(map(without_numbers, viewer.received))
    assert not all(map(without_numbers, controller.received))
    assert "numbers" not in json.dumps(controller.received)


def test_all_parts_of_an_update_are_masked_and_only_then() -> None:
    spans = [
        {"text": text, "starts": 1.0, "ends": 2.0} for text in ("57 382", "64917.")
    ]
    state = {
        "doing": "listening",
        "partial": "0 1 5",
        "keys": "[pressed 0 1 5]",
        "saying": [{"turn": 1, "said": "It is 01", "pieces": spans}],
        "lines": [{"id": "a", "text": f"Call {CALLER}", "state": "said"}],
    }
    turn = {
        "index": 1,
        "role": "bot",
        "heard": "It is 0157 38",
        "missed": "264917.",
        "error": f"No route to {CALLER}",
        "seconds": 1.5,
        "cut": True,
        "use": {"title": f"Call {CALLER}", "given": f"tel: {CALLER}", "ms": 5},
    }
    update = {"call": "CA1", "bot": 1, "number": 7, "numbers": [CALLER]}
    updates = [{**update, "state": state}, {**update, "turn": turn}]
    full = {**update, "state": state, "turns": [turn]}
    viewer, operator = Rights(watch=ALL), Rights(watch=ALL, numbers=ALL)
    masked = shown({"updates": updates}, viewer), shown({"full": full}, viewer)
    assert without_numbers(masked)
    shown_state = masked[0]["updates"][0]["state"]
    assert shown_state["partial"] == "•••"
    [saying], [line] = shown_state["saying"], shown_state["lines"]
    assert saying["said"] == f"It is {SHOWN}"
    assert [piece["text"] for piece in saying["pieces"]] == ["", "."]
    assert [piece["starts"] for piece in saying["pieces"]] == [1.0, 1.0]
    assert line == {"id": "a", "text": f"Call {SHOWN}", "state": "said"}
    assert masked[1]["full"]["turns"][0]["heard"] == f"It is {SHOWN}"
    assert masked[1]["full"]["turns"][0]["missed"] == "."
    plain = shown({"full": full}, operator)["full"]
    assert not plain.pop("mayControl")
    assert plain == {name: full[name] for name in plain}
    assert plain.keys() == full.keys() - {"numbers", "bot"}
    others = {"server": "a", "calls": {"CA1": 1}}
    assert shown({**others, "bots": {"CA1": 1}}, viewer) == others


def test_calls_of_other_bots_are_left_out() -> None:
    mine, other = {"call": "CA1", "bot": 1}, {"call": "CA2", "bot": 2}
    rights = Rights(watch=Scope(frozenset({1})), numbers=Scope(frozenset({1})))
    seen = {"call": "CA1"}
    assert shown({"updates": [mine, other]}, rights) == {"updates": [seen]}
    assert shown({"away": [other, mine]}, rights) == {"away": [seen]}
    assert shown({"full": mine}, rights) == {"full": {**seen, "mayControl": False}}
    assert shown({"full": other}, rights) == {}
    listed = {"server": "a", "calls": {"CA1": 1, "CA2": 5}}
    found = shown({**listed, "bots": {"CA1": 1, "CA2": 2}}, rights)
    assert found == {"server": "a", "calls": {"CA1": 1}}
    no_bot = {"call": "CA3", "bot": None}
    assert shown({"updates": [no_bot]}, rights) == {"updates": []}


def test_only_calls_that_a_person_may_control_offer_it() -> None:
    rights = Rights(watch=ALL, control=Scope(frozenset({1})))
    offered = [
        shown({"full": {"call": "CA1", "bot": bot}}, rights)["full"]["mayControl"]
        for bot in (1, 2, None)
    ]
    assert offered == [True, False, False]
