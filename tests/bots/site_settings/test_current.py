"""Settings of the console: those of the table win over those of `.env`."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client, RequestFactory
from django.utils import timezone

from bots.access.numbers import scope_with_numbers
from bots.config_builder import config_of
from bots.models import Bot, SiteSettings
from bots.site_settings.current import (
    PageSettings,
    SiteValues,
    day,
    env_values,
    moment,
    site_values,
)
from bots.site_settings.dates import FORMATS, DateStyle, column_text, day_text
from voicebot import settings as project

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


def test_without_a_row_those_of_env_count(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    settings.CALL_RETENTION_DAYS, settings.DATE_STYLE = 30, "iso"
    assert site_values() == SiteValues("Europe/Berlin", False, 30, "iso")


def test_each_setting_of_the_row_replaces_one() -> None:
    SiteSettings.objects.create(pk=1, time_zone="Asia/Tokyo", mask_caller_numbers=True)
    values = site_values()
    assert (values.time_zone, values.mask_caller_numbers) == ("Asia/Tokyo", True)
    assert values.retention_days == env_values().retention_days
    SiteSettings.objects.update(mask_caller_numbers=False, retention_days=0)
    assert not site_values().mask_caller_numbers  # at once, without a restart


def test_false_and_zero_are_values(settings: Any) -> None:
    settings.MASK_CALLER_NUMBERS, settings.CALL_RETENTION_DAYS = True, 30
    SiteSettings.objects.create(pk=1, mask_caller_numbers=False, retention_days=0)
    assert not site_values().mask_caller_numbers
    assert site_values().retention_days == 0


def test_there_is_one_row(db: None) -> None:
    SiteSettings.objects.create(pk=1)
    with pytest.raises(IntegrityError):
        SiteSettings.objects.create(pk=2)


def test_a_page_reads_them_once_and_has_their_time_zone(
    django_assert_num_queries: Any,
) -> None:
    SiteSettings.objects.create(pk=1, time_zone="Asia/Tokyo", date_style="dots")
    seen: list[str] = []

    def page(request: Any) -> Any:
        seen.extend([moment(EVENING), day(EVENING)])
        return None

    request = RequestFactory().get("/admin/")
    with django_assert_num_queries(1):
        PageSettings(page)(request)
    assert seen == ["01.12.2026, 08:30", "01.12.2026"]
    assert timezone.get_current_timezone_name() == "UTC"  # not of what comes after
    with django_assert_num_queries(1):
        assert day(EVENING) == "30.11.2026"


@pytest.mark.parametrize("style", DateStyle)
def test_each_style_looks_as_its_name(style: DateStyle) -> None:
    assert day_text(EVENING.date(), style) == style.label
    assert FORMATS.keys() == set(DateStyle)
    assert project.DATE_STYLE in DateStyle


def test_a_bot_without_a_time_zone_has_that_of_the_settings() -> None:
    bot = Bot.objects.create(name="Front desk")
    SiteSettings.objects.create(pk=1, time_zone="Asia/Tokyo")
    assert config_of(bot).time_zone == "Asia/Tokyo"
    bot.time_zone = "Europe/Paris"
    assert config_of(bot).time_zone == "Europe/Paris"


def test_masked_numbers_follow_the_settings(client: Client, viewer: Any) -> None:
    assert scope_with_numbers(viewer).is_all
    SiteSettings.objects.create(pk=1, mask_caller_numbers=True)
    assert not scope_with_numbers(viewer)


@pytest.fixture
def viewer(db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("vic", is_staff=True)


def test_columns_of_charts_have_the_style_of_all_dates() -> None:
    shown = [column_text(EVENING.date(), style) for style in DateStyle]
    assert shown == ["Mon 30 Nov", "Mon 30.11.", "Mon 30/11", "Mon Nov 30", "Mon 11-30"]
