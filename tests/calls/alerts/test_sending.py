"""Messages on real servers: mail, webhooks, SMS, and all their failures."""

import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.utils import timezone

from calls.accounts import mail
from calls.alerts.attempt import DELAYS
from calls.alerts.channels import sending
from calls.alerts.worker import AlertWorker
from calls.models import AlertChannel, AlertMessage
from calls.models.alert import Event, State
from tests.calls.alerts.noticed import (
    ADDRESS,
    end_call,
    last_words,
    mail_channel,
    rule,
    send_all,
    webhook_channel,
)
from tests.support.mail_server import MailServer, text_of
from tests.support.tool_server import Said, ToolServer, Waits
from tests.support.twilio import SID, TOKEN, FakeTwilio

pytestmark = pytest.mark.django_db(transaction=True)

DISCORD_LIMIT = b'{"message": "You are being rate limited.", "retry_after": 64.57}'
PHONE = "+15005550006"


@sync_to_async
def tell(*channels: AlertChannel, calls: Iterable[int] = (1,)) -> None:
    """Let calls fail, of which the channels are told."""
    rule(Event.CALL_FAILED, *channels)
    for number in calls:
        end_call(number)


make_mail_channel = sync_to_async(mail_channel)
make_webhook_channel = sync_to_async(webhook_channel)


async def test_a_mail_arrives_once(worker: AlertWorker, mailbox: MailServer) -> None:
    await tell(await make_mail_channel(), calls=range(40))
    assert await send_all(worker) == ["sent"]
    assert await send_all(worker) == ["sent"]
    received = mailbox.mails.get(timeout=10)
    assert mailbox.mails.empty()
    assert received["To"] == ADDRESS
    assert received["Subject"] == "40 calls failed (Ada)"
    assert received["Auto-Submitted"] == "auto-generated"
    assert "https://bot.example.com/admin/calls/call/" in text_of(received)
    message = await AlertMessage.objects.aget()
    assert (message.attempts, message.subject) == (1, received["Subject"])
    assert str(message.pk) in received["Message-ID"]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ("550 No such user", "failed", mail.REFUSED_ADDRESS),
        ("450 Come back later", "waiting", mail.REFUSED_ADDRESS),
    ],
)
async def test_a_wrong_address_and_a_server_that_wants_time(
    answer: str, state: str, words: str, worker: AlertWorker, mailbox: MailServer
) -> None:
    await tell(await make_mail_channel())
    mailbox.answer = answer
    assert await send_all(worker) == [state]
    assert await last_words() == words
    mailbox.answer = "250 OK"
    again = ["sent"] if state == "waiting" else ["failed"]
    assert await send_all(worker) == again


async def test_a_mail_server_that_hangs_or_refuses_is_tried_again(
    worker: AlertWorker, settings: LazySettings
) -> None:
    await tell(await make_mail_channel())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        assert await send_all(worker) == ["waiting"]
        assert await last_words() == mail.UNREACHABLE
    assert await send_all(worker) == ["waiting"]
    assert await last_words() == mail.UNREACHABLE
    message = await AlertMessage.objects.aget()
    left = (message.due_at - timezone.now()).total_seconds()
    assert DELAYS[1] - 5 < left <= DELAYS[1]
    for _ in DELAYS[1:]:
        states = await send_all(worker)
    assert states == ["failed"]
    await message.arefresh_from_db()
    assert len(message.log) == len(DELAYS) + 1


async def test_a_server_that_hangs_up_with_the_mail_may_have_taken_it(
    worker: AlertWorker, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(server: Any, *_: Any) -> str:
        server.transport.abort()
        return "250 OK"

    monkeypatch.setattr(mailbox, "handle_DATA", hang_up)
    await tell(await make_mail_channel())
    assert await send_all(worker) == ["unknown"]
    assert "not sent again" in await last_words()
    assert await send_all(worker) == ["unknown"]


async def test_a_mail_whose_turn_never_comes_is_sent_later(
    worker: AlertWorker, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(sending, "_threads", threads)
        monkeypatch.setattr(sending.send, "__defaults__", (0.2,))
        threads.submit(hangs.wait, 20)
        await tell(await make_mail_channel())
        assert await send_all(worker) == ["waiting"]
        assert await last_words() == sending.ALL_BUSY
        hangs.set()
        monkeypatch.setattr(sending.send, "__defaults__", (sending.SECONDS,))
        assert await send_all(worker) == ["sent"]
    assert mailbox.mails.qsize() == 1


@pytest.mark.parametrize(
    ("backend", "problem"),
    [(mail.NO_MAIL, mail.NOT_SET_UP), (mail.TERMINAL, mail.PRINTED)],
)
async def test_no_mail_server_is_set_up(
    worker: AlertWorker, settings: LazySettings, backend: str, problem: str
) -> None:
    settings.EMAIL_BACKEND = backend
    await tell(await make_mail_channel())
    assert await send_all(worker) == ["failed"]
    assert await last_words() == problem


async def test_a_message_of_a_channel_that_is_gone_or_off_is_not_sent(
    worker: AlertWorker, mailbox: MailServer
) -> None:
    first, second = await make_mail_channel("A"), await make_mail_channel("B")
    await tell(first)
    await tell(second, calls=[2])
    await send_all(worker)
    sent = mailbox.mails.qsize()
    await tell(first, calls=[3])
    await AlertChannel.objects.filter(pk=second.pk).aupdate(is_active=False)
    await AlertMessage.objects.filter(channel=second).aupdate(state=State.WAITING)
    await sync_to_async(first.delete)()
    await send_all(worker)
    assert mailbox.mails.qsize() == sent
    words = {row.log[-1]["words"] async for row in AlertMessage.objects.all()}
    assert "The channel is switched off." in words


async def test_a_webhook_of_each_kind(
    worker: AlertWorker, tools: ToolServer, settings: LazySettings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    answers = {"slack": Said(200, b"ok"), "teams": Said(202), "discord": Said(204, b"")}
    tools.answers |= {f"/{kind}": answer for kind, answer in answers.items()}
    channels = [
        await make_webhook_channel(kind, f"{tools.url}/{kind}") for kind in answers
    ]
    await tell(*channels)
    assert await send_all(worker) == ["sent"] * 3
    bodies = {asked.path: asked.body for asked in tools.requests}
    assert bodies["/slack"]["text"] == "A call failed (Ada)"
    assert bodies["/teams"]["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert "A call failed" in bodies["/discord"]["content"]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (Said(404, b"no_service"), "failed", "removed in Slack"),
        (Said(503, b""), "waiting", "status 503"),
        (Said(429, DISCORD_LIMIT, {"Retry-After": "65"}), "waiting", "too many"),
        (Said(200, b"Webhook message delivery failed"), "failed", "read the message"),
    ],
)
async def test_webhooks_that_refuse(
    answer: Said,
    state: str,
    words: str,
    worker: AlertWorker,
    tools: ToolServer,
    settings: LazySettings,
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    tools.answers["/hook"] = answer
    await tell(await make_webhook_channel("slack", f"{tools.url}/hook"))
    assert await send_all(worker) == [state]
    assert words in await last_words()
    if answer.status == 429:
        message = await AlertMessage.objects.aget()
        left = (message.due_at - timezone.now()).total_seconds()
        assert 55 < left <= 65


async def test_a_webhook_without_an_answer_is_not_called_again(
    worker: AlertWorker,
    tools: ToolServer,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(sending.send, "__defaults__", (0.3,))
    tools.answers["/hook"] = Waits()
    await tell(await make_webhook_channel("discord", f"{tools.url}/hook"))
    assert await send_all(worker) == ["unknown"]
    assert await send_all(worker) == ["unknown"]
    assert len(tools.requests) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9/hook", "Nothing answers"),
        ("http://10.0.0.1/hook", "no public address"),
        ("https://nowhere.invalid/hook", "no host of that name"),
    ],
)
async def test_webhooks_that_cannot_be_reached_are_tried_again(
    url: str, words: str, worker: AlertWorker, settings: LazySettings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    await tell(await make_webhook_channel("teams", url))
    assert await send_all(worker) == ["waiting"]
    assert words in await last_words()


async def test_an_address_saved_with_another_key_is_asked_for(
    worker: AlertWorker, settings: LazySettings
) -> None:
    await tell(await make_webhook_channel("teams", "https://a.example/"))
    settings.SECRET_KEY = "another-one"
    assert await send_all(worker) == ["waiting"]
    assert "at this alert channel" in await last_words()


@pytest.fixture
def twilio(settings: LazySettings) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_ACCOUNT_SID = SID
        settings.TWILIO_AUTH_TOKENS = ["replaced-soon", TOKEN]
        settings.TWILIO_API_URL = fake.url
        yield fake


async def make_sms_channel(sender: str = PHONE) -> AlertChannel:
    sms = {"kind": "sms", "address": "+14155550199", "sender": sender}
    return await make_mail_channel("Ann's phone", **sms)


@pytest.mark.parametrize(
    ("sender", "field"), [(PHONE, "From"), ("MG" + "a" * 32, "MessagingServiceSid")]
)
async def test_an_sms(
    sender: str, field: str, worker: AlertWorker, twilio: FakeTwilio
) -> None:
    await tell(await make_sms_channel(sender), calls=range(40))
    assert await send_all(worker) == ["sent"]
    form = twilio.changes[-1]
    assert (form["To"], form[field]) == ("+14155550199", sender)
    assert form["Body"].startswith("40 calls failed (Ada) https://bot.example.com/")


@pytest.mark.parametrize(
    ("status", "says", "state", "words"),
    [
        (400, b'{"code": 21211, "message": "Invalid To"}', "failed", "Invalid To"),
        (429, b"{}", "waiting", "too many requests"),
        (503, b"{}", "waiting", "status 503"),
    ],
)
async def test_twilio_refuses_an_sms(
    status: int,
    says: bytes,
    state: str,
    words: str,
    worker: AlertWorker,
    twilio: FakeTwilio,
) -> None:
    twilio.status, twilio.says = status, says
    await tell(await make_sms_channel())
    assert await send_all(worker) == [state]
    assert words in await last_words()


async def test_no_twilio_account(worker: AlertWorker, settings: LazySettings) -> None:
    await tell(await make_sms_channel())
    assert await send_all(worker) == ["failed"]
    assert "TWILIO_ACCOUNT_SID" in await last_words()


async def test_twilio_is_away(
    worker: AlertWorker, twilio: FakeTwilio, settings: LazySettings
) -> None:
    settings.TWILIO_API_URL = "http://127.0.0.1:9"
    await tell(await make_sms_channel())
    assert await send_all(worker) == ["waiting"]
