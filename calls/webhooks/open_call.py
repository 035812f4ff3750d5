"""Creates, refuses and closes rows of calls from outside the call's session."""

from collections.abc import Mapping

from django.utils import timezone

from bots.config.bot_config import BotConfig
from bots.config.placeholders import limited
from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from bots.number_routing import own_number
from bots.opening.diversion import Diversion
from calls import metrics
from calls.db import run_in_db_thread, run_in_incoming_thread
from calls.models import Call, CallCost
from calls.trace.recording import take_switch
from calls.transcripts.closing import close_calls
from calls.twilio.relay_tokens import new_nonce

SID_LENGTH = 64


def config_snapshot(
    bot: Bot, number: str, diversion: Diversion | None = None
) -> BotConfig:
    """The settings for a call through our `number`, which may be diverted.

    Transfer targets whose number a bot answers are left out: the bots would transfer
    the caller to each other for ever, and every leg costs.
    """
    config = config_of(bot)
    config = diversion.applied_to(config) if diversion else config
    targets = {target.number for target in config.transfer_targets}
    if not targets:  # saves a query while the caller waits
        return config
    answered = PhoneNumber.objects.filter(number__in=targets, is_active=True)
    return config.without_numbers(
        {own_number(number), *answered.values_list("number", flat=True)}
    )


def open_call(
    form: Mapping[str, str],
    bot: Bot,
    parameters: Mapping[str, str],
    diversion: Diversion | None = None,
) -> Call:
    """The row of an incoming call, with the settings that the call will run with.

    `parameters` come from the query of the webhook's address. Twilio may deliver the
    same call twice; the second delivery gets the row of the first.
    """
    call, is_new = Call.objects.get_or_create(
        call_sid=form["CallSid"][:SID_LENGTH],
        defaults={
            **_numbers(form),
            "bot": bot,
            "bot_name": bot.name,
            "settings": config_snapshot(bot, our_number(form), diversion).to_json(),
            "variables": limited(parameters),
            "relay_nonce": new_nonce(),
        },
    )
    if is_new:
        take_switch(bot, call.call_sid)
    return call


@run_in_incoming_thread
def refuse_call(form: Mapping[str, str], reason: str) -> Call:
    """Create the row of a call that no bot answers."""
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
        metrics.count_ended_calls(Call.Status.REFUSED, reason)
        CallCost.objects.make_due([call.pk])
    return call


@run_in_db_thread
def close_call(call_sid: str, status: str, reason: str) -> bool:
    """Close a call; False if it was closed before."""
    return close_calls(Call.objects.filter(call_sid=call_sid), status, reason) == 1


def is_outbound(form: Mapping[str, str]) -> bool:
    """True if we placed the call; Twilio has several outbound directions."""
    return form.get("Direction", "").startswith("outbound")


def our_number(form: Mapping[str, str]) -> str:
    """The number of ours that a call goes through, as Twilio writes it."""
    return form.get("From" if is_outbound(form) else "To", "")


def _numbers(form: Mapping[str, str]) -> dict[str, object]:
    """The numbers of a call: ours as the console has it, the caller's as it came."""
    direction = Call.Direction
    ours, outbound = own_number(our_number(form)), is_outbound(form)
    caller = form.get("To" if outbound else "From", "")
    return {
        "from_number": (ours if outbound else caller)[:120],
        "to_number": (caller if outbound else ours)[:120],
        "direction": direction.OUTBOUND if outbound else direction.INBOUND,
        "started_at": timezone.now(),
    }
