"""Tools that a model uses in a call: the rules, without a request."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from bots.config.capabilities import MASK, MenuEntry, Parameter, ToolSpec
from bots.inworld.tool_calls import ToolCall
from bots.model_json.tool_arguments import NOT_AN_OBJECT
from calls.conversation.actions import (
    Action,
    CallTool,
    CountFallback,
    Play,
    SaveTurn,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    CallResumed,
    DtmfReceived,
    LookupDone,
    ReplyEnded,
    ToolCallEnded,
)
from calls.conversation.responder import MAX_TOOL_ROUNDS
from calls.conversation.tool_calls import NO_SUCH_FUNCTION
from calls.turns.lost_session import RELAY_LOST
from calls.turns.messages import CONTINUE, RECONNECTED, id_for_providers
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.support.transfer_targets import SALES

LOOK_UP = ToolSpec("look_up", parameters=(Parameter("id"),))
PAY = ToolSpec("pay", parameters=(Parameter("card", secret=True), Parameter("sum")))
FILLERS = ("One moment.", "Still looking.")
FILLER_SECONDS = 1.2


def tool_talk(**settings: object) -> Talk:
    """Begin a call whose bot has tools; it is the caller's turn."""
    usual = {"tools": (LOOK_UP, PAY), "fillers": FILLERS, "can_end_call": True}
    talk = Talk(**{**usual, "filler_delay_seconds": FILLER_SECONDS, **settings})
    talk.on(CallConnected())
    return talk


def call(name: str, call_id: str = "1", **arguments: object) -> ToolCall:
    return ToolCall(call_id, name, json.dumps(arguments))


def call_tools(
    talk: Talk,
    *calls: ToolCall,
    said: str = "",
    seconds: float = 2.0,
    question: str = "Question?",
) -> list[Action]:
    """Ask; the model answers with `said`, or nothing, and with tool calls."""
    number = started(talk.on(CallerSpoke(question))).reply
    if said:
        talk.clip(number, said, seconds)
    return talk.on(ReplyEnded(number, said, calls=calls))


def history_of(start: StartReply) -> list[tuple[str, Any]]:
    """The messages after the system prompt, in short: calls by their names."""
    return [
        (m["role"], [tool_call["function"]["name"] for tool_call in m["tool_calls"]])
        if "tool_calls" in m
        else (m["role"], m["content"])
        for m in start.messages[1:]
    ]


def result_of(talk: Talk, index: int) -> tuple[str, bool]:
    """Return the result of a tool call and its failure flag from the transcript."""
    tool = talk.turns[index].tool_call
    assert tool
    return tool.result, tool.failed


# Tool calls


def test_a_tool_is_used_and_its_result_answered() -> None:
    talk = tool_talk()
    actions = call_tools(talk, call("look_up", id="42"))
    assert of(CallTool, actions) == [CallTool("1", LOOK_UP, {"id": "42"})]
    assert not of(StartReply, actions)
    assert (talk.turns[1].role, talk.turns[1].ended_at) == ("tool", None)
    start = started(talk.on(ToolCallEnded("1", "Sent."), after=0.5))
    assert history_of(start) == [
        ("user", "Question?"),
        ("assistant", ["look_up"]),
        ("tool", "Sent."),
    ]
    assert start.messages[2]["tool_calls"][0]["function"]["arguments"] == (
        '{"id": "42"}'
    )
    call_id = id_for_providers("1")
    assert start.messages[2]["tool_calls"][0]["id"] == call_id
    assert start.messages[3]["tool_call_id"] == call_id
    assert result_of(talk, 1) == ("Sent.", False)
    assert talk.turns[1].latency_ms == {"tool": 500}


def test_what_was_said_before_a_tool_stands_before_it() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), said="Let me see.")
    start = started(talk.on(ToolCallEnded("1", "Sent.")))
    assert start.messages[2]["content"] == "Let me see."
    assert start.messages[2]["tool_calls"][0]["id"] == id_for_providers("1")
    assert [turn.role for turn in talk.core.turns] == ["caller", "bot", "tool"]


def test_of_several_tools_all_are_waited_for() -> None:
    talk = tool_talk()
    actions = call_tools(
        talk, call("look_up", "a", id="1"), call("look_up", "b", id="2")
    )
    assert [tool_call.call_id for tool_call in of(CallTool, actions)] == ["a", "b"]
    assert not of(StartReply, talk.on(ToolCallEnded("b", "Two.")))
    start = started(talk.on(ToolCallEnded("a", "One.")))
    assert history_of(start)[1:] == [
        ("assistant", ["look_up", "look_up"]),
        ("tool", "One."),
        ("tool", "Two."),
    ]


@pytest.mark.parametrize("arguments", ["{", "[1]", '"id"', "7", "[" * 9999])
def test_arguments_that_are_no_object_are_reported_to_the_model(arguments: str) -> None:
    talk = tool_talk()
    actions = call_tools(talk, ToolCall("1", "look_up", arguments))
    assert not of(CallTool, actions)
    assert history_of(started(actions))[-1] == ("tool", NOT_AN_OBJECT)
    assert result_of(talk, 1) == (NOT_AN_OBJECT, True)


@pytest.mark.parametrize(
    "name", ["sing", "end_call", "transfer_call", "switch_language", "ask_for_keys"]
)
def test_a_function_that_is_not_available_does_nothing(name: str) -> None:
    talk = tool_talk(can_end_call=False)
    actions = call_tools(
        talk, call(name, target="Sales", question="?", language="de-DE")
    )
    assert history_of(started(actions))[-1] == ("tool", NO_SUCH_FUNCTION)
    assert talk.core.final_message is None


def test_every_use_has_an_id_of_its_own_and_a_name_of_bearable_length() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), call("look_up"), call("x" * 200, ""))
    used = [turn.tool_call for turn in talk.core.turns if turn.tool_call]
    assert len({tool_call.call_id for tool_call in used}) == 3
    assert all(tool_call.call_id for tool_call in used)
    assert used[2].name == "x" * 80


def test_after_so_many_rounds_the_model_must_speak() -> None:
    talk = tool_talk()
    start = started(talk.on(CallerSpoke("Question?")))
    for number in range(MAX_TOOL_ROUNDS):
        assert not start.must_speak
        talk.on(ReplyEnded(start.reply, calls=(call("look_up", f"c{number}"),)))
        start = started(talk.on(ToolCallEnded(f"c{number}", "Nothing.")))
    assert start.must_speak
    assert start.functions
    # One that calls all the same has said nothing.
    actions = talk.on(ReplyEnded(start.reply, calls=(call("look_up", "again"),)))
    assert not of(CallTool, actions)
    assert [counted.step for counted in of(CountFallback, actions)] == ["retry"]


def test_words_of_the_caller_let_the_rounds_start_anew() -> None:
    talk = tool_talk()
    for number in range(MAX_TOOL_ROUNDS + 1):
        actions = call_tools(talk, call("look_up", f"c{number}"))
        assert of(CallTool, actions)
        start = started(talk.on(ToolCallEnded(f"c{number}", "Nothing.")))
        assert not start.must_speak
        talk.clip(start.reply, "Nothing.")
        talk.on(ReplyEnded(start.reply, "Nothing."))


def test_a_result_nobody_waits_for_is_dropped() -> None:
    talk = tool_talk()
    assert talk.on(ToolCallEnded("1", "Sent.")) == []
    call_tools(talk, call("look_up"))
    talk.on(ToolCallEnded("1", "Sent."))
    assert talk.on(ToolCallEnded("1", "Again.")) == []


def test_uses_still_open_when_the_call_ends_are_closed() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"))
    talk.on(CallEnded())
    assert result_of(talk, 1) == (RELAY_LOST, True)
    assert talk.on(ToolCallEnded("1", "Sent.")) == []


def test_fields_that_a_provider_needs_back_are_in_the_next_request() -> None:
    talk = tool_talk(llm_model="google-ai-studio/gemini-3-flash")
    fields = {"extra_content": {"google": {"thought_signature": "s"}}}
    reasoning = {"reasoning_details": [{"data": "x"}]}
    signed = replace(call("look_up", id="42"), fields=fields, reasoning=reasoning)
    call_tools(talk, signed)
    request = started(talk.on(ToolCallEnded("1", "Sent."))).messages[2]
    assert request["tool_calls"][0]["extra_content"] == fields["extra_content"]
    assert request["reasoning_details"] == reasoning["reasoning_details"]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ('```json\n{"id": 42}\n```', {"id": "42"}),
        ('{}{"id": "42"}', {"id": "42"}),
        ('"{\\"id\\": \\"42\\"}"', {"id": "42"}),
        ('{"arguments": {"id": 42}}', {"id": "42"}),
        ("null", {}),
    ],
)
def test_arguments_are_understood_before_a_tool_is_called(
    written: str, given: dict[str, Any]
) -> None:
    talk = tool_talk()
    actions = call_tools(talk, ToolCall("1", "look_up", written))
    assert of(CallTool, actions) == [CallTool("1", LOOK_UP, given)]
    tool = talk.turns[1].tool_call
    assert tool
    assert json.loads(tool.arguments) == given


# A reply that breaks off


def broken(talk: Talk, number: int, said: str = "", *, lost: bool) -> list[Action]:
    if said:
        talk.clip(number, said)
    error = "Inworld ended the connection before the reply."
    return talk.on(ReplyEnded(number, said, error, calls_lost=lost))


def test_a_call_that_broke_off_after_words_is_asked_for_once_more() -> None:
    talk = tool_talk()
    number = started(talk.on(CallerSpoke("Question?"))).reply
    start = started(broken(talk, number, "Let me look.", lost=True))
    assert history_of(start) == [
        ("user", "Question?"),
        ("assistant", "Let me look."),
        ("user", CONTINUE),
    ]
    actions = talk.on(ReplyEnded(start.reply, calls=(call("look_up", id="42"),)))
    assert of(CallTool, actions) == [CallTool("1", LOOK_UP, {"id": "42"})]


def test_it_is_not_asked_for_without_end() -> None:
    talk = tool_talk()
    number = started(talk.on(CallerSpoke("Question?"))).reply
    start = started(broken(talk, number, "Let me look.", lost=True))
    assert not of(StartReply, broken(talk, start.reply, "I look.", lost=True))


def test_words_that_were_heard_before_a_reply_broke_off_are_not_said_again() -> None:
    talk = tool_talk()
    number = started(talk.on(CallerSpoke("Question?"))).reply
    assert not of(StartReply, broken(talk, number, "It is on its", lost=False))
    assert talk.turns[1].error
    start = started(talk.on(CallerSpoke("Yes?"), after=2))
    assert ("assistant", "It is on its") in history_of(start)


def test_a_call_that_broke_off_before_any_word_is_asked_for_like_any_answer() -> None:
    talk = tool_talk()
    number = started(talk.on(CallerSpoke("Question?"))).reply
    actions = broken(talk, number, lost=True)
    assert [counted.step for counted in of(CountFallback, actions)] == ["retry"]
    assert history_of(started(actions)) == [("user", "Question?")]


# The caller meanwhile


def test_a_pending_tool_result_is_still_awaited_after_a_reconnect() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up", id="7"), said="Let me look.")
    while talk.core.playback.pending():
        talk.passes()
    talk.on(CallEnded())
    again = tool_talk()
    actions = again.on(CallResumed((*talk.core.turns,), talk.now, 9.0), after=9)
    (sorry,) = of(SpeakText, actions)
    again.clip(sorry.reply, sorry.text)
    messages = history_of(started(again.on(ReplyEnded(sorry.reply, sorry.text))))
    assert messages[-2:] == [("tool", RELAY_LOST), ("user", RECONNECTED)]


def test_who_speaks_while_a_tool_runs_is_answered_with_its_result() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"))
    assert not of(StartReply, talk.on(CallerSpoke("Hurry up."), after=0.3))
    start = started(talk.on(ToolCallEnded("1", "Sent.")))
    assert history_of(start)[1:] == [
        ("assistant", ["look_up"]),
        ("tool", "Sent."),
        ("user", "Hurry up."),
    ]


def test_an_interruption_without_words_is_played_on_before_the_answer() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), said="one two three four")
    talk.on(CallerInterrupted(1000), after=1.25)
    assert not of(StartReply, talk.on(ToolCallEnded("1", "Sent.")))
    actions = talk.passes()
    assert [play.clip.text for play in of(Play, actions)] == ["one two three four"]
    assert history_of(started(actions))[-1] == ("tool", "Sent.")


def test_an_interruption_with_words_is_answered_with_the_result() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), said="one two three four")
    talk.on(CallerInterrupted(1000), after=1.25)
    talk.on(ToolCallEnded("1", "Sent."))
    start = started(talk.on(CallerSpoke("Stop."), after=0.5))
    assert start.messages[2]["content"] == "one two"
    assert history_of(start)[2:] == [("tool", "Sent."), ("user", "Stop.")]


def test_an_answer_that_is_dropped_takes_no_results_along() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"))
    first = started(talk.on(ToolCallEnded("1", "Sent.")))
    actions = talk.on(CallerSpoke("And order 7?"), after=0.2)
    assert StopReply(first.reply) in actions
    assert history_of(started(actions))[1:] == [
        ("assistant", ["look_up"]),
        ("tool", "Sent."),
        ("user", "And order 7?"),
    ]


# Masked values


def recorded(actions: list[Action]) -> list[dict[str, Any]]:
    return [
        r.turn.tool_call.to_json() for r in of(SaveTurn, actions) if r.turn.tool_call
    ]


def test_a_secret_argument_is_hidden_from_the_first_record_on() -> None:
    talk = tool_talk()
    actions = call_tools(talk, call("pay", card="4111", sum="9"))
    hidden = json.dumps({"card": MASK, "sum": "9"}, ensure_ascii=False)
    assert [tool_call["arguments"] for tool_call in recorded(actions)] == [hidden]
    shown = (hidden, "Paid with ••••.")
    actions = talk.on(ToolCallEnded("1", "Paid with 4111.", redacted=shown))
    assert [tool_call["result"] for tool_call in recorded(actions)] == [
        "Paid with ••••."
    ]
    assert history_of(started(actions))[-1] == ("tool", "Paid with 4111.")


@pytest.mark.parametrize("arguments", ['{"card": "4111"}', '["4111"', '"4111"'])
def test_it_stays_hidden_regardless_of_the_result(arguments: str) -> None:
    talk = tool_talk()
    actions = call_tools(talk, ToolCall("1", "pay", arguments))
    actions += talk.on(CallEnded())
    assert recorded(actions)
    assert "4111" not in str(recorded(actions))


# By a key


def menu(tool: ToolSpec) -> tuple[MenuEntry, ...]:
    return (MenuEntry("8", "tool", tool=tool),)


def test_a_key_uses_a_tool_and_its_result_is_answered() -> None:
    talk = tool_talk(menu=menu(LOOK_UP))
    (tool_call,) = of(CallTool, talk.on(DtmfReceived("8")))
    assert (tool_call.tool, tool_call.arguments) == (LOOK_UP, {})
    start = started(talk.on(ToolCallEnded(tool_call.call_id, "Open.")))
    assert history_of(start) == [
        ("user", "[pressed 8]"),
        ("assistant", ["look_up"]),
        ("tool", "Open."),
    ]


def test_a_key_may_use_a_tool_that_the_model_may_not() -> None:
    opening = ToolSpec("opening_hours")
    talk = tool_talk(menu=menu(opening))
    (tool_call,) = of(CallTool, talk.on(DtmfReceived("8")))
    assert tool_call.tool is opening


CHOICES = (
    MenuEntry("0", "transfer", "Sales"),
    MenuEntry("7", "say", "Open at nine."),
    MenuEntry("8", "tool", tool=PAY),
)


def texts(talk: Talk) -> list[str]:
    return [turn.text for turn in talk.core.turns]


def test_a_key_puts_through_at_once_while_a_tool_runs() -> None:
    talk = tool_talk(menu=CHOICES, targets=(SALES,))
    call_tools(talk, call("look_up"))
    talk.on(DtmfReceived("0"), after=0.5)
    assert talk.core.final_message
    assert talk.core.final_message.transfer == SALES


def test_a_key_does_its_action_while_a_lookup_runs_and_answers_wait_for_it() -> None:
    talk = Talk(menu=CHOICES, greeting="Hello {{name}}.")
    talk.on(CallConnected(has_lookup=True))
    (said,) = of(SpeakText, talk.on(DtmfReceived("7"), after=0.5))
    assert said.text == "Open at nine."
    talk.clip(said.reply, said.text)
    talk.on(ReplyEnded(said.reply, said.text))
    assert not of(StartReply, talk.on(CallerSpoke("And on Sunday?"), after=3))
    assert started(talk.on(LookupDone({"name": "Ann"}), after=1))


def test_keys_before_one_of_the_menu_are_stored_and_nothing_waits_for_more() -> None:
    talk = tool_talk(menu=CHOICES, targets=(SALES,))
    talk.on(DtmfReceived("5"))
    talk.on(DtmfReceived("0"), after=1.9)
    assert talk.core.final_message
    assert texts(talk)[0] == "[pressed 5] [pressed 0]"
    assert talk.core.digits.due_at is None


def test_words_of_a_key_are_the_answer_and_pending_results_follow_later() -> None:
    talk = tool_talk(menu=CHOICES)
    call_tools(talk, call("look_up"))
    (said,) = of(SpeakText, talk.on(DtmfReceived("7"), after=0.5))
    talk.clip(said.reply, said.text)
    talk.on(ReplyEnded(said.reply, said.text))
    assert talk.core.fillers.due_at == math.inf  # nothing to bridge
    assert not of(StartReply, talk.on(ToolCallEnded("1", "Sent."), after=5))
    assert ("tool", "Sent.") in history_of(
        started(talk.on(CallerSpoke("And?"), after=1))
    )


@pytest.mark.parametrize("then", ["words", "nobody is there", "another tool"])
def test_any_other_answer_waits_for_what_still_runs(then: str) -> None:
    talk = tool_talk(menu=CHOICES)
    call_tools(talk, call("look_up"))
    key = {"words": "7", "nobody is there": "0", "another tool": "8"}[then]
    actions = talk.on(DtmfReceived(key), after=0.5)
    if then == "words":
        actions = talk.on(CallerSpoke("And my order?"), after=0.5)
    assert not of(StartReply, actions)
    for tool_call in of(CallTool, actions):
        assert not of(
            StartReply, talk.on(ToolCallEnded(tool_call.call_id, "Paid."), after=0.5)
        )
    assert ("tool", "Sent.") in history_of(
        started(talk.on(ToolCallEnded("1", "Sent.")))
    )


def test_who_presses_again_waits_for_the_tool_that_runs() -> None:
    talk = tool_talk(menu=CHOICES)
    (tool_call,) = of(CallTool, talk.on(DtmfReceived("8")))
    assert not of(CallTool, talk.on(DtmfReceived("8"), after=1))
    assert started(talk.on(ToolCallEnded(tool_call.call_id, "Paid."), after=1))
