"""The form of a bot as a browser sends it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bots.config_builder import config_of
from bots.models import Bot

ADVICE = "/admin/bots/bot/editor/advice/"
LISTS = ("numbers", "targets", "menu_keys", "languages")
NO_ROWS: dict[str, Any] = {
    f"{listed}-{count}_FORMS": "0" for listed in LISTS for count in ("TOTAL", "INITIAL")
}
FORM = {
    **{name: value for name, value in config_of(Bot()).to_json().items() if value},
    "name": "Front desk",
    "fallback_models": "openai/gpt-4o",
    "fillers": "",
    "is_active": "on",
    **NO_ROWS,
}


@pytest.fixture
def viewer(db: None, client: Client) -> Client:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_bot"))
    client.force_login(user)
    return client


def rows(listed: str, *added: dict[str, Any]) -> dict[str, Any]:
    """Rows that are added to a list, or changed where they have an id."""
    fields = {
        f"{listed}-{place}-{name}": value
        for place, row in enumerate(added)
        for name, value in row.items()
    }
    known = sum("id" in row for row in added)
    counts = {"TOTAL": str(len(added)), "INITIAL": str(known)}
    return fields | {f"{listed}-{name}_FORMS": n for name, n in counts.items()}
