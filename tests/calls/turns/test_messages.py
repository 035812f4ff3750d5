"""The messages for the model: only heard text, in strict alternation."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    ClipReady,
    ReplyEnded,
    TimerFired,
)
from calls.turns.clip import twilio_tts_clip
from calls.turns.messages import CONNECTED, CONTINUE, CUT_OFF, messages
from calls.turns.playback import START_DELAY
from calls.turns.turn import Role, ToolCallRecord, Turn, TurnKind
from tests.calls.conversation.test_conversation import Talk, started

SYSTEM = {"role": "system", "content": "Be kind."}
EIGHT = "one two three four five six seven eight"


def caller(
    text: str, *, is_backchannel: bool = False, shown: str | None = None
) -> Turn:
    return Turn(
        0, "caller", 0.0, text, text, redacted=shown, is_backchannel=is_backchannel
    )


def bot(heard: str, *, text: str = "", cut: bool = False, role: Role = "bot") -> Turn:
    return Turn(0, role, 0.0, text or heard, heard, interrupted=cut)


def history(*turns: Turn, continues: bool = False) -> list[tuple[str, str]]:
    first, *rest = messages("Be kind.", turns, continues=continues)
    assert first == SYSTEM
    return [(message["role"], message["content"]) for message in rest]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        *(('{"a": 1}', '{"a": 1}'), ("not json", "{}"), ("[1]", "{}")),
        *(("[" * 5000, "{}"), ('{"a": NaN}', '{"a": null}'), ('{"a": 1e999}', "{}")),
    ],
)
def test_arguments_that_are_no_object_would_be_refused_with_all_the_rest(
    written: str, sent: str
) -> None:
    tool_turn = Turn(1, "tool", 0.0, tool_call=ToolCallRecord("c1", "look_up", written))
    request = messages("Be kind.", [caller("Hm?"), tool_turn])[2]
    assert request["tool_calls"][0]["function"]["arguments"] == sent


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([], []),
        ([caller("Hi")], [("user", "Hi")]),
        ([caller("A"), caller("B")], [("user", "A B")]),
        (
            [bot("Hello"), caller("Hi")],
            [("user", CONNECTED), ("assistant", "Hello"), ("user", "Hi")],
        ),
        (
            [caller("A"), bot("x", text="x y", cut=True), caller("B")],
            [("user", "A"), ("assistant", "x"), ("user", f"{CUT_OFF} B")],
        ),
        ([caller("A"), bot("", text="x", cut=True), caller("B")], [("user", "A B")]),
        (
            [caller("A"), bot("x"), bot("y"), caller("B")],
            [("user", "A"), ("assistant", "x y"), ("user", "B")],
        ),
        (
            [
                caller("A"),
                bot("x"),
                caller("mhm", is_backchannel=True),
                bot("y"),
                caller("B"),
            ],
            [("user", "A"), ("assistant", "x y"), ("user", "B")],
        ),
        ([caller("A"), bot("Sorry", role="system"), caller("B")], [("user", "A B")]),
        ([caller("[pressed 1]", shown="•")], [("user", "[pressed 1]")]),
        (
            [caller("A"), bot("x", cut=True), bot("y"), caller("B")],
            [("user", "A"), ("assistant", "x y"), ("user", "B")],
        ),
    ],
)
def test_turns_become_messages(
    turns: list[Turn], expected: list[tuple[str, str]]
) -> None:
    assert history(*turns) == expected


def test_the_rest_of_a_reply_is_asked_for_in_the_callers_place() -> None:
    assert history(caller("A"), bot("x"), continues=True)[-1] == ("user", CONTINUE)
    assert history(caller("A"), continues=True) == [("user", f"A {CONTINUE}")]
    assert history(continues=True) == [("user", CONTINUE)]


TURNS = st.lists(
    st.builds(
        Turn,
        index=st.just(0),
        role=st.sampled_from(["caller", "bot", "system"]),
        started_at=st.just(0.0),
        text=st.sampled_from(["", "a", "b c"]),
        heard_text=st.sampled_from(["", "a"]),
        is_backchannel=st.booleans(),
        interrupted=st.booleans(),
    ),
    max_size=12,
)


@settings(derandomize=True, database=None)
@given(TURNS, st.booleans())
def test_the_history_always_alternates_and_begins_with_the_caller(
    turns: list[Turn], continues: bool
) -> None:
    roles = [role for role, _ in history(*turns, continues=continues)]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (
        len(roles) % 2
    )
    assert not continues or roles[-1] == "user"


# In a call: what of a fixed sentence was heard


def greeted() -> Talk:
    talk = Talk(greeting=EIGHT)
    talk.on(CallConnected())
    return talk


def test_a_greeting_that_is_cut_off_keeps_its_heard_part() -> None:
    talk = greeted()
    talk.clip(1, EIGHT, seconds=4)
    talk.on(ReplyEnded(1, EIGHT))
    talk.on(CallerInterrupted(2000), after=START_DELAY + 2)
    start = started(talk.on(CallerSpoke("Hi"), after=1))
    heard = start.messages[2]["content"]
    assert heard == talk.turns[0].heard_text == "one two three four"
    assert talk.turns[0].text == EIGHT
    assert start.messages[3]["content"] == f"{CUT_OFF} Hi"


def test_a_greeting_in_twilios_voice_keeps_its_heard_part() -> None:
    talk = greeted()
    clip = twilio_tts_clip(EIGHT)
    assert clip.url == ""
    talk.on(ClipReady(1, clip))
    talk.on(ReplyEnded(1, EIGHT, error="Spoken by Twilio's voice."))
    talk.on(CallerInterrupted(None), after=START_DELAY + clip.seconds / 2)
    start = started(talk.on(CallerSpoke("Hi"), after=1))
    assert (
        start.messages[2]["content"] == talk.turns[0].heard_text == "one two three four"
    )
    assert talk.turns[0].error == "Spoken by Twilio's voice."


def test_what_is_still_to_be_played_counts_as_said_in_the_next_question() -> None:
    talk = Talk(interruptible="dtmf")
    number = started(talk.on(CallerSpoke("A"))).reply
    talk.clip(number, "x y")
    talk.on(ReplyEnded(number, "x y"), after=1)
    start = started(talk.on(CallerSpoke("B")))
    assert [m["content"] for m in start.messages[1:]] == ["A", "x y", "B"]


def test_what_nobody_heard_is_in_the_transcript_only() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("A"))).reply
    talk.clip(number, "x y")
    start = started(talk.on(CallerSpoke("B"), after=0.1))
    assert start.messages[1:] == [{"role": "user", "content": "A B"}]
    talk.on(ReplyEnded(number, "x y z"))
    talk.on(TimerFired(), after=5)
    assert talk.transcript()[1] == ("bot", "x y z", "")
    assert talk.turns[1].interrupted


@pytest.mark.parametrize("position", [2, 3, 4])
def test_the_transfer_notice_comes_before_the_result_of_the_transfer(
    position: int,
) -> None:
    transfer = ToolCallRecord("1", "transfer_call", batch=1, result="Nobody answered.")
    refused = ToolCallRecord("2", "end_call", batch=1, result="Too late.")
    turns = [
        *(caller("Sales, please."), Turn(1, "tool", 0.0, tool_call=transfer)),
        *(Turn(2, "tool", 0.0, tool_call=refused), caller("Thanks.")),
    ]
    turns.insert(position, replace(bot("One moment."), kind=TurnKind.TRANSFER_NOTICE))
    assert history(*turns)[1:] == [
        ("assistant", "One moment."),
        ("tool", "Nobody answered."),
        ("tool", "Too late."),
        ("user", "Thanks."),
    ]


# Tool calls, as every provider takes them

SIGNED = {"google": {"thought_signature": "CgIB/+=="}}
GEMINI = "google-ai-studio/gemini-3-flash"


def tool_turn(call_id: str, batch: int = 1, **more: Any) -> Turn:
    record = ToolCallRecord(call_id, "look_up", "{}", batch, "Sent.", **more)
    return Turn(1, "tool", 0.0, tool_call=record)


def requests_of(*turns: Turn, model: str = "") -> list[dict[str, Any]]:
    history = messages("", [caller("Hm?"), *turns], model)
    return [message for message in history if "tool_calls" in message]


@pytest.mark.parametrize(
    "call_id",
    [
        *("call_1", "", "toolu_01A09q90qw90lq917835lq9", "functions.look_up:0", "1"),
        *("chatcmpl-tool-" + "a" * 80, "call_1__thought__CgIB/+==", "ü\ud800", "id 1"),
    ],
)
def test_every_provider_takes_the_id_of_a_call_of_any_other(call_id: str) -> None:
    history = messages("", [caller("Hm?"), tool_turn(call_id), tool_turn("other")])
    request, result, other = history[2:]
    ids = [call["id"] for call in request["tool_calls"]]
    assert [result["tool_call_id"], other["tool_call_id"]] == ids
    assert len({*ids}) == 2
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", sent) for sent in ids)
    again = messages("", [caller("Hm?"), tool_turn(call_id)], "mistral/other-model")
    assert again[2]["tool_calls"][0]["id"] == ids[0]


def test_fields_of_a_provider_are_sent_back_as_they_came() -> None:
    fields = {"extra_content": SIGNED, "function": {"thought_signature": "s"}}
    reasoning = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}
    own: dict[str, Any] = {
        "model": GEMINI,
        "provider_fields": fields,
        "reasoning": reasoning,
    }
    (request,) = requests_of(tool_turn("a", **own), tool_turn("b"), model=GEMINI)
    first, second = request["tool_calls"]
    assert first["extra_content"] == SIGNED
    assert first["function"] == {
        "name": "look_up",
        "arguments": "{}",
        "thought_signature": "s",
    }
    assert second.keys() == {"id", "type", "function"}
    assert request["reasoning_details"] == reasoning["reasoning_details"]


@pytest.mark.parametrize(
    ("model", "is_sent"),
    [
        *((GEMINI, True), ("google-vertex/gemini-3-pro", True), ("auto", True)),
        *(("inworld/my-router", True), ("mistral/mistral-large", False)),
        *(("inworld/models/gemma-4", False), ("openai/gpt-4.1-mini", False)),
    ],
)
def test_another_makers_model_gets_no_fields_that_it_may_refuse(
    model: str, is_sent: bool
) -> None:
    fields = {"extra_content": SIGNED}
    turn = tool_turn("a", model=GEMINI, provider_fields=fields, reasoning=fields)
    (request,) = requests_of(turn, model=model)
    assert ("extra_content" in request) is is_sent
    assert ("extra_content" in request["tool_calls"][0]) is is_sent


def test_fields_of_a_provider_are_stored_and_its_thoughts_are_not() -> None:
    fields = {"extra_content": SIGNED}
    thoughts = {"reasoning_content": "The PIN is 4711."}
    record = ToolCallRecord(
        "a", "pay", model=GEMINI, provider_fields=fields, reasoning=thoughts
    )
    stored = record.to_json()
    assert "4711" not in str(stored)
    assert ToolCallRecord(**stored).provider_fields == fields
    assert ToolCallRecord(**stored).model == GEMINI
    record.redacted = ("{}", "Nothing secret.")
    assert "provider_fields" in record.to_json()
    record.redacted = ('{"pin": "••••"}', "")
    assert "provider_fields" not in record.to_json()
