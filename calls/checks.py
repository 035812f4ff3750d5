"""System checks of SERVER_URL, Twilio token, traces and Redis, with what to type."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from redis import AuthenticationError, Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from bots.checks import paste_problem

SERVER_URL_HINT = (
    "Write the public address of this server into its settings file (.env), without a "
    "path: SERVER_URL=https://your-domain.example. To try it out, use the address of "
    "your tunnel."
)
TWILIO_HINT = (
    "Copy the “Auth Token” from the start page of the Twilio Console into the server's "
    "settings file (.env): TWILIO_AUTH_TOKEN=…"
)
TOKEN_LENGTH = 32
AUTH_TOKEN = re.compile(f"[0-9a-f]{{{TOKEN_LENGTH}}}")
ACCOUNT_SID = re.compile(f"AC[0-9a-f]{{{TOKEN_LENGTH}}}")
# Checks that fail if SERVER_URL is not an origin at all.
NO_ORIGIN = ("calls.E001", "calls.E002")
# For connecting, and again for the first response.
REDIS_TIMEOUT_SECONDS = 0.5


@register()
def server_url_is_an_origin(**kwargs: Any) -> Iterator[CheckMessage]:
    """Every URL and signature is built from SERVER_URL, so it must be exact."""
    url = _split(settings.SERVER_URL)
    if url is None:
        yield Error(
            f"SERVER_URL={settings.SERVER_URL} is not an http(s):// address.",
            id="calls.E001",
            hint=SERVER_URL_HINT,
        )
    elif url.path or url.query or url.fragment or "@" in url.netloc:
        yield Error(
            "SERVER_URL has more than scheme, host and port in it.",
            id="calls.E002",
            hint=SERVER_URL_HINT,
        )
    elif not settings.DEBUG:
        yield from _reachable(url)


def _split(address: str) -> SplitResult | None:
    try:
        url = urlsplit(address)
        url.port  # noqa: B018  (raises if it is not a number)
    except ValueError:
        return None
    is_web = url.scheme in ("http", "https") and bool(url.hostname)
    return url if is_web and not any(map(str.isspace, address)) else None


def _reachable(url: SplitResult) -> Iterator[CheckMessage]:
    if is_loopback(url.hostname or ""):
        yield Warning(
            f"Twilio cannot reach {settings.SERVER_URL}.",
            id="calls.W001",
            hint=SERVER_URL_HINT,
        )
    elif url.scheme != "https":
        yield Error(
            f"SERVER_URL={settings.SERVER_URL} is not encrypted.",
            id="calls.E003",
            hint=SERVER_URL_HINT,
        )


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@register()
def twilio_token_is_set(**kwargs: Any) -> Iterator[CheckMessage]:
    """Without the token anybody could pretend to be Twilio."""
    if settings.TWILIO_AUTH_TOKENS:
        return
    if not settings.DEBUG:
        yield Error(
            "The key of your Twilio account is missing (TWILIO_AUTH_TOKEN), so no "
            "request can be trusted.",
            id="calls.E004",
            hint=f"{TWILIO_HINT} For a first look without Twilio: DEBUG=true.",
        )
    elif (url := _split(settings.SERVER_URL)) and not is_loopback(url.hostname or ""):
        yield Error(
            "The key of your Twilio account is missing (TWILIO_AUTH_TOKEN), and "
            f"everybody can reach {settings.SERVER_URL}: in test mode (DEBUG=true) "
            "requests of strangers would be accepted as Twilio's.",
            id="calls.E006",
            hint=f"{TWILIO_HINT} For a first look without Twilio leave SERVER_URL out.",
        )
    else:
        yield Warning(
            "The key of your Twilio account is missing (TWILIO_AUTH_TOKEN): in test "
            "mode (DEBUG=true) anybody can pretend to be Twilio.",
            id="calls.W002",
            hint=TWILIO_HINT,
        )


@register()
def tokens_are_tokens(**kwargs: Any) -> Iterator[CheckMessage]:
    """With a wrong token every call gets a 403. Never repeats a token."""
    values = [("TWILIO_AUTH_TOKEN", token) for token in settings.TWILIO_AUTH_TOKENS]
    values += [
        ("TWILIO_SHARED_KEYS", key) for key in settings.TWILIO_SHARED_KEYS.values()
    ]
    values += [("METRICS_TOKEN", settings.METRICS_TOKEN)]
    for name, value in values:
        if value and (problem := paste_problem(value)):
            hint = "Write the value alone, without quotes and without a comment."
            yield Error(f"{name} {problem}.", id="calls.E006", hint=hint)
        elif name == "TWILIO_AUTH_TOKEN" and not AUTH_TOKEN.fullmatch(value):
            yield Warning(
                f"{name} does not look like an Auth Token: {_unlike_token(value)}.",
                id="calls.W004",
                hint=TWILIO_HINT,
            )
    sid = settings.TWILIO_ACCOUNT_SID
    if sid and not ACCOUNT_SID.fullmatch(sid):
        yield Warning(
            "TWILIO_ACCOUNT_SID is no Account SID: AC and 32 digits from 0 to 9 and a "
            "to f.",
            id="calls.W005",
            hint="Copy the Account SID from the Twilio Console's start page. SIDs that "
            "begin otherwise, such as SK… of an API key, name something else.",
        )


def _unlike_token(value: str) -> str:
    if re.match("(AC|SK|PN)[0-9a-f]", value):
        return "it is a SID, which names the account or a key"
    if len(value) != TOKEN_LENGTH:
        return f"it has {len(value)} characters instead of {TOKEN_LENGTH}"
    return "it has other characters than 0 to 9 and a to f"


@register()
def env_file_is_understood(**kwargs: Any) -> Iterator[CheckMessage]:
    """A line that is passed over is a setting that somebody misses."""
    for number in settings.ENV_FILE_ODD_LINES:
        yield Warning(
            f"Line {number} of the settings file (.env) is not understood and counts "
            "for nothing.",
            id="calls.W006",
            hint="Write NAME=value, or put # before a comment.",
        )


@register()
def not_every_call_is_recorded(**kwargs: Any) -> Iterator[CheckMessage]:
    """RELAY_TRACE is for the first calls; forgotten, it records everybody."""
    if settings.RELAY_TRACE:
        yield Warning(
            "RELAY_TRACE is set: every call is recorded in a file, word for word.",
            id="calls.W003",
            hint="Leave it empty as soon as real callers call. Single calls can be "
            "recorded from the console's list of bots.",
        )


@register()
def redis_url_is_readable(**kwargs: Any) -> Iterator[CheckMessage]:
    """Fails before the first clip is lost. Never repeats the password."""
    if settings.REDIS_URL and not _is_redis(settings.REDIS_URL):
        yield Error(
            "REDIS_URL is not the address of a Redis.",
            id="calls.E005",
            hint="Write REDIS_URL=redis://host:6379/0, with special characters of a "
            "password percent-encoded, or leave it empty for a single process.",
        )


def _is_redis(url: str) -> bool:
    try:
        Redis.from_url(url).close()  # reads the address, connects to nothing
    except ValueError:
        return False
    return bool(urlsplit(url).hostname or url.startswith("unix:"))


def redis_problem(url: str) -> str | None:
    """Why Redis cannot be used, in plain words; None if it can."""
    if not _is_redis(url):
        return "REDIS_URL is not the address of a Redis."
    server = f"Redis at {_without_password(url)}"
    timeouts = {
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
    }
    try:
        with Redis.from_url(url, retry=Retry(NoBackoff(), 0), **timeouts) as redis:
            redis.ping()
    except AuthenticationError:
        return f"{server} refuses the user name or password in REDIS_URL."
    except RedisTimeout:
        return f"{server} does not answer in time."
    except (RedisError, OSError):
        return f"{server} cannot be reached."
    except TypeError:  # redis-py does not know an option of the URL
        return f"{server}: REDIS_URL has an option that Redis clients do not know."
    return None


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or 6379}"
