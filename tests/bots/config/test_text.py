"""Foreign text and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.text import as_spoken, clean, read_json, without_hiding

# With half surrogate pairs, which `st.text()` leaves out unless asked.
ANY_TEXT = st.text(st.characters(codec=None))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(ANY_TEXT, st.none() | st.integers(0, 20))
def test_a_clean_text_fits_into_utf_8_and_its_limit(
    text: str, limit: int | None
) -> None:
    cleaned = clean(text, limit)
    assert cleaned.encode().decode() == cleaned
    assert "\0" not in cleaned
    assert limit is None or len(cleaned) <= limit
    assert clean(cleaned, limit) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_that_can_be_stored_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert clean("a\ud83d\0b") == "a?b"


@given(JSON_VALUES)
def test_json_is_read(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value).encode()) == value


@given(ANY_TEXT | st.binary())
def test_nothing_raises(text: str | bytes) -> None:
    read_json(text)


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, "NULL"])
def test_anything_else_gives_the_default(text: str | bytes) -> None:
    assert read_json(text, default="none") == "none"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_json_become_null(number: str) -> None:
    assert read_json(f'{{"a": {number}, "b": 1}}') == {"a": None, "b": 1}


@given(ANY_TEXT)
def test_a_cleaned_text_stays_in_its_line_and_has_no_brackets(text: str) -> None:
    cleaned = as_spoken(text)
    assert not set(cleaned) & set("[]|\n\r\0\u2028\u202e\ufeff\U000e0041")
    assert as_spoken(cleaned) == cleaned == without_hiding(cleaned)
