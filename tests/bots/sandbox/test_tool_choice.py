"""What the sandbox calls for which words, and what it makes of the results."""

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
from bots.sandbox.tool_choice import Call, plan
from bots.tools.runner import UNTRUSTED
from calls.conversation.messages import CONTINUE, messages
from calls.conversation.tool_calls import NO_TARGET_AVAILABLE
from calls.conversation.tool_definitions import tool_definitions
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
MANNERS = bot_config(
    "You are Ada.",
    language="en-US",
    languages=(Language("de-DE", "Johanna"), Language("fr-FR", "Alain")),
    targets=(SALES, DOCTOR),
    tools=(ORDERS, BOOKING),
    can_end_call=True,
    can_collect_digits=True,
)


def offered(manners: BotConfig = MANNERS) -> list[Function]:
    """What a bot's model is told of, as the sandbox reads it."""
    told = [each["function"] for each in tool_definitions(manners, 0, {})]
    return [Function(f["name"], f["description"], f["parameters"]) for f in told]


def said(*words: str) -> list[dict[str, Any]]:
    return messages("You are Ada.", [Turn(0, "caller", 0.0, " ".join(words), "x")])


def called(words: str, manners: BotConfig = MANNERS) -> tuple[str, Any]:
    (call,) = plan(said(words), offered(manners))
    return call.name, json.loads(call.arguments)


def after(name: str, result: str, arguments: str = "{}", words: str = "Hi") -> str:
    """What is said once a function has come to something."""
    use = ToolCallRecord("1", name, arguments, 1, result)
    turns = [Turn(0, "caller", 0.0, words, words), Turn(1, "tool", 0.0, tool_call=use)]
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
        ("Auf Wiederhören.", "end_call", None),
        (
            "Put me through to sales.",
            "transfer_call",
            {
                "target": "Sales",
                "summary": "The caller said: Put me through to sales.",
            },
        ),
        ("My tooth: a person with pain here, please.", "transfer_call", None),
        ("Auf Deutsch, bitte.", "switch_language", {"language": "de-DE"}),
        ("Do you speak French?", "switch_language", {"language": "fr-FR"}),
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
    found, given = called(words)
    assert found == name
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
def test_a_caller_is_put_through_to_whom_it_fits_best(words: str, target: str) -> None:
    assert called(words)[1]["target"] == target


@pytest.mark.parametrize(
    "words",
    [
        "Hello.",
        "Look up my order.",  # which one?
        "A table on Sunday for 3.",  # not a day of these
        "Do you speak English?",  # it does already
        "Do you speak Italian?",
        f"Goodbye. {CONTINUE}",
        "",
    ],
)
def test_other_words_call_nothing(words: str) -> None:
    assert plan(said(words), offered()) == []


@pytest.mark.parametrize(
    "words",
    [
        "Goodbye.",
        "Put me through.",
        "Auf Deutsch.",
        "Let me type my PIN.",
        "Look up my order 42.",
        "sandbox bad arguments",
        "sandbox unknown function",
        "sandbox endless tools",
    ],
)
def test_what_is_not_offered_is_talked_about(words: str) -> None:
    assert plan(said(words), []) == []
    assert reply(said(words))


def test_callers_can_try_what_a_model_may_do_wrong() -> None:
    (bad,) = plan(said("sandbox bad arguments"), offered())
    assert bad.name == "look_up_order"
    with pytest.raises(json.JSONDecodeError):
        json.loads(bad.arguments)
    assert plan(said("sandbox unknown function"), offered()) == [
        Call("sing_a_song", "{}")
    ]
    only_ends = offered(bot_config("", can_end_call=True))
    assert plan(said("sandbox endless tools"), only_ends)[0].name == "sing_a_song"


def test_endless_tools_go_on_after_results_and_the_others_do_not() -> None:
    for fault, again in (
        ("sandbox endless tools, number 42", [Call("look_up_order", '{"number": 42}')]),
        ("sandbox bad arguments", []),
        ("sandbox unknown function", []),
        ("Goodbye", []),
    ):
        use = ToolCallRecord("1", "look_up_order", "{}", 1, "Done.")
        turns = [
            Turn(0, "caller", 0.0, fault, fault),
            Turn(1, "tool", 0.0, tool_call=use),
        ]
        assert plan(messages("", turns), offered()) == again


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


def test_results_of_several_calls_are_told_together() -> None:
    uses = [ToolCallRecord(str(n), "f", "{}", 1, f"{UNTRUSTED}{n}") for n in (1, 2)]
    turns = [Turn(0, "caller", 0.0, "Hi", "Hi")]
    turns += [Turn(n, "tool", 0.0, tool_call=use) for n, use in enumerate(uses, 1)]
    assert reply(messages("", turns)) == (
        "Here is what I found: 1. Here is what I found: 2."
    )


def test_after_a_change_the_other_language_is_spoken() -> None:
    german, now = '{"language": "de-DE"}', "You and the caller now speak de-DE."
    welcome = "Gern, jetzt auf Deutsch. Was kann ich für Sie tun?"
    assert after("switch_language", now, german) == welcome
    use = ToolCallRecord("1", "switch_language", german, 1, now)
    found = ToolCallRecord("2", "f", "{}", 2, f"{UNTRUSTED}42")
    turns = [
        Turn(0, "tool", 0.0, tool_call=use),
        Turn(1, "bot", 0.0, welcome, welcome),
        Turn(2, "caller", 0.0, "Guten Tag", "Guten Tag"),
    ]
    assert reply(messages("", turns)) == "Sie sagten: Guten Tag."
    (bye,) = plan(
        messages("", [*turns, Turn(3, "caller", 0.0, "tschüss", "tschüss")]), offered()
    )
    assert json.loads(bye.arguments)["goodbye"].endswith("Auf Wiederhören.")
    told = reply(messages("", [*turns, Turn(3, "tool", 0.0, tool_call=found)]))
    assert told == "Das habe ich gefunden: 42."
    english = '{"language": "en-US"}'
    back = after("switch_language", "You and the caller now speak en-US.", english)
    assert back == "All right, in English. What can I do for you?"


SCHEMAS = st.dictionaries(
    st.text(max_size=3),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number", "boolean", "odd"])},
        optional={"enum": st.lists(st.sampled_from(["red", "blue", 3]))},
    ),
    max_size=4,
)


@given(SCHEMAS, st.lists(st.text(max_size=3), max_size=4), st.text())
def test_whatever_a_schema_wants_required_arguments_are_there_or_nothing_is(
    properties: dict[str, Any], required: list[str], words: str
) -> None:
    given = fill({"properties": properties, "required": required}, words)
    if given is not None:
        assert {name for name in required if name in properties} <= set(given)
        assert set(given) <= set(properties)
        json.dumps(given)
