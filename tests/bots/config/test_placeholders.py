"""Placeholders in operators' texts, and their values."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.local_time import minute_of_week
from bots.config.placeholders import (
    BUILT_IN,
    MAX_VALUES,
    VALUE_LENGTH,
    fill,
    flatten,
    limited,
    names,
    problem,
    unknown,
)
from bots.config.text import as_spoken
from bots.config_builder import config_of
from bots.models import Bot
from calls.models import Call
from calls.session.variables import variables

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


plain = st.characters(exclude_characters="{}\uff5b\uff5d")

# Filling


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello {{name}}!", "Hello Ann!"),
        ("Hello {{ name | there }}!", "Hello Ann!"),
        ("Hello {{nobody|there}}!", "Hello there!"),
        ("Hello {{nobody}}!", "Hello !"),
        ("Hello {{blank|there}}!", "Hello there!"),
        ("{{user.name}}{{name}}", "BobAnn"),
        ("Hi {{1st}}{name}{{}}!", "Hi {name}!"),
        ("Hi {{ my name }}{{my-|a}b}}{{nobody}{% if x %}!", "Hi !"),
        ("Hi {{name. How are you?", "Hi  How are you?"),
        (
            'Say {"a": {"b": "c"}} or {"n":{{name}}}.',
            'Say {"a": {"b": "c"}} or {"n":Ann}.',
        ),
    ],
)
def test_placeholders_are_replaced_and_never_spoken(text: str, filled: str) -> None:
    assert fill(text, {"name": "Ann", "user.name": "Bob", "blank": "  "}) == filled


@given(st.text(plain), st.text(plain))
def test_what_fills_a_placeholder_is_not_filled_again(before: str, value: str) -> None:
    values = {"a": value, "b": "SECOND"}
    text = f"{before}{{{{a}}}}"
    assert fill(text, values) == before + as_spoken(value.strip()).strip()
    for value in ("{{b}}", '{{ b | default: "x" }}', "{{{b}}}", "}}", "{{b"):
        filled = fill("{{a}}", {"a": value, "b": "SECOND"})
        assert not {"{", "}"} & {*filled}
        assert "SECOND" not in filled


FOREIGN = [  # in the syntax of other products, what is spoken, and our spelling
    ('{{ name | default: "there" }}', "Ann", "{{name|there}}"),  # Liquid
    ("{{ nobody | default: 'there' | upcase }}", "there", "{{nobody|there}}"),
    ("{{ nobody | default: “there” }}", "there", "{{nobody|there}}"),
    ("{{nobody|default:there}}", "there", "{{nobody|there}}"),
    ("{{ name | upcase }}", "Ann", "{{name}}"),
    ("{{ name | strip | default: 'x' }}", "Ann", "{{name|x}}"),
    ("{{ name|default('x') }}", "Ann", "{{name|x}}"),  # Jinja
    ("{{ nobody|d('x', true) }}", "x", "{{nobody|x}}"),
    ('{{ nobody or "x" }}', "x", "{{nobody|x}}"),
    ("{{ nobody | default «x» }}", "x", "{{nobody|x}}"),
    ("{{- name -}}", "Ann", "{{name}}"),
    ("{% if name %}", "", "Conditions and loops do not exist here"),
    ("{# note #}", "", "Conditions"),
    ('{{ .nobody | default "x" }}', "x", "{{nobody|x}}"),  # Go
    ('{{ nobody ?? "x" }}', "x", "{{nobody|x}}"),
    ('{{nobody || "x"}}', "x", "{{nobody|x}}"),
    ("{{{name}}}", "Ann", "{{name}}"),  # Handlebars
    ("{{&name}}", "Ann", "{{name}}"),
    ("{{#if vip}}", "", "Conditions and loops do not exist here"),
    ("{{/if}}", "", "Conditions"),
    ("{{> footer}}", "", "Conditions"),
    ("{{ user['name'] }}", "Bob", "{{user.name}}"),
    ('{{ user["name"] }}', "Bob", "{{user.name}}"),
    ("{{ $user.name }}", "Bob", "{{user.name}}"),
    ("{{ rows[0].name }}", "Cid", "{{rows.0.name}}"),
    ("{{ first name }}", "", "{{first_name}}"),
    ("{{ name | {{ nobody }} }}", "Ann", "{{name}}"),  # nested
    ("{{name|a}b}}", "Ann", "{{name}}"),
    ("\uff5b\uff5bname\uff5d\uff5d", "Ann", "{{name}}"),  # of a Chinese keyboard
    ("{{name}", "", "{{name}}"),
    ("{{name", "", "{{name}}"),
    ("{{", "", "Write a placeholder as"),
    ("name}}", "name", "Write a placeholder as"),
    ("{{name}}}", "Ann", "Write a placeholder as"),
    ("{{}}", "", "Write a placeholder as"),
    ("{{ 7*7 }}", "", "Write a placeholder as"),
    ('{{"a": {"b": 1}}}', "", "Write a space between them if you mean braces"),
]
OURS = [
    "{{name}}",
    "{{ user.name | there }}",
    "{{rows.0.fields.name}}",
    '{{nobody|"there"}}',
    "{{nobody|default customer}}",
    "{{nobody|at 9:30}}",
    "{{nobody|Ms Lee (front desk)}}",
    "{{c|d}}",
    "{{now|}}",
    'Answer as {"a": {"b": [1]}}, {c}.',
    "",
]


@pytest.mark.parametrize(("text", "spoken", "spelling"), FOREIGN)
def test_other_syntax_is_refused_and_never_spoken(
    text: str, spoken: str, spelling: str
) -> None:
    values = {"name": "Ann", "user.name": "Bob", "rows.0.name": "Cid"}
    assert fill(f"Hi {text} - bye", values) == f"Hi {spoken} - bye"
    message = problem(f"Hi {text} - {{{{now}}}}")
    assert "cannot be filled in." in message
    assert spelling in message


@pytest.mark.parametrize("text", OURS)
def test_our_placeholders_and_json_are_no_problem(text: str) -> None:
    assert problem(text) == ""


pieces = st.sampled_from(
    [
        "{{",
        "}}",
        "{",
        "}",
        "name",
        "|",
        '"',
        " ",
        "default:",
        "{%",
        "%}",
        "\uff5b\uff5b",
        "#",
    ]
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_no_caller_hears_two_braces(text: str) -> None:
    filled = fill(text, {"name": "Ann"})
    assert "{{" not in filled
    if not problem(text):
        assert names(text) or filled == text


def test_names_without_value_and_default_are_unknown() -> None:
    text = "{{now}} {{shop}} {{shop}} {{town|here}} {{customer.name|}}"
    assert names(text) == ["now", "shop", "town", "customer.name"]
    assert unknown(text, ["shop"]) == ["customer.name"]
    assert unknown(text, []) == ["shop", "customer.name"]
    assert unknown(" ".join(f"{{{{{name}}}}}" for name in BUILT_IN), []) == []


# Values from outside


def test_an_answers_json_becomes_values() -> None:
    answer = {
        "user": {"name": "Ann", "vip": True, "debt": 0, "tags": ["a"]},
        "open": False,
        "empty": " \n",
        "none": None,
        "First Name": "Ann",
        "a|b": "x",
        "secret.key": "x",
        "secret": {"key": "x"},
        "bot_name": "Evil",
        "lines": "one\ntwo\x00\ud800",
    }
    assert flatten(answer) == {
        "user.name": "Ann",
        "user.vip": "yes",
        "user.debt": "0",
        "user.tags": "a",
        "user.tags.0": "a",
        "open": "no",
        "First_Name": "Ann",
        "lines": "one two",
    }
    nothings: list[object] = [None, [], [None], "text", 5, {}, float("nan")]
    for nothing in nothings:
        assert flatten(nothing) == {}


@pytest.mark.parametrize(
    ("answer", "text", "spoken"),
    [
        # Airtable, HubSpot, SheetDB (a list at the top), and odd ones
        (
            {"records": [{"id": "rec1", "fields": {"name": "Ann", "n": 3}}]},
            "{{records.0.fields.name}} {{records.0.fields.n}}",
            "Ann 3",
        ),
        ({"results": [{"a": 1}, {"a": 2}]}, "{{results.1.a}}", "2"),
        (
            [{"name": "Ann"}, {"name": "Bo"}],
            "{{items.0.name}}{{items.1.name}}",
            "AnnBo",
        ),
        (["x", "y"], "{{items}} / {{items.1}}", "x, y / y"),
        ({"tags": ["gold", 7, True]}, "{{tags}}", "gold, 7, yes"),
        ({"a": [[1, 2], [3]]}, "{{a.0}}; {{a.1.0}}", "1, 2; 3"),
        ({"a": [{"b": [{"c": "x"}]}]}, "{{a.0.b.0.c}}", "x"),
        ([{"Last Name": "Li"}], "{{items.0.Last_Name}}", "Li"),
        ({"a": ["x"]}, "{{a.-1|no}} {{a.1|no}} {{a.99999999999|no}}", "no no no"),
        ({"a": [None, {}, "z"]}, "{{a|none}} {{a.2}}", "none z"),
        (
            {"a": float("nan"), "b": float("inf"), "c": 1.5},
            "{{a|-}}{{b|-}}{{c}}",
            "--1.5",
        ),
    ],
)
def test_items_of_lists_have_numbers(answer: object, text: str, spoken: str) -> None:
    assert fill(text, flatten(answer)) == spoken


@pytest.mark.parametrize("text", ["{{0.name}}", "{{[0].name}}", "{{ $[0].name }}"])
def test_the_spelling_of_an_item_is_told(text: str) -> None:
    assert problem(text).endswith("Write {{items.0.name}}.")
    assert "Write {{a.0.b}}." in problem("{{a[0].b}}")


def test_a_long_list_leaves_no_other_value_out() -> None:
    rows = [{f"field{n}": str(row) for n in range(10)} for row in range(1000)]
    values = flatten({"rows": rows, "9" * 5000: "x", "name": "Ann"})
    assert values["name"] == "Ann"
    assert values["rows.0.field9"] == "0"
    assert len(values) == MAX_VALUES
    deep: object = "end"
    for _ in range(900):
        deep = [deep]
    assert flatten({"a": "1", "b": deep}) == {"a": "1"}


def test_a_deeply_nested_answer_is_no_problem() -> None:
    deep: dict[str, Any] = {"end": "here"}
    for _ in range(900):
        deep = {"a": deep}
    assert flatten({"b": "1", **deep}) == {"b": "1"}


@given(JSON)
def test_any_json_gives_values_that_can_be_stored_and_spoken(value: object) -> None:
    values = flatten(value)
    assert len(values) <= MAX_VALUES
    for name, text in values.items():
        assert names(f"{{{{{name}}}}}") == [name]
        assert name not in BUILT_IN
        assert len(text) <= VALUE_LENGTH
        json.dumps([name, text], ensure_ascii=False).encode()
        assert "\n" not in text
        assert "\x00" not in text


def test_bounds_count_what_is_usable() -> None:
    many = {f"bad {n}": "x" for n in range(99)} | {f"n{n}": "x" for n in range(99)}
    many = {f"empty{n}": "" for n in range(99)} | many
    assert len(limited(many)) == MAX_VALUES


# Values of the call itself


def test_a_call_knows_who_where_and_when_in_its_bots_time_zone() -> None:
    call = Call(
        call_sid="CA1",
        from_number="+15005550001",
        to_number="+15005550006",
        variables={"shop": "berlin", "caller_number": "forged"},
    )
    config = config_of(Bot(name="Ada", time_zone="Asia/Tokyo"))
    evening = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert variables(call, config, {"extra": "1", "bot_name": "x"}, evening) == {
        "shop": "berlin",
        "extra": "1",
        "caller_number": "+15005550001",
        "called_number": "+15005550006",
        "bot_name": "Ada",
        "now": "Thursday, 26 November 2026, 08:30",
        "call_sid": "CA1",
    }
    assert minute_of_week(evening, config.time_zone) == 3 * 1440 + 8 * 60 + 30


def test_an_unknown_time_zone_is_no_problem() -> None:
    config = config_of(Bot(time_zone="Gone/Nowhere"))
    assert minute_of_week(datetime(2026, 11, 23, tzinfo=UTC), config.time_zone) == 0
