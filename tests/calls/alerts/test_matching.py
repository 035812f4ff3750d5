"""Which rules tell a call that has ended, and which do not."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.models import Bot
from calls.alerts.evaluation import check_calls
from calls.models import Alert, AlertChannel, AlertRule, Call, CallToCheck
from calls.models.alert import Event
from calls.post_call.summarizer import store_summary
from calls.post_call.summary_prompt import CallSummary
from calls.transfer import Transfer
from calls.turns.turn import TRANSFER_CALL
from tests.calls.alerts.noticed import (
    end_call,
    failing,
    long_due,
    look,
    mail_channel,
    rule,
)
from tests.support.pages.calls import say

pytestmark = pytest.mark.django_db

DONE = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
TRANSFERRED = Call.Status.COMPLETED, Call.EndReason.TRANSFERRED
BACK = "Sales did not answer. The caller is back with you."


@pytest.fixture
def office() -> AlertChannel:
    return mail_channel()


def told() -> list[tuple[str, str]]:
    look()
    return list(Alert.objects.values_list("event", "detail"))


def transfer(call: Call, result: str, *, failed: bool = False) -> None:
    record = {"name": TRANSFER_CALL, "result": result, "failed": failed}
    say(call, "tool", TRANSFER_CALL, tool_call=record)


def end_later(call: Call) -> None:
    """Have the rules look at a call again, as after its summary."""
    CallToCheck.objects.put([call.pk])


def test_a_failed_call_is_told_and_others_are_not(office: AlertChannel) -> None:
    failing(office)
    end_call(1)
    end_call(2, *DONE)
    end_call(3, Call.Status.REFUSED, Call.EndReason.BUSY)
    end_call(4, is_test=True)
    assert told() == [("call-failed", "The call never reached the bot")]
    alert = Alert.objects.select_related("call").get()
    assert (alert.bot_name, alert.call and alert.call.call_sid[-1]) == ("Ada", "1")


def test_a_rule_is_for_one_bot_or_for_all(office: AlertChannel) -> None:
    ada, bea = Bot.objects.create(name="Ada"), Bot.objects.create(name="Bea")
    failing(office, bot=ada)
    end_call(1, bot=ada)
    end_call(2, bot=bea)
    end_call(3)
    look()
    assert [alert.bot_name for alert in Alert.objects.all()] == ["Ada"]
    AlertRule.objects.update(bot=None, is_for_all_bots=True)
    end_call(4, bot=bea)
    end_call(5)
    look()
    assert Alert.objects.count() == 3


def test_a_rule_whose_bot_was_deleted_tells_nothing(office: AlertChannel) -> None:
    ada = Bot.objects.create(name="Ada")
    kept = failing(office, bot=ada)
    call = end_call(1, bot=ada)
    ada.delete()
    kept.refresh_from_db()
    assert kept.has_lost_its_bot
    assert str(kept) == "A call failed (its bot was deleted)"
    end_call(2)
    end_call(3, bot=Bot.objects.create(name="Bea"))
    assert told() == []
    call.refresh_from_db()
    assert call.bot is None


def test_rules_look_at_no_calls_from_before_them(office: AlertChannel) -> None:
    call = end_call(1)
    failing(office)
    end_later(call)
    assert told() == []


def test_without_rules_nothing_is_queued(office: AlertChannel) -> None:
    failing(office, is_active=False)
    rule(Event.SLOW, office, max_seconds=1)
    end_call(1)
    assert not CallToCheck.objects.exists()


def test_an_outcome_comes_with_the_summary_and_is_told_once(
    office: AlertChannel,
) -> None:
    rule(Event.OUTCOME, office, outcome="  Call   BACK")
    call = end_call(1, *DONE)
    assert told() == []
    for outcome in ("booked", "call back", "", "call back"):
        store_summary(call.pk, CallSummary("", outcome))
    assert told() == [("outcome", "call back")]
    store_summary(call.pk, CallSummary("", "call back"))
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("end", "transfers", "values", "words"),
    [
        (DONE, [(BACK, False)], {"failed_transfers": 1}, "The caller went back"),
        (
            DONE,
            [("The caller hung up before Sales took the call.", False)],
            {},
            "The caller hung up meanwhile",
        ),
        (TRANSFERRED, [("Sales took the call.", False)], {}, None),
        # Nobody took the first one, somebody the second one.
        (TRANSFERRED, [(BACK, False), ("", False)], {"failed_transfers": 1}, "The"),
        # Nobody was rung up.
        (DONE, [("Nobody is available.", True)], {}, None),
        (DONE, [], {}, None),
    ],
)
def test_a_transfer_that_nobody_took(
    end: Any,
    transfers: list[tuple[str, bool]],
    values: dict[str, Any],
    words: str | None,
    office: AlertChannel,
) -> None:
    rule(Event.TRANSFER_MISSED, office)
    call = end_call(1, *end, **values)
    for result, has_failed in transfers:
        transfer(call, result, failed=has_failed)
    details = [detail for _, detail in told()]
    assert len(details) == (words is not None)
    assert all(detail.startswith(words or "") for detail in details)


def test_the_end_of_a_transfer_may_be_known_later(office: AlertChannel) -> None:
    rule(Event.TRANSFER_MISSED, office)
    ringing = Transfer("Sales", "+15005550006").to_json()
    call = end_call(1, *DONE, transfer=ringing)
    transfer(call, "")
    assert told_once() == []
    assert CallToCheck.objects.count() == 1
    # Twilio reported that somebody took it.
    Call.objects.update(transfer={}, end_reason=Call.EndReason.TRANSFERRED)
    assert told() == []
    assert not CallToCheck.objects.exists()


def test_a_report_that_never_comes_is_not_waited_for(office: AlertChannel) -> None:
    rule(Event.TRANSFER_MISSED, office, created_at=timezone.now() - timedelta(days=1))
    ringing = Transfer("Sales", "+15005550006").to_json()
    call = end_call(1, *DONE, transfer=ringing)
    transfer(call, "")
    Call.objects.update(ended_at=timezone.now() - timedelta(minutes=3))
    assert told() == [("transfer-missed", "The caller hung up meanwhile")]


def told_once() -> list[str]:
    CallToCheck.objects.update(due_at=long_due())
    check_calls()
    return list(Alert.objects.values_list("detail", flat=True))


@pytest.mark.parametrize(
    ("failed", "words"),
    [(False, "The bot transferred the call"), (True, "Nobody was available")],
)
def test_a_caller_who_asked_for_a_person(
    failed: bool, words: str, office: AlertChannel
) -> None:
    rule(Event.ASKED_FOR_PERSON, office)
    transfer(end_call(1, *DONE), "x", failed=failed)
    end_call(2, *DONE)
    assert told() == [("asked-for-person", words)]


def test_a_deleted_call_is_no_obstacle(office: AlertChannel) -> None:
    failing(office)
    end_call(1)
    end_call(2)
    Call.objects.get(call_sid__endswith="1").delete()
    assert len(told()) == 1
    Call.objects.all().delete()
    assert Alert.objects.get().call is None
