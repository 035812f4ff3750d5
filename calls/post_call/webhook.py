"""Tells another system of a call that is over: one signed POST of the call's JSON.

The receiver checks who sent it, and that it is not an old one sent once more:

    said, given = headers["X-Voicebot-Timestamp"], headers["X-Voicebot-Signature"]
    told = hmac.new(secret, f"{said}.".encode() + body, hashlib.sha256).hexdigest()
    good = hmac.compare_digest(f"v1={told}", given)
    fresh = abs(time.time() - int(said)) < 300

A delivery may come twice, with the same X-Voicebot-Delivery.
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
from bots.tools.guarded_http import Request, Unreachable, fetch
from calls.db import run_in_db_thread
from calls.models import Call
from calls.models.post_call_task import Kind
from calls.post_call.queue import SECONDS, Attempt, profile_of
from calls.review.export import TURNS, record_of

EVENT = "call.ended"

NO_WEBHOOK = "The bot has no webhook any more."
NO_SECRET = "There is no secret to sign it with. Choose one at the bot, under webhook."  # noqa: S105
CALL_DELETED = "The receiver says that it is gone for good."


class CannotSend(Exception):
    """Nothing can be sent; says why, in words for an operator."""


async def deliver(call_id: int, delivery: int) -> Attempt:
    """Send it once."""
    try:
        request = await run_in_db_thread(_request)(call_id, delivery)
        if request is None:
            return Attempt(False, NO_WEBHOOK, final=True)
        answer = await fetch(request)
    except (CannotSend, SecretUnreadable, BadTemplate, Unreachable) as error:
        return Attempt(False, str(error))
    if answer.is_good:
        return Attempt(True, status=answer.status)
    if answer.status == HTTPStatus.GONE:
        return Attempt(False, CALL_DELETED, answer.status, final=True)
    return Attempt(False, f"The receiver answered {answer.status}.", answer.status)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What only somebody with the secret can write beside this body."""
    signed = f"{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _request(call_id: int, delivery: int) -> Request | None:
    calls = Call.objects.select_related("bot").prefetch_related(TURNS)
    call = calls.filter(pk=call_id).first()
    profile = profile_of(call) if call else None
    if call is None or profile is None or not profile.webhook_url:
        return None
    url, name, said = profile.webhook_url, profile.webhook_secret, str(int(time()))
    secrets = secret_values([name, *secrets_of(url)])
    if not (secret := secrets.get(name, "")):
        raise CannotSend(NO_SECRET)
    values = {f"{SECRET}{each}": value for each, value in secrets.items()}
    body = json.dumps(record_of(call)).encode()
    return Request(
        method="POST",
        url=build_url(ToolSpec("webhook", url=url), values),
        headers={
            "Content-Type": "application/json",
            "X-Voicebot-Event": EVENT,
            "X-Voicebot-Delivery": str(delivery),
            "X-Voicebot-Timestamp": said,
            "X-Voicebot-Signature": signature(secret, said, body),
        },
        seconds=SECONDS[Kind.WEBHOOK],
        body=body,
        follow_as_post=True,
    )
