"""Alerts of real servers: told once by two processes, and not again after a crash."""

import asyncio
from collections.abc import Iterator
from threading import Event as Signal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from calls.models import AlertMessage, CallToCheck
from calls.models.alert import State
from tests.calls.alerts.noticed import (
    end_call,
    failing,
    long_due,
    mail_channel,
    make_due,
)
from tests.support.live import running
from tests.support.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60


class HeldServer(MailServer):
    """A mail server that can keep a sender waiting when it has the whole mail."""

    def __init__(self) -> None:
        super().__init__()
        self.holds = False
        self.is_held = Signal()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if self.holds:
            self.is_held.set()
            await asyncio.Event().wait()
        return answer


@pytest.fixture
def mailbox() -> Iterator[HeldServer]:
    server = HeldServer()
    server.start()
    yield server
    server.stop()


@sync_to_async
def fail_call(number: int) -> None:
    """Let a call fail, to be told now."""
    end_call(number)
    CallToCheck.objects.update(due_at=long_due())


async def send_what_waits() -> None:
    """Wait for a message that waits for its minute, and have it sent now."""
    waiting = AlertMessage.objects.filter(state=State.WAITING)
    async with asyncio.timeout(SECONDS):
        while True:
            if await waiting.aexists():
                return await sync_to_async(make_due)()
            await asyncio.sleep(0.1)


async def next_mail(mailbox: HeldServer) -> str:
    mail = await asyncio.to_thread(mailbox.mails.get, timeout=SECONDS)
    return str(mail["Subject"])


async def test_two_servers_tell_a_call_once_and_a_crash_repeats_nothing(
    database_url: str, mailbox: HeldServer
) -> None:
    env = {
        "DATABASE_URL": database_url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "REDIS_URL": "",
    }
    await sync_to_async(lambda: failing(mail_channel()))()
    async with running(**env) as first, running(**env) as second:
        await fail_call(1)
        assert await next_mail(mailbox) == "A call failed (Ada)"
        mailbox.holds = True
        await fail_call(2)
        await send_what_waits()
        assert await asyncio.to_thread(mailbox.is_held.wait, SECONDS)
        for server in (first, second):
            server.process.kill()
    mailbox.holds = False
    assert mailbox.mails.qsize() == 1
    sending = AlertMessage.objects.filter(state=State.SENDING)
    assert await sending.aupdate(due_at=long_due()) == 1
    await fail_call(3)
    async with running(**env):
        await sync_to_async(mailbox.mails.get)(timeout=1)
        await send_what_waits()
        assert await next_mail(mailbox) == "A call failed (Ada)"
    states = AlertMessage.objects.order_by("pk").values_list("state", flat=True)
    assert [state async for state in states] == ["sent", "unknown", "sent"]
    assert mailbox.mails.empty()
