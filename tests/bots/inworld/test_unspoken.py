"""Thoughts and function calls among the words of a reply: nobody hears them."""

import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.inworld.events import Audio, Done, Event, Text, ToolCallPart, Transcript
from bots.inworld.tool_calls import ToolCalls
from bots.inworld.unspoken import UnspokenFilter

CALL = {"name": "look_up", "arguments": {"id": "42"}}
WRITTEN = json.dumps(CALL)
SOUND = Audio(b"\1\0")


def filtered(events: list[Event]) -> list[Event]:
    unspoken = UnspokenFilter()
    return list(chain.from_iterable(map(unspoken.feed, [*events, Done()])))


def heard(text: str, size: int = 5) -> str:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    shown = filtered([Text(piece) for piece in pieces])
    return "".join(event.text for event in shown if isinstance(event, Text))


def called(text: str) -> list[tuple[str, str]]:
    """The calls of a model that has the tool `look_up` only."""
    calls = ToolCalls(frozenset({"look_up"}))
    for event in filtered([Text(text)]):
        if isinstance(event, ToolCallPart):
            calls.feed(event)
    return [(call.name, call.arguments) for call in calls.complete()]


CALLS = {
    "Hermes": f"<tool_call>\n{WRITTEN}\n</tool_call>",
    "Hermes, not closed": f"<tool_call>{WRITTEN}",
    "Llama": '<function=look_up>{"id": "42"}</function>',
    "Llama, with its tag": f"<|python_tag|>{WRITTEN}",
    "Qwen": "<tool_call>\n<function=look_up>\n<parameter=id>\n42\n</parameter>\n"
    "</function>\n</tool_call>",
    "Mistral": f"[TOOL_CALLS][{WRITTEN}]",
    "JSON": WRITTEN,
    "JSON in a fence": f"```json\n{WRITTEN}\n```",
    "JSON of OpenAI's form": json.dumps({"type": "function", "function": CALL}),
    "JSON with spaces": '{ "name": "look_up",\n "parameters": {"id": "42"} }',
}
THOUGHTS = {
    "thoughts": "<think>The caller wants 42.</think>",
    "thoughts in capitals": "<THINKING>Hm, <b>42</b>?</THINKING>",
    "the end of thoughts": "</think>",
    "GLM": "<tool_call>look_up\n<arg_key>id</arg_key><arg_value>4</arg_value>"
    "</tool_call>",
    "Anthropic": '<function_calls><invoke name="look_up"></invoke></function_calls>',
    "DeepSeek": "<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>look_up",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.look_up:0",
    "gpt-oss, thinking": "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
    "<|channel|>final<|message|>",
    "marks of an end": "<|im_end|></s><|eot_id|>",
    "gpt-oss": "<|channel|>commentary to=functions.look_up <|message|>{}",
}


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("hidden", [*CALLS.values(), *THOUGHTS.values()])
def test_what_is_for_machines_is_not_heard(hidden: str, size: int) -> None:
    assert heard(f"One moment. {hidden}", size).strip() == "One moment."
    assert heard(hidden, size) == ""


@pytest.mark.parametrize("text", CALLS.values(), ids=CALLS)
def test_a_call_among_the_words_is_made(text: str) -> None:
    (call,) = called(f"One moment. {text}")
    assert call[0] == "look_up"
    assert json.loads(call[1]) == {"id": "42"}


def test_only_functions_that_exist_are_called_from_words() -> None:
    assert called('<tool_call>{"name": "pay", "arguments": {}}</tool_call>') == []


def test_a_call_that_also_came_as_a_call_is_made_once() -> None:
    calls = ToolCalls(frozenset({"look_up"}))
    proper = ToolCallPart(0, "a", "look_up", '{"id":"42"}')
    for event in filtered([Text(CALLS["Hermes"]), proper]):
        if isinstance(event, ToolCallPart):
            calls.feed(event)
    assert len(calls.complete()) == 1


def test_words_after_a_hidden_part_are_heard() -> None:
    assert heard("<think>Hm.</think>Yes. <think>42?</think>It is sent.") == (
        "Yes. It is sent."
    )


@pytest.mark.parametrize(
    "text",
    [
        *("5 < 6 and 7 > 6.", "I <3 you", "a <b", "[laugh] Ha.", "{", "Use {name}."),
        *("<", "a ``` b", "Rock [and] roll", "<toolbox>", "{ x", "[TOOL", "<thin"),
    ],
)
def test_words_that_only_look_like_it_are_heard(text: str) -> None:
    for size in (1, 3, 1000):
        assert heard(text, size) == text


WORDS = st.sampled_from(
    [
        *("<|start|>", "assistant", "<|channel|>", "final", "analysis", "<|message|>"),
        *("<think>", "</think>", "<tool_call>", "</tool_call>", "<function=", "```"),
        *("json", "{", '"', "[", "<", "|", ">", "a", " ", "\n", "</s>", "<invoke"),
    ]
)


@given(
    st.text(alphabet="ab <>[{|}/'\"tool_calthink", max_size=60)
    | st.lists(WORDS, max_size=9).map("".join),
    st.integers(1, 9),
)
def test_nothing_depends_on_where_the_text_was_cut(text: str, size: int) -> None:
    assert heard(text, size) == heard(text, 1000)


def test_sound_after_a_hidden_part_is_left_out_with_its_words_kept() -> None:
    words: list[Event] = [Text("Yes. "), Transcript("Yes."), SOUND]
    hidden: list[Event] = [Text("<think>42</think>"), Text("No."), SOUND]
    assert filtered(words + hidden) == [*words, Text("No."), Done()]
    spoken: list[Event] = [Transcript("<think>42</thi"), SOUND, Transcript("nk>No.")]
    assert filtered([*spoken, SOUND]) == [Transcript("No."), Done()]


def test_a_reply_without_hidden_parts_passes_unchanged() -> None:
    events: list[Event] = [Text("Yes."), Transcript("Yes."), SOUND, Text(" No.")]
    assert filtered(events) == [*events, Done()]
