"""Arguments as models write them: converted where harmless, else refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.capabilities import Parameter, ToolSpec
from bots.model_json.tool_arguments import (
    CONTRADICTION,
    MAX_REMARK_LENGTH,
    NOT_AN_OBJECT,
    InvalidArguments,
    converted,
    fitted,
    read_arguments,
)

ID = {"id": "42"}
WHOLE = json.dumps(ID)
SCHEMA = ToolSpec(
    "order",
    parameters=tuple(
        Parameter(name, kind, required=False, choices=choices)
        for name, kind, choices in (
            ("text", "string", ()),
            ("count", "integer", ()),
            ("price", "number", ()),
            ("gift", "boolean", ()),
            ("size", "string", ("small", "large", "extra large")),
        )
    ),
).schema

# From text to an object


@pytest.mark.parametrize(
    "written",
    [
        WHOLE,
        f"  {WHOLE}\n",
        f"\ufeff{WHOLE}",
        f"```json\n{WHOLE}\n```",
        f"```\n{WHOLE}```",
        json.dumps(WHOLE),
        json.dumps(json.dumps(WHOLE)),
        json.dumps(f"```json\n{WHOLE}\n```"),
        f"[{WHOLE}]",
        f"{{}}{WHOLE}",
        f"{WHOLE}{{}}",
        WHOLE * 3,
        f'{WHOLE}{{"id":"42"}}',
        f"{WHOLE}}}",
        f"{WHOLE}</tool_call>",
        f"{WHOLE};",
        f"{WHOLE}\nI look it up now.",
        f"Arguments: {WHOLE}",
        '{"id": "42",}',
        "{'id': '42'}",
        '{id: "42"}',
        "{ 'id' : '42', }",
        '{"id"\n:\t"42"}',
    ],
)
def test_one_object_is_read_in_any_wrapping(written: str) -> None:
    assert read_arguments(written) == ID


@pytest.mark.parametrize(
    "written",
    ["", " ", "null", "{}", '""', "[]", '"{}"', "None", "{}{}"],
)
def test_nothing_is_no_arguments(written: str) -> None:
    assert read_arguments(written) == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{'a': True, 'b': None, 'c': \"it's\"}", {"a": True, "b": None, "c": "it's"}),
        ("{'a': 'say \"hi\"', 'b': 'it\\'s'}", {"a": 'say "hi"', "b": "it's"}),
        ('{"a": "True, None",}', {"a": "True, None"}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": {"b": [1, 2,],},}', {"a": {"b": [1, 2]}}),
        ('{"a": NaN}', {"a": "NaN"}),
        ('{"a": 1}{"a": 1, "b": 2}', {"a": 1, "b": 2}),
    ],
)
def test_other_ways_of_writing_keep_their_values(written: str, expected: Any) -> None:
    assert read_arguments(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *('{"id": "4', '{"id": "42"', '{"a": {"id": "42"}', '{"a": [{"id": "42"}]'),
        *(
            '"a": {"id": "42"}}',
            "id=42",
            "42",
            "true",
            '"42"',
            "[1]",
            '["id"]',
            "[{}, 1]",
        ),
        *('{"id": 0042}', "{'id': 'a'b'}", '{"id" "42"}', "{1, 2}", "{}{", "[" * 9999),
        *('{"a":' * 5000, "{'a':" * 3000, "{" * 20_000, "'" * 20_000, '"\\' * 9999),
    ],
)
def test_what_broke_off_or_is_no_object_is_refused(written: str) -> None:
    with pytest.raises(InvalidArguments, match=NOT_AN_OBJECT):
        read_arguments(written)


@pytest.mark.parametrize("second", ['{"id": "43"}', '{"id": 42}', '{"other": "42"}'])
def test_of_two_objects_none_is_guessed(second: str) -> None:
    with pytest.raises(InvalidArguments, match=CONTRADICTION):
        read_arguments(WHOLE + second)


json_objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    ),
)


@given(json_objects, st.booleans())
def test_valid_json_is_never_changed(arguments: dict[str, Any], is_ascii: bool) -> None:
    written = json.dumps(arguments, ensure_ascii=is_ascii)
    assert read_arguments(written) == arguments
    assert read_arguments(written * 2) == arguments


@given(st.text(alphabet="{}[]\"'\\:, abTrue1\n", max_size=40) | st.text())
def test_any_text_is_an_object_or_refused(written: str) -> None:
    with suppress(InvalidArguments):
        assert isinstance(read_arguments(written), dict)


@given(json_objects, st.data())
def test_the_beginning_of_an_object_is_never_taken_for_all(
    arguments: dict[str, Any], data: st.DataObject
) -> None:
    written = json.dumps(arguments)
    cut = data.draw(st.integers(1, len(written) - 1))
    with pytest.raises(InvalidArguments):
        read_arguments(written[:cut])


# From an object to the tool's types


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", 42, "42"),
        ("text", 42.0, "42"),
        ("text", 4.5, "4.5"),
        ("text", -1, "-1"),
        ("text", True, "true"),
        ("text", 4915112345678901234567, "4915112345678901234567"),
        ("text", "null", "null"),
        ("text", "", ""),
        ("count", "4", 4),
        ("count", " 4 ", 4),
        ("count", "-4", -4),
        ("count", "4.0", 4),
        ("count", -12.0, -12),
        ("count", "007", 7),
        ("price", "4.5", 4.5),
        ("price", "4", 4),
        ("price", "0.125", 0.125),
        ("price", "1250.5", 1250.5),
        ("price", "1e3", 1000.0),
        ("gift", "true", True),
        ("gift", "False", False),
        ("gift", "yes", True),
        ("gift", "NO", False),
        ("gift", 1, True),
        ("gift", "0", False),
        ("size", "Large", "large"),
        ("size", " LARGE.", "large"),
        ("size", '"large"', "large"),
        ("size", "extra_large", "extra large"),
        ("size", "Extra-Large", "extra large"),
    ],
)
def test_harmless_differences_are_converted(
    name: str, value: Any, expected: Any
) -> None:
    (given_value,) = fitted({name: value}, SCHEMA).values()
    assert given_value == expected
    assert type(given_value) is type(expected)


@pytest.mark.parametrize("value", [None, "", " ", "null", "NONE", "undefined"])
@pytest.mark.parametrize("name", ["count", "price", "gift", "size"])
def test_an_optional_argument_that_says_nothing_is_left_out(
    name: str, value: Any
) -> None:
    assert fitted({name: value}, SCHEMA) == {}


def test_a_choice_may_say_none() -> None:
    spec = ToolSpec("t", parameters=(Parameter("end", choices=("#", "none")),))
    assert fitted({"end": "None"}, spec.schema) == {"end": "none"}


@pytest.mark.parametrize(
    ("name", "value", "remark"),
    [
        ("text", ["42"], "It must be a text."),
        ("text", {"id": "42"}, "It must be a text."),
        ("text", 1e300, "It must be a text."),
        ("count", "1,000", "a whole number in digits, such as 1250"),
        ("count", "1.000", "a whole number in digits"),
        ("count", "1 000", "a whole number in digits"),
        ("count", "four", "a whole number in digits"),
        ("count", "4.5", "a whole number in digits"),
        ("count", 2.5, "a whole number in digits"),
        ("count", True, "a whole number in digits"),
        ("count", "4 pieces", "a whole number in digits"),
        ("count", "9" * 5000, "count: is not valid."),
        ("price", "4,50", "without unit or comma"),
        ("price", "1,250", "without unit or comma"),
        ("price", "1.250", "without unit or comma"),
        ("price", "$5", "without unit or comma"),
        ("price", "NaN", "without unit or comma"),
        ("price", "inf", "without unit or comma"),
        ("gift", "maybe", "It must be true or false."),
        ("gift", 2, "It must be true or false."),
        ("gift", [], "It must be true or false."),
        ("size", "huge", "'huge' is not one of ['small', 'large', 'extra large']"),
        ("size", ["large"], "is not one of"),
        ("colour", "red", "'colour' was unexpected"),
    ],
)
def test_what_could_mean_something_else_is_refused(
    name: str, value: Any, remark: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        fitted({name: value}, SCHEMA)
    assert remark in str(refused.value)
    assert len(str(refused.value)) <= MAX_REMARK_LENGTH


def test_everything_that_is_missing_is_named_at_once() -> None:
    spec = ToolSpec("t", parameters=(Parameter("a"), Parameter("b", "integer")))
    with pytest.raises(InvalidArguments) as refused:
        fitted({"a": None, "b": "two"}, spec.schema)
    assert "'a' is a required property." in str(refused.value)
    assert "b: 'two' is not of type 'integer'." in str(refused.value)


def test_choices_that_differ_in_their_case_only_are_not_confused() -> None:
    spec = ToolSpec("t", parameters=(Parameter("size", choices=("L", "l")),))
    assert fitted({"size": "l"}, spec.schema) == {"size": "l"}
    spec = ToolSpec("t", parameters=(Parameter("size", choices=("xl", "XL")),))
    with pytest.raises(InvalidArguments):
        fitted({"size": "Xl"}, spec.schema)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"arguments": {"text": 42}},
        {"parameters": {"text": "42"}},
        {"input": '{"text": "42"}'},
        {"name": "order", "arguments": {"text": "42"}},
        {"type": "object", "properties": {"text": "42"}},
    ],
)
def test_arguments_inside_of_others_are_found(wrapped: dict[str, Any]) -> None:
    assert fitted(wrapped, SCHEMA) == {"text": "42"}


def test_an_argument_that_is_called_like_a_wrapper_is_none() -> None:
    spec = ToolSpec("t", parameters=(Parameter("input"), Parameter("name")))
    given_arguments = {"input": '{"a": 1}', "name": "x"}
    assert fitted(given_arguments, spec.schema) == given_arguments
    with pytest.raises(InvalidArguments):
        fitted({"input": {"text": "1"}, "text": "2"}, SCHEMA)


def test_conversion_alone_keeps_what_does_not_fit() -> None:
    odd = {"count": "many", "colour": 1, "gift": "yes"}
    assert converted(odd, SCHEMA) == {**odd, "gift": True}


@given(
    st.dictionaries(
        st.sampled_from([*SCHEMA["properties"], "input"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
        | st.lists(st.integers(), max_size=2)
        | st.sampled_from(["4", "4.0", "yes", "Large", "1,000", "null"]),
    )
)  # fmt: skip
def test_what_fits_once_fits_again(arguments: dict[str, Any]) -> None:
    with suppress(InvalidArguments):
        first = fitted(arguments, SCHEMA)
        assert fitted(first, SCHEMA) == first
