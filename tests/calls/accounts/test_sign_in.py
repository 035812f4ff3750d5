"""Signing in to the admin, headers for browsers, and access to sockets."""

import json
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone
from django.views.defaults import server_error
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from calls.console.routing import console_origin
from tests.support.live import PUBLIC_URL, LiveServer, serving
from voicebot.security import client_address
from voicebot.server.bare_handler import BareHandler, ClipHandler

PASSWORD = "correct horse battery"
LOGIN, CODE, INSIDE = "/admin/login/", "/admin/login/code/", "/admin/"
POLICY = "Content-Security-Policy"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, code: str = "", **about: Any):
    """Type the password, and the code if the next page asks for one."""
    person = {"username": "ann", "password": password}
    response = client.post(LOGIN, person, **about)
    if code and response.status_code == 302 and response["Location"] == CODE:
        return client.post(CODE, {"code": code}, **about)
    return response


def may_enter(client: Client) -> bool:
    return client.get(INSIDE).status_code == 200


def text(response: Any) -> str:
    return str(response.content.decode())


class TestLockOut:
    def test_of_five_wrong_passwords_the_last_closes_the_door(self, ann: User) -> None:
        client = Client()
        assert [sign_in(client, "wrong").status_code for _ in range(5)] == [
            *[200] * 4,
            429,
        ]
        page = sign_in(client)
        assert page.status_code == 429
        assert page["Retry-After"] == "900"
        assert "Wait 15 minutes" in text(page)
        assert not may_enter(client)

    def test_keeps_out_nobody_else(self, ann: User) -> None:
        for _ in range(6):
            sign_in(Client(), "wrong", REMOTE_ADDR="203.0.113.9")
        assert sign_in(Client(), REMOTE_ADDR="203.0.113.9").status_code == 429
        assert sign_in(Client(), REMOTE_ADDR="203.0.113.10").status_code == 302

    def test_sees_visitors_behind_a_proxy_that_adds_their_ports(
        self, ann: User, settings: Settings
    ) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        for port in range(40000, 40006):
            seen = {"HTTP_X_FORWARDED_FOR": f"198.51.100.1:{port}"}
            sign_in(Client(), "wrong", **seen)
        assert sign_in(Client(), **seen).status_code == 429
        other = {"HTTP_X_FORWARDED_FOR": "198.51.100.2:40000"}
        assert sign_in(Client(), **other).status_code == 302

    def test_ends_by_itself(self, ann: User) -> None:
        for _ in range(6):
            sign_in(Client(), "wrong")
        AccessAttempt.objects.update(
            attempt_time=timezone.now() - timedelta(minutes=16)
        )
        assert sign_in(Client()).status_code == 302

    def test_is_lifted_by_a_command(self, ann: User) -> None:
        for _ in range(6):
            sign_in(Client(), "wrong")
        call_command("axes_reset")
        assert sign_in(Client()).status_code == 302

    def test_forgets_a_typing_error_after_signing_in(self, ann: User) -> None:
        for _ in range(3):
            assert [sign_in(Client(), "wrong").status_code for _ in range(3)] == [
                200
            ] * 3
            assert sign_in(Client()).status_code == 302

    def test_stores_no_password_and_no_code(
        self, ann: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        sign_in(Client(), "hunter2hunter2", "123456")
        stored = str(list(AccessAttempt.objects.values()))
        for secret in ("hunter2", "123456"):
            assert secret not in stored + caplog.text


class TestGuessesFromEverywhere:
    def guess(self) -> None:
        for number in range(13):
            for _ in range(4):
                sign_in(Client(), "wrong", REMOTE_ADDR=f"203.0.113.{number}")

    def test_end_at_fifty_for_one_name(self, ann: User) -> None:
        User.objects.create_superuser("ben", password=PASSWORD)
        self.guess()
        page = sign_in(Client(), REMOTE_ADDR="198.51.100.1")
        assert "too many wrong passwords" in text(page)
        person = {"username": "ben", "password": PASSWORD}
        assert Client().post(LOGIN, person).status_code == 302

    def test_lock_nobody_out_at_the_own_desk(self, ann: User) -> None:
        assert sign_in(Client(), REMOTE_ADDR="198.51.100.1").status_code == 302
        self.guess()
        assert sign_in(Client(), REMOTE_ADDR="198.51.100.1").status_code == 302
        assert sign_in(Client(), REMOTE_ADDR="198.51.100.2").status_code == 200

    def test_are_forgotten_after_a_while(self, ann: User) -> None:
        self.guess()
        AccessAttempt.objects.update(
            attempt_time=timezone.now() - timedelta(minutes=16)
        )
        assert sign_in(Client(), REMOTE_ADDR="198.51.100.1").status_code == 302


class TestSession:
    @pytest.fixture
    def client(self, ann: User) -> Client:
        client = Client()
        sign_in(client)
        assert may_enter(client)
        return client

    def seen(self, client: Client, minutes: int) -> None:
        session = client.session
        session["last_seen"] -= minutes * 60
        session.save()

    def test_ends_after_an_hour_without_a_page(self, client: Client) -> None:
        for _ in range(3):
            self.seen(client, 59)
            assert may_enter(client)
        self.seen(client, 61)
        assert not may_enter(client)
        assert not may_enter(client)

    def test_ends_twelve_hours_after_the_sign_in(self, client: Client) -> None:
        end = client.session.get_expiry_date()
        assert end - timezone.now() < timedelta(hours=12)
        self.seen(client, 30)  # the next page changes the session
        assert may_enter(client)
        assert client.session.get_expiry_date() == end


@pytest.mark.parametrize(("length", "is_good"), [(11, False), (12, True)])
def test_a_password_has_twelve_characters(length: int, is_good: bool) -> None:
    with nullcontext() if is_good else pytest.raises(ValidationError):
        validate_password("kX9-wq2Zr7Bd"[:length])


class TestAddress:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "expected"),
        [
            (0, "198.51.100.1", "10.0.0.1"),  # anybody can write that header
            (1, "198.51.100.1", "198.51.100.1"),
            (1, "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the first is a claim
            (2, "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            (2, "198.51.100.1", "10.0.0.1"),  # came in past a proxy
            (1, "", "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
            (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            (1, "2001:db8:1:2:ffff::", "2001:db8:1:2::"),  # as good as the same
            (1, "::ffff:198.51.100.1", "198.51.100.1"),
            # Azure and IIS add the client's port
            (1, "198.51.100.1:40000", "198.51.100.1"),
            (1, "1.1.1.1:1, 198.51.100.1:40000", "198.51.100.1"),
            (2, "198.51.100.1:40000, 10.0.0.2:443", "198.51.100.1"),
            (1, "[2001:db8:1:2:3:4:5:6]:40000", "2001:db8:1:2::"),
            (1, "[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::"),
            (1, '"[2001:db8:1:2::7]:40000"', "2001:db8:1:2::"),
            (1, "2001:db8:1:2:3:4:5:6:40000", "2001:db8:1:2::"),
            (1, "2001:db8:1:2::7:40000", "2001:db8:1:2::"),
            (1, "[fe80::1%eth0]:40000", "fe80::"),
            (1, "::ffff:198.51.100.1:40000", "198.51.100.1"),
            (1, "[::ffff:198.51.100.1]:40000", "198.51.100.1"),
            *[(1, text, "10.0.0.1") for text in ("unknown", "_x:1", ":40000", "1.2:3")],
        ],
    )
    def test_is_what_our_own_proxies_say(
        self, settings: Settings, proxies: int, forwarded: str, expected: str
    ) -> None:
        settings.TRUSTED_PROXY_COUNT = proxies
        request = RequestFactory().get(
            "/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded
        )
        assert client_address(request) == expected

    def test_may_be_unknown(self) -> None:
        assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) is None


class TestHeaders:
    @pytest.mark.parametrize("path", [LOGIN, "/admin/nowhere/"])
    def test_forbid_what_no_page_needs(self, db: None, path: str) -> None:
        answer = Client().get(path)
        policy = answer[POLICY]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "microphone=(self)" in answer["Permissions-Policy"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Strict-Transport-Security"] == "max-age=31536000"

    def test_leave_the_pages_that_explain_an_error_to_a_developer(
        self, settings: Settings
    ) -> None:
        settings.DEBUG = True
        assert POLICY not in Client().get("/nowhere").headers

    def test_of_cookies_keep_them_from_scripts_and_other_sites(self, ann: User) -> None:
        client = Client()
        sign_in(client)
        session = client.cookies["sessionid"]
        assert session["httponly"]
        assert session["secure"]
        assert session["samesite"] == "Lax"
        assert 0 <= 12 * 3600 - session["max-age"] < 60
        assert client.cookies["csrftoken"]["secure"]


class TestPagesOfTrouble:
    def test_say_what_happened_and_lead_back(self, db: None) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_user("eve", is_staff=True))
        answers = {
            "Page not found": client.get("/nowhere/"),
            "Not allowed": client.get("/admin/bots/bot/"),
            "Not saved": client.post("/admin/logout/"),
        }
        for heading, answer in answers.items():
            assert f"<h1>{heading}</h1>" in text(answer)
            assert f"<title>{heading} | voicebot</title>" in text(answer)
            assert 'href="/admin/"' in text(answer)
            assert "style=" not in text(answer)

    def test_are_shown_without_a_database(self, rf: RequestFactory) -> None:
        request = rf.get("/nowhere/")
        for name in ("404.html", "403.html", "403_csrf.html"):
            assert "/admin/" in render_to_string(name, request=request)
        broken = server_error(request).content.decode()
        assert "Something went wrong" in broken
        assert "/static/" not in broken

    def test_of_a_refusal_leave_no_traceback_in_the_log(
        self, db: None, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        client.force_login(User.objects.create_user("eve", is_staff=True))
        assert client.get("/admin/bots/bot/").status_code == 403
        records = [each for each in caplog.records if each.name == "django.request"]
        assert [each.exc_info for each in records] == [None]


class TestProxy:
    def test_that_is_configured_is_trusted(self, database_url: str) -> None:
        environment = {"DATABASE_URL": database_url, "TRUSTED_PROXY_COUNT": "1"}
        with (
            serving(**environment) as behind,
            httpx.Client(base_url=behind.url) as http,
        ):
            proto = "X-Forwarded-Proto"
            plain = http.get(LOGIN, headers={proto: "http"})
            assert plain.status_code == 301
            assert plain.headers["Location"].startswith("https://")
            assert http.get(LOGIN, headers={proto: "https"}).status_code == 200
            assert http.post("/voice", headers={proto: "http"}).status_code == 403

    def test_that_is_not_configured_is_not_trusted(self, server: LiveServer) -> None:
        answer = httpx.get(server.url + LOGIN, headers={"X-Forwarded-Proto": "http"})
        assert answer.status_code == 200


class Explodes:
    """A middleware that no request survives."""

    def __init__(self, get_response: Any) -> None:
        raise AssertionError("loaded")


class TestTwilio:
    @pytest.mark.parametrize("handler", [BareHandler, ClipHandler])
    def test_passes_no_middleware(self, settings: Settings, handler: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.Explodes"]
        handler()

    def test_gets_no_headers_meant_for_browsers(self, server: LiveServer) -> None:
        with httpx.Client(base_url=server.url) as http:
            answers = [http.get("/audio/" + "x" * 32), http.post("/voice")]
            login_page = http.get(LOGIN)
        assert POLICY in login_page.headers
        for answer in answers:
            assert answer.status_code in (403, 404)
            assert not {POLICY.lower(), "set-cookie", "permissions-policy"} & {
                name.lower() for name in answer.headers
            }


@pytest.mark.django_db(transaction=True)
class TestSockets:
    async def opens(self, server: LiveServer, path: str, **headers: str) -> bool:
        origin = headers.pop("origin", None)
        try:
            async with connect(
                f"ws{server.url.removeprefix('http')}{path}",
                origin=origin,  # type: ignore[arg-type]
                additional_headers=headers,
            ) as socket:
                await socket.send(json.dumps({"want": []}))
        except InvalidStatus:
            return False
        return True

    @sync_to_async
    def cookie(self, **about: Any) -> str:
        person = User.objects.create_user("sam", is_superuser=True, **about)
        client = Client()
        client.force_login(person)
        return f"sessionid={client.cookies['sessionid'].value}"

    async def test_open_for_staff_on_our_own_pages(self, server: LiveServer) -> None:
        cookie = await self.cookie(is_staff=True)
        assert await self.opens(
            server, "/console/live", Cookie=cookie, origin=PUBLIC_URL
        )

    @pytest.mark.parametrize("path", ["/console/live", "/console/test-call/nonsense"])
    @pytest.mark.parametrize(
        "origin",
        [
            *("https://evil.example", "https://bot.example.com.evil.example", "null"),
            # A page that somebody else serves on this machine, or on our host.
            *("http://localhost:8000", "http://127.0.0.1:3000"),
            *("http://bot.example.com", "https://bot.example.com:8443"),
            *("https://a.bot.example.com", "https://bot.example.com:99999", "http://["),
            None,
        ],
    )
    async def test_stay_shut_to_pages_of_others(
        self, server: LiveServer, path: str, origin: str | None
    ) -> None:
        headers = {"Cookie": await self.cookie(is_staff=True)}
        if origin:
            headers["origin"] = origin
        assert not await self.opens(server, path, **headers)

    @pytest.mark.parametrize(
        ("server_url", "origin"),
        [
            ("https://Bot.Example.com:443", b"https://bot.example.com"),
            ("http://localhost:80", b"http://localhost"),
            ("http://[::1]:3000", b"http://[::1]:3000"),
            ("https://b\u00fccher.example", b"https://xn--bcher-kva.example"),
        ],
    )
    def test_know_our_origin_as_browsers_write_it(
        self, server_url: str, origin: bytes
    ) -> None:
        assert console_origin(server_url) == origin

    @pytest.mark.parametrize("path", ["/console/live", "/console/test-call/nonsense"])
    @pytest.mark.parametrize(
        "about", [{"is_staff": False}, {"is_staff": True, "is_active": False}]
    )
    async def test_stay_shut_to_those_who_are_not_staff(
        self, server: LiveServer, path: str, about: dict[str, bool]
    ) -> None:
        cookie = await self.cookie(**about)
        assert not await self.opens(server, path, Cookie=cookie, origin=PUBLIC_URL)
        assert not await self.opens(server, path, origin=PUBLIC_URL)

    async def test_stay_shut_to_sessions_without_the_code(
        self, server: LiveServer
    ) -> None:
        cookie = await self.cookie(is_staff=True)
        person = await User.objects.aget()
        await TOTPDevice.objects.acreate(user=person, confirmed=True, name="app")
        assert not await self.opens(
            server, "/console/live", Cookie=cookie, origin=PUBLIC_URL
        )
