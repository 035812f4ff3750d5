"""Twilio's reports on an SMS: in any order, late, repeated, on an earlier one."""

from collections.abc import Iterable, Iterator
from itertools import permutations

import pytest
from django.conf import LazySettings
from django.test import Client

from calls.alerts import queue
from calls.alerts.attempt import Attempt, Result
from calls.alerts.channels.sms_reports import MEANINGS, NO_REASON, SmsReport, report_of
from calls.alerts.worker import AlertWorker
from calls.models import AlertMessage
from calls.models.alert import State
from tests.calls.alerts.noticed import (
    end_call,
    failing,
    look,
    mail_channel,
    make_due,
    send_all,
)
from tests.calls.alerts.test_sending import make_sms_channel, tell
from tests.calls.alerts.test_sending import twilio as twilio
from tests.calls.webhooks.test_incoming import post
from tests.support.process import clear_process_state
from tests.support.twilio import FakeTwilio, message_callback

pytestmark = pytest.mark.django_db(transaction=True)

SID, OTHER = "SM" + "1" * 32, "SM" + "2" * 32
SENT = Attempt(Result.SENT, sid=SID)
DELIVERED = SmsReport(SID, Result.DELIVERED)
LOST = SmsReport(SID, Result.LOST, "The telephone is off.")
LOG = "/admin/calls/alertmessage/"


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


@pytest.fixture
def claimed(transactional_db: None) -> queue.Claimed:
    """A message that is being sent."""
    sms = {"kind": "sms", "address": "+14155550199", "sender": "+15005550006"}
    failing(mail_channel("Ann's phone", **sms))
    end_call(1)
    look()
    make_due()
    (one,) = queue.claim(5)
    return one


def take(claimed: queue.Claimed, steps: Iterable[Attempt | SmsReport]) -> None:
    """Record the attempt and the reports on it, in this order."""
    for step in steps:
        if isinstance(step, Attempt):
            queue.settle(claimed, step)
        else:
            queue.record_report(claimed.pk, step)


def state_of(claimed: queue.Claimed) -> str:
    return str(AlertMessage.objects.get(pk=claimed.pk).state)


@pytest.mark.parametrize(
    ("form", "report"),
    [
        (message_callback(SID, "delivered"), DELIVERED),
        (message_callback(SID, "queued"), None),
        (message_callback(SID, "sent"), None),
        (message_callback("../../Calls", "failed"), None),
        (message_callback(SID, "failed", "0"), SmsReport(SID, Result.LOST, NO_REASON)),
        (message_callback(SID, "canceled"), SmsReport(SID, Result.LOST, NO_REASON)),
        ({}, None),
    ],
)
def test_only_the_last_steps_are_reports(
    form: dict[str, str], report: SmsReport | None
) -> None:
    assert report_of(form) == report


@pytest.mark.parametrize("code", [*MEANINGS, "30999"])
def test_the_error_is_told_in_words_and_with_its_number(code: str) -> None:
    report = report_of(message_callback(SID, "undelivered", code))
    assert report
    assert report.words.endswith(f" (Twilio's error {code}.)")
    assert report.words[0].isupper()


@pytest.mark.parametrize("order", list(permutations([SENT, LOST, DELIVERED, LOST])))
def test_delivered_is_final_in_every_order(
    order: tuple[Attempt | SmsReport, ...], claimed: queue.Claimed
) -> None:
    take(claimed, order)
    assert state_of(claimed) == State.SENT
    message = AlertMessage.objects.get()
    assert message.sent_at
    assert message.log[0]["result"] == Result.SENT
    assert message.log[-1]["result"] == Result.DELIVERED


@pytest.mark.parametrize("order", list(permutations([SENT, LOST])))
def test_what_is_lost_is_not_delivered_in_every_order(
    order: tuple[Attempt | SmsReport, ...],
    claimed: queue.Claimed,
    admin_client: Client,
) -> None:
    take(claimed, order)
    assert state_of(claimed) == State.LOST
    page = admin_client.get(f"{LOG}{claimed.pk}/change/").content.decode()
    assert "Not delivered. The telephone is off." in page
    assert "Send it again" in page
    queue.record_report(claimed.pk, DELIVERED)
    page = admin_client.get(f"{LOG}{claimed.pk}/change/").content.decode()
    assert ", delivered" in page
    assert "Send it again" not in page


@pytest.mark.parametrize(("report", "state"), [(LOST, "lost"), (DELIVERED, "sent")])
@pytest.mark.parametrize("is_early", [False, True])
def test_a_report_ends_the_doubt_whether_twilio_took_it(
    is_early: bool, report: SmsReport, state: str, claimed: queue.Claimed
) -> None:
    if is_early:
        queue.record_report(claimed.pk, report)
    queue.settle(claimed, Attempt(Result.UNKNOWN, "No answer."))
    if not is_early:
        queue.record_report(claimed.pk, report)
    assert state_of(claimed) == state


def test_a_late_report_on_an_earlier_sms_changes_nothing(
    claimed: queue.Claimed,
) -> None:
    queue.settle(claimed, SENT)
    queue.record_report(claimed.pk, LOST)
    assert queue.send_again(claimed.pk)
    queue.record_report(claimed.pk, DELIVERED)
    assert state_of(claimed) == State.WAITING
    make_due()
    (again,) = queue.claim(5)
    queue.settle(again, Attempt(Result.SENT, sid=OTHER))
    queue.record_report(claimed.pk, SmsReport(OTHER, Result.LOST, "Off."))
    assert queue.record_report(claimed.pk, LOST) is None
    assert state_of(claimed) == State.LOST


def test_a_report_on_an_sms_of_somebody_else_changes_nothing(
    claimed: queue.Claimed,
) -> None:
    queue.settle(claimed, SENT)
    assert queue.record_report(claimed.pk, SmsReport(OTHER, Result.LOST)) is None
    assert queue.record_report(999, LOST) is None
    assert state_of(claimed) == State.SENT


async def sent_sms(worker: AlertWorker, twilio: FakeTwilio) -> tuple[str, str]:
    """Have an SMS sent; returns its SID and the path for reports on it."""
    await tell(await make_sms_channel())
    assert await send_all(worker) == ["sent"]
    ((sid, form),) = twilio.messages.items()
    url = form["StatusCallback"]
    assert url.startswith("https://bot.example.com/voice/message/")
    return sid, url.removeprefix("https://bot.example.com")


async def test_the_report_comes_by_a_signed_request(
    worker: AlertWorker, twilio: FakeTwilio
) -> None:
    sid, path = await sent_sms(worker, twilio)
    for status in ("sent", "undelivered", "sending"):
        assert (await post(path, **message_callback(sid, status))).status_code == 204
    message = await AlertMessage.objects.aget()
    assert (message.state, message.log[-1]["words"]) == (
        State.LOST,
        f"{MEANINGS['30003']} (Twilio's error 30003.)",
    )


async def test_a_report_that_twilio_has_not_signed_is_refused(
    worker: AlertWorker, twilio: FakeTwilio
) -> None:
    sid, path = await sent_sms(worker, twilio)
    form = message_callback(sid, "undelivered")
    assert (await post(path, token="another", **form)).status_code == 403
    assert (await AlertMessage.objects.aget()).state == State.SENT


@pytest.mark.parametrize("url", ["http://localhost:3000", "https://127.0.0.1"])
async def test_no_report_is_asked_for_without_a_public_address(
    url: str, worker: AlertWorker, twilio: FakeTwilio, settings: LazySettings
) -> None:
    settings.SERVER_URL, settings.SERVER_HOST = url, url.split("/")[2].split(":")[0]
    await tell(await make_sms_channel())
    assert await send_all(worker) == ["sent"]
    (form,) = twilio.messages.values()
    assert "StatusCallback" not in form
