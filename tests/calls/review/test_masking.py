"""Phone numbers in the console: nobody who may not see them can read or find them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.access.scope import Scope
from bots.config_builder import config_of
from bots.models import Bot
from calls.accounts.groups import OPERATOR, VIEWER
from calls.console.live.masked_updates import Rights, shown
from calls.conversation.conversation import Conversation
from calls.live_feed.snapshot import CallSnapshot
from calls.models import Call
from calls.review.visibility import shown_numbers
from tests.support.woven_call import CALLER, OURS, SHOWN, SPELLINGS, leaks, woven_call

LIST = "/admin/calls/call/"
# Addresses in pages, also those that scripts read.
LINK = re.compile(r'(?:href|action|src|data-[\w-]+)="(?=[/?.]|http)([^"\s]+)')
# The end of the visit, and sound from Inworld.
LEFT_OUT = re.compile(r"/admin/(logout/|numbers/greeting/)")
# Two filters or columns at once, the way back to a filtered list, and the days before.
ENDLESS = re.compile(r"&|\.|_changelist_filters|^(day|week|month)=")
# Lists in another order, and files of a filtered list, which is visited itself.
ALIKE = re.compile(r"\?(o=)|(export\.\w+\?\w+=)")
FEW = 2


@pytest.fixture(autouse=True)
def masking(settings: Settings, tmp_path: Path, transactional_db: None) -> None:
    settings.MASK_CALLER_NUMBERS = True
    settings.RELAY_TRACE = str(tmp_path)


@pytest.fixture
def call() -> Call:
    now = timezone.now() - timedelta(minutes=1)
    return Call.objects.create(
        call_sid="CA1",
        from_number=CALLER,
        to_number=OURS,
        status="completed",
        started_at=now,
        ended_at=now,
    )


def member(client: Client, group: str) -> Client:
    person = User.objects.create_user(group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    client.force_login(person)
    return client


def text(response: Any) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return str(response.content.decode())


def visited(client: Client, *starts: str) -> Iterator[tuple[str, str]]:
    """Every page and file of the console that links lead to; of those alike, a few."""
    queue, seen, alike = list(starts), set(starts), Counter[str]()
    while queue:
        address = queue.pop()
        response = client.get(address)
        body = text(response)
        links = [response.headers.get("Location", "")]
        name = response.headers.get("Content-Disposition", "")
        yield address, f"{links}{name}{body}"
        if "text/html" in response.headers.get("Content-Type", ""):
            links += LINK.findall(body)
        for link in links:
            parts = urlsplit(urljoin(address, unescape(link)))
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            is_page = parts.path.startswith("/admin/")
            is_page = is_page and not ENDLESS.search(parts.query)
            if is_page and not LEFT_OUT.match(path) and path not in seen:
                seen.add(path)
                if found := ALIKE.search(path):
                    alike[path[: found.end()]] += 1
                    if alike[path[: found.end()]] > FEW:
                        continue
                queue.append(path)


def seer_of_all() -> User:
    """A user who may view everything, delete and block, and not see numbers."""
    user = User.objects.create_user("seer", is_staff=True)
    views = Permission.objects.filter(codename__startswith="view_")
    blocks = Permission.objects.filter(codename__endswith="blockedcaller")
    user.user_permissions.set(views | blocks)
    return user


def test_no_page_and_no_file_of_the_console_has_the_number(
    client: Client, tmp_path: Path
) -> None:
    call = woven_call()
    Call.objects.create(
        call_sid="CA" + "b" * 32,
        from_number=OURS,
        to_number=CALLER,
        direction=Call.Direction.OUTBOUND,
        started_at=call.started_at - timedelta(hours=1),
        status="completed",
    )
    (tmp_path / f"{call.call_sid}.jsonl").write_text(f'{{"text": "{CALLER}"}}\n')
    page = f"{LIST}{call.pk}/"
    stored = [*Call.objects.values(), *call.turns.values(), *Bot.objects.values()]
    client.force_login(seer_of_all())
    starts = [
        *("/admin/", f"{LIST}?q=refund", f"{LIST}?q={CALLER[1:]}", f"{page}history/"),
        *(f"{page}trace.jsonl", f"{page}change/", "/admin/calls/blockedcaller/paste/"),
        *(f"{LIST}export.csv?q=17", f"{LIST}export.jsonl", "/admin/erase/"),
        *("/admin/calls/blockedcaller/", "/admin/calls/auditevent/"),
    ]
    pages = dict(visited(client, *starts))
    typed = f"{LIST}?q={CALLER[1:]}"  # what the user typed stays in the field
    found = {at: leaks(body) for at, body in pages.items() if typed[-9:] not in at}
    assert {at: parts for at, parts in found.items() if parts} == {}
    # Nothing that was shown masked has been stored so.
    now = [*Call.objects.values(), *call.turns.values(), *Bot.objects.values()]
    assert now == stored
    # The walk has seen the call everywhere.
    for address in (
        *(LIST, f"{page}change/", f"{page}export.json", f"{page}export.csv"),
        *(f"{page}history/", "/admin/calls/postcalltask/"),
        *(f"{LIST}export.csv?q=17", f"/admin/bots/bot/{call.bot_id}/change/"),
    ):
        assert SHOWN in pages[address].replace(r"\u2022", "•"), address
    assert f"/admin/bots/bot/{call.bot_id}/history/" in pages
    assert "Refund, please." in pages[f"{page}change/"]
    assert [at for at in pages if "/calls/postcalltask/" in at and "change" in at]


def test_the_walk_would_find_the_number_in_every_spelling(client: Client) -> None:
    for spelling in SPELLINGS:
        assert leaks(f"<p>{spelling}</p>"), spelling
        assert leaks(json.dumps({"a": spelling})), spelling
    assert not leaks(SHOWN)
    call = woven_call()
    member(client, OPERATOR)
    for page in ("change/", "export.json", "export.csv", "history/"):
        assert leaks(text(client.get(f"{LIST}{call.pk}/{page}"))), page


def test_lists_and_titles_mask_the_caller_and_show_our_number_in_full(
    admin_client: Client, call: Call
) -> None:
    page = text(admin_client.get(LIST))
    assert SHOWN in page
    assert CALLER not in page
    assert OURS in page
    assert f"<title>Call from {SHOWN}" in " ".join(
        text(admin_client.get(f"{LIST}{call.pk}/change/")).split()
    )


def test_operators_see_the_number_and_all_texts_as_they_are(client: Client) -> None:
    call = woven_call()
    member(client, OPERATOR)
    page = unescape(text(client.get(f"{LIST}{call.pk}/change/")))
    assert f"<dd>{CALLER}" in page
    exported = json.loads(text(client.get(f"{LIST}{call.pk}/export.json")))
    said = {turn["text"] for turn in exported["turns"]}
    assert said == set(call.turns.values_list("text", flat=True))
    for value in (call.summary, *call.variables.values(), *said):
        assert value in page or "[pressed" in value or "I have your" in value
    assert exported["variables"] == call.variables
    assert exported["fields"] == call.extracted_fields


def test_other_calls_of_a_caller_are_linked_for_those_who_see_numbers(
    client: Client, call: Call
) -> None:
    later = {"call_sid": "CA2", "started_at": timezone.now(), "status": "completed"}
    other = Call.objects.create(from_number=CALLER, to_number=OURS, **later)
    page, link = f"{LIST}{call.pk}/change/", f"{LIST}{other.pk}/change/"
    assert link in text(member(client, OPERATOR).get(page))
    assert link not in text(member(client, VIEWER).get(page))


def test_an_outbound_calls_callee_is_hidden_and_so_is_it_in_the_live_view(
    call: Call,
) -> None:
    config = config_of(Bot(transfer_number=CALLER))
    call.direction, call.from_number, call.to_number = "outbound-api", OURS, CALLER
    full = CallSnapshot(call, Conversation(config), 0).full(1)
    rights = Rights(watch=Scope(None), numbers=Scope(None), masks_lists=True)
    about = shown({"full": full}, rights)["full"]["about"]
    assert (about["from"], about["to"]) == (OURS, SHOWN)
    assert [each["label"] for each in about["people"]] == [SHOWN]


def test_without_the_setting_everything_is_shown(
    client: Client, settings: Settings, call: Call
) -> None:
    settings.MASK_CALLER_NUMBERS = False
    member(client, VIEWER)
    assert CALLER in text(client.get(LIST))
    assert CALLER in text(client.get(f"{LIST}{call.pk}/change/"))


@pytest.mark.parametrize("hide", [True, False])
@pytest.mark.parametrize("number", ["+266696687", "Restricted", "client:anonymous"])
def test_a_withheld_number_is_anonymous_in_all_spellings(
    number: str, hide: bool
) -> None:
    call = Call(from_number=number, to_number=OURS)
    assert shown_numbers(call, hide=hide) == ("anonymous", OURS)
