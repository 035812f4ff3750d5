"""The check of SERVER_URL: our own server behind it, and other servers."""

import asyncio
import ssl
from http.server import BaseHTTPRequestHandler
from threading import Event
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from calls.diagnostics import response_checks, server_url_probe
from calls.diagnostics.findings import Finding
from calls.diagnostics.response_checks import HttpAnswer
from calls.diagnostics.server_url_probe import Sample
from calls.models import Call
from calls.turns.clip_ids import GONE, REPLACED, UNAVAILABLE
from calls.twilio.signatures import NOT_SIGNED
from tests.support.http_server import Answer, FakeHttpServer
from tests.support.live import LiveServer, free_port, running
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)
HTML = {"Content-Type": "text/html"}


def serve_from(settings: Settings, url: str) -> None:
    settings.SERVER_URL = url
    settings.SERVER_HOST = urlsplit(url).hostname


def check(settings: Settings, url: str, sample: Sample | None = None) -> list[Finding]:
    serve_from(settings, url)
    return server_url_probe.check(sample)


class OtherServer(FakeHttpServer):
    """Gives every request the same answer."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: dict[str, str] = HTML,
        tls: ssl.SSLContext | None = None,
        holds: Event | None = None,
    ) -> None:
        super().__init__(tls)
        self.same = status, body, headers
        self.holds = holds

    def answer(self, http: BaseHTTPRequestHandler, body: bytes) -> Answer:
        self.hold()
        return self.same


async def test_a_server_reaches_itself_through_its_address(
    database_url: str, admin_user: User
) -> None:
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with running(
        DATABASE_URL=database_url, PORT=port, SERVER_URL=url, REDIS_URL=""
    ) as live:
        response = await asyncio.to_thread(press_the_button, live.url, admin_user)
        results = response.json()["results"]
        worked = [(result["name"], result["ok"]) for result in results]
        assert worked == [
            ("Address", False),  # no public one
            ("Webhook", True),
            ("Webhook", True),  # signed with a shared key
            ("Clips", True),
            ("Calls", True),
        ], results
        assert "Traceback" not in live.output
    assert not await Call.objects.aexists()


def press_the_button(url: str, user: User) -> httpx.Response:
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": "c" * 32}
    with httpx.Client(base_url=url, cookies=cookies, timeout=25) as http:
        headers = {"X-CSRFToken": "c" * 32}
        return http.post("/admin/numbers/check/", headers=headers)


def test_a_shared_key_that_the_server_does_not_have_is_named(
    server: LiveServer, settings: Settings
) -> None:
    settings.TWILIO_SHARED_KEYS = {"key_new": "secret"}
    _, _, finding, _ = check(settings, server.url)
    assert finding.is_failure
    assert "shared key key_new are refused (403)" in finding.text


def test_another_voicebot_is_distinguished_from_this_one(
    server: LiveServer, settings: Settings
) -> None:
    _, webhook, clip, socket = check(settings, server.url, Sample())
    assert webhook.is_failure
    assert "refuses our signature" in webhook.text
    assert clip.is_failure
    assert "does not have our clip" in clip.text
    assert not socket.is_failure


def test_without_a_clip_the_rest_is_checked(
    server: LiveServer, settings: Settings
) -> None:
    findings = check(settings, server.url)
    assert [result.name for result in findings] == ["Address", "Webhook", "Calls"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (200, b"<html>Hello", HTML, "Another server answers, with a web page"),
        (404, b"{}", {}, "404 Not Found"),
        (799, b"", {}, "something of its own (799)"),
        (
            302,
            b"",
            {"Location": "https://www.example.com/"},
            "https://www.example.com/",
        ),
        (404, b"", {"Ngrok-Error-Code": "ERR_NGROK_3200"}, "no tunnel runs"),
        (502, b"<p>ERR_NGROK_8012</p>", HTML, "ngrok answers instead"),
        (502, b"", HTML, "reaches no server (502)"),
        (401, b"", {}, "asks who we are (401)"),
        (403, b"Attention required", HTML, "asks who we are (403)"),
    ],
)
def test_who_answers_instead_is_named(
    settings: Settings, status: int, body: bytes, headers: dict[str, str], words: str
) -> None:
    with OtherServer(status, body, headers) as other:
        findings = check(settings, other.url, Sample())
    assert all(result.is_failure for result in findings)
    assert words in findings[1].text
    assert words in findings[2].text


def test_a_name_that_dns_does_not_know_is_reported_once(settings: Settings) -> None:
    _, *findings = check(settings, "https://nobody.invalid", Sample())
    assert "not a name that DNS knows" in findings[0].text
    assert [result.text for result in findings[1:]] == ["Not checked.", "Not checked."]


def test_a_certificate_nobody_trusts_is_reported(settings: Settings) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with OtherServer(204, tls=tls) as other:
        assert "no valid certificate" in check(settings, other.url)[1].text


def test_a_port_without_tls_is_reported(settings: Settings) -> None:
    with OtherServer() as other:
        findings = check(settings, other.url.replace("http:", "https:"))
    assert "does not speak TLS" in findings[1].text


def test_a_closed_port_is_reported(settings: Settings) -> None:
    findings = check(settings, f"http://127.0.0.1:{free_port()}")
    assert "Nothing listens at http" in findings[1].text
    assert "Start the server (make run)." in findings[1].text


def test_a_server_that_does_not_answer_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_url_probe, "TIMEOUT_SECONDS", 0.3)
    with OtherServer(holds=Event()) as other:
        findings = check(settings, other.url)
    assert "does not answer within 0.3 seconds" in findings[1].text


def test_an_endless_answer_is_not_read_to_its_end(settings: Settings) -> None:
    with OtherServer(200, b"x" * 3_000_000) as other:
        assert "Another server" in check(settings, other.url)[1].text


def test_a_clip_store_that_takes_nothing_is_reported(
    admin_client: Client, settings: Settings
) -> None:
    clear_process_state()
    settings.CLIP_MEMORY_MB = 0
    serve_from(settings, f"http://127.0.0.1:{free_port()}")
    results = admin_client.post("/admin/numbers/check/").json()["results"]
    clear_process_state()
    assert "takes no clips" in results[-1]["message"]
    assert "Nothing listens" in results[1]["message"]


@pytest.mark.parametrize(
    "url", ["https://bot.example.com:x", "https://", "no", "https://a.example/b"]
)
def test_an_address_that_is_none_is_reported(settings: Settings, url: str) -> None:
    settings.SERVER_URL, settings.SERVER_HOST = url, ""
    (finding,) = server_url_probe.check(Sample())
    assert finding.is_failure
    assert "SERVER_URL" in finding.text


def test_the_address_has_to_be_public_and_encrypted(settings: Settings) -> None:
    for url, words in (
        ("https://bot.example.com", "public https address"),
        ("http://bot.example.com", "is not https"),
        ("http://localhost:3000", "only this machine"),
    ):
        serve_from(settings, url)
        assert words in server_url_probe._address().text


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (HttpAnswer(403), True, "come through"),
        (HttpAnswer(403, {}, b"Forbidden"), False, "asks who we are"),
        (HttpAnswer(101), False, "Another server"),
        (HttpAnswer(404, {}, b"<html>"), False, "pass WebSockets on"),
        (HttpAnswer(504), False, "reaches no server"),
    ],
)
def test_only_our_own_no_means_that_sockets_come_through(
    answer: HttpAnswer, ok: bool, words: str
) -> None:
    finding = response_checks.socket(answer)
    assert finding.is_failure != ok
    assert words in finding.message


def test_unsigned_requests_are_distinguished_from_signed_ones() -> None:
    signed = response_checks.webhook(HttpAnswer(204), ["token"])
    assert signed.message.startswith("Signed")
    assert "unchecked" in response_checks.webhook(HttpAnswer(204), []).message
    refused = HttpAnswer(403, {}, NOT_SIGNED)
    assert "All requests are refused" in response_checks.webhook(refused, []).message


def test_a_clip_has_to_come_back_as_it_was() -> None:
    wav = Sample().wav
    assert not response_checks.clip(HttpAnswer(200, {}, wav), wav).is_failure
    assert (
        "changed on its way"
        in response_checks.clip(HttpAnswer(200, {}, wav[:-2]), wav).message
    )
    for reason, words in ((GONE, "does not have our clip"), (UNAVAILABLE, "Redis")):
        replaced = HttpAnswer(200, {REPLACED: reason}, wav)
        assert words in response_checks.clip(replaced, wav).message
