"""The doctor on a Twilio account: trial, addendum, numbers without Voice."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from calls.diagnostics.findings import Finding
from calls.diagnostics.probes import probe_numbers
from tests.support.twilio import SID, TOKEN, FakeTwilio, number

pytestmark = pytest.mark.django_db


@pytest.fixture
def twilio(settings: Settings, bot: Bot) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_ACCOUNT_SID = SID
        settings.TWILIO_AUTH_TOKENS = [TOKEN]
        settings.TWILIO_API_URL = fake.url
        yield fake


def of_account() -> Finding:
    return next(found for found in probe_numbers() if found.name == "Twilio account")


def test_a_trial_account_is_warned_about(twilio: FakeTwilio) -> None:
    twilio.type = "Trial"
    found = of_account()
    assert found.level == "warning"
    assert "trial account" in found.message
    assert "10002" in found.message
    assert "Upgrade" in found.hint
    assert "AI/ML addendum" in found.hint


def test_another_account_is_reminded_of_the_addendum(twilio: FakeTwilio) -> None:
    found = of_account()
    assert found.level == "ok"
    assert "AI/ML addendum must be accepted" in found.message


def test_a_number_without_voice_is_a_failure(
    twilio: FakeTwilio, settings: Settings, bot: Bot
) -> None:
    PhoneNumber.objects.create(number="+15005550010", bot=bot)
    here = {"voice_url": f"{settings.SERVER_URL}/voice"}
    without_voice = {"capabilities": {"voice": False, "sms": True}}
    twilio.has(number("+15005550010", **here, **without_voice))
    found = [each for each in probe_numbers() if "no Voice" in each.message]
    assert [str(each.level) for each in found] == ["failure"]
    assert "local, mobile or toll-free" in found[0].hint
    assert not [each for each in probe_numbers() if "point here: 1" in each.message]
