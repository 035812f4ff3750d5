"""Slow answers, errors and trouble of the server: told once when they begin and end."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from bots.models import Bot
from calls.alerts import evaluation, worker
from calls.alerts.evaluation import Trouble
from calls.alerts.incidents import OVER_AFTER
from calls.alerts.worker import AlertWorker
from calls.models import (
    Alert,
    AlertChannel,
    AlertIncident,
    Budget,
    Call,
    DaySpending,
)
from calls.models.alert import Event
from tests.calls.alerts.noticed import end_call, mail_channel, new_worker, rule
from tests.support.pages.calls import make_call, say

pytestmark = pytest.mark.django_db(transaction=True)

REDIS = Trouble("redis", "Redis is away")


@pytest.fixture
def office(transactional_db: None) -> AlertChannel:
    return mail_channel()


def answers(*seconds: float, bot: Bot | None = None, **values: Any) -> None:
    """A call whose bot answered after these seconds."""
    started = {"started_at": timezone.now() - timedelta(minutes=1)}
    call = make_call(Call.objects.count() + 1, bot=bot, **{**started, **values})
    for wait in seconds:
        ms = {"play_sent": round(wait * 1000)}
        say(call, "bot", "Hi.", model="gpt", latency_ms=ms, started_at=timezone.now())


def told() -> list[tuple[str, str, bool]]:
    evaluation.measure()
    return list(Alert.objects.values_list("event", "detail", "is_over"))


def pass_time() -> None:
    """Nobody has seen any incident for a while."""
    long_ago = timezone.now() - OVER_AFTER - timedelta(seconds=1)
    AlertIncident.objects.update(last_seen_at=long_ago)


def test_slow_answers_are_told_once_and_so_is_their_end(office: AlertChannel) -> None:
    rule(Event.SLOW, office, max_seconds="2.5")
    answers(*[1.0] * 18, 2.6, 3.2)
    words = "5 of 100 answers began after 2.6 s or later in the last 15 minutes, more "
    assert told() == [("slow-answers", f"{words}than 2.5 s", False)]
    assert len(told()) == 1  # it lasts
    answers(*[1.0] * 30)
    assert len(told()) == 1  # it may come back at once
    pass_time()
    assert [is_over for *_, is_over in told()] == [False, True]
    assert len(told()) == 2
    answers(*[3.0] * 30)
    assert [is_over for *_, is_over in told()] == [False, True, False]


def test_answers_that_do_not_count(office: AlertChannel) -> None:
    ada, bea = Bot.objects.create(name="Ada"), Bot.objects.create(name="Bea")
    rule(Event.SLOW, office, max_seconds=2, bot=ada)
    answers(*[9.0] * 10, bot=bea)
    answers(*[9.0] * 10, bot=ada, is_test=True)
    answers(*[9.0] * 10, bot=ada, started_at=timezone.now() - timedelta(days=2))
    answers(*[9.0] * 4, bot=ada)  # too few
    assert told() == []


def test_a_share_of_errors(office: AlertChannel) -> None:
    rule(Event.ERRORS, office, max_percent=40)
    for number in range(4):
        end_call(number, started_at=timezone.now())
    assert told() == []  # too few
    done = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
    for number in range(4, 8):
        end_call(number, *done, started_at=timezone.now())
    end_call(8, Call.Status.REFUSED, Call.EndReason.BUSY, started_at=timezone.now())
    words = "4 of 8 calls in the last 15 minutes, more than 40 %"
    assert told() == [("errors", words, False)]


def test_a_rule_without_its_bot_measures_nothing(office: AlertChannel) -> None:
    rule(Event.SLOW, office, max_seconds=1, is_for_all_bots=False)
    answers(*[9.0] * 10)
    assert told() == []


async def test_trouble_of_the_server_is_told_by_one_process(
    office: AlertChannel,
) -> None:
    await sync_to_async(rule)(Event.TROUBLE, office)

    async def find() -> list[Trouble]:
        return [REDIS]

    workers = [AlertWorker(find) for _ in range(3)]
    for one in workers:
        await one.poll()
    assert await Alert.objects.acount() == 1
    await sync_to_async(pass_time)()
    await new_worker().poll()
    details = Alert.objects.order_by("pk").values_list("detail", "is_over")
    assert [row async for row in details] == [
        ("Redis is away", False),
        ("Redis is away", True),
    ]
    for one in (*workers,):
        await one.aclose()


async def test_trouble_is_not_looked_for_without_a_rule(office: AlertChannel) -> None:
    async def find() -> list[Trouble]:
        raise AssertionError

    await AlertWorker(find).poll()


async def test_a_database_that_was_away_is_told_when_it_is_back(
    office: AlertChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.0)
    await sync_to_async(rule)(Event.TROUBLE, office)
    one = new_worker()
    one.away_since = one.cleaned_at
    await one.poll()
    detail = (await Alert.objects.aget()).detail
    assert detail.startswith("The database was away for ")
    await sync_to_async(pass_time)()
    await sync_to_async(evaluation.measure)()
    assert await Alert.objects.acount() == 1  # its end was told with it
    assert not await AlertIncident.objects.aexists()


def test_a_budget_is_told_at_its_warning_and_when_it_is_spent(
    office: AlertChannel,
) -> None:
    ada = Bot.objects.create(name="Ada")
    rule(Event.BUDGET, office)
    rule(Event.BUDGET, mail_channel("Bea"), bot=Bot.objects.create(name="Bea"))
    rule(Event.BUDGET, mail_channel("Lost"), is_for_all_bots=False)
    month = {"period": Budget.Period.MONTH, "warning_percent": 80}
    Budget.objects.create(bot=ada, limit=10, **month)
    Budget.objects.create(limit=1000, **month)
    day = timezone.localdate()
    spent = DaySpending.objects.create(day=day, bot=ada.pk, currency="USD", amount=7)
    assert told() == []
    words = "Ada, each month: ${:.2f} of $10.00 spent ({} %)"
    DaySpending.objects.update(amount=9)
    told()
    assert told() == [("budget", words.format(9, 90), False)]
    DaySpending.objects.update(amount=11)
    assert told()[1:] == [("budget", words.format(11, 110), False)]
    DaySpending.objects.update(amount=12)
    assert len(told()) == 2
    Budget.objects.filter(bot=ada).update(limit=12)
    assert len(told()) == 3
    spent.delete()
    assert len(told()) == 3
