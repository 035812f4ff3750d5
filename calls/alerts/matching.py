"""Decides which rules have something to tell about a call that has ended."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from django.utils import timezone

from bots.config.text import one_line
from calls.alerts.noticing import Thing
from calls.figures import FAILED
from calls.models import Call, Turn
from calls.models.alert import AlertRule, Event
from calls.transfer import pending
from calls.turns.turn import TRANSFER_CALL

# Twilio reports on a transfer at the latest this long after the call.
REPORT_TIME = timedelta(minutes=2)


def awaits_report(call: Call) -> bool:
    """True if the call ended during a transfer, and Twilio may still tell how."""
    if call.ended_at is None or not pending(call.transfer):
        return False
    return timezone.now() - call.ended_at < REPORT_TIME


def matches(
    call: Call, rules: Iterable[AlertRule]
) -> Iterator[tuple[AlertRule, Thing]]:
    """The rules that tell this call, each with the thing to tell."""
    if call.is_test or call.ended_at is None:
        return
    for rule in rules:
        if not _concerns(rule, call):
            continue
        told = CONDITIONS[Event(rule.event)](call, rule)
        if told is not None:
            thing = Thing(f"call:{call.pk}", call.ended_at, told, call)
            yield rule, thing


def _concerns(rule: AlertRule, call: Call) -> bool:
    if call.ended_at is None or call.ended_at < rule.created_at:
        return False
    return rule.is_for_all_bots or (
        rule.bot_id is not None and rule.bot_id == call.bot_id
    )


# Each returns details without data of the caller; None: nothing to tell.


def _call_failed(call: Call, rule: AlertRule) -> str | None:
    has_failed = all(
        getattr(call, name) == value for name, value in FAILED.conditions.items()
    )
    return str(call.get_end_reason_display()) if has_failed else None


def _transfer_missed(call: Call, rule: AlertRule) -> str | None:
    """Nobody took a transfer that was made, even if a later one was taken."""
    if call.missed_transfer:
        return f"{call.get_end_reason_display()}. {call.missed_transfer}"
    made = [turn for turn in _transfers(call) if not turn.tool_call.get("failed")]
    if call.failed_transfers:
        return "The caller went back to the bot"
    is_over = call.end_reason != Call.EndReason.TRANSFERRED
    transfer = pending(call.transfer)
    was_taken = transfer is not None and transfer.accepted
    was_reported = bool(made and made[-1].tool_call.get("result"))
    if made and is_over and not was_taken and (was_reported or transfer):
        return "The caller hung up meanwhile"
    return None


def _asked_for_person(call: Call, rule: AlertRule) -> str | None:
    transfers = _transfers(call)
    if not transfers:
        return None
    if all(turn.tool_call.get("failed") for turn in transfers):
        return "Nobody was available"
    return "The bot transferred the call"


def _outcome(call: Call, rule: AlertRule) -> str | None:
    named = one_line(rule.outcome).casefold()
    is_named = bool(named) and one_line(call.outcome).casefold() == named
    return call.outcome if is_named else None


def _transfers(call: Call) -> list[Turn]:
    turns = call.turns.filter(role=Turn.Role.TOOL, text=TRANSFER_CALL)
    return list(turns.order_by("index").only("tool_call"))


CONDITIONS: dict[str, Callable[[Call, AlertRule], str | None]] = {
    Event.CALL_FAILED: _call_failed,
    Event.TRANSFER_MISSED: _transfer_missed,
    Event.ASKED_FOR_PERSON: _asked_for_person,
    Event.OUTCOME: _outcome,
}
