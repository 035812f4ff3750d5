"""Redirects: which are followed, with what, and which end a request."""

import ssl
from typing import Any

import aiohttp
import pytest
import trustme
from pytest_django import Settings
from yarl import URL

from bots.tools.guarded_http import (
    Answer,
    AnswerLost,
    Misdirected,
    Request,
    Unreachable,
    fetch,
)
from bots.tools.redirects import Hop, NotFollowed, next_hop
from tests.support.live import free_port
from tests.support.tool_server import (
    Behaviour,
    Said,
    ToolServer,
    Waits,
    json_answer,
    redirect,
)

KEY = {"Authorization": "Bearer k-1", "X-Key": "k-2", "Content-Type": "text/x"}
WITHOUT_BODY = {"Authorization": "Bearer k-1", "X-Key": "k-2"}


@pytest.fixture(autouse=True)
def excepted(tools: ToolServer, settings: Settings) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{tools.port}"]


@pytest.fixture
def elsewhere(tools: ToolServer, settings: Settings) -> str:
    """Another host, on the same server."""
    settings.TOOL_ALLOWED_PRIVATE_HOSTS += [f"localhost:{tools.port}"]
    return f"http://localhost:{tools.port}"


async def get(url: str, seconds: float = 5.0, **more: Any) -> Answer:
    return await fetch(Request("GET", url, more.pop("headers", {}), seconds, **more))


async def post(url: str, seconds: float = 5.0, method: str = "POST") -> Answer:
    body = b'{"a": 1}' if method != "DELETE" else None
    return await fetch(Request(method, url, KEY, seconds, body=body))


async def answered(tools: ToolServer, response: Behaviour) -> Answer:
    tools.answers["/x"] = response
    return await get(f"{tools.url}/x")


async def test_a_redirect_on_the_same_host_is_followed(tools: ToolServer) -> None:
    tools.answers["/old"] = redirect("/new?a=1")
    tools.answers["/new"] = json_answer('{"new": true}')
    answer = await get(f"{tools.url}/old", headers={"X-Key": "k"}, query={"b": "2"})
    assert answer.json == {"new": True}
    assert tools.requests[1].query == {"a": "1"}
    assert tools.requests[1].headers["x-key"] == "k"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/a%3Bb/..%3B/c", "/a%3Bb/..%3B/c"),
        ("b;c", "/b;c"),
        ("//127.0.0.1:{port}/b//c", "/b//c"),
        ("HTTP://127.0.0.1:{port}", "/"),
        ("?b=1", "/x"),
    ],
)
async def test_a_redirect_keeps_its_escapes(
    location: str, path: str, tools: ToolServer
) -> None:
    answer = redirect(location.format(port=tools.port))
    tools.answers["/x"] = lambda asked: json_answer("{}") if asked.query else answer
    tools.answers[path] = tools.answers.get(path, json_answer("{}"))
    await get(f"{tools.url}/x")
    assert tools.requests[-1].path == path


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/new",
        "http://127.0.0.1:{other}/new",
        "//localhost:{port}/new",
        "http://[::1]:{port}/new",
        "http://user@127.0.0.1:{port}/new",
        "https://127.0.0.1:{port}/new",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_a_redirect_to_another_host_is_not_followed(
    location: str, tools: ToolServer
) -> None:
    tools.answers["/new"] = json_answer("{}")
    to = location.format(port=tools.port, other=free_port())
    with pytest.raises(Unreachable):
        await answered(tools, redirect(to))
    assert [request.path for request in tools.requests] == ["/x"]


async def test_redirects_come_to_an_end(tools: ToolServer) -> None:
    with pytest.raises(Unreachable, match="more than 3 times"):
        await answered(tools, redirect("/x"))
    assert len(tools.requests) == 4


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ],
)
async def test_a_redirect_keeps_the_method_as_its_status_says(
    status: int, method: str, then: str, tools: ToolServer
) -> None:
    tools.answers |= {"/x": redirect("/y", status), "/y": json_answer("{}")}
    body = b'{"a": 1}' if method != "DELETE" else None
    await fetch(Request(method, f"{tools.url}/x", {}, 5.0, body=body))
    last = tools.requests[-1]
    assert (last.method, last.body) == (
        then,
        {"a": 1} if then in ("PUT", "POST") else None,
    )


# The rule: (method, status, from, to) -> the next request

AT = "http://a.example/x"


@pytest.mark.parametrize(
    ("method", "status", "source", "target", "then"),
    [
        # The same address, written better: sent again as it was
        *(
            (method, status, AT, to, method)
            for method in ("GET", "POST", "PUT", "DELETE")
            for status in (301, 302, 307, 308)
            for to in ("https://a.example/x", "http://a.example/x/")
        ),
        ("POST", 302, "http://a.example/x/", "https://a.example/x", "POST"),
        ("POST", 302, "http://a.example/x?b=1", "https://a.example/x?b=1", "POST"),
        ("POST", 301, "http://a.example:8080/x", "https://A.example.:8443/x", "POST"),
        (
            "POST",
            302,
            "http://bücher.example/x",
            "https://xn--bcher-kva.example/x",
            "POST",
        ),
        # Moved on the same host: as it was
        ("POST", 301, AT, "http://a.example/v2/x", "POST"),
        ("PATCH", 308, AT, "http://a.example/v2/x", "PATCH"),
        # Done: the answer is elsewhere
        ("POST", 302, AT, "http://a.example/done", "GET, done"),
        ("POST", 302, AT, AT, "GET, done"),
        ("POST", 302, AT, "http://a.example/x/?done=1", "GET, done"),
        ("POST", 303, AT, "https://a.example/x", "GET, done"),
        ("DELETE", 303, AT, "http://a.example/y", "GET, done"),
        ("POST", 302, AT, "https://b.example/echo", "GET, done, bare"),
        ("POST", 303, AT, "http://b.example:8080/echo?k=1", "GET, done, bare"),
        ("POST", 302, AT, "http://a.example:8080/echo", "GET, done, bare"),
        # Reading elsewhere
        ("GET", 301, AT, "https://b.example/x", "GET, bare"),
        ("GET", 302, AT, "https://b.example/y", "GET, bare"),
        ("GET", 303, AT, "http://a.example/y", "GET"),
        ("GET", 307, AT, "https://www.a.example/x", "GET, bare"),
        # The address has moved to another host: nothing is sent there
        ("POST", 301, AT, "https://b.example/y", "Misdirected"),
        ("POST", 302, AT, "https://www.a.example/x", "Misdirected"),
        ("POST", 307, AT, "https://b.example/y", "Misdirected"),
        ("POST", 308, AT, "http://a.example:8080/x", "Misdirected"),
        ("PUT", 302, AT, "https://b.example/y", "Misdirected"),
        ("DELETE", 307, AT, "https://b.example/y", "Misdirected"),
        # Never
        ("GET", 301, "https://a.example/x", "http://a.example/x", "Misdirected"),
        ("POST", 302, "https://a.example/x", "http://b.example/y", "AnswerLost"),
        ("POST", 302, AT, "http://me:pw@b.example/y", "AnswerLost"),
        ("GET", 302, AT, "file:///etc/passwd", "Misdirected"),
        ("POST", 303, AT, "mailto:ann@b.example", "AnswerLost"),
    ],
)
def test_a_redirect_leads_to_a_request_or_to_none(
    method: str, status: int, source: str, target: str, then: str
) -> None:
    sent = Hop(method, URL(source), KEY, body=b"{}")
    assert shown(sent, status, URL(target)) == then


def shown(sent: Hop, status: int, target: URL) -> str:
    """The next request in words: its method, whether the work is done, no headers."""
    try:
        hop = next_hop(sent, status, target)
    except NotFollowed as error:
        return "AnswerLost" if error.is_done else "Misdirected"
    assert hop.url == target
    if hop.is_done:
        assert hop.body is None
        assert hop.headers in ({}, WITHOUT_BODY)
    elif hop.headers:
        assert (hop.headers, hop.body) == (KEY, sent.body)
    return ", ".join(
        [hop.method, *["done"] * hop.is_done, *["bare"] * (not hop.headers)]
    )


# On the wire


async def test_a_script_that_answers_elsewhere_has_done_its_work(
    tools: ToolServer, elsewhere: str
) -> None:
    """Google's Apps Script: POST, 302 to another host, and GET for the answer."""
    for status in (302, 303):
        tools.requests.clear()
        tools.answers |= {
            "/macros/s/1/exec": redirect(f"{elsewhere}/macros/echo?key=2", status),
            "/macros/echo": json_answer('{"booked": true}'),
        }
        answer = await post(f"{tools.url}/macros/s/1/exec")
        assert (answer.json, answer.was_elsewhere) == ({"booked": True}, True)
        posted, asked = tools.requests
        assert (posted.method, asked.method, asked.query) == (
            "POST",
            "GET",
            {"key": "2"},
        )
        assert (posted.body, asked.body) == ({"a": 1}, None)
        assert not {"authorization", "x-key", "content-type"} & asked.headers.keys()


async def test_an_answer_that_is_read_elsewhere_gets_no_secret(
    tools: ToolServer, elsewhere: str
) -> None:
    tools.answers |= {
        "/x": redirect(f"{elsewhere}/y"),
        "/y": redirect(f"{tools.url}/z"),
    }
    tools.answers["/z"] = json_answer("[1]")
    answer = await get(f"{tools.url}/x", headers=KEY, query={"k": "secret"})
    assert answer.json == [1]
    assert [request.query for request in tools.requests] == [{"k": "secret"}, {}, {}]
    for asked in tools.requests[1:]:
        assert not {"authorization", "x-key"} & asked.headers.keys()


@pytest.mark.parametrize("kind", ["missing", "slow", "private", "loop", "broken"])
async def test_work_that_may_be_done_is_not_said_to_have_failed(
    kind: str, tools: ToolServer, elsewhere: str
) -> None:
    to = {
        "private": f"http://127.0.0.2:{tools.port}/y",
        "broken": "https://no-such-host.invalid/y",
    }.get(kind, f"{elsewhere}/y")
    tools.answers["/x"] = redirect(to)
    if kind == "slow":
        tools.answers["/y"] = Waits()
    if kind == "loop":
        tools.answers["/y"] = redirect("/y")
    if kind == "missing":
        answer = await post(f"{tools.url}/x")
        assert (answer.status, answer.was_elsewhere) == (404, True)
        return
    with pytest.raises(AnswerLost, match="may have done its work"):
        await post(f"{tools.url}/x", seconds=1.0)
    assert [request.method for request in tools.requests].count("POST") == 1


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_another_host_never_gets_what_is_sent(
    status: int, tools: ToolServer, elsewhere: str
) -> None:
    tools.answers["/x"] = redirect(f"{elsewhere}/y", status)
    with pytest.raises(Misdirected, match="localhost, which gets nothing"):
        await post(f"{tools.url}/x")
    assert len(tools.requests) == 1


async def test_a_server_of_the_internet_leads_nowhere_in_our_own_network(
    tools: ToolServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception is for the operator's addresses, not for those of a redirect."""
    monkeypatch.setattr("bots.tools.guarded_http.is_public", lambda _: True)
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"localhost:{tools.port}"]
    tools.answers["/x"] = redirect(f"http://localhost:{tools.port}/y")
    with pytest.raises(Misdirected, match="no public address"):
        await get(f"{tools.url}/x")
    assert len(tools.requests) == 1


async def test_a_list_of_hosts_holds_for_redirects(
    tools: ToolServer, elsewhere: str, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_HOSTS = ["api.shop.example"]
    tools.answers["/x"] = redirect("https://other.example/y")
    with pytest.raises(Misdirected, match="TOOL_ALLOWED_HOSTS does not name other"):
        await get(f"{tools.url}/x")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_https_on_the_same_host_gets_all_that_was_sent(
    status: int,
    tools: ToolServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    async with ToolServer(tls=tls) as encrypted:
        settings.TOOL_ALLOWED_PRIVATE_HOSTS += [f"127.0.0.1:{encrypted.port}"]
        tools.answers["/x"] = redirect(f"{encrypted.url}/x", status)
        encrypted.answers["/x"] = redirect("/x/", status)
        encrypted.answers["/x/"] = json_answer('{"ok": 1}')
        answer = await post(f"{tools.url}/x")
        assert (answer.json, answer.was_elsewhere) == ({"ok": 1}, False)
        last = encrypted.requests[-1]
        assert (last.method, last.body) == ("POST", {"a": 1})
        assert last.headers["authorization"] == "Bearer k-1"


async def test_a_redirect_without_an_address_is_an_answer(tools: ToolServer) -> None:
    tools.answers["/x"] = Said(302, b"")
    assert (await post(f"{tools.url}/x")).status == 302
