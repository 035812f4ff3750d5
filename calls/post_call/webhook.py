"""The webhook of an ended call: one signed POST of the call's JSON.

The receiver verifies the signature, and rejects old requests against replay:

    timestamp = headers["X-Voicebot-Timestamp"]
    signed = f"{timestamp}.".encode() + body
    expected = "v1=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
    valid = hmac.compare_digest(expected, headers["X-Voicebot-Signature"])
    fresh = abs(time.time() - int(timestamp)) < 300

A delivery may arrive twice, with the same X-Voicebot-Delivery.
"""

import hashlib
import hmac
import json
from http import HTTPStatus
from time import time

from bots.config.capabilities import ToolSpec
from bots.config.placeholders import SECRET
from bots.config.request_template import BadTemplate, build_url, secrets_of
from bots.models.secret import SecretUnreadable, secret_values
from bots.tools.guarded_http import (
    Answer,
    Misdirected,
    Request,
    Unreachable,
    fetch,
)
from calls.costs.settling import settle_call
from calls.db import run_in_db_thread
from calls.models import Call
from calls.models.post_call_task import Kind
from calls.post_call.queue import SECONDS, Attempt, current_config
from calls.review.export import TURNS, WRITTEN, record_of

EVENT = "call.ended"

NO_WEBHOOK = "The bot no longer has a webhook."
NO_SECRET = "There is no secret to sign it with. Choose one at the bot, under webhook."  # noqa: S105
SIGN_IN = "It redirects to a web page, such as a sign-in. It may have taken nothing."
NO_ANSWER = "It redirects to its answer, and there is status {}. It may have taken it."
RECEIVER_GONE = "The receiver answered 410: its address is gone for good."


class CannotSend(Exception):
    """The webhook cannot be sent; the message tells the operator why."""


async def deliver(call_id: int, delivery: int) -> Attempt:
    """Make one attempt. `delivery` is the id that all attempts of a task share."""
    try:
        request = await run_in_db_thread(_request)(call_id, delivery)
        if request is None:
            return Attempt(False, NO_WEBHOOK, final=True)
        response = await fetch(request)
    except (CannotSend, SecretUnreadable, BadTemplate, Unreachable) as error:
        return Attempt(False, str(error), final=isinstance(error, Misdirected))
    if response.was_elsewhere:
        return _done_elsewhere(response)
    if response.is_good:
        return Attempt(True, status=response.status)
    if response.status == HTTPStatus.GONE:
        return Attempt(False, RECEIVER_GONE, response.status, final=True)
    status = response.status
    return Attempt(False, f"The receiver answered {status}.", status)


def _done_elsewhere(answer: Answer) -> Attempt:
    """The attempt whose answer was at another address; it is never sent again."""
    if answer.is_good and not answer.is_page:
        return Attempt(True, status=answer.status)
    words = SIGN_IN if answer.is_good else NO_ANSWER.format(answer.status)
    return Attempt(False, words, answer.status, final=True)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Voicebot-Signature."""
    signed = f"{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _request(call_id: int, delivery: int) -> Request | None:
    settle_call(call_id)
    calls = Call.objects.select_related("bot", "handled_by", "cost")
    calls = calls.prefetch_related(TURNS, *WRITTEN)
    call = calls.filter(pk=call_id).first()
    config = current_config(call) if call else None
    if call is None or config is None or not config.webhook_url:
        return None
    url, name, timestamp = config.webhook_url, config.webhook_secret, str(int(time()))
    secrets = secret_values([name, *secrets_of(url)])
    if not (secret := secrets.get(name, "")):
        raise CannotSend(NO_SECRET)
    values = {f"{SECRET}{key}": value for key, value in secrets.items()}
    body = json.dumps(record_of(call)).encode()
    return Request(
        method="POST",
        url=build_url(ToolSpec("webhook", url=url), values),
        headers={
            "Content-Type": "application/json",
            "X-Voicebot-Event": EVENT,
            "X-Voicebot-Delivery": str(delivery),
            "X-Voicebot-Timestamp": timestamp,
            "X-Voicebot-Signature": signature(secret, timestamp, body),
        },
        seconds=SECONDS[Kind.WEBHOOK],
        body=body,
    )
