"""A call resumes only if its transcript can be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from bots.config_builder import config_of
from bots.models import Bot
from calls.models import Call
from calls.public_urls import socket_url
from calls.session.consumer import _admit_from_memory
from calls.session.services import services
from calls.session.socket_admission import admit
from calls.twilio.relay_tokens import new_nonce, relay_token
from tests.calls.webhooks.test_incoming import fresh_process, ring
from tests.end_to_end.test_live import turns
from tests.support.live import AUTH_TOKEN, LiveServer

__all__ = ["fresh_process"]  # a fixture
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def without(table: str) -> Iterator[None]:
    """Hide a table from all queries."""
    _rename(table, f"{table}_hidden")
    try:
        yield
    finally:
        _rename(f"{table}_hidden", table)


def _rename(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")


def lost_call(bot: Bot) -> Call:
    """A call with a token for its second session."""
    call = Call.objects.create(
        call_sid="CA1",
        bot=bot,
        settings=config_of(bot).to_json(),
        status=Call.Status.IN_PROGRESS,
        started_at=timezone.now(),
        reconnects=1,
        relay_nonce=new_nonce(),
    )
    call.turns.create(
        index=0, role="bot", text="Hello, Ada.", started_at=call.started_at
    )
    return call


async def relay(server: LiveServer, call: Call) -> ClientConnection:
    """Open the socket of a call's token, as Twilio does."""
    path = f"/conversation/{relay_token(call.call_sid, call.relay_nonce)}"
    signature = RequestValidator(AUTH_TOKEN).compute_signature(socket_url(path), {})
    headers = {"X-Twilio-Signature": signature}
    return await connect(
        server.url.replace("http", "ws") + path, additional_headers=headers
    )


async def test_a_call_whose_words_cannot_be_read_is_turned_away_not_begun_anew(
    server: LiveServer, bot: Bot
) -> None:
    call = await sync_to_async(lost_call)(bot)
    hidden = without("calls_turn")
    await sync_to_async(hidden.__enter__)()
    try:
        with pytest.raises(InvalidStatus):
            await relay(server, call)
    finally:
        await sync_to_async(hidden.__exit__)(None, None, None)
    assert "CA1: earlier turns cannot be read" in server.output
    # Twilio asks how to go on, and gets TwiML for another relay.
    await call.arefresh_from_db(fields=["relay_nonce"])
    assert call.relay_nonce == ""
    call.relay_nonce = new_nonce()
    await call.asave(update_fields=["relay_nonce"])
    async with await relay(server, call):
        pass
    (said,) = await turns(call)
    assert said.text == "Hello, Ada."


async def test_a_token_that_was_good_without_the_database_is_used_up_afterwards(
    bot: Bot,
) -> None:
    await ring()
    row = await Call.objects.aget()
    await Call.objects.aupdate(
        disconnected_at=timezone.now(), transfer={"returned": "busy"}
    )
    token = ("CA1", row.relay_nonce)
    hidden = without("calls_call")
    await sync_to_async(hidden.__enter__)()
    try:
        assert await admit(*token, fallback=partial(_admit_from_memory, *token))
        assert await admit(*token, fallback=partial(_admit_from_memory, *token)) is None
    finally:
        await sync_to_async(hidden.__exit__)(None, None, None)
    writer = services().transcripts
    await writer.flush(5)
    await writer.aclose()
    row = await Call.objects.aget()
    assert (row.relay_nonce, row.disconnected_at, row.transfer) == ("", None, {})
