"""A call's row from ringing to its end, for those outside the call itself."""

from collections.abc import Mapping

from django.utils import timezone

from bots.config.bot_config import BotConfig
from bots.config.placeholders import limited
from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls import metrics
from calls.db import run_in_db_thread, run_in_incoming_thread
from calls.models import Call
from calls.transcripts.closing import close_calls
from calls.twilio.relay_tokens import new_nonce

SID_LENGTH = 64


def config_snapshot(bot: Bot, ours: str) -> BotConfig:
    """What a call through this number of ours runs with.

    Nobody is put through to a number that a bot answers: each would pass the caller on
    to the next for ever, and every leg costs.
    """
    profile = config_of(bot)
    numbers = {person.number for person in profile.transfer_targets}
    if not numbers:  # one visit less while it rings
        return profile
    answered = PhoneNumber.objects.filter(number__in=numbers, is_active=True)
    return profile.without_numbers({ours, *answered.values_list("number", flat=True)})


def open_call(form: Mapping[str, str], bot: Bot, parameters: Mapping[str, str]) -> Call:
    """The call that rings now, with the settings it will run with.

    The `parameters` are those of the address that the carrier called.
    Twilio may deliver the same call twice; the second time gets the first one's row.
    """
    call, _ = Call.objects.get_or_create(
        call_sid=form["CallSid"][:SID_LENGTH],
        defaults={
            **_numbers(form),
            "bot": bot,
            "bot_name": bot.name,
            "settings": config_snapshot(bot, our_number(form)).to_json(),
            "variables": limited(parameters),
            "relay_nonce": new_nonce(),
        },
    )
    return call


@run_in_incoming_thread
def refuse_call(form: Mapping[str, str], reason: str) -> Call:
    """Note a call that no bot took."""
    call, is_new = Call.objects.get_or_create(
        call_sid=form["CallSid"][:SID_LENGTH],
        defaults={
            **_numbers(form),
            "status": Call.Status.REFUSED,
            "end_reason": reason,
            "ended_at": timezone.now(),
        },
    )
    if is_new:
        metrics.CALLS_ENDED.labels(reason).inc()
    return call


@run_in_db_thread
def close_call(call_sid: str, status: str, reason: str) -> bool:
    """Close a call; False if it was closed before."""
    return close_calls(Call.objects.filter(call_sid=call_sid), status, reason) == 1


def our_number(form: Mapping[str, str]) -> str:
    """The number of ours that a call goes through."""
    outbound = form.get("Direction", "").startswith("outbound")
    return form.get("From" if outbound else "To", "")


def _numbers(form: Mapping[str, str]) -> dict[str, object]:
    outbound = form.get("Direction", "").startswith("outbound")
    return {
        "from_number": form.get("From", "")[:120],
        "to_number": form.get("To", "")[:120],
        "direction": Call.Direction.OUTBOUND if outbound else Call.Direction.INBOUND,
        "started_at": timezone.now(),
    }
