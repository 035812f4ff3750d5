"""Answers in JSON, as for the summary after a call."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.summary_spec import SummarySpec
from bots.sandbox.api_requests import ChatRequest
from bots.sandbox.chat_response import INSTANT, Reply
from bots.sandbox.json_answers import filled, schema_of
from calls.post_call.summary_prompt import (
    CallSummary,
    TranscriptLine,
    parse_answer,
    prompt_messages,
)

SPEC = SummarySpec.of(
    "What was agreed.",
    "booked, call back",
    "email: the caller's address\nphone: a number to call\nname: who called",
)


def summary_of(*said: str) -> CallSummary | None:
    lines = [
        TranscriptLine("Bot", "Hello."),
        *(TranscriptLine("Caller", words) for words in said),
    ]
    messages = prompt_messages(SPEC, "It was today.", lines)
    return parse_answer(filled(SPEC.schema, messages), SPEC)


def test_a_conversation_is_summed_up_as_far_as_words_show_it() -> None:
    summary = summary_of(
        "My name is Ann Miller, I want to book a table.",
        "Write to ann@example.com or ring +1 415 555 0100.",
    )
    assert summary
    assert summary.summary.startswith("The caller said: My name is Ann Miller")
    assert summary.outcome == "booked"
    assert summary.fields == {
        "email": "ann@example.com",
        "phone": "+1 415 555 0100",
        "name": "Ann Miller",
    }


def test_what_was_not_said_is_left_empty() -> None:
    assert summary_of() == CallSummary()
    summary = summary_of("Just looking.")
    assert summary
    assert (summary.outcome, summary.fields) == ("", {})


@given(st.lists(st.text(max_size=80), max_size=4))
def test_the_answer_always_fits_the_schema(said: list[str]) -> None:
    messages = prompt_messages(
        SPEC, "", [TranscriptLine("Caller", words) for words in said]
    )
    jsonschema.validate(json.loads(filled(SPEC.schema, messages)), SPEC.schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        {"type": "object", "properties": {"a": {"type": "array"}, "b": True}},
        {"type": ["string", "null"]},
        {"type": "boolean"},
        {},
    ],
)
def test_any_other_schema_is_filled_too(schema: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "Hi."}]
    jsonschema.validate(json.loads(filled(schema, messages)), schema)


@pytest.mark.parametrize(
    "odd", [None, "json", {"type": "text"}, {"type": "json_schema"}]
)
def test_without_a_schema_it_talks_as_usual(odd: Any) -> None:
    assert schema_of({"response_format": odd}) is None


async def test_an_unstreamed_reply_to_such_a_request_is_json() -> None:
    messages = prompt_messages(SPEC, "", [TranscriptLine("Caller", "Book a table")])
    request = ChatRequest("m", messages, "", False, 10, schema=SPEC.schema)
    answer = await Reply(request, INSTANT).whole()
    summary = parse_answer(answer["choices"][0]["message"]["content"], SPEC)
    assert summary
    assert "Book a table" in summary.summary
