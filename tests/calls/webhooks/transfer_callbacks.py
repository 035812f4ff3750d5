"""Twilio's callbacks about a transfer, and the state they leave."""

from typing import Any
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from calls.models import Call, Turn
from calls.session.socket_admission import admit
from calls.transcripts.writes import TransferStarted, write_all
from tests.calls.webhooks.test_incoming import (
    RINGING,
    SESSION,
    post,
    ring,
)

in_database = pytest.mark.django_db(transaction=True)


SALES = {
    "name": "Sales",
    "number": "+15005550042",
    "when_to_use": "Orders.",
    "opening_hours": "",
    "ring_seconds": 20,
    "announce": True,
    "summary": 'Kim wants <b>two</b> "crates" & more',
    "language": "de-DE",
}


ENDED = {**SESSION, "SessionStatus": "ended", "HandoffData": '{"transfer": true}'}


# The person's telephone is a call of its own.
PERSON = {
    "CallSid": "CA9",
    "ParentCallSid": "CA1",
    "CallStatus": "in-progress",
    "Direction": "outbound-dial",
    "From": "+15005550001",
    "To": "+15005550042",
}


KEY = {"FinishedOnKey": "", "msg": "Gather End"}


DIAL = {**RINGING, "CallStatus": "in-progress", "DialCallSid": "CA9"}


NO_ANSWER = {**DIAL, "DialCallStatus": "no-answer", "DialBridged": "false"}


PICKED_UP = {**DIAL, "DialCallStatus": "completed", "DialCallDuration": "62"}


TALKED = {**PICKED_UP, "DialBridged": "true"}


HEARD_ONLY = {**PICKED_UP, "DialBridged": "false"}


async def verbs(path: str, **form: str) -> ElementTree.Element:
    answer = await post(path, **form)
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)


async def tags(path: str, **form: str) -> list[str]:
    return [verb.tag for verb in await verbs(path, **form)]


async def transferred_call(**changes: Any) -> Call:
    """Create a call whose bot has just transferred the caller."""
    await ring()
    call = await Call.objects.aget()
    await admit(call.call_sid, call.relay_nonce, fallback=lambda: None)
    now = timezone.now()
    tool_call = {"call_id": "call_1", "name": "transfer_call", "arguments": "{}"}
    fixed = {"call": call, "started_at": now, "ended_at": now}
    await Turn.objects.acreate(index=0, role="bot", text="Hello.", **fixed)
    await Turn.objects.acreate(
        index=1, role="tool", text="transfer_call", tool_call=tool_call, **fixed
    )
    transfer = {**SALES, **changes}
    await sync_to_async(write_all)(
        [TransferStarted(call.pk, transfer, call.reconnects)]
    )
    await Call.objects.aupdate(status="in-progress", answered_at=now)
    return await Call.objects.aget()


async def state() -> tuple[str, str, str]:
    """The call's status and end reason, and the result of the transfer."""
    call = await Call.objects.aget()
    turn = await call.turns.aget(index=1)
    return call.status, call.end_reason, turn.tool_call.get("result", "")
