"""A search tells nobody more of a number than its last two digits.

The tests are an attacker: they try every digit at every place, in every way that the
list of calls and its exports take a question.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.models import PhoneNumber
from calls.accounts.groups import OPERATOR, VIEWER
from calls.models import Call, Turn
from calls.review.search import matching
from tests.support.woven_call import CALLER, NATIONAL, OURS, SHOWN, WORDS, woven_call

LIST = "/admin/calls/call/"
DIGITS = "0123456789"


@pytest.fixture(autouse=True)
def masking(settings: Settings, transactional_db: None) -> None:
    settings.MASK_CALLER_NUMBERS = True


@pytest.fixture
def call() -> Call:
    woven = woven_call()
    Call.objects.update(status=Call.Status.COMPLETED)
    return woven


def found(*queries: str, hide: bool = True) -> list[bool]:
    """True if a search finds calls; without hiding, as those search who see numbers."""
    calls = Call.objects.all()
    return [matching(calls, query, hide=hide).exists() for query in queries]


def guesses() -> Iterator[str]:
    """Guesses of the number that differ in one digit, the last two apart."""
    for at in range(len(NATIONAL) - 2):
        for digit in DIGITS:
            yield NATIONAL[:at] + digit + NATIONAL[at + 1 :]


NUMBERS = ["+49{}", "0{}", "0049{}", "sip:+49{}@pbx.example", "tel:+49{}"]
OTHERS = ["{}", "whatsapp:+49{}", "+49{}@pbx", "refund 0{}", "call{}", "x{}y"]


def retell(text: str, turns: QuerySet[Turn]) -> None:
    """Have these turns say something else."""
    for turn in turns:
        turn.text, turn.tool_call = text, {}
        turn.save()


@pytest.mark.parametrize("spelled", NUMBERS + OTHERS)
def test_a_right_guess_finds_what_a_wrong_one_finds(call: Call, spelled: str) -> None:
    right = found(spelled.format(NATIONAL))
    for guess in guesses():
        assert found(spelled.format(guess)) == right, guess


@pytest.mark.parametrize("spelled", NUMBERS)
def test_users_who_see_numbers_find_the_right_one_only(
    call: Call, spelled: str
) -> None:
    Turn.objects.all().delete()
    for guess in guesses():
        right = guess == NATIONAL
        assert found(spelled.format(guess), hide=False) == [right], guess


def test_parts_from_anywhere_find_the_last_two_digits_only(call: Call) -> None:
    Call.objects.update(to_number="")
    for length in range(1, len(NATIONAL) + 1):
        for at in range(len(NATIONAL) - length + 1):
            part = NATIONAL[at : at + length]
            ends_so = CALLER.endswith(part[-2:])
            spelled = (part, f"+{part}", f" {part} ", "-".join(part))
            assert found(*spelled) == [ends_so] * len(spelled), part


def test_every_ending_of_two_digits_is_found_and_no_more(call: Call) -> None:
    Call.objects.update(to_number="")
    endings = [first + second for first in DIGITS for second in DIGITS]
    assert [ending for ending in endings if found(ending)[0]] == [CALLER[-2:]]
    longer = [digit + CALLER[-2:] for digit in DIGITS]
    assert found(*longer) == [True] * 10


@pytest.mark.parametrize(
    "text", [WORDS, f"Meine Nummer ist {WORDS}.", "four one five, double five 2"]
)
def test_digits_in_letters_are_not_found_by_their_words(call: Call, text: str) -> None:
    Turn.objects.exclude(index=0).delete()
    retell(text, Turn.objects.all())
    words = ["null", "eins", "fünf", "four", "five", "double", "drei", "se", "a"]
    assert not any(found(*words))
    retell("A table for four, please, at five.", Turn.objects.all())
    assert found("four", "five", "table") == [True] * 3


@pytest.mark.parametrize("caller", ["sip:alice@pbx.example", "client:alice"])
def test_the_name_in_an_address_is_not_found_letter_by_letter(caller: str) -> None:
    call = Call.objects.create(
        call_sid="CA1",
        from_number=caller,
        to_number=OURS,
        started_at=timezone.now(),
        status="completed",
    )
    times = {"started_at": call.started_at, "index": 0, "role": "caller"}
    Turn.objects.create(call=call, text=f"I call from {caller}.", **times)
    queries = [caller, "alice", "ali", "a", caller.replace("alice", "bob"), "sip:ali"]
    assert len(set(found(*queries, "bob"))) == 1
    assert found(caller, "alice", hide=False) == [True, True]


def member(client: Client, group: str) -> Client:
    person = User.objects.create_user(group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    client.force_login(person)
    return client


def listed(client: Client, query: str) -> list[int]:
    response: Any = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, query
    return [call.pk for call in response.context["cl"].result_list]


def outbound(number: str, **values: Any) -> Call:
    """A call that we placed, so that the number called is a person's."""
    defaults = {"started_at": timezone.now(), "direction": "outbound-api"}
    sid = f"CA{Call.objects.count():032x}"
    values = {"status": "completed", "to_number": number, **defaults, **values}
    return Call.objects.create(call_sid=sid, from_number=OURS, **values)


def test_no_order_of_the_list_is_that_of_the_numbers(client: Client) -> None:
    start = timezone.now()
    callers = ["+15005550003", "+15005550001", "+15005550002"]
    for age, number in enumerate(callers):
        began = start - timedelta(hours=age)
        sid = f"CA{age:032x}"
        values = {"from_number": number, "to_number": OURS, "status": "completed"}
        Call.objects.create(call_sid=sid, started_at=began, **values)
    by_number = sorted(Call.objects.all(), key=lambda call: call.from_number)
    ordered = [call.pk for call in by_number]
    member(client, VIEWER)
    for column in range(1, 8):
        for order in (f"{column}", f"-{column}", f"{column}.1"):
            seen = listed(client, f"o={order}")
            assert seen not in (ordered, ordered[::-1]), order
    assert "o=3" not in client.get(LIST).content.decode()
    member(client, OPERATOR)
    assert listed(client, "o=3") == ordered


def test_the_filter_of_numbers_takes_only_ours(client: Client, call: Call) -> None:
    placed = outbound(CALLER)
    exact, other = f"to_number__exact=%2B{CALLER[1:]}", "to_number__exact=%2B1"
    member(client, VIEWER)
    assert listed(client, exact) == listed(client, other) == []
    assert listed(client, f"to_number__exact=%2B{OURS[1:]}") == [call.pk]
    assert placed.pk in listed(member(client, OPERATOR), exact)


def test_neither_counts_nor_exports_tell_more_than_the_list(
    client: Client, call: Call
) -> None:
    outbound(CALLER)
    member(client, VIEWER)
    right, wrong = NATIONAL, f"9{NATIONAL[1:]}"
    answers = []
    for guess in (right, wrong):
        response: Any = client.get(f"{LIST}?q={guess}")
        count = response.context["cl"].result_count
        exported: Any = client.get(f"{LIST}export.csv?q={guess}")
        answers.append((count, b"".join(exported.streaming_content)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 2


def test_an_excerpt_shows_no_number(client: Client, call: Call) -> None:
    said = Turn.objects.filter(index=1)
    retell("Call 0157 3826 4917, please, or 4917.", said)
    member(client, VIEWER)
    page = client.get(f"{LIST}?q=please").content.decode()
    assert f"Call {SHOWN}, <mark>please</mark>, or {SHOWN}." in page
    assert "<mark>" not in client.get(f"{LIST}?q=4917").content.decode()


def test_our_own_numbers_are_found_in_full_and_in_part(call: Call) -> None:
    assert found(OURS, OURS[3:8], "Front") == [True] * 3
    assert PhoneNumber.objects.get().number == OURS


def test_words_are_found_as_before(call: Call) -> None:
    retell("Refund, please, for order 4711.", Turn.objects.filter(index=1))
    assert found("refund", "Refund please", "refund nothing") == [True, True, False]
    is_postgresql = connection.vendor == "postgresql"
    assert found("efund") == [not is_postgresql]
