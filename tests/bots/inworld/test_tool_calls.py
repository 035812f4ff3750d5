"""Function calls out of everything that providers send: each is made once."""

import json
from typing import Any

import pytest

from bots.inworld.events import Reasoning, ToolCallPart, parse
from bots.inworld.tool_calls import MAX_ARGUMENTS_LENGTH, MAX_CALLS, ToolCalls
from bots.model_json.tool_arguments import InvalidArguments, read_arguments

NAMES = frozenset({"look_up", "lights_on", "pay"})
Chunk = dict[str, Any]
Made = list[tuple[str, Any]]


def assembled(*choices: Chunk, names: frozenset[str] = NAMES) -> ToolCalls:
    """The calls in the choices of a stream."""
    calls = ToolCalls(names)
    for choice in choices:
        for event in parse(json.dumps({"choices": [choice]})):
            match event:
                case ToolCallPart():
                    calls.feed(event)
                case Reasoning(fields):
                    calls.reasoning.add(fields)
    return calls


def made(*chunks: Chunk | list[Chunk]) -> Made:
    """The calls in chunks of `tool_calls`; unreadable arguments as they came."""
    deltas = [chunk if isinstance(chunk, list) else [chunk] for chunk in chunks]
    calls = assembled(*({"delta": {"tool_calls": delta}} for delta in deltas))
    return shown(calls)


def shown(calls: ToolCalls) -> Made:
    found: Made = []
    for call in calls.complete():
        try:
            found.append((call.name, read_arguments(call.arguments)))
        except InvalidArguments:
            found.append((call.name, call.arguments))
    return found


def part(
    arguments: Any = None,
    name: str | None = None,
    call_id: str | None = None,
    index: Any = None,
) -> Chunk:
    """A part of a call as providers write it; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    outer = {"id": call_id, "index": index}
    rest = {key: value for key, value in outer.items() if value is not None}
    return {**rest, "type": "function", "function": given}


def first(arguments: Any = "", call_id: str = "a", name: str = "look_up") -> Chunk:
    return part(arguments, name, call_id, 0)


def more(arguments: Any, name: str | None = None, call_id: str | None = None) -> Chunk:
    return part(arguments, name, call_id, 0)


WHOLE = '{"id":"42"}'
PIECES = ['{"id":', '"42"}']
SO_FAR = [WHOLE[:end] for end in (1, 3, 7, 11)]
HALVES = [more(piece) for piece in PIECES]
# The projects on GitHub are those whose issues report the shape.
SHAPES: dict[str, list[Chunk | list[Chunk]]] = {
    "OpenAI": [first(), *HALVES],
    "in one part": [first(WHOLE)],
    "arguments missing at first": [first(None), *HALVES],
    "{} first, then pieces (ogx-ai/ogx#5462)": [first("{}"), *HALVES],
    "{} first, then the whole": [first("{}"), more(WHOLE)],
    "{} first, then the whole with another id": [
        first("{}"),
        part(WHOLE, "look_up", "b", 0),
    ],
    "null first": [first("null"), more(WHOLE)],
    "an object (can1357/oh-my-pi#1779)": [first({"id": "42"})],
    "an empty object, then pieces (unslothai/unsloth#10275)": [first({}), *HALVES],
    "objects that grow": [first({}), more({"id": "4"}), more({"id": "42"})],
    "so far (decolua/9router#2869)": [first(), *map(more, SO_FAR)],
    "so far, with id and name": [first(), *map(first, SO_FAR)],
    "so far, with a new id each": [
        part(text, "look_up", f"r{number}", 0) for number, text in enumerate(SO_FAR)
    ],
    "so far, with a new id each, no name": [
        first(),
        *(part(text, None, f"r{number}", 0) for number, text in enumerate(SO_FAR)),
    ],
    "repeated": [first(), *HALVES, more(WHOLE)],
    "repeated with id and name": [first(), *HALVES, first(WHOLE)],
    "repeated with its name": [first(), *HALVES, more(WHOLE, "look_up")],
    "repeated with its id": [first(), *HALVES, more(WHOLE, None, "a")],
    "repeated with another id": [first(), *HALVES, part(WHOLE, "look_up", "b", 0)],
    "repeated with another number (mudler/LocalAI#9722)": [
        first(),
        *HALVES,
        part(WHOLE, "look_up", "a", 1),
    ],
    "begun, then the whole with another number": [
        first('{"i'),
        part(WHOLE, "look_up", "a", 1),
    ],
    "object by object with another number": [
        first({"id": "4"}),
        part({"id": "42"}, "look_up", "a", 1),
    ],
    "named, then the whole with another number": [
        first(),
        part(WHOLE, "look_up", "a", 1),
    ],
    "repeated without a number": [first(), *HALVES, part(WHOLE, "look_up", "a")],
    "repeated with spaces": [first(), *HALVES, more('{ "id": "42" }')],
    "encoded twice at the end (BerriAI/litellm#20480)": [
        first(),
        *HALVES,
        more(json.dumps(WHOLE)),
    ],
    "three times in one part (Soju06/codex-lb#284)": [first(WHOLE * 3)],
    "id and name once more at the end (vllm-project/vllm#44098)": [
        first(),
        *HALVES,
        first(),
    ],
    "its name once more at the end": [first(), *HALVES, more("", "look_up")],
    "all pieces twice": [first(), *HALVES, *HALVES],
    "the beginning twice": [first(), first(), *HALVES],
    "id and name with each piece": [first(), *map(first, PIECES)],
    "a new id with each piece": [
        part(piece, "look_up", f"r{number}", 0) for number, piece in enumerate(PIECES)
    ],
    "without numbers": [part("", "look_up", "a"), *map(part, PIECES)],
    "numbers from one": [part("", "look_up", "a", 1), part(WHOLE, index=1)],
    "numbers as texts": [part("", "look_up", "a", "0"), part(WHOLE, index="0")],
    "numbers that are none": [part("", "look_up", "a", True), part(WHOLE, index=[])],
    "numbers with a point": [part("", "look_up", "a", 0.0), *HALVES],
    "numbers that do not agree": [part("", "look_up", "a", 1), *HALVES],
    "the name in pieces": [more("", "look", "a"), more("", "_up"), *HALVES],
    "the name so far": [more("", "look", "a"), more(WHOLE, "look_up")],
    "the name after the id": [part(None, None, "a", 0), more("", "look_up"), *HALVES],
    "spaces at the end": [first(), *HALVES, more(" \n")],
    "no id": [part("", "look_up", None, 0), *HALVES],
    "no id, repeated": [part("", "look_up", None, 0), *HALVES, more(WHOLE, "look_up")],
}


@pytest.mark.parametrize("chunks", SHAPES.values(), ids=SHAPES)
def test_a_call_in_any_shape_is_made_once(chunks: list[Chunk | list[Chunk]]) -> None:
    assert made(*chunks) == [("look_up", {"id": "42"})]


@pytest.mark.parametrize(
    "chunks",
    [
        [first("", name="lights_on")],
        [first("{}", name="lights_on"), first("{}", name="lights_on")],
        [first("", name="lights_on"), first("", name="lights_on")],
        [first("", "a", "lights_on"), first("", "b", "lights_on")],
        [first("", "a", "lights_on"), part("{}", "lights_on", "a", 1)],
        [first("", "a", "lights_on"), part("{}", "lights_on", "b", 1)],
        [first({}, name="lights_on"), more(" "), first("null", name="lights_on")],
        [part(None, "lights_on"), part(None, "lights_on")],
        [[part("", "lights_on", "a"), part("{}", "lights_on", "a")]],
        [first("[]", name="lights_on")],
    ],
)
def test_a_tool_without_arguments_is_called_once(chunks: list[Any]) -> None:
    assert [name for name, _ in made(*chunks)] == ["lights_on"]


TWO = [("look_up", {"id": "1"}), ("look_up", {"id": "2"})]
ID_1, ID_2 = '{"id":"1"}', '{"id":"2"}'


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [part(ID_1, "look_up", "a", 0), part(ID_2, "look_up", "b", 1)], id="OpenAI"
        ),
        pytest.param(
            [part(ID_1, "look_up", "a", 0), part(ID_2, "look_up", "b", 0)], id="Google"
        ),
        pytest.param(
            [part(ID_1, "look_up", "", 0), part(ID_2, "look_up", "", 0)], id="no ids"
        ),
        pytest.param(
            [[part(ID_1, "look_up", "a"), part(ID_2, "look_up", "b")]], id="no numbers"
        ),
        pytest.param(
            [part(ID_1, "look_up", "a"), part(ID_2, "look_up", "b")], id="one by one"
        ),
        pytest.param(
            [part(ID_1, "look_up", "same", 0), part(ID_2, "look_up", "same", 1)],
            id="one id for both",
        ),
        pytest.param(
            [
                [part("", "look_up", "a"), part("", "look_up", "b")],
                [part('{"id":', None, "a"), part('{"id":', None, "b")],
                [part('"1"}', None, "a"), part('"2"}', None, "b")],
            ],
            id="in turns",
        ),
        pytest.param(
            [
                part("", "look_up", index=0),
                more(ID_1),
                part("", "look_up", index=0),
                more(ID_2),
            ],
            id="no ids, in pieces",
        ),
        pytest.param(
            [[part(ID_1, "look_up")], [part(ID_1, "look_up"), part(ID_2, "look_up")]],
            id="all so far",
        ),
        pytest.param(
            [first(), more(ID_1), first("", "b"), more(ID_2)],
            id="one number, in pieces",
        ),
    ],
)
def test_calls_with_different_arguments_are_all_made(chunks: list[Any]) -> None:
    assert made(*chunks) == TWO


def test_arguments_that_begin_alike_belong_to_two_calls() -> None:
    calls = made(more('{"id":"4"}', "look_up"), more(WHOLE, "look_up"))
    assert calls == [("look_up", {"id": "4"}), ("look_up", {"id": "42"})]


def test_another_name_under_the_same_number_and_id_is_another_call() -> None:
    calls = made(first("", "x", "lights_on"), first(WHOLE, "x"), first("", "x", "pay"))
    assert calls == [("lights_on", {}), ("look_up", {"id": "42"}), ("pay", {})]


def test_one_id_with_two_different_arguments_is_left_to_the_model_to_say() -> None:
    assert made(first(ID_1), first(ID_2)) == [("look_up", ID_1 + ID_2)]


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"tool_calls": [first(WHOLE)]}},
        {"delta": {}, "message": {"tool_calls": [first({"id": "42"})]}},
        {"delta": None, "message": {"tool_calls": [part(WHOLE, "look_up")]}},
        {"delta": {"tool_calls": first(WHOLE)}},
        {"delta": {"tool_calls": [{"name": "look_up", "arguments": {"id": "42"}}]}},
        {"delta": {"tool_calls": [{"id": "a", "name": "look_up", "input": WHOLE}]}},
        {"delta": {"tool_calls": [{"function": {"name": "look_up"}}, None, "x"]}},
        {"delta": {"function_call": {"name": "look_up", "arguments": WHOLE}}},
        {"message": {"function_call": {"name": "look_up", "arguments": WHOLE}}},
    ],
)
@pytest.mark.parametrize("finish_reason", ["tool_calls", "stop", "function_call", None])
def test_calls_are_found_wherever_they_stand(
    choice: Chunk, finish_reason: str | None
) -> None:
    streamed = {"delta": {"tool_calls": [first(WHOLE)]}}
    for choices in ([choice], [streamed, choice], [choice, streamed]):
        calls = assembled(*({**c, "finish_reason": finish_reason} for c in choices))
        names = [name for name, _ in shown(calls)]
        assert names == ["look_up"]


def test_calls_in_a_choice_of_their_own_are_found() -> None:
    choices = [{"delta": {"content": "Hm."}}, {"delta": {"tool_calls": [first(WHOLE)]}}]
    parts = parse(json.dumps({"choices": choices}))
    assert parts[1:] == [ToolCallPart(0, "a", "look_up", WHOLE)]


@pytest.mark.parametrize(
    "name",
    [
        *("look_up", "functions.look_up", "default_api:look_up", "Look_Up", " look_up"),
        *("functions.look_up:0", "look_up()", "look_up<|channel|>commentary"),
    ],
)
def test_a_name_is_known_in_other_spellings(name: str) -> None:
    assert made(part(WHOLE, name)) == [("look_up", {"id": "42"})]


def test_a_function_that_does_not_exist_is_passed_on_for_an_answer() -> None:
    assert made(part(WHOLE, "sing")) == [("sing", {"id": "42"})]


def test_long_arguments_and_many_calls_have_limits() -> None:
    (call,) = made(first(), *[more("x" * 1000)] * 30)
    assert len(call[1]) == MAX_ARGUMENTS_LENGTH
    calls = [part({"id": str(n)}, "look_up", f"c{n}", n) for n in range(20)]
    assert len(made(*calls)) == MAX_CALLS
    assert made(*calls, *calls) == made(*calls)


def test_long_arguments_repeated_with_each_part_are_no_long_arguments() -> None:
    text = json.dumps({"id": "x" * 900})
    assert made(first(), *(more(text[:end]) for end in range(1, len(text) + 1))) == [
        ("look_up", {"id": "x" * 900})
    ]


# Fields that the provider needs back


SIGNED = {"google": {"thought_signature": "CgIB/+=="}}


def test_fields_of_a_call_are_kept_as_they_came() -> None:
    chunk = {**first(), "extra_content": SIGNED}
    (call,) = assembled(
        *(
            {"delta": {"tool_calls": [piece]}}
            for piece in [chunk, *HALVES, first(WHOLE)]
        )
    ).complete()
    assert call.fields == {"extra_content": SIGNED}


def test_a_signature_in_the_function_or_in_a_later_part_is_kept() -> None:
    inner = first(WHOLE)
    inner["function"]["thought_signature"] = "s"
    later = {**more(""), "provider_specific_fields": {"thought_signature": "t"}}
    (call,) = assembled(
        *({"delta": {"tool_calls": [piece]}} for piece in [inner, later])
    ).complete()
    assert call.fields == {
        "function": {"thought_signature": "s"},
        "provider_specific_fields": {"thought_signature": "t"},
    }


def test_thoughts_in_pieces_are_put_together_with_their_signature() -> None:
    # As in https://github.com/agno-agi/agno/issues/8794.
    kind: Chunk = {
        "type": "reasoning.text",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    pieces: list[Chunk] = [
        {"text": "Let"},
        {"text": " me see."},
        {"signature": "Et8B", "text": None},
    ]
    deltas: list[Chunk] = [
        {"delta": {"reasoning_details": [{**kind, **piece}]}} for piece in pieces
    ]
    deltas += [{"delta": {"reasoning_content": text}} for text in ("Hm", ", yes.")]
    calls = assembled(*deltas, {"delta": {"tool_calls": [first(WHOLE)]}})
    (call,) = calls.complete()
    assert call.reasoning == {
        "reasoning_details": [{**kind, "text": "Let me see.", "signature": "Et8B"}],
        "reasoning_content": "Hm, yes.",
    }


@pytest.mark.parametrize("text", ["x" * 200_000, "\0", "\ud800"])
def test_fields_that_are_long_or_cannot_be_stored_are_left_out(text: str) -> None:
    chunk = {**first(WHOLE), "extra_content": {"google": {"thought_signature": text}}}
    (call,) = assembled({"delta": {"tool_calls": [chunk]}}).complete()
    assert call.fields == {}
    assert call.arguments == WHOLE
