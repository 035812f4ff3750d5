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
# Words that end the names of addresses, and why no such page is in the sample.
ENDINGS = {
    "_add": "the same form as that of a change",
    "_change": "a form like that of a tool or a secret",
    "_delete": "Django's confirmation",
    "_history": "as the bot's history",
    "_deleted": "as the deleted bots",
    "_version": "as the bot's history",
    "_restore": "only receives a form",
}
OTHERS = {
    "signed out, in test_sign_in.py and test_invitation.py": {
        *("login", "sign-in-code", "invitation", "new-password"),
    },
    "opened by a superuser alone, once, with a link to pass on": {"password-link"},
    "only receives a form, then leads to another page": {
        *("logout", "point", "outage-end", "test-call-transfer"),
        *("invitation-send", "invitation-withdraw", "export-delete"),
        *("bots_bot_duplicate", "calls_call_again", "calls_call_block"),
        *("calls_alertchannel_test", "calls_alertmessage_again"),
        *("calls_call_handle", "calls_call_save_view", "calls_call_delete_view"),
    },
    "data or a file": {
        *("session", "jsi18n", "autocomplete", "greeting", "export-file"),
        *("numbers-check", "bots_bot_advice", "bots_bot_file", "bots_bot_hours"),
        *("bots_bot_listen", "bots_bot_models", "bots_bot_voices"),
        *("bots_phonenumber_regions", "calls_call_clip", "calls_call_export"),
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
    excused = set().union(*OTHERS.values())
    missing = {name for name in names - shown if not name.endswith(tuple(ENDINGS))}
    assert missing == excused
