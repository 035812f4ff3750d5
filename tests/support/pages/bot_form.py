"""The form of a bot, as a browser sends it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bots.config_builder import config_of
from bots.models import Bot

ADVICE = "/admin/bots/bot/editor/advice/"
LISTS = ("targets", "menu_keys", "languages")
NO_ROWS: dict[str, Any] = {
    f"{name_of_list}-{count}_FORMS": "0"
    for name_of_list in LISTS
    for count in ("TOTAL", "INITIAL")
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


def editor() -> str:
    """The address of the editor of the bot “Front desk”, which is made if needed."""
    bot, _ = Bot.objects.get_or_create(name="Front desk")
    return f"/admin/bots/bot/{bot.pk}/change/"


def rows(name_of_list: str, *added: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of new rows of a list, or of changed rows that have an id."""
    fields = {
        f"{name_of_list}-{index}-{name}": value
        for index, row in enumerate(added)
        for name, value in row.items()
    }
    initial = sum("id" in row for row in added)
    counts = {"TOTAL": str(len(added)), "INITIAL": str(initial)}
    return fields | {f"{name_of_list}-{name}_FORMS": n for name, n in counts.items()}
