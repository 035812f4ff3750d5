"""Masked phone numbers: of values, and of a call's own numbers in texts."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.phone_numbers.masking import (
    DOTS,
    NumberMask,
    masked,
    numbers_in,
    remove_numbers,
)

CALLER, GERMAN = "+14155550142", "+4915738264917"
MASK = NumberMask([GERMAN])
HIDDEN, HIDDEN_GERMAN = "•••42", "•••17"
numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
fillers = st.text(st.sampled_from(" -./()"), max_size=3)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (CALLER, HIDDEN),
        ("+4930123456", "•••56"),
        ("12345", "•••45"),
        ("123", "•••23"),
        ("sip:alice@example.com", "sip:•••@example.com"),
        ("sip:+14155550142@example.com", "sip:•••@example.com"),
        ("client:alice", "client:•••"),
        ("client:Ann B", "client:•••"),
        ("whatsapp:+4915112345678", "whatsapp:•••"),
        ("tel:+49-151-12345678;ext=7", "tel:•••"),
        ("sips:015112345678@192.0.2.101:5061", "sips:•••@192.0.2.101:5061"),
        ('"Ann B" <sip:+4915112345678@x.de>;tag=1', "sip:•••@x.de"),
        ("+4915112345678@x.de", "•••78@x.de"),
        ("back to sip:+14155550142@x.de, please", "back to sip:•••@x.de, please"),
        ("anonymous", "anonymous"),
        ("", ""),
        ("call +1 (415) 555-0142 back", f"call {HIDDEN} back"),
    ],
)
def test_a_number_keeps_its_last_two_digits_and_an_address_its_host(
    number: str, shown: str
) -> None:
    assert masked(number) == shown


@given(numbers)
def test_of_any_number_two_digits_are_left(number: str) -> None:
    assert masked(number) == f"{DOTS}{number[-2:]}"


@given(numbers, st.data())
def test_a_number_is_found_with_any_signs_between_its_digits(
    number: str, data: st.DataObject
) -> None:
    spelled = "".join(digit + data.draw(fillers) for digit in number[1:-1])
    spelled += number[-1]
    said = NumberMask([number]).said(f"Call me: {spelled}! Or not.")
    assert said.startswith("Call me: ")
    assert said.endswith(f"{DOTS}{number[-2:]}! Or not.")
    assert sum(map(str.isdigit, said)) == 2


@pytest.mark.parametrize(
    "spelled",
    [
        *(
            "+4915738264917",
            "+49 157 3826 4917",
            "0049 157 38264917",
            "011491573826-4917",
        ),
        *("0157 38264917", "(0157) 382 649 17", "0157/38264917", "157.3826.4917"),
        *("0 1 5 7 3 8 2 6 4 9 1 7", "0, 1, 5, 7, 3, 8, 2, 6, 4, 9, 1, 7"),
        *("+49 (0)157 38264917", "+49–157–3826–4917"),  # noqa: RUF001
        "null eins fünf sieben drei acht zwei sechs vier neun eins sieben",
        "oh one five seven, three eight two six. Four nine one seven",
        "cero uno cinco siete tres ocho dos seis cuatro nueve uno siete",
        "٠١٥٧ ٣٨٢٦٤٩١٧",  # noqa: RUF001
    ],
)
def test_the_calls_own_number_is_found_in_all_spellings(spelled: str) -> None:
    text = f"My number is {spelled}, at 9 o'clock for 4."
    assert MASK.said(text) == f"My number is {HIDDEN_GERMAN}, at 9 o'clock for 4."
    assert MASK.made(text) == MASK.said(text)


def test_repeated_digits_may_be_spoken_as_one() -> None:
    mask = NumberMask([CALLER])
    assert mask.said("four one five, triple five, oh one four two") == HIDDEN
    assert mask.said("4 1 double 5, double five, oh one four two") == HIDDEN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # Parts, as people dictate them in several turns; only the end is the end.
        ("It is 0157.", f"It is {DOTS}."),
        ("Then 3826.", f"Then {DOTS}."),
        ("And 4917.", f"And {HIDDEN_GERMAN}."),
        ("It begins 573826, then 99", f"It begins {DOTS}, then 99"),
        # Other numbers stay, in words that somebody said.
        ("Order 20264711, room 12, in 2026", "Order 20264711, room 12, in 2026"),
        ("four of us at 7:30, or eight", "four of us at 7:30, or eight"),
        ("", ""),
    ],
)
def test_parts_of_the_number_are_masked_and_other_numbers_are_not(
    text: str, shown: str
) -> None:
    assert MASK.said(text) == shown


def test_no_number_can_be_read_from_a_text_that_grows() -> None:
    text = "Your number is 0 1 5 7 3 8 2 6 4 9 1 7"
    states = [text[:end] for end in range(len(text) + 1)]
    shown = {MASK.said(state, is_unfinished=True).strip() for state in states}
    assert not [state for state in shown if re.search(r"\d", state)]
    assert MASK.said(f"{text}.", is_unfinished=True).endswith(f"{HIDDEN_GERMAN}.")


def test_a_number_across_two_pieces_is_masked() -> None:
    text = "Is it 0157 38264917? Fine."
    for cut in range(len(text)):
        pieces = MASK.pieces(text[:cut], text[cut:])
        assert len(pieces) == 2
        assert "".join(pieces) == f"Is it {HIDDEN_GERMAN}? Fine."


def test_an_address_is_masked_in_any_case() -> None:
    mask = NumberMask(["sip:bob@x.de"])
    assert mask.said("Blocked SIP:Bob@x.de") == "Blocked sip:•••@x.de"
    assert remove_numbers("Blocked SIP:Bob@x.de", "sip:bob@x.de") == (
        "Blocked sip:•••@x.de"
    )
    assert remove_numbers("nobody", "") == "nobody"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("call 0151 2345678", "call •••78"),
        ({"phone": 4915738264917}, {"phone": "•••17"}),
        ({"phone": 12025550199}, {"phone": "•••99"}),
        (["+1 202-555-0199", True, None, 7], ["•••99", True, None, 7]),
        ({"+12025550199": {"lat": 52.5200066}}, {"•••99": {"lat": 52.5200066}}),
        (list("15738264917"), [HIDDEN_GERMAN, *[""] * 10]),
        ([], []),
        ("tel:+12025550199", "tel:•••"),
        ("sip:ann@x.de rang", "sip:•••@x.de rang"),
        # No numbers of people: times, amounts, and words before a colon.
        *(
            (text, text)
            for text in (
                "2026-11-30",
                "2026-11-30T12:00:00.123456+00:00",
                "30.11.2026, 14:05",
                "1/31/2026",
                "EUR 1,234.50",
                "client: ready",
                '{"at": "2026-11-30", "people": 4}',
                "{not json",
            )
        ),
    ],
)
def test_data_keeps_what_is_no_number(value: Any, shown: Any) -> None:
    assert MASK.made(value) == shown


def test_json_within_a_text_stays_json() -> None:
    inner = json.dumps({"phone": "\u0660157 38264917", "n": [4915738264917]})
    outer = json.dumps({"body": inner, "note": "\\u0030157 38264917"})
    shown = json.loads(MASK.made(outer))
    assert json.loads(shown["body"]) == {"phone": HIDDEN_GERMAN, "n": [HIDDEN_GERMAN]}
    escaped = '{"phone": "\\u0030157\\u002038264917"}'
    assert json.loads(MASK.made(escaped)) == {"phone": HIDDEN_GERMAN}
    unchanged = '{ "a" :  "\\u00e4" }'
    assert MASK.made(unchanged) == unchanged
    assert MASK.made("[" * 100_000) == "[" * 100_000


def test_numbers_are_found_in_data() -> None:
    data = {"a": ["+49 157 38264917", 12025550199, True, "2026-11-30"], "12345678": 1}
    assert list(numbers_in(data)) == ["12345678", "+49 157 38264917", "12025550199"]


# The log of the console


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("004915738264917", HIDDEN_GERMAN),
        ("01149-157-38264917", HIDDEN_GERMAN),
        ("0157 38264917", HIDDEN_GERMAN),
        ("0157/38264917, 15738264917", f"{HIDDEN_GERMAN}, {HIDDEN_GERMAN}"),
        ("Blocked +4915738264917.", f"Blocked {HIDDEN_GERMAN}."),
        ("sip:4915738264917@x.de", f"sip:{HIDDEN_GERMAN}@x.de"),
        ("whatsapp:+4915738264917.", f"whatsapp:{HIDDEN_GERMAN}."),
        ("157382649179 9157 38264917", "157382649179 9157 38264917"),
        ("4917 is a part of it", "4917 is a part of it"),
    ],
)
def test_a_caller_is_removed_from_the_log_and_nobody_else(text: str, left: str) -> None:
    assert remove_numbers(text, GERMAN) == left
