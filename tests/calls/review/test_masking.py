"""Masked numbers of callers."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from bots.config_builder import config_of
from bots.models import Bot
from calls.accounts.groups import OPERATOR, VIEWER
from calls.conversation.conversation import Conversation
from calls.live_feed.snapshot import CallSnapshot
from calls.models import Call
from calls.review.masking import DOTS, masked, remove_numbers
from calls.review.visibility import shown_numbers

CALLER, OURS = "+14155550100", "+15005550006"
HIDDEN = "+1415•••0100"
HIDDEN_GERMAN = "+4915•••5678"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (CALLER, HIDDEN),
        ("+4930123456", "+4930•••456"),
        ("+4912345678901", "+4912•••8901"),
        ("12345", "1•••5"),
        ("123", "123"),  # a short code names a service
        ("sip:alice@example.com", "sip:•••@example.com"),
        ("sip:+14155550100@example.com", "sip:•••@example.com"),
        ("client:alice", "client:•••"),
        ("client:Ann B", "client:•••"),
        ("whatsapp:+4915112345678", "whatsapp:•••"),
        ("tel:+49-151-12345678;ext=7", "tel:•••"),
        ("sips:015112345678@192.0.2.101:5061", "sips:•••@192.0.2.101:5061"),
        ('"Ann B" <sip:+4915112345678@x.de>;tag=1', "sip:•••@x.de"),
        ("+4915112345678@x.de", "+4915•••5678@x.de"),
        ("back to sip:+14155550100@x.de, please", "back to sip:•••@x.de, please"),
        ("anonymous", "anonymous"),
        ("", ""),
        ("call +1 (415) 555-0100 back", f"call {HIDDEN} back"),
    ],
)
def test_a_number_keeps_its_ends_and_an_address_its_host(
    number: str, shown: str
) -> None:
    assert masked(number) == shown


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_three_digits_of_any_number_are_hidden(number: str) -> None:
    shown = masked(number)
    assert DOTS in shown
    assert sum(map(str.isdigit, shown)) <= sum(map(str.isdigit, number)) - 3


@pytest.mark.parametrize("written", [CALLER, "14155550100", "+1 415-555 0100"])
def test_a_number_is_found_in_a_text_however_it_is_written(written: str) -> None:
    assert remove_numbers(f"Blocked {written}.", CALLER) == f"Blocked {HIDDEN}."
    assert remove_numbers(f"9{CALLER[1:]}", CALLER) == f"9{CALLER[1:]}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("004915112345678", HIDDEN_GERMAN),
        ("01149-151-12345678", HIDDEN_GERMAN),
        ("0151 12345678", HIDDEN_GERMAN),
        ("0151/12345678, 15112345678", f"{HIDDEN_GERMAN}, {HIDDEN_GERMAN}"),
        ("sip:4915112345678@x.de", f"sip:{HIDDEN_GERMAN}@x.de"),
        ("whatsapp:+4915112345678.", f"whatsapp:{HIDDEN_GERMAN}."),
        ("151123456789 9151 12345678", "151123456789 9151 12345678"),
    ],
)
def test_a_number_is_found_in_all_spellings(text: str, left: str) -> None:
    assert remove_numbers(text, "+4915112345678") == left


def test_an_address_is_found_in_any_case() -> None:
    assert remove_numbers("Blocked SIP:Bob@x.de", "sip:bob@x.de") == (
        "Blocked sip:•••@x.de"
    )
    assert remove_numbers("nobody", "") == "nobody"


@pytest.fixture
def masking(settings: Settings, transactional_db: None) -> None:
    settings.MASK_CALLER_NUMBERS = True


@pytest.fixture
def call(masking: None) -> Call:
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


def test_lists_and_titles_mask_the_caller_and_show_our_number_in_full(
    admin_client: Client, call: Call
) -> None:
    page = text(admin_client.get("/admin/calls/call/"))
    assert HIDDEN in page
    assert CALLER not in page
    assert OURS in page
    assert f"<title>Call from {HIDDEN}" in " ".join(
        text(admin_client.get(f"/admin/calls/call/{call.pk}/change/")).split()
    )


def test_only_on_its_own_page_an_operator_sees_the_full_number(
    client: Client, call: Call
) -> None:
    page = f"/admin/calls/call/{call.pk}/change/"
    assert f"<dd>{CALLER}" in text(member(client, OPERATOR).get(page))
    seen = text(member(client, VIEWER).get(page))
    assert f"<dd>{HIDDEN}" in seen
    assert CALLER not in seen


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_files_of_viewers_are_masked(client: Client, call: Call, form: str) -> None:
    address = f"/admin/calls/call/export.{form}"
    assert CALLER in text(member(client, OPERATOR).get(address))
    exported = text(member(client, VIEWER).get(address))
    assert CALLER not in exported
    if form == "jsonl":
        assert json.loads(exported)["from_number"] == HIDDEN


def test_a_viewer_cannot_find_out_a_number_digit_by_digit(
    client: Client, call: Call
) -> None:
    def finds(query: str) -> bool:
        return HIDDEN in text(client.get("/admin/calls/call/?" + query))

    member(client, VIEWER)
    assert finds("q=%2B14155550100")
    assert not finds("q=%2B1415555")
    person = {"name": "Sales", "number": CALLER}
    Call.objects.update(variables={"phone": CALLER}, transfer=person)
    for field in ("from_number", "variables__phone", "transfer__number"):
        guess = client.get(f"/admin/calls/call/?{field}__startswith=%2B1415555")
        assert guess.status_code in (302, 400)
    member(client, OPERATOR)
    assert finds("q=%2B1415555")


def test_an_outbound_calls_callee_is_hidden_and_so_is_it_in_the_live_view(
    call: Call,
) -> None:
    config = config_of(Bot(transfer_number=CALLER))
    call.direction, call.from_number, call.to_number = "outbound-api", OURS, CALLER
    about = CallSnapshot(call, Conversation(config)).full(0, 1)["about"]
    assert (about["from"], about["to"]) == (OURS, HIDDEN)
    assert [each["label"] for each in about["people"]] == [HIDDEN]


def test_without_the_setting_everything_is_shown(
    client: Client, settings: Settings, call: Call
) -> None:
    settings.MASK_CALLER_NUMBERS = False
    member(client, VIEWER)
    assert CALLER in text(client.get("/admin/calls/call/"))
    assert CALLER in text(client.get(f"/admin/calls/call/{call.pk}/change/"))


@pytest.mark.parametrize("hide", [True, False])
@pytest.mark.parametrize("number", ["+266696687", "Restricted", "client:anonymous"])
def test_a_withheld_number_is_anonymous_in_all_spellings(
    number: str, hide: bool
) -> None:
    call = Call(from_number=number, to_number=OURS)
    assert shown_numbers(call, hide=hide) == ("anonymous", OURS)
