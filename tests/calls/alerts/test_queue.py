"""Messages are claimed by one process, also on PostgreSQL and after a crash."""

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.utils import timezone

from calls.alerts import evaluation, queue
from calls.alerts.attempt import Attempt, Result
from calls.alerts.evaluation import Trouble
from calls.models import Alert, AlertIncident, AlertMessage, CallToCheck
from calls.models.alert import Event, State
from tests.calls.alerts.noticed import (
    end_call,
    failing,
    long_due,
    look,
    mail_channel,
    make_due,
    rule,
)
from tests.support.at_once import threads_on_postgresql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message(transactional_db: None) -> AlertMessage:
    """A message that is due."""
    failing(mail_channel())
    end_call(1)
    look()
    make_due()
    return AlertMessage.objects.get()


def test_a_process_that_died_may_have_sent_it(message: AlertMessage) -> None:
    (claimed,) = queue.claim(5)
    assert queue.claim(5) == []
    assert queue.expire() == 0
    AlertMessage.objects.update(due_at=long_due())
    assert queue.expire() == 1
    message.refresh_from_db()
    assert message.state == State.UNKNOWN
    assert message.log[-1]["words"] == queue.STOPPED
    # Not dead after all: its result comes too late.
    assert queue.settle(claimed, Attempt(Result.SENT)) is None
    assert queue.claim(5) == []
    assert queue.send_again(message.pk)
    assert not queue.send_again(message.pk)
    assert [one.attempt for one in queue.claim(5)] == [1]


def test_what_a_receiver_says_can_always_be_stored(message: AlertMessage) -> None:
    (claimed,) = queue.claim(5)
    queue.settle(claimed, Attempt(Result.REFUSED, "No\0\ud800.", answer="N\0o."))
    message.refresh_from_db()
    assert (message.log[-1]["words"], message.log[-1]["answer"]) == ("No .", "N o.")


def test_of_one_channel_one_message_at_a_time_is_sent(message: AlertMessage) -> None:
    queue.claim(5)
    end_call(2)
    look()
    make_due()
    assert AlertMessage.objects.count() == 2
    assert queue.claim(5) == []


def test_old_messages_are_deleted_with_what_they_tell(message: AlertMessage) -> None:
    old = timezone.now() - queue.KEPT - timedelta(days=1)
    AlertMessage.objects.update(created_at=old)
    queue.delete_old()
    assert AlertMessage.objects.count() == 1  # it waits
    AlertMessage.objects.update(state=State.SENT)
    queue.delete_old()
    assert not Alert.objects.exists()


def test_on_postgresql_two_processes_tell_each_call_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 20)
    with threads_on_postgresql() as processes:
        processes.run(_storm)
        processes.at_once(_look)
        told = processes.run(_counted)
        claims = processes.at_once(lambda: queue.claim(5))
        processes.at_once(lambda: _see(processes.gate))
        lasting = processes.run(_lasting)
        states = processes.run(lambda: _settle(claims))
    assert told == (CALLS, CALLS, CALLS)
    assert sum(map(len, claims)) == 1
    assert lasting == [False, True]
    assert states == [State.SENT]


CALLS = 50


def _storm() -> None:
    channel = mail_channel()
    failing(channel)
    rule(Event.TROUBLE, channel)
    for number in range(CALLS):
        end_call(number)
    calls = CallToCheck.objects.values_list("call_id", flat=True)
    CallToCheck.objects.put(list(calls))  # each twice
    CallToCheck.objects.update(due_at=long_due())


def _look() -> None:
    while evaluation.check_calls():
        pass


def _counted() -> tuple[int, int, int]:
    things = Alert.objects.values("call").distinct().count()
    in_messages = sum(AlertMessage.objects.values_list("alert_count", flat=True))
    make_due()
    return Alert.objects.count(), things, in_messages


def _see(gate: Barrier) -> None:
    """Two processes see the same trouble, and later both see that it is over."""
    evaluation.see_troubles([Trouble("redis", "Redis is away")])
    gate.wait()
    AlertIncident.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    gate.wait()
    evaluation.measure()


def _lasting() -> list[bool]:
    troubles = Alert.objects.filter(event=Event.TROUBLE).order_by("pk")
    return list(troubles.values_list("is_over", flat=True))


def _settle(claims: list[list[Any]]) -> list[Any]:
    claimed = [one for found in claims for one in found]
    return [queue.settle(one, Attempt(Result.SENT)) for one in claimed]
