"""The page with the settings of the console: saved, refused, and their source."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from bots.models import Bot, SiteSettings
from calls.models import AuditEvent, Call
from calls.privacy.retention import overdue

pytestmark = pytest.mark.django_db

PAGE = "/admin/settings/site/"
EMPTY = {
    "time_zone": "",
    "mask_caller_numbers": "",
    "retention_days": "",
    "date_style": "",
}


def text(response: Any) -> str:
    return str(response.content.decode())


def test_settings_hold_with_the_next_page(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Front desk")
    Call.objects.create(
        call_sid="CA1",
        bot=bot,
        from_number="+15005550100",
        started_at=datetime(2026, 11, 25, 23, 30, tzinfo=UTC),
    )
    calls = text(admin_client.get("/admin/calls/call/"))
    assert "25 Nov 2026" in calls
    assert "+15005550100" in calls
    chosen = {
        **EMPTY,
        "time_zone": "Asia/Tokyo",
        "mask_caller_numbers": "yes",
        "date_style": "dots",
    }
    assert admin_client.post(PAGE, chosen).status_code == 302
    calls = text(admin_client.get("/admin/calls/call/"))
    assert "26.11.2026" in calls
    assert "08:30" in calls
    assert "+15005550100" not in calls
    page = text(admin_client.get(PAGE))
    assert "Set here, last saved by admin" in page
    assert "From .env (CALL_RETENTION_DAYS)" in page
    event = AuditEvent.objects.get(kind="settings")
    assert event.name == "admin"
    assert "time_zone=Asia/Tokyo" in event.details
    admin_client.post(PAGE, EMPTY)
    assert "25 Nov 2026" in text(admin_client.get("/admin/calls/call/"))
    assert SiteSettings.objects.get().time_zone is None


@pytest.mark.parametrize(
    ("entered", "problem"),
    [
        ({"time_zone": "Berlin"}, "There is no time zone “Berlin”"),
        ({"time_zone": "../../etc/passwd"}, "There is no time zone"),
        ({"time_zone": "Europe"}, "There is no time zone"),
        ({"retention_days": "-1"}, "greater than or equal to 0"),
        ({"retention_days": "99999"}, "less than or equal to"),
        ({"date_style": "Y"}, "not one of the available choices"),
        ({"mask_caller_numbers": "perhaps"}, "not one of the available choices"),
    ],
)
def test_bad_values_are_refused_in_words(
    admin_client: Client, entered: dict[str, str], problem: str
) -> None:
    page = admin_client.post(PAGE, {**EMPTY, **entered})
    assert page.status_code == 200
    assert problem in text(page)
    assert not SiteSettings.objects.exists()


def test_only_superusers_change_them(client: Client) -> None:
    client.force_login(User.objects.create_user("ann", is_staff=True))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, EMPTY).status_code == 403


def test_calls_are_kept_as_long_as_the_settings_say() -> None:
    now = timezone.now()
    names = ("short", "site")
    short, site = (Bot.objects.create(name=name) for name in names)
    short.retention_days = 5
    short.save()
    for bot, bot_name in ((short, ""), (site, ""), (None, "gone"), (None, "")):
        Call.objects.create(
            call_sid=f"CA{bot}{bot_name}",
            bot=bot,
            bot_name=bot.name if bot else bot_name,
            status=Call.Status.COMPLETED,
            started_at=now - timedelta(days=10),
        )

    def found() -> set[str]:
        calls = (
            group.calls.values_list("call_sid", flat=True) for group in overdue(now)
        )
        return {sid for group in calls for sid in group}

    assert found() == {"CAshort"}
    SiteSettings.objects.create(pk=1, retention_days=20)
    assert found() == {"CAshort"}
    SiteSettings.objects.update(retention_days=7)
    assert found() == {"CAshort", "CAsite", "CANonegone", "CANone"}
