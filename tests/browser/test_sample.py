"""The sample has every page of the console, or this says why not."""

from collections.abc import Iterable, Iterator

from django.contrib import admin
from django.urls import URLPattern, URLResolver, resolve

from bots.models import Bot, PhoneNumber, Secret, Tool
from calls.models import Call
from tests.browser.sample import Sample

SAMPLE = Sample(
    *(Bot(pk=1), PhoneNumber(pk=1), Call(pk=1)), *(Tool(pk=1), Secret(pk=1))
)
OTHERS = {
    "a form like that of the same thing's change, or with fewer fields": {
        *("bots_secret_add", "bots_tool_add", "calls_alertchannel_add"),
        *("calls_alertrule_add", "auth_group_add", "calls_budget_add"),
        "calls_price_change",
    },
    "a short form of Django's": {
        *("auth_group_change", "auth_user_password_change"),
        "calls_blockedcaller_change",
    },
    "nobody may add, change or delete one": {
        *("calls_alertmessage_add", "calls_alertmessage_delete"),
        *("calls_auditevent_add", "calls_auditevent_change", "calls_auditevent_delete"),
        *("calls_call_add", "calls_postcalltask_add", "calls_postcalltask_delete"),
    },
    "asks as the deletion of a bot does": {
        *("auth_group_delete", "auth_user_delete", "bots_phonenumber_delete"),
        *("bots_secret_delete", "bots_tool_delete", "calls_alertchannel_delete"),
        *("calls_alertrule_delete", "calls_blockedcaller_delete", "calls_call_delete"),
        *("calls_budget_delete", "calls_price_delete"),
    },
    "lists versions as those of a bot": {
        *("bots_phonenumber_deleted", "bots_phonenumber_history"),
        *("bots_phonenumber_version", "bots_tool_deleted", "bots_tool_history"),
        "bots_tool_version",
    },
    "lists changes as that of a person": {
        *("auth_group_history", "bots_secret_history"),
        *("calls_alertchannel_history", "calls_alertmessage_history"),
        *("calls_alertrule_history", "calls_auditevent_history", "calls_call_history"),
        *("calls_blockedcaller_history", "calls_postcalltask_history"),
        *("calls_budget_history", "calls_price_history"),
    },
    "signed out, in test_sign_in.py and test_invitation.py": {
        *("login", "sign-in-code", "invitation", "new-password"),
    },
    "opened by a superuser alone, once, with a link to pass on": {"password-link"},
    "only receives a form, then leads to another page": {
        *("logout", "point", "outage-end", "test-call-transfer"),
        *("invitation-send", "invitation-withdraw", "export-delete"),
        *("bots_bot_restore", "bots_phonenumber_restore", "bots_tool_restore"),
        *("bots_bot_duplicate", "calls_call_again", "calls_call_block"),
        *("calls_alertchannel_test", "calls_alertmessage_again"),
        *("calls_call_handle", "calls_call_save_view", "calls_call_delete_view"),
    },
    "data or a file": {
        *("session", "jsi18n", "autocomplete", "greeting", "export-file"),
        *("numbers-check", "bots_bot_advice", "bots_bot_file", "bots_bot_hours"),
        *("bots_bot_listen", "bots_bot_models", "bots_bot_voices"),
        *("bots_phonenumber_regions", "bots_phonenumber_days"),
        *("calls_call_clip", "calls_call_export"),
        *("calls_call_file", "calls_call_trace", "calls_call_sound"),
    },
    "leads to another page": {"app_list", "view_on_site"},
    "Django's own message": {"password_change_done"},
}


def names_of(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def test_every_named_page_is_in_the_sample_or_excused() -> None:
    names = set(names_of(admin.site.get_urls()))
    paths = [path.partition("#")[0] for path in SAMPLE.pages.values()]
    shown = {resolve(path.partition("?")[0]).url_name for path in paths}
    assert names - shown == set().union(*OTHERS.values())
