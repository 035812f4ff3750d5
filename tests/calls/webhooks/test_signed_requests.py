"""Requests with GET, and addresses whose parameters a proxy has sorted."""

from xml.etree import ElementTree

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from twilio.request_validator import RequestValidator

from bots.models import Bot
from calls.diagnostics.call_warnings import call_findings
from calls.models import Call
from calls.webhooks.connect import NOT_CONFIGURED
from tests.calls.webhooks.test_incoming import ORIGIN, RINGING, TOKEN, outside
from tests.calls.webhooks.test_incoming import fresh_process as fresh_process

pytestmark = pytest.mark.django_db(transaction=True)


async def get(path: str, token: str = TOKEN) -> httpx.Response:
    """Twilio's request with GET: all it says is in the address."""
    url = f"{ORIGIN}{path}"
    signature = RequestValidator(token).compute_signature(url, {})
    async with outside() as http:
        return await http.get(url, headers={"X-Twilio-Signature": signature})


def sentence(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/xml"
    return ElementTree.fromstring(answer.content).findtext("Say") or ""


ASKED = f"/voice?{httpx.QueryParams(RINGING)}"


@pytest.mark.parametrize("path", [ASKED, ASKED.replace("/voice", "/voice/")])
async def test_a_call_asked_for_with_get_hears_a_sentence_and_is_listed(
    bot: Bot, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert sentence(await get(path)) == NOT_CONFIGURED
    assert "HTTP POST" in caplog.text
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == ("refused", "wrong-method")
    assert call.from_number == RINGING["From"]
    today = timezone.now().replace(hour=0, minute=0)
    (finding,) = await sync_to_async(call_findings)(Call.objects.real(), today)
    assert "GET instead of POST" in finding.text
    assert "Connect numbers" in finding.hint


@pytest.mark.parametrize(
    "path", ["/voice", "/voice/status", "/voice/action?CallSid=CA1", "/voice/dial/0"]
)
async def test_everything_that_twilio_asks_for_with_get_has_a_sentence(
    bot: Bot, path: str
) -> None:
    assert sentence(await get(path)) == NOT_CONFIGURED
    assert not await Call.objects.aexists()


async def test_a_stranger_hears_the_sentence_and_leaves_no_call(bot: Bot) -> None:
    assert sentence(await get(ASKED, "another token")) == NOT_CONFIGURED
    assert not await Call.objects.aexists()


async def test_other_methods_are_refused(bot: Bot) -> None:
    async with outside() as http:
        assert [(await http.put("/voice")).status_code] == [405]


async def ask(signed: str, sent: str, **changes: str) -> int:
    form = {**RINGING, **changes}
    signature = RequestValidator(TOKEN).compute_signature(f"{ORIGIN}{signed}", form)
    headers = {"X-Twilio-Signature": signature}
    async with outside() as http:
        return (await http.post(sent, data=form, headers=headers)).status_code


@pytest.mark.parametrize(
    ("signed", "sent", "status"),
    [
        ("/voice?shop=1&campaign=2", "/voice?campaign=2&shop=1", 200),
        ("/voice?b=1&a=2", "/voice?a=2&b=1", 200),
        ("/voice?a=2&b=1", "/voice?b=1&a=2", 200),  # and not only sorted
        ("/voice?c=1&b=%20x&a=%C3%B6", "/voice?a=%C3%B6&b=%20x&c=1", 200),
        ("/voice?tag=b&tag=a&id=1", "/voice?id=1&tag=a&tag=b", 200),
        ("/voice?d=1&c=2&b=3&a=4", "/voice?a=4&b=3&c=2&d=1", 200),
        # Other parameters, or too many to try.
        ("/voice?b=1&a=2", "/voice?a=2&b=2", 403),
        ("/voice?b=1&a=2", "/voice?a=2", 403),
        ("/voice?b=1&a=2", "/voice?a=2&b=1&c=3", 403),
        ("/voice?e=0&d=1&c=2&b=3&a=4", "/voice?a=4&b=3&c=2&d=1&e=0", 403),
        ("/voice?a=4&b=3&c=2&d=1&e=0", "/voice?a=4&b=3&c=2&d=1&e=0", 200),
    ],
)
async def test_parameters_in_another_order_are_the_same_parameters(
    bot: Bot, signed: str, sent: str, status: int
) -> None:
    assert await ask(signed, sent) == status


async def test_the_log_says_what_to_do_about_many_sorted_parameters(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await ask("/voice?e=0&d=1&c=2&b=3&a=4", "/voice?a=4&b=3&c=2&d=1&e=0")
    assert "alphabetical order" in caplog.text
    caplog.clear()
    await ask("/voice?b=1&a=2", "/voice?a=9&b=1")
    assert "alphabetical order" not in caplog.text


async def test_the_form_must_be_the_signed_one(bot: Bot) -> None:
    path = "/voice?b=1&a=2"
    form = {**RINGING, "From": "+15005550099"}
    signature = RequestValidator(TOKEN).compute_signature(f"{ORIGIN}{path}", form)
    async with outside() as http:
        headers = {"X-Twilio-Signature": signature}
        answer = await http.post("/voice?a=2&b=1", data=RINGING, headers=headers)
    assert answer.status_code == 403
