"""Tool calls: the requests, the refusals, and the masking of their arguments."""

import asyncio
import json
import threading
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import Settings

from bots.config.capabilities import MASK, Parameter, ToolSpec
from bots.config.placeholders import flatten
from bots.models.secret import Secret
from bots.tools.runner import (
    A_PAGE,
    CUT,
    MAX_RESULT_LENGTH,
    NOT_JSON,
    TOO_LONG,
    UNCLEAR,
    UNTRUSTED,
    ToolResult,
    look_up,
    use_tool,
)
from tests.support.tool_server import (
    MEGABYTE,
    Said,
    ToolServer,
    Waits,
    json_answer,
    redirect,
)

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = Parameter("order_id", description="As the caller says it.")
PIN = Parameter("pin", required=False, secret=True)
KEY = "k-0123456789/abc"


@pytest.fixture(autouse=True)
def excepted(tools: ToolServer, settings: Settings) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{tools.port}"]


def spec(**changes: Any) -> ToolSpec:
    usual: dict[str, Any] = {
        "name": "look_up_order",
        "url": "https://shop.example/orders/{{order_id}}",
        "parameters": (ORDER, PIN),
        "timeout_seconds": 2.0,
    }
    return ToolSpec(**{**usual, **changes})


def at(tools: ToolServer, path: str, **changes: Any) -> ToolSpec:
    return spec(url=f"{tools.url}{path}", **changes)


# Requests


async def test_arguments_go_into_the_path_the_query_or_the_body(
    tools: ToolServer,
) -> None:
    amount = Parameter("amount", "number", required=False)
    for method in ("GET", "POST"):
        tool = at(
            tools,
            "/orders/{{order_id}}?who={{caller_number}}",
            method=method,
            parameters=(ORDER, amount),
        )
        given = {"order_id": "4 2", "amount": 3.0}
        tools.answers["/orders/4%202"] = json_answer('{"state": "sent"}')
        outcome = await use_tool(tool, given, {"caller_number": "+1500&x=1"})
        assert outcome.error == ""
        assert outcome.result == f'{UNTRUSTED}{{"state": "sent"}}'
    got, posted = tools.requests
    assert got.query == {"who": "+1500&x=1", "amount": "3"}
    assert posted.query == {"who": "+1500&x=1"}
    assert posted.body == {"amount": 3.0}
    assert posted.headers["content-type"] == "application/json"


async def test_what_an_argument_has_in_it_arrives_as_one_part_of_the_path(
    tools: ToolServer,
) -> None:
    tool = at(tools, "/größe;v=1/{{order_id}}/a%3Bb?q[]=|%")
    for given in ("42;admin=true", "a,b=c&d:@!$'()*+~", "100%25;"):
        await use_tool(tool, {"order_id": given}, {})
        path = tools.requests[-1].path.split("/")
        assert path[1:2] + path[3:] == ["gr%C3%B6%C3%9Fe;v=1", "a%3Bb"]
        assert path[2] == quote(given, safe="")
        assert tools.requests[-1].query == {"q[]": "|%"}
    await use_tool(tool, {"order_id": "..;"}, {})
    assert len(tools.requests) == 3


async def test_headers_get_secrets_and_variables_and_are_left_out_when_empty(
    tools: ToolServer,
) -> None:
    await secret("shop_key", KEY)
    tool = at(
        tools,
        "/x",
        method="POST",
        parameters=(),
        headers="Authorization: Bearer {{secret.shop_key}}\n\n"
        "X-Name: {{name|nobody}}\nX-None: {{nothing}}\n"
        "content-type: application/x+json",
    )
    tools.answers["/x"] = json_answer("{}")
    await use_tool(tool, {}, {"name": "Ann\r\nX-Evil: 1 Ü"})
    sent = tools.requests[0].headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["x-name"] == "Ann X-Evil: 1 %C3%9C"
    assert sent["content-type"] == "application/x+json"
    assert not {"x-none", "x-evil"} & sent.keys()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "'order_id' is a required property"),
        ({"order_id": [42]}, "order_id: [42] is not of type 'string'"),
        ({"order_id": None}, "'order_id' is a required property"),
        ({"order_id": "1", "other": 1}, "'other' was unexpected"),
        ({"order_id": "x" * 1001}, "order_id is too long."),
        ({"order_id": "\ud800"}, "order_id has characters that cannot be sent."),
        ({"order_id": "a\x00"}, "order_id has characters that cannot be sent."),
        ({"order_id": "1", "count": True}, "count: True is not of type 'integer'"),
        ({"order_id": "1", "price": float("nan")}, "price is not a number."),
        ({"order_id": "1", "size": "huge"}, "size: 'huge' is not one of"),
        ({"order_id": "1", "pin": [4711]}, "pin: is not valid."),
        ({"order_id": "1", "count": "1,000"}, "count: '1,000' is not of type"),
        ({"order_id": ""}, "The address needs order_id, which is not known."),
        ({"order_id": "../admin"}, "order_id would change the path"),
    ],
)
async def test_arguments_that_do_not_fit_are_explained_and_not_sent(
    arguments: dict[str, Any], reason: str, tools: ToolServer
) -> None:
    more = (
        *(ORDER, PIN, Parameter("count", "integer", required=False)),
        Parameter("price", "number", required=False),
        Parameter("size", required=False, choices=("small", "large")),
    )
    tool = at(
        tools,
        "/{{order_id}}",
        parameters=more,
        failure_instructions="Offer to call back.",
    )
    outcome = await use_tool(tool, arguments, {})
    assert reason in outcome.error
    assert len(outcome.error) <= 300
    assert outcome.result.startswith("The tool failed: ")
    assert outcome.result.endswith("Offer to call back.")
    assert "4711" not in f"{outcome.result}{outcome.redacted}"
    "".join(outcome.redacted).encode()
    assert tools.requests == []


async def test_arguments_are_sent_in_the_types_of_the_tool(tools: ToolServer) -> None:
    given = {"order_id": 42, "count": "4", "price": "4.50", "gift": "yes"}
    types = {"count": "integer", "price": "number", "gift": "boolean"}
    more = tuple(Parameter(name, kind) for name, kind in types.items())
    size = Parameter("size", choices=("small", "large"))
    tool = at(tools, "/x", method="POST", parameters=(ORDER, *more, size))
    tools.answers["/x"] = json_answer("{}")
    outcome = await use_tool(tool, {**given, "size": "Large"}, {})
    assert tools.requests[0].body == {
        "order_id": "42",
        "count": 4,
        "price": 4.5,
        "gift": True,
        "size": "large",
    }
    assert json.loads(outcome.redacted[0]) == tools.requests[0].body


async def test_a_null_is_an_argument_left_out(tools: ToolServer) -> None:
    tools.answers["/x"] = json_answer("{}")
    outcome = await use_tool(at(tools, "/x"), {"order_id": "1", "pin": None}, {})
    assert not outcome.error
    assert tools.requests[0].query == {"order_id": "1"}


# Results


async def test_a_long_answer_is_cut(tools: ToolServer) -> None:
    tools.answers["/x"] = Said(200, b"x" * 5 * MEGABYTE)
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert outcome.result == f"{UNTRUSTED}{'x' * MAX_RESULT_LENGTH}{CUT}"


async def test_a_refusal_is_passed_on_with_instructions(
    tools: ToolServer,
) -> None:
    tools.answers["/x"] = json_answer('{"error":\n "no such order"}', status=404)
    tool = at(
        tools, "/x", parameters=(), failure_instructions="Apologise to {{who|them}}."
    )
    outcome = await use_tool(tool, {}, {})
    assert (outcome.status, outcome.error) == (
        404,
        "The server answered with status 404.",
    )
    assert outcome.result == (
        f"The tool failed: {outcome.error} {UNTRUSTED}"
        '{"error": "no such order"} Apologise to them.'
    )


async def test_a_tool_that_is_too_slow_fails_in_its_time(tools: ToolServer) -> None:
    tools.answers["/x"] = Waits()
    outcome = await use_tool(
        at(tools, "/x", parameters=(), timeout_seconds=0.2), {}, {}
    )
    assert outcome.error == "No answer within 0.2 s."


async def test_secrets_do_not_come_back(tools: ToolServer) -> None:
    await secret("shop_key", f'{KEY}"ü')
    echo = json.dumps({"you": f'{KEY}"ü', "url": "k-0123456789%2Fabc%22%C3%BC"})
    for status in (200, 500):
        tools.answers["/x"] = json_answer(echo, status)
        tool = at(tools, "/x?k={{secret.shop_key}}", parameters=())
        outcome = await use_tool(tool, {}, {})
        assert "0123456789" not in repr(outcome)
        assert outcome.result.count(MASK) == 2
    assert tools.requests[0].query == {"k": f'{KEY}"ü'}


async def test_a_lookup_does_not_turn_secrets_into_variables(
    tools: ToolServer,
) -> None:
    await secret("shop_key", KEY)
    tools.answers["/x"] = json_answer(json.dumps({"key": KEY, "name": "Ann"}))
    tool = at(tools, "/x?k={{secret.shop_key}}", parameters=())
    outcome = await look_up(tool, {})
    assert flatten(outcome.json) == {"key": MASK, "name": "Ann"}


async def test_what_is_secret_in_arguments_is_not_shown(tools: ToolServer) -> None:
    tools.answers["/x"] = json_answer('{"pin": "4711", "ok": true}')
    outcome = await use_tool(at(tools, "/x"), {"order_id": "1", "pin": "4711"}, {})
    assert tools.requests[0].query["pin"] == "4711"
    arguments, result = outcome.redacted
    assert json.loads(arguments) == {"order_id": "1", "pin": MASK}
    assert "4711" not in result
    assert '"ok": true' in result


async def test_a_missing_or_unreadable_secret_is_reported(
    tools: ToolServer, settings: Settings
) -> None:
    tool = at(tools, "/x?k={{secret.shop_key}}", parameters=())
    assert "There is no secret “shop_key”." in (await use_tool(tool, {}, {})).error
    await secret("shop_key", KEY)
    settings.SECRET_KEY = "another-key-than-before-012345678901234567890"
    error = (await use_tool(tool, {}, {})).error
    assert "another SECRET_KEY" in error
    assert KEY not in error
    assert tools.requests == []


async def test_secrets_that_cannot_be_read_keep_nobody_else_waiting(
    tools: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = at(tools, "/x?k={{secret.shop_key}}", parameters=(), timeout_seconds=0.5)
    await secret("shop_key", KEY)
    is_back = threading.Event()
    monkeypatch.setattr(Secret, "get_value", lambda _: is_back.wait(20) and KEY)
    # More than there are threads, of theirs or of the loop's.
    using = [asyncio.create_task(use_tool(tool, {}, {})) for _ in range(60)]
    try:
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(15):
            assert await loop.getaddrinfo("localhost", 80)
        error = {outcome.error for outcome in await asyncio.gather(*using)}
        assert error == {"It failed: TimeoutError."}
    finally:
        is_back.set()


async def test_a_lookup_sends_variables_in_its_body_and_its_address_only(
    tools: ToolServer,
) -> None:
    tools.answers |= {"/get": json_answer("{}"), "/post": json_answer("[1]")}
    values = {"caller_number": "+1500", "shop": "berlin"}
    await look_up(at(tools, "/get?n={{caller_number}}", parameters=()), values)
    outcome: ToolResult = await look_up(
        at(tools, "/post", method="POST", parameters=()), values
    )
    got, posted = tools.requests
    assert (got.query, got.body) == ({"n": "+1500"}, None)
    assert posted.body == values
    assert flatten(outcome.json) == {"items": "1", "items.0": "1"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Said(200, b"<h1>Sorry</h1>", {"Content-Type": "text/html"}), NOT_JSON),
        (Said(200, b"OK"), NOT_JSON),
        (Said(200, b'"Ann"'), NOT_JSON),
        (Said(200, b"{}", {"Content-Type": "text/html"}), ""),
        (Said(200, b'{"a": "' + b"x" * 70_000), TOO_LONG),
        (Said(200, b""), ""),
        (Said(204, b""), ""),
        (Said(200, b" null "), ""),
        (Said(200, b'\xef\xbb\xbf{"a": NaN}', {"Content-Type": "text/plain"}), ""),
    ],
)
async def test_a_lookup_without_json_has_failed(
    answer: Said, error: str, tools: ToolServer
) -> None:
    tools.answers["/x"] = answer
    outcome = await look_up(at(tools, "/x", parameters=()), {})
    assert (outcome.error, flatten(outcome.json)) == (error, {})


async def test_an_answer_hides_nothing_from_people_who_read_it(
    tools: ToolServer,
) -> None:
    hidden = '[1,\n "\u202eopen\U000e0041\ufeff"]'
    tools.answers["/x"] = Said(200, hidden.encode())
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert outcome.result == f'{UNTRUSTED}[1, "open"]'


async def test_a_page_is_shown_to_the_model_as_one(tools: ToolServer) -> None:
    page = {"Content-Type": "text/html; charset=iso-8859-1"}
    tools.answers["/x"] = Said(200, "<h1>Gespräch</h1>".encode("latin1"), page)
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert outcome.result == f"{UNTRUSTED}{A_PAGE}<h1>Gespräch</h1>"
    tools.answers["/x"] = Said(200, b" <!DOCTYPE html><p>Hi")
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert outcome.result.startswith(f"{UNTRUSTED}{A_PAGE}")
    tools.answers["/x"] = Said(200, b'{"php": 1}', page)
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert outcome.result == f'{UNTRUSTED}{{"php": 1}}'
    tools.answers["/x"] = Said(204, b"")
    outcome = await use_tool(at(tools, "/x", parameters=()), {}, {})
    assert (outcome.error, outcome.result) == ("", f"{UNTRUSTED}(empty)")


async def test_a_tool_that_answers_elsewhere_has_not_failed(
    tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS += ["localhost"]
    tools.answers |= {
        "/exec": redirect(f"http://localhost:{tools.port}/echo"),
        "/echo": json_answer('{"booked": true}'),
    }
    tool = at(tools, "/exec", method="POST", parameters=())
    outcome = await use_tool(tool, {}, {})
    assert (outcome.error, outcome.json) == ("", {"booked": True})
    for tools.answers["/echo"] in (Said(500, b"Oh."), redirect("http://10.0.0.1/")):
        outcome = await use_tool(tool, {}, {})
        assert outcome.error
        assert outcome.result.startswith(UNCLEAR)
        assert "failed" not in outcome.result
    assert [asked.path for asked in tools.requests].count("/exec") == 3
    tools.answers["/exec"] = redirect(f"http://localhost:{tools.port}/exec", 308)
    outcome = await use_tool(tool, {}, {})
    assert outcome.result.startswith("The tool failed: It redirects to another host")


async def secret(name: str, value: str) -> None:
    row = Secret(name=name)
    row.set_value(value)
    await row.asave()
