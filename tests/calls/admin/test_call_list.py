"""The list of calls: searched and filtered."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bots.models import Bot, PhoneNumber
from calls.admin import changelist
from calls.models import Call
from calls.review import handling
from calls.review.excerpts import excerpt_of
from calls.review.search import words_of
from tests.support.pages.calls import LIST, listed_calls, make_call, say, tag
from tests.support.pages.calls import viewer as viewer
from tests.support.versions import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls() -> list[Call]:
    """Three calls of two bots, one of which is gone."""
    bot = Bot.objects.create(name="Front desk")
    gone = Bot.objects.create(name="Night porter")
    calls = [
        make_call(1, bot=bot, bot_name=bot.name),
        make_call(2, bot=gone, bot_name=gone.name, from_number="sip:anna@example.com"),
        make_call(3, from_number="+4930123456"),
    ]
    gone.delete()
    say(calls[0], "caller", "I want to return my coat.")
    say(calls[0], "bot", "Which coat? The blue one's gone.")
    say(calls[1], "caller", "The coat rack fell.")
    say(calls[2], "caller", "Bonjour, 4711 s'il vous plaît.")
    return calls


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("coat", {1, 2}),
        ("COA", {1, 2}),
        ("coat rack", {2}),
        ("return gone", {1}),  # in two turns of one call
        ("coat zebra", set()),
        ("front", {1}),
        ("night coat", {2}),  # a bot that was deleted
        ("anna@", {2}),
        ("+49 (30) 123-456", {3}),
        ("123456", {3}),
        ("4711", {3}),
        ("CA" + "0" * 31 + "2", {2}),
        ("one's", {1}),
        ("  ", {1, 2, 3}),
    ],
)
def test_calls_are_found_by_words_numbers_and_bots(
    viewer: Client, calls: list[Call], query: str, numbers: set[int]
) -> None:
    response = viewer.get(LIST, {"q": query})
    shown = {call.pk for call in response.context["cl"].result_list}
    assert shown == {calls[number - 1].pk for number in numbers}


@pytest.mark.parametrize(
    "query",
    [
        *("+4915112345678", "0049 151 12345678", "+49 (0)151 / 123 456-78"),
        *("whatsapp:+49 151 12345678", "sip:4915112345678@elsewhere.example"),
        "0151 12345678",
    ],
)
def test_a_person_is_found_in_all_spellings(viewer: Client, query: str) -> None:
    numbers = [
        *("+4915112345678", "whatsapp:+4915112345678", "sip:004915112345678@x.de"),
        *("sip:4915112345678@x.de;user=phone", "015112345678", "+4915112345679"),
    ]
    calls = [
        make_call(index, from_number=number, to_number="+4930123456")
        for index, number in enumerate(numbers)
    ]
    response = viewer.get(LIST, {"q": query})
    shown = {call.from_number for call in response.context["cl"].result_list}
    assert shown == {call.from_number for call in calls[:-1]}


@pytest.mark.parametrize(
    ("query", "count"),
    [("anonymous", 3), ("Anonymous", 3), ("+266696687", 1), ("restricted", 0)],
)
def test_hidden_numbers_are_found_as_the_list_shows_them(
    viewer: Client, query: str, count: int
) -> None:
    texts = ["+266696687", "anonymous", "client:Restricted", "+14155550100"]
    for index, text in enumerate(texts):
        make_call(index, from_number=text)
    assert len(viewer.get(LIST, {"q": query}).context["cl"].result_list) == count


@pytest.mark.parametrize(
    "query",
    [
        "'",
        "\\",
        "':*",
        "a" * 3000,
        "a & | !",
        "%",
        "_",
        "<b>",
        "\u202e",
        "(" * 50,
        "é" * 9000,
    ],
)
def test_no_search_breaks_the_list(
    viewer: Client, calls: list[Call], query: str
) -> None:
    assert viewer.get(LIST, {"q": query}).status_code == 200
    assert viewer.get(LIST, {"q": f"coat {query}"}).status_code == 200


def test_the_list_shows_where_a_word_was_said(
    viewer: Client, calls: list[Call]
) -> None:
    page = viewer.get(LIST, {"q": "coat"}).content.decode()
    assert "I want to return my <mark>coat</mark>." in page
    assert "The <mark>coat</mark> rack fell." in page
    assert "<mark>" not in viewer.get(LIST).content.decode()


def test_an_excerpt_begins_with_a_word_and_is_short() -> None:
    text = "bobcat " * 20 + "the cat " + "sat " * 20
    before, hit, after = excerpt_of(text, ["cat"]) or ("", "", "")
    assert (before[-4:], hit, after[:4]) == ("the ", "cat", " sat")
    assert len(before) + len(after) < 90
    assert excerpt_of("nothing", ["cat"]) is None
    assert excerpt_of("anything", []) is None


def test_a_pasted_number_is_one_word() -> None:
    assert words_of("+1 (415) 555-0100") == ["+14155550100"]
    assert words_of("call 12 call") == ["call", "12"]
    assert len(words_of(" ".join(map(str, range(99))) + "a")) == 8


def test_a_search_counts_no_further_than_anybody_reads(
    viewer: Client, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changelist, "MAX_COUNTED", 1)
    response = viewer.get(LIST, {"q": "coat"})
    assert response.context["cl"].result_count == 1
    assert "calls were found" in response.content.decode()
    assert viewer.get(LIST).context["cl"].result_count == 3


def test_test_calls_are_hidden_until_asked_for(viewer: Client) -> None:
    real, test = make_call(1), make_call(2, is_test=True)
    assert (
        listed_calls(viewer, "")
        == listed_calls(viewer, "is_test__exact=0")
        == {real.pk}
    )
    assert listed_calls(viewer, "is_test__exact=1") == {test.pk}
    assert listed_calls(viewer, "is_test__exact=all") == {real.pk, test.pk}


def test_an_empty_list_says_that_test_calls_are_not_in_it(viewer: Client) -> None:
    make_call(1, is_test=True, status="completed")
    page = viewer.get(f"{LIST}?status__exact=completed").content.decode()
    assert 'href="?status__exact=completed&amp;is_test__exact=all"' in page
    for query in ("is_test__exact=all", "is_test__exact=1&q=nothing"):
        page = viewer.get(f"{LIST}?{query}").content.decode()
        assert "Test calls are not listed" not in page


@pytest.mark.parametrize(
    "query",
    [
        "was_interrupted__exact=1",
        "had_error__exact=1",
        "caller_was_silent__exact=1",
        "slowest_response_ms__gte=5000",
        "to_number__exact=%2B14155550101",
        "status__exact=failed",
        "end_reason__exact=bot-failed",
        "direction__exact=outbound-api",
        "since=2025-03-09&until=2025-03-09",
    ],
)
def test_every_filter_finds_its_calls(viewer: Client, query: str) -> None:
    PhoneNumber.objects.create(number="+14155550101")
    make_call(1, slowest_response_ms=4999)
    special = make_call(
        2,
        was_interrupted=True,
        had_error=True,
        caller_was_silent=True,
        slowest_response_ms=5000,
        to_number="+14155550101",
        status="failed",
        end_reason="bot-failed",
        direction="outbound-api",
        started_at=datetime(2025, 3, 9, 23, 59, tzinfo=UTC),
    )
    assert listed_calls(viewer, query) == {special.pk}
    page = viewer.get(f"{LIST}?{query}").content.decode()
    assert all(f'<span class="badge {b}">' in page for b in ("error", "silent"))
    assert "5.0 s" in page


@pytest.mark.parametrize(
    "query",
    [
        *(
            "slowest_response_ms__gte=x",
            "is_test__exact=x",
            "to_number__exact=",
            "p=x",
            "p=99",
        ),
        *("since=0", "when=x", "until=99999-01-01", "bot__id__exact=x"),
    ],
)
def test_odd_filters_are_borne(viewer: Client, query: str) -> None:
    make_call()
    assert viewer.get(f"{LIST}?{query}").status_code in (200, 302)
    assert viewer.get(f"{LIST}export.csv?{query}").status_code in (200, 404)


@pytest.mark.parametrize(
    "query", ["", "q=hello", "q=hello+4711&slowest_response_ms__gte=2000"]
)
def test_a_full_list_needs_few_queries(
    client: Client,
    query: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    # Superusers' permissions cost no query; these are in two places.
    client.force_login(member("operator"))
    for number in range(60):
        bot = Bot.objects.create(name=f"Bot {number}")
        call = make_call(number, bot=bot, bot_name=bot.name, slowest_response_ms=2500)
        say(call, "caller", "Hello 4711")
        handling.add_note(call, "Asked again.", call.handled_by)
        tag(call, f"Tag {number % 9}")
    client.get("/admin/")  # the first page stores something in the session
    with django_assert_max_num_queries(22):
        assert len(listed_calls(client, query)) == 50


def test_calls_without_a_bot_are_a_choice_with_a_name(
    viewer: Client, calls: list[Call]
) -> None:
    assert "No bot</a>" in viewer.get(LIST).content.decode()
