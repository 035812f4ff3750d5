"""HTTP requests of tools: the addresses that are refused, and the answers."""

import asyncio
import gzip
import socket
import ssl
import tracemalloc
from functools import partial
from typing import Any

import aiohttp
import pytest
import trustme
from django.core.checks import run_checks
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from bots.tools.guarded_http import (
    MAX_ANSWER_BYTES,
    Answer,
    Forbidden,
    Request,
    Unreachable,
    check,
    fetch,
    is_public,
)
from tests.support.live import free_port
from tests.support.tool_server import (
    MEGABYTE,
    Behaviour,
    Drips,
    Leaves,
    Said,
    ToolServer,
    Waits,
    json_answer,
)


@pytest.fixture(autouse=True)
def excepted(tools: ToolServer, settings: Settings) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{tools.port}"]


async def get(url: str, seconds: float = 5.0, **more: Any) -> Answer:
    return await fetch(Request("GET", url, more.pop("headers", {}), seconds, **more))


async def answered(
    tools: ToolServer, response: Behaviour, seconds: float = 5.0
) -> Answer:
    tools.answers["/x"] = response
    return await get(f"{tools.url}/x", seconds)


# Addresses

INSIDE = [
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "0.0.0.0",
    "0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com\\@127.0.0.1",
]


@pytest.mark.parametrize("host", INSIDE)
async def test_nothing_inside_is_reached_however_it_is_written(
    host: str, tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = []
    with pytest.raises(Unreachable):
        await get(f"http://{host}:{tools.port}/")
    assert tools.requests == []


async def test_a_name_of_a_private_address_is_forbidden_in_words(
    tools: ToolServer, settings: Settings
) -> None:
    for host in ("localhost", "127.0.0.1"):
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = []
        with pytest.raises(Forbidden, match="no public address"):
            await get(f"http://{host}:{tools.port}/")


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.1:{port}"])
async def test_what_operators_except_is_reached(
    listed: str, tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [listed.format(port=tools.port)]
    assert (await answered(tools, json_answer('{"a": 1}'))).json == {"a": 1}


async def test_an_exception_is_for_its_port_and_name_only(
    tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{free_port()}", "host.example"]
    with pytest.raises(Forbidden):
        await get(f"{tools.url}/")


def test_only_listed_hosts_are_called_where_there_is_a_list(settings: Settings) -> None:
    settings.TOOL_ALLOWED_HOSTS = ["api.shop.example", "other.example:8443"]
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["10.0.0.5"]
    for url in ("api.shop.example/a", "API.shop.example.", "10.0.0.5:80"):
        check(f"https://{url}")
    check("https://other.example:8443/")
    for url in ("shop.example", "other.example", "api.shop.example.evil.example"):
        with pytest.raises(Forbidden, match="TOOL_ALLOWED_HOSTS"):
            check(f"https://{url}/")


@pytest.mark.parametrize("listed", ["bücher.example", "XN--Bcher-kva.example"])
@pytest.mark.parametrize("host", ["Bücher.example", "xn--bcher-kva.example."])
def test_a_host_with_an_umlaut_has_two_names(
    listed: str, host: str, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_HOSTS = [listed]
    check(f"https://{host}/größe?q=ü")
    with pytest.raises(Forbidden):
        check("https://bucher.example/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://a.example/", "x", ""])
def test_other_schemes_are_not_called(url: str) -> None:
    with pytest.raises(Forbidden):
        check(url)


@given(st.ip_addresses(v=6, network="2600::/12") | st.just("8.8.8.8"))
def test_what_the_internet_routes_is_public(address: object) -> None:
    assert is_public(str(address))


@pytest.mark.parametrize(
    "address",
    [
        *("168.63.129.16", "161.26.0.10", "166.9.1.1"),
        *("192.0.0.1", "192.0.0.9", "192.0.0.192", "192.88.99.1"),
        *("169.254.169.254", "100.100.100.200", "198.18.0.1", "240.0.0.1", "0.0.0.0"),
        *("3fff::1", "3fff:fff::1", "2001:2::1", "2001:20::1", "2001:db8::1"),
        *("fd00:ec2::254", "fe80::1", "5f00::1", "64:ff9b:1::808:808", "ff02::1"),
        *("::ffff:168.63.129.16", "64:ff9b::192.0.0.192", "2002:a83f:8110::1"),
    ],
)
def test_what_a_network_answers_itself_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["168.63.129.17", "192.0.1.1", "2001:200::1"])
def test_their_neighbours_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_that_stands_for_an_ipv4_one_is_as_public(address: Any) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(form) == is_public(str(address))
    assert not is_public(f"::{address}")


@pytest.mark.parametrize("entry", ["https://a.example", "*", "a.example/", "a:b", ":1"])
@pytest.mark.parametrize("name", ["TOOL_ALLOWED_HOSTS", "TOOL_ALLOWED_PRIVATE_HOSTS"])
def test_a_setting_that_is_no_host_is_refused_at_start(
    name: str, entry: str, settings: Settings
) -> None:
    setattr(settings, name, ["crm.internal", "[fd00::1]:80", "10.0.0.5:8080"])
    assert "bots.E001" not in [error.id for error in run_checks()]
    setattr(settings, name, [entry])
    (error,) = [error for error in run_checks() if error.id == "bots.E001"]
    assert f"{name} has “{entry}”" in error.msg


# Bad habits


async def test_a_slow_server_costs_no_more_than_the_time_limit(
    tools: ToolServer,
) -> None:
    loop = asyncio.get_running_loop()
    for response in (Waits(), Drips()):
        began = loop.time()
        with pytest.raises(Unreachable, match=r"No answer within 0\.3 s"):
            await answered(tools, response, seconds=0.3)
        assert loop.time() - began < 15


async def test_of_a_long_answer_only_the_beginning_is_read(tools: ToolServer) -> None:
    answer = await answered(tools, Said(200, b"x" * 5 * MEGABYTE))
    assert (len(answer.text), answer.is_cut) == (MAX_ANSWER_BYTES, True)


async def test_a_packed_answer_is_unpacked_only_as_far_as_it_is_read(
    tools: ToolServer,
) -> None:
    bomb = gzip.compress(b"x" * 50 * MEGABYTE, 1)
    tracemalloc.start()
    answer = await answered(tools, Said(200, bomb, {"Content-Encoding": "gzip"}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(answer.text), answer.is_cut) == (MAX_ANSWER_BYTES, True)
    assert most < 5 * MEGABYTE


@pytest.mark.parametrize(
    "response",
    [
        Leaves(),
        Leaves(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        Leaves(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Leaves(b"not http at all\r\n\r\n"),
        Leaves(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000),
        Said(200, b"not gzip", {"Content-Encoding": "gzip"}),
        Said(200, b"\x1b\x03", {"Content-Encoding": "br"}),
    ],
)
async def test_a_bad_answer_is_explained_in_words(
    response: Behaviour, tools: ToolServer
) -> None:
    with pytest.raises(Unreachable) as failure:
        await answered(tools, response)
    assert str(failure.value).endswith(".")
    assert str(tools.port) not in str(failure.value)


async def test_a_dns_server_that_hangs_keeps_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asks_it = partial(
            aiohttp.AsyncResolver,
            nameservers=["127.0.0.1"],
            udp_port=silent.getsockname()[1],
        )
        monkeypatch.setattr(aiohttp.connector, "DefaultResolver", asks_it)
        # More than the loop has threads.
        asking = [
            asyncio.create_task(get("http://slow.example/", 0.5)) for _ in range(60)
        ]
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(15):
            assert await loop.getaddrinfo("localhost", 80)
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert silent.recv(512)  # it was asked
    assert {str(error) for error in outcomes} == {"No answer within 0.5 s."}


async def test_names_of_this_computer_need_no_dns_server(
    tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["localhost"]
    tools.answers["/x"] = json_answer("{}")
    assert (await get(f"http://localhost:{tools.port}/x")).status == 200


async def test_odd_bytes_become_text_that_can_be_stored(tools: ToolServer) -> None:
    answer = await answered(tools, Said(200, b"a\x00b\xff\xfec \xed\xa0\x80"))
    assert "\x00" not in answer.text
    assert answer.text.encode().decode() == answer.text
    assert answer.json is None
    assert (await answered(tools, Said(200, b"[" * 60_000))).json is None


async def test_cookies_and_the_environment_have_no_part_in_it(
    tools: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    tools.answers["/x"] = Said(302, b"", {"Location": "/y", "Set-Cookie": "a=b"})
    tools.answers["/y"] = json_answer("{}")
    await get(f"{tools.url}/x")
    assert "cookie" not in tools.requests[1].headers


async def test_no_server_and_no_such_host_are_distinguished(
    settings: Settings,
) -> None:
    port = free_port()
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]
    with pytest.raises(Unreachable, match="Nothing answers"):
        await get(f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match="no host of that name"):
        await get("http://no-such-host.invalid/")


async def test_a_certificate_nobody_vouches_for_is_refused(settings: Settings) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with ToolServer(tls=tls) as tools:
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
        with pytest.raises(Unreachable, match="certificate is not valid"):
            await get(f"{tools.url}/")
        with pytest.raises(Unreachable):
            await get(f"http://127.0.0.1:{tools.port}/")
        assert tools.requests == []


def test_what_may_hold_secrets_is_not_in_a_requests_representation() -> None:
    request = Request(
        "GET", "https://a/?k=SECRET", {"a": "SECRET"}, 1.0, {"b": "SECRET"}
    )
    assert "SECRET" not in repr(request)
