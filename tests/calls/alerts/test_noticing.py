"""Things join messages: once each, at once or collected, within the limit."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.utils import timezone

from bots.models import SiteSettings
from calls.alerts import schedule
from calls.alerts.channels.payloads import plain
from calls.alerts.channels.sending import Envelope
from calls.alerts.envelopes import envelope_of
from calls.models import AlertChannel, AlertMessage, CallToCheck
from calls.models.alert import Delivery, Event, State
from tests.calls.alerts.noticed import end_call, failing, look, mail_channel, rule

pytestmark = pytest.mark.django_db

DAY = re.compile(r"\n- \d{1,2} \w{3} 20\d\d, \d\d:\d\d · The call never")


@pytest.fixture
def office() -> AlertChannel:
    return mail_channel()


def messages() -> list[tuple[str, int]]:
    look()
    rows = AlertMessage.objects.order_by("pk")
    return list(rows.values_list("state", "alert_count"))


def text_of(message: AlertMessage) -> str:
    envelope = envelope_of(message.pk)
    assert isinstance(envelope, Envelope)
    return f"{envelope.text.subject}\n{plain(envelope.text)}"


def test_a_storm_becomes_one_message_and_each_call_is_in_the_log(
    office: AlertChannel, django_assert_max_num_queries: Any
) -> None:
    failing(office)
    for number in range(120):
        end_call(number)
    assert messages() == [("waiting", 120)]
    message = AlertMessage.objects.get()
    assert message.alerts.filter(call__isnull=False).count() == 120
    with django_assert_max_num_queries(4):
        text = text_of(message)
    assert text.startswith("120 calls failed (Ada)\n")
    assert "… and 110 more" in text
    assert f"https://bot.example.com/admin/calls/alertmessage/{message.pk}/" in text


def test_the_same_call_is_told_once_for_a_rule(office: AlertChannel) -> None:
    failing(office)
    call = end_call(1)
    for _ in range(3):
        CallToCheck.objects.put([call.pk, call.pk])
        assert messages() == [("waiting", 1)]


def test_two_rules_tell_one_call_in_one_line(office: AlertChannel) -> None:
    failing(office)
    failing(office)
    end_call(1)
    assert messages() == [("waiting", 2)]
    assert text_of(AlertMessage.objects.get()).startswith("A call failed (Ada)\n")


def test_each_channel_has_its_own_message(office: AlertChannel) -> None:
    other, off = mail_channel("Bar"), mail_channel("Off", is_active=False)
    failing(office)
    rule(Event.CALL_FAILED, office, other, off)
    end_call(1)
    look()
    counts = AlertMessage.objects.order_by("channel_name")
    assert list(counts.values_list("channel_name", "alert_count")) == [
        ("Bar", 1),
        ("Office", 2),
    ]


def test_above_the_limit_things_wait_and_come_in_one_message(
    office: AlertChannel,
) -> None:
    office.hourly_limit = 2
    office.save()
    failing(office)
    for number in range(2):
        end_call(number)
        look()
        earlier = F("planned_at") - timedelta(minutes=2)
        AlertMessage.objects.update(state=State.SENT, planned_at=earlier)
    for number in range(2, 5):
        end_call(number)
    assert messages() == [("sent", 1), ("sent", 1), ("waiting", 3)]
    first, second, third = AlertMessage.objects.order_by("pk")
    assert third.planned_at == first.planned_at + schedule.HOUR
    assert third.due_at > timezone.now() + timedelta(minutes=55)
    assert (second.was_held, third.was_held) == (False, True)
    assert "sends at most 2 messages an hour" in text_of(third)
    assert "3 calls failed" in text_of(third)


@pytest.mark.parametrize("delivery", [Delivery.HOURLY, Delivery.DAILY])
def test_digests_collect_by_the_clock_of_the_console(
    delivery: str, office: AlertChannel
) -> None:
    zone = ZoneInfo("Asia/Kolkata")  # half an hour off
    SiteSettings.objects.create(pk=1, time_zone=zone.key)
    failing(office, delivery=delivery, daily_hour=6)
    for number in range(3):
        end_call(number)
        look()
    message = AlertMessage.objects.get()
    planned = message.planned_at.astimezone(zone)
    assert planned.minute == 0
    if delivery == Delivery.DAILY:
        assert planned.hour == 6
    assert message.due_at == message.planned_at
    assert timezone.now() < message.due_at < timezone.now() + timedelta(hours=25)
    assert text_of(message).startswith("3 calls failed (Ada)\nWhat happened since")
    assert DAY.search(text_of(message))


def test_a_digest_that_is_planned_delays_no_other_message(office: AlertChannel) -> None:
    failing(office, delivery=Delivery.HOURLY)
    end_call(1)
    look()
    rule(Event.ASKED_FOR_PERSON, office)
    failing(office)
    end_call(2)
    look()
    digest, at_once = AlertMessage.objects.order_by("-planned_at")
    assert (digest.delivery, digest.alert_count) == (Delivery.HOURLY, 2)
    assert (at_once.delivery, at_once.alert_count) == (Delivery.AT_ONCE, 1)
    assert at_once.due_at <= timezone.now()


def test_what_happens_soon_after_a_message_waits_for_its_minute(
    office: AlertChannel,
) -> None:
    failing(office)
    end_call(1)
    look()
    AlertMessage.objects.update(state=State.SENT)
    end_call(2)
    look()
    first, second = AlertMessage.objects.order_by("pk")
    assert second.planned_at == first.planned_at + schedule.GATHERING
    assert not second.was_held


def test_what_happens_while_a_message_is_being_sent_comes_in_the_next(
    office: AlertChannel,
) -> None:
    failing(office)
    end_call(1)
    look()
    AlertMessage.objects.update(state=State.SENDING)
    end_call(2)
    assert messages() == [("sending", 1), ("waiting", 1)]


def test_callers_are_masked_if_the_settings_say_so(office: AlertChannel) -> None:
    failing(office)
    end_call(1)
    look()
    message = AlertMessage.objects.get()
    assert "+14155550001" in text_of(message)
    SiteSettings.objects.create(pk=1, mask_caller_numbers=True)
    assert "•••01" in text_of(message)
    assert "4155550001" not in text_of(message)
