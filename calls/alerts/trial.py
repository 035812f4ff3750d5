"""Sends a test message to a channel at once, and writes it into the log."""

import asyncio

from django.utils import timezone

from bots.models.secret import SecretUnreadable
from calls.alerts import queue
from calls.alerts.attempt import Attempt, Result
from calls.alerts.channels.sending import Envelope, send
from calls.alerts.envelopes import TEST_SUBJECT, test_envelope
from calls.models import AlertChannel, AlertMessage
from calls.models.alert import Delivery, State

# A page waits for it; daphne gives pages up a little later.
TEST_SECONDS = 8.0


def send_test(channel: AlertChannel, user: int | None) -> Attempt:
    """Send one message, however many were sent before.

    The thread must have no running event loop.
    """
    message, envelope = _prepare(channel, user)
    if isinstance(envelope, Envelope):
        attempt = asyncio.run(send(envelope, TEST_SECONDS))
    else:
        attempt = envelope
    queue.record_test(message, attempt)
    return attempt


def _prepare(
    channel: AlertChannel, user: int | None
) -> tuple[AlertMessage, Envelope | Attempt]:
    now = timezone.now()
    message = AlertMessage.objects.create(
        channel=channel,
        channel_name=channel.name,
        delivery=Delivery.AT_ONCE,
        is_test=True,
        state=State.SENDING,
        planned_at=now,
        due_at=now + queue.LEASE,
        subject=TEST_SUBJECT,
        sent_by_id=user,
    )
    message.refresh_from_db()
    try:
        return message, test_envelope(channel, message)
    except SecretUnreadable as error:
        return message, Attempt(Result.REFUSED, str(error))
