"""The tool that the sandbox calls for a caller's words, and its answers to results."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language, Parameter, ToolSpec, TransferTarget
from bots.sandbox.api_requests import Function
from bots.sandbox.small_talk import reply
from bots.sandbox.tool_arguments import fill
from bots.sandbox.tool_choice import plan
from bots.tools.runner import UNTRUSTED
from calls.conversation.tool_calls import NO_TARGET_AVAILABLE
from calls.conversation.tool_definitions import tool_definitions
from calls.turns.messages import messages
from calls.turns.turn import ToolCallRecord, Turn
from tests.support.bot_configs import bot_config

ORDERS = ToolSpec(
    "look_up_order",
    "Looks up an order by its number.",
    parameters=(Parameter("number", "integer"),),
)
BOOKING = ToolSpec(
    "book_table",
    "Books a table for a day.",
    parameters=(
        Parameter("day", choices=("Monday", "Tuesday", "Christmas Eve")),
        Parameter("guests", "integer"),
        Parameter("name", required=False),
        Parameter("outside", "boolean"),
    ),
)
SALES = TransferTarget("Sales", "+14155550199", when_to_use="Orders above 1,000 euros")
DOCTOR = TransferTarget(
    "Dr. Okafor", "+14155550198", when_to_use="Toothache and other pain"
)
CONFIG = bot_config(
    "You are Ada.",
    language="en-US",
    languages=(Language("de-DE", "Johanna"), Language("fr-FR", "Alain")),
    targets=(SALES, DOCTOR),
    tools=(ORDERS, BOOKING),
    can_end_call=True,
    can_collect_digits=True,
)


def functions(config: BotConfig = CONFIG) -> list[Function]:
    """The functions of a bot, as the sandbox reads them."""
    functions = [tool["function"] for tool in tool_definitions(config, 0, {})]
    return [Function(f["name"], f["description"], f["parameters"]) for f in functions]


def said(*words: str) -> list[dict[str, Any]]:
    return messages("You are Ada.", [Turn(0, "caller", 0.0, " ".join(words), "x")])


def called(words: str, config: BotConfig = CONFIG) -> tuple[str, Any]:
    (call,) = plan(said(words), functions(config))
    return call.name, json.loads(call.arguments)


def after(name: str, result: str, arguments: str = "{}", words: str = "Hi") -> str:
    """The answer after a function's result."""
    record = ToolCallRecord("1", name, arguments, 1, result)
    turns = [
        Turn(0, "caller", 0.0, words, words),
        Turn(1, "tool", 0.0, tool_call=record),
    ]
    return reply(messages("You are Ada.", turns))


@pytest.mark.parametrize(
    ("words", "name", "arguments"),
    [
        (
            "Goodbye!",
            "end_call",
            {"goodbye": "Goodbye from Ada, and thank you for calling."},
        ),
        ("Please hang up.", "end_call", None),
        (
            "Put me through to sales.",
            "transfer_call",
            {
                "target": "Sales",
                "summary": "The caller said: Put me through to sales.",
            },
        ),
        ("My tooth: a person with pain here, please.", "transfer_call", None),
        (
            "Let me type my PIN.",
            "ask_for_keys",
            {
                "question": "Please type it now, and then the hash key.",
                "last_key": "#",
                "secret": True,
            },
        ),
        (
            "I'll type the number, it has 6 digits.",
            "ask_for_keys",
            {"question": "Please type the 6 digits now.", "length": 6},
        ),
        ("Look up my order 42.", "look_up_order", {"number": 42}),
        ("Where is order number -7?", "look_up_order", {"number": -7}),
        (
            "Book a table on christmas eve for 4, the name is “Ann Bo”.",
            "book_table",
            {"day": "Christmas Eve", "guests": 4, "name": "Ann Bo", "outside": True},
        ),
        (
            "A table for 2 on Monday, not outside.",
            "book_table",
            {"day": "Monday", "guests": 2, "outside": False},
        ),
    ],
)
def test_a_callers_words_call_a_function(
    words: str, name: str, arguments: dict[str, Any] | None
) -> None:
    called_name, given = called(words)
    assert called_name == name
    assert arguments is None or given == arguments


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("Connect me to Dr. Okafor", "Dr. Okafor"),
        ("I have a toothache, can I talk to somebody?", "Dr. Okafor"),
        ("I want to talk to someone about orders", "Sales"),
        ("A person, please", "Sales"),
    ],
)
def test_a_caller_is_transferred_to_the_best_match(words: str, target: str) -> None:
    assert called(words)[1]["target"] == target


@pytest.mark.parametrize(
    "words",
    [
        "Hello.",
        "Look up my order.",  # which one?
        "A table on Sunday for 3.",  # not a day of these
        "Do you speak English?",  # it does already
        "Do you speak French?",
        "",
    ],
)
def test_other_words_call_nothing(words: str) -> None:
    assert plan(said(words), functions()) == []


@pytest.mark.parametrize(
    "words",
    [
        "Goodbye.",
        "Put me through.",
        "Let me type my PIN.",
        "Look up my order 42.",
    ],
)
def test_without_the_function_there_is_small_talk(words: str) -> None:
    assert plan(said(words), []) == []
    assert reply(said(words))


def test_nothing_is_called_again_once_its_result_is_there() -> None:
    record = ToolCallRecord("1", "look_up_order", "{}", 1, "Done.")
    words = "Look up my order 42."
    turns = [
        Turn(0, "caller", 0.0, words, words),
        Turn(1, "tool", 0.0, tool_call=record),
    ]
    assert plan(messages("", turns), functions()) == []


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (
            UNTRUSTED + '{"order": 42, "state": "on_its_way", "to": {"city": "Bonn"}}',
            "Here is what I found: order 42, state on its way, to.city Bonn.",
        ),
        (UNTRUSTED + "Sunny, 20 degrees", "Here is what I found: Sunny, 20 degrees."),
        (UNTRUSTED + "(empty)", "Here is what I found: empty."),
        (
            "The tool failed: The server answered with status 500. Call back later.",
            "I am sorry, that did not work. The server answered with status 500.",
        ),
        (
            NO_TARGET_AVAILABLE,
            "I was told: Nobody of that name can be reached now. Offer ",
        ),
        ("The caller pressed 1 2 3.", "Thank you, I have your 3 keys."),
        ("The caller pressed 1.", "Thank you, I have your 1 key."),
        ("", "I was told: No answer came."),
    ],
)
def test_a_result_is_put_into_words(result: str, answer: str) -> None:
    assert after("look_up_order", result).startswith(answer)


def test_results_of_several_calls_are_said_together() -> None:
    records = [ToolCallRecord(str(n), "f", "{}", 1, f"{UNTRUSTED}{n}") for n in (1, 2)]
    turns = [Turn(0, "caller", 0.0, "Hi", "Hi")]
    turns += [
        Turn(n, "tool", 0.0, tool_call=record) for n, record in enumerate(records, 1)
    ]
    assert reply(messages("", turns)) == (
        "Here is what I found: 1. Here is what I found: 2."
    )


SCHEMAS = st.dictionaries(
    st.text(max_size=3),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number", "boolean", "odd"])},
        optional={"enum": st.lists(st.sampled_from(["red", "blue", 3]))},
    ),
    max_size=4,
)


@given(SCHEMAS, st.lists(st.text(max_size=3), max_size=4), st.text())
def test_required_arguments_are_filled_or_there_are_none(
    properties: dict[str, Any], required: list[str], words: str
) -> None:
    given = fill({"properties": properties, "required": required}, words)
    if given is not None:
        assert {name for name in required if name in properties} <= set(given)
        assert set(given) <= set(properties)
        json.dumps(given)
