"""The functions a model may call, the assembly of its calls, and their messages."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language, Parameter, ToolSpec, TransferTarget
from bots.inworld.events import ToolCallPart, parse
from bots.inworld.tool_calls import (
    MAX_ARGUMENTS_LENGTH,
    MAX_CALLS,
    ToolCall,
    ToolCalls,
)
from bots.models.tool import RESERVED
from calls.conversation.tool_definitions import available_targets, tool_definitions
from calls.turns.messages import (
    CONNECTED,
    MAX_HISTORY_LENGTH,
    NO_RESULT,
    id_for_providers,
    messages,
)
from calls.turns.turn import (
    COLLECT_DIGITS,
    END_CALL,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    Role,
    ToolCallRecord,
    Turn,
    TurnKind,
)
from tests.support.bot_configs import bot_config
from tests.support.inworld.server import tool_call
from tests.support.transfer_targets import SALES

TOOL = ToolSpec(
    "look_up",
    "Looks things up.",
    parameters=(
        Parameter("id", "integer", "The number."),
        Parameter("how", choices=("fast", "well"), required=False),
    ),
)
NIGHT = TransferTarget(
    "Night desk", "+14155550198", "At night.", opening_hours="daily 22:00-6:00"
)
DESK = TransferTarget("Desk", "+14155550197")
ALL = bot_config(
    "",
    language="en-US",
    languages=(Language("de-DE", "Johanna"),),
    targets=(SALES, NIGHT, DESK),
    tools=(TOOL,),
    can_end_call=True,
    can_collect_digits=True,
)

NOON, MIDNIGHT = 12 * 60, 0


def functions_of(
    config: BotConfig, minute: int = NOON, **variables: str
) -> dict[str, Any]:
    definitions = tool_definitions(config, minute, variables)
    return {each["function"]["name"]: each["function"] for each in definitions}


# Function definitions


def test_a_name_that_a_model_made_up_does_not_spoil_the_rest_of_the_call() -> None:
    record = ToolCallRecord(
        "1", "look up, bitte: Größe!" * 4, result="No such function."
    )
    called = messages("", [Turn(0, "tool", 0.0, tool_call=record)])[-2]["tool_calls"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", called[0]["function"]["name"])


def test_a_bot_without_tools_defines_no_functions() -> None:
    assert tool_definitions(bot_config(""), NOON, {}) == []


def test_all_functions_of_a_bot_have_valid_schemas() -> None:
    functions = functions_of(ALL)
    assert list(functions) == [
        "look_up",
        END_CALL,
        TRANSFER_CALL,
        SWITCH_LANGUAGE,
        COLLECT_DIGITS,
    ]
    assert set(functions) - {"look_up"} == RESERVED
    for function in functions.values():
        Draft202012Validator.check_schema(function["parameters"])
        assert function["description"]
    assert functions["look_up"]["parameters"] == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "The number."},
            "how": {"type": "string", "enum": ["fast", "well"]},
        },
        "required": ["id"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("minute", "names"), [(NOON, ["Sales"]), (MIDNIGHT, ["Sales", "Night desk"])]
)
def test_only_people_who_are_there_and_are_the_models_to_call_are_named(
    minute: int, names: list[str]
) -> None:
    transfer = functions_of(ALL, minute)[TRANSFER_CALL]
    assert transfer["parameters"]["properties"]["target"]["enum"] == names
    assert "+1415" not in json.dumps(transfer)


def test_variables_are_filled_in_for_the_model_too() -> None:
    tool = replace(TOOL, description="Finds orders of {{shop|us}}{{secret.key}}.")
    sales = replace(SALES, when_to_use="Orders in {{town}}.")
    config = replace(ALL, tools=(tool,), targets=(sales,))
    functions = functions_of(config, town="Rome")
    assert functions["look_up"]["description"] == "Finds orders of us."
    assert (
        "Sales: Orders in Rome. The caller" in functions[TRANSFER_CALL]["description"]
    )


def test_nobody_there_is_no_transfer() -> None:
    assert TRANSFER_CALL not in functions_of(bot_config("", targets=(NIGHT, DESK)))


def test_hours_of_an_older_release_keep_nobody_away() -> None:
    odd = TransferTarget("Odd", "+14155550196", "Ever.", opening_hours="whenever")
    assert available_targets([odd], NOON) == [odd]


def test_the_language_that_is_spoken_comes_first() -> None:
    language = functions_of(ALL)[SWITCH_LANGUAGE]["parameters"]["properties"][
        "language"
    ]
    assert language["enum"] == ["en-US", "de-DE"]


# Calls in parts


def put_together(*parts: ToolCallPart) -> tuple[ToolCall, ...]:
    calls = ToolCalls()
    for part in parts:
        calls.feed(part)
    return calls.complete()


TEXTS = st.text(max_size=30)


@given(st.dictionaries(TEXTS, TEXTS | st.integers()), st.data())
def test_wherever_arguments_are_cut_the_call_is_the_same(
    arguments: dict[str, Any], data: st.DataObject
) -> None:
    written = json.dumps(arguments, ensure_ascii=False)
    positions = st.lists(st.integers(0, len(written)), max_size=9)
    cuts = [0, *sorted(data.draw(positions)), len(written)]
    parts = [ToolCallPart(0, "call_1", "look_up", "")]
    for start, end in pairwise(cuts):
        parts.append(ToolCallPart(0, "", "", written[start:end]))
    (call,) = put_together(*parts)
    assert call == ToolCall("call_1", "look_up", written)
    assert json.loads(call.arguments) == arguments


@given(st.permutations([0, 0, 0, 1, 1, 2]))
def test_parts_of_several_calls_may_come_in_any_order(order: Sequence[int]) -> None:
    parts = [ToolCallPart(n, f"id{n}", f"f{n}", f"{position}") for position, n in
             enumerate(order)]  # fmt: skip
    written = {n: "".join(p.arguments for p in parts if p.index == n) for n in order}
    assert put_together(*parts) == tuple(
        ToolCall(f"id{n}", f"f{n}", written[n]) for n in sorted(written)
    )


@pytest.mark.parametrize("ids", [("a", "b", "c"), ("", "", "")])
def test_calls_with_the_same_index_are_distinguished(ids: tuple[str, str, str]) -> None:
    names, written = (
        ("look_up", "look_up", "end_call"),
        ('{"id": 1}', '{"id": 2}', "{}"),
    )
    parts = zip(ids, names, written, strict=True)
    calls = put_together(*(ToolCallPart(0, *each) for each in parts))
    assert [(call.name, call.arguments) for call in calls] == [
        *zip(names, written, strict=True)
    ]


def test_a_streamed_call_is_read_as_it_was_made() -> None:
    steps = tool_call("f", {"a": "ü", "b": 1})
    stream = b"".join(step for step in steps if isinstance(step, bytes))
    lines = [line.removeprefix("data: ") for line in stream.decode().split("\n\n")]
    events = [event for line in lines if line for event in parse(line)]
    parts = [event for event in events if isinstance(event, ToolCallPart)]
    assert len(parts) > 2
    assert put_together(*parts) == (
        ToolCall("call_1", "f", json.dumps({"a": "ü", "b": 1})),
    )


def test_calls_without_a_name_are_none_and_without_an_id_get_one() -> None:
    assert put_together(ToolCallPart(0, "1", "", "{}")) == ()
    assert put_together(ToolCallPart(3, "", "f", "")) == (
        ToolCall("call_3", "f", "{}"),
    )


def test_what_is_absurdly_long_or_many_is_left_out() -> None:
    long = "x" * MAX_ARGUMENTS_LENGTH
    (call,) = put_together(
        ToolCallPart(0, "1", "f", long), ToolCallPart(0, "", "", "y")
    )
    assert call.arguments == long
    many = [ToolCallPart(n, "", f"f{n}", "") for n in range(MAX_CALLS + 5)]
    assert len(put_together(*many)) == MAX_CALLS


# Messages about tool calls


def said(role: Role, text: str, **more: Any) -> Turn:
    return Turn(0, role, 0.0, text, text, **more)


def used(call_id: str, batch: int = 1, result: str = "Done.") -> Turn:
    return Turn(
        0, "tool", 0.0, tool_call=ToolCallRecord(call_id, "f", "{}", batch, result)
    )


def roles(*turns: Turn) -> list[Any]:
    """Each message in short: its role, or the ids of what was called or answered."""
    ids = {id_for_providers(name): name for name in "ab"}
    return [
        [ids[requested["id"]] for requested in m["tool_calls"]]
        if "tool_calls" in m
        else ids.get(m.get("tool_call_id", ""), m["role"])
        for m in messages("Be kind.", turns)[1:]
    ]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([used("a")], ["user", ["a"], "a"]),
        ([said("caller", "Q"), used("a"), used("b")], ["user", ["a", "b"], "a", "b"]),
        (
            [said("caller", "Q"), used("a"), used("b", 2)],
            ["user", ["a"], "a", ["b"], "b"],
        ),
        (
            [said("caller", "Q"), used("a"), said("caller", "R"), used("b")],
            ["user", ["a"], "a", "user", ["b"], "b"],
        ),
        (
            [said("caller", "Q"), said("bot", "Well."), used("a"), said("bot", "So.")],
            ["user", ["a"], "a", "assistant"],
        ),
        (
            [
                said("caller", "Q"),
                used("a"),
                said("bot", "Which?", kind=TurnKind.DIGIT_PROMPT),
                said("system", "One moment.", kind=TurnKind.FILLER),
                used("b"),
            ],
            ["user", ["a", "b"], "a", "b"],
        ),
    ],
)
def test_a_use_stands_with_its_result_behind_it(
    turns: list[Turn], expected: list[Any]
) -> None:
    assert roles(*turns) == expected


def test_a_use_before_any_word_follows_a_note_and_one_without_a_result_a_sentence() -> (
    None
):
    first, _, result = messages("", [used("a", result="")])[1:]
    assert first["content"] == CONNECTED
    assert result["content"] == NO_RESULT


@pytest.mark.parametrize(
    ("greeting", "begin"),
    [
        ([], 1),
        ([said("bot", "Hello.")], 3),
        ([said("bot", "Hello."), used("by an operator")], 4),
        ([used("by an operator"), said("bot", "Nobody is there.")], 4),
    ],
)
def test_a_long_history_loses_complete_exchanges_never_half_of_a_tool_call(
    greeting: list[Turn], begin: int
) -> None:
    turns = [*greeting]
    for number in range(30):
        turns += [said("caller", f"Q{number} " + "q" * 500), used(f"a{number}")]
        turns += [used(f"b{number}", 2, "r" * 4000), said("bot", f"A{number}")]
    history = messages("Be kind.", turns)
    assert sum(len(m["content"] or "") for m in history) < MAX_HISTORY_LENGTH + 500
    assert history[0] == {"role": "system", "content": "Be kind."}
    assert history[begin]["role"] == "user"
    call_ids = [call["id"] for m in history for call in m.get("tool_calls", ())]
    answered = [m["tool_call_id"] for m in history if m["role"] == "tool"]
    assert call_ids == answered
    assert call_ids[-1] == id_for_providers("b29")
    assert history[-1]["content"] == "A29"


def test_the_last_exchange_remains_however_long_its_results_are() -> None:
    turns = [said("caller", "Q")]
    turns += [used(f"a{n}", n, "r" * 4000) for n in range(1, 41)]
    history = messages("Be kind.", turns)
    assert sum("tool_calls" in message for message in history) == 40
    assert history[1]["content"].endswith("Q")
