"""Checks of a wrong deployment name the remedy and never show a password."""

import socket
import time
from collections.abc import Iterable

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from bots.checks import inworld_key_is_a_key, inworld_key_is_set
from calls.checks import (
    env_file_is_understood,
    is_loopback,
    not_every_call_is_recorded,
    redis_problem,
    redis_url_is_readable,
    server_url_is_an_origin,
    tokens_are_tokens,
    twilio_token_is_set,
)
from tests.support.twilio import TOKEN


def ids(check: Iterable[CheckMessage]) -> list[str | None]:
    messages = list(check)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bot.example.com", []),
        ("https://bot.example.com:8443", []),
        ("bot.example.com", ["calls.E001"]),
        ("wss://bot.example.com", ["calls.E001"]),
        ("https://", ["calls.E001"]),
        ("https://bot example.com", ["calls.E001"]),
        ("https://bot.example.com:port", ["calls.E001"]),
        ("https://[bad", ["calls.E001"]),
        ("https://bot.example.com/voice", ["calls.E002"]),
        ("https://bot.example.com?a=b", ["calls.E002"]),
        ("https://me:secret@bot.example.com", ["calls.E002"]),
        ("http://bot.example.com", ["calls.E003"]),
        ("http://localhost:3000", ["calls.W001"]),
        ("http://[::1]:3000", ["calls.W001"]),
        ("https://127.0.0.1", ["calls.W001"]),
    ],
)
def test_server_url(settings: Settings, url: str, expected: list[str]) -> None:
    settings.SERVER_URL = url
    assert ids(server_url_is_an_origin()) == expected


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://192.168.1.2:3000"])
def test_debug_allows_plain_http(settings: Settings, url: str) -> None:
    settings.DEBUG = True
    settings.SERVER_URL = url
    assert ids(server_url_is_an_origin()) == []


def test_that_every_call_is_recorded_is_pointed_out(settings: Settings) -> None:
    settings.RELAY_TRACE = ""
    assert ids(not_every_call_is_recorded()) == []
    settings.RELAY_TRACE = "traces"
    assert ids(not_every_call_is_recorded()) == ["calls.W003"]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_no_twilio_token_fails_closed(settings: Settings) -> None:
    assert ids(twilio_token_is_set()) == []
    settings.TWILIO_AUTH_TOKENS = []
    assert ids(twilio_token_is_set()) == ["calls.E004"]
    settings.DEBUG = True
    for url in ("https://abc.ngrok.app", "http://192.168.1.2:3000", "https://10.0.0.1"):
        settings.SERVER_URL = url
        assert ids(twilio_token_is_set()) == ["calls.E006"]
    for url in ("http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"):
        settings.SERVER_URL = url
        assert ids(twilio_token_is_set()) == ["calls.W002"]


@pytest.mark.parametrize(
    ("token", "found", "words"),
    [
        (TOKEN, "", ""),
        (f"{TOKEN} # rotate in May", "calls.E006", "has a comment in it"),
        (f"{TOKEN}\t#May", "calls.E006", "has a comment in it"),
        (f'"{TOKEN}"', "calls.E006", "begins or ends with a quotation mark"),
        (f"“{TOKEN}”", "calls.E006", "begins or ends with a quotation mark"),
        (f"{TOKEN}'", "calls.E006", "begins or ends with a quotation mark"),
        (f"{TOKEN[:8]} {TOKEN[8:]}", "calls.E006", "has a space in it"),
        (f"{TOKEN}\u200b", "calls.E006", "has odd characters in it"),
        (TOKEN[:-1], "calls.W004", "31 characters instead of 32"),
        (f"{TOKEN}#May", "calls.W004", "36 characters instead of 32"),
        (TOKEN.upper(), "calls.W004", "other characters than 0 to 9 and a to f"),
        (f"AC{TOKEN}", "calls.W004", "it is a SID"),
        (f"SK{TOKEN}", "calls.W004", "it is a SID"),
        ("your_auth_token", "calls.W004", "15 characters instead of 32"),
    ],
)
def test_a_token_that_is_none_is_pointed_out(
    settings: Settings, token: str, found: str, words: str
) -> None:
    settings.TWILIO_AUTH_TOKENS = [TOKEN, token]
    messages = list(tokens_are_tokens())
    assert ids(messages) == [found] * bool(found)
    assert all(words in message.msg for message in messages)
    assert TOKEN[:8] not in str(messages)


def test_other_keys_and_sids_are_looked_at_too(settings: Settings) -> None:
    settings.TWILIO_SHARED_KEYS = {"one": "good", "two": "'bad'"}
    settings.METRICS_TOKEN = "abc # for Prometheus"
    settings.TWILIO_ACCOUNT_SID = f"SK{TOKEN}"
    names = [message.msg.split()[0] for message in tokens_are_tokens()]
    assert names == ["TWILIO_SHARED_KEYS", "METRICS_TOKEN", "TWILIO_ACCOUNT_SID"]
    settings.TWILIO_SHARED_KEYS, settings.METRICS_TOKEN = {}, "abc"
    settings.TWILIO_ACCOUNT_SID = f"AC{TOKEN}"
    assert ids(tokens_are_tokens()) == []
    for key in ("Basic dGVzdA==", "dGVzdA== # mine", '"dGVzdA=="'):
        settings.INWORLD_API_KEY = key
        assert ids(inworld_key_is_a_key()) == ["bots.E002"]
    for key in ("", "dGVzdDprZXk="):
        settings.INWORLD_API_KEY = key
        assert ids(inworld_key_is_a_key()) == []


def test_lines_of_env_that_are_no_setting_are_pointed_out(settings: Settings) -> None:
    assert ids(env_file_is_understood()) == []
    settings.ENV_FILE_ODD_LINES = [7]
    (message,) = env_file_is_understood()
    assert message.msg.startswith("Line 7 of the settings file (.env) is not")


def test_no_inworld_key(settings: Settings) -> None:
    settings.INWORLD_API_KEY = ""
    assert ids(inworld_key_is_set()) == []
    settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
    assert ids(inworld_key_is_set()) == ["bots.W001"]
    settings.INWORLD_API_KEY = "a2V5"
    assert ids(inworld_key_is_set()) == []


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("", True),
        ("redis://localhost", True),
        ("rediss://:secret@cache.example:6380/1", True),
        ("unix:///run/redis.sock", True),
        ("localhost:6379", False),
        ("http://localhost:6379", False),
        ("redis://", False),
        ("redis://:se/cret@host:6379", False),
    ],
)
def test_redis_url(settings: Settings, url: str, good: bool) -> None:
    settings.REDIS_URL = url
    messages = list(redis_url_is_readable())
    assert ids(messages) == ([] if good else ["calls.E005"])
    assert "cret" not in str(messages)


def test_a_refused_connection_is_reported_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        problem = redis_problem(f"redis://:secret@127.0.0.1:{port}/0")
    assert problem == f"Redis at 127.0.0.1:{port} cannot be reached."


def test_a_frozen_redis_is_reported_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1]
        began = time.monotonic()
        problem = redis_problem(f"redis://127.0.0.1:{port}")
    assert problem == f"Redis at 127.0.0.1:{port} does not answer in time."
    assert time.monotonic() - began < 10  # without a limit, it would be minutes


@pytest.mark.parametrize("url", ["nonsense", "redis://:se/cret@host:6379"])
def test_an_unreadable_address_is_reported(url: str) -> None:
    assert redis_problem(url) == "REDIS_URL is not the address of a Redis."


def test_an_unknown_option_is_reported() -> None:
    assert "option" in (redis_problem("redis://127.0.0.1:9/0?colour=red") or "")
