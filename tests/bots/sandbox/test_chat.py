"""Chat requests: streamed speech, tool calls, refusals."""

import base64
import json
from typing import Any

import httpx
import pytest

from bots.inworld.client import Inworld
from bots.inworld.events import Done
from tests.support.inworld.replies import asking
from tests.support.sandbox import (
    STORY_PLEASE,
    chat_body,
    loudness,
)


def stream(sandbox: httpx.Client, body: dict[str, Any]) -> list[Any]:
    """The events of a reply, decoded; `[DONE]` as that string."""
    response = sandbox.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    lines = response.text.split("\n\n")
    assert lines.pop() == ""
    payloads = [line.removeprefix("data: ") for line in lines]
    return [p if p == "[DONE]" else json.loads(p) for p in payloads]


def deltas(events: list[Any]) -> list[dict[str, Any]]:
    return [e["choices"][0]["delta"] for e in events if e != "[DONE]" and e["choices"]]


def heard(events: list[Any]) -> bytes:
    audio = [delta.get("audio", {}) for delta in deltas(events)]
    return b"".join(base64.b64decode(part.get("data", "")) for part in audio)


def test_a_reply_streams_text_then_transcript_then_audio_by_sentence(
    sandbox: httpx.Client,
) -> None:
    events = stream(sandbox, chat_body())
    steps = deltas(events)
    assert steps[0] == {"role": "assistant", "content": None}
    kinds = [next(iter(step.get("audio") or step), "end") for step in steps[1:]]
    order = [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]
    assert order == ["content", "transcript", "data"] * 2 + ["end"]
    text = "".join(step.get("content") or "" for step in steps)
    transcripts = [step.get("audio", {}).get("transcript", "") for step in steps]
    assert "".join(transcripts) == text
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert events[-2]["choices"] == []
    assert events[-2]["usage"]["total_tokens"] > 0
    assert events[-1] == "[DONE]"


ORDERS = {
    "type": "function",
    "function": {
        "name": "look_up_order",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
        },
    },
}


def test_a_function_is_called_without_a_sound_and_in_pieces(
    sandbox: httpx.Client,
) -> None:
    events = stream(sandbox, chat_body("Look up order 4711.", tools=[ORDERS]))
    first, *more, last = deltas(events)
    assert first["role"] == "assistant"
    (begun,) = first["tool_calls"]
    assert begun.pop("id").startswith("call_")
    function = {"name": "look_up_order", "arguments": ""}
    assert begun == {"index": 0, "type": "function", "function": function}
    pieces = [step["tool_calls"][0] for step in more]
    assert len(pieces) > 1
    written = "".join(piece["function"]["arguments"] for piece in pieces)
    assert json.loads(written) == {"number": 4711}
    assert last == {}
    assert events[-3]["choices"][0]["finish_reason"] == "tool_calls"
    assert events[-1] == "[DONE]"
    assert heard(events) == b""


def test_a_functions_result_is_spoken(sandbox: httpx.Client) -> None:
    body = chat_body("Look up order 4711.", tools=[ORDERS], stream=False)
    choice = sandbox.post("/v1/chat/completions", json=body).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    message = choice["message"]
    (call,) = message["tool_calls"]
    assert call["function"]["arguments"] == '{"number": 4711}'
    answer = {
        "role": "tool",
        "tool_call_id": call["id"],
        "content": '{"state": "sent"}',
    }
    body["messages"] += [message, answer]
    after = sandbox.post("/v1/chat/completions", json=body).json()["choices"][0]
    assert after["message"]["content"] == "I was told: state sent."
    assert after["message"]["audio"]["data"]


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "none", "tools": [ORDERS]},
        {"tools": []},
        {},
    ],
)
def test_where_nothing_may_be_called_it_speaks(
    sandbox: httpx.Client, fields: dict[str, Any]
) -> None:
    events = stream(sandbox, chat_body("Look up order 4711.", **fields))
    assert "tool_calls" not in str(events)
    assert heard(events)


CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ],
}

RESULT = {"role": "tool", "tool_call_id": "1", "content": "Done."}


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": {}},
        {"tools": [{"type": "function"}]},
        {"tools": [{"type": "function", "function": {"name": ""}}]},
        {"tools": [{"function": {"name": "f", "parameters": []}}]},
        {"tools": [ORDERS], "tool_choice": "always"},
        {"messages": [RESULT]},
        {"messages": [CALLED]},
        {"messages": [CALLED, {"role": "user", "content": "Hi"}]},
        {"messages": [CALLED, RESULT, RESULT]},
        {"messages": [CALLED, {**RESULT, "tool_call_id": "2"}]},
        {"messages": [{**CALLED, "tool_calls": [{"id": "1"}]}]},
        {"messages": [{**CALLED, "tool_calls": 7}]},
    ],
)
def test_functions_and_results_inworld_would_refuse_are_refused(
    sandbox: httpx.Client, fields: dict[str, Any]
) -> None:
    refused = sandbox.post("/v1/chat/completions", json=chat_body(**fields))
    assert refused.status_code == 400
    assert refused.json()["error"]["message"]


def test_the_audio_is_audible_48_khz_speech_in_short_chunks(
    sandbox: httpx.Client,
) -> None:
    events = stream(sandbox, chat_body())
    pcm = heard(events)
    assert loudness(pcm) > 500
    assert 2 < len(pcm) / 96_000 < 8
    sizes = [
        len(base64.b64decode(d["audio"].get("data", "")))
        for d in deltas(events)
        if "audio" in d
    ]
    assert max(sizes) <= 96_000 // 4


def test_without_an_audio_block_a_reply_is_text_only(sandbox: httpx.Client) -> None:
    body = chat_body()
    del body["audio"]
    assert not any("audio" in delta for delta in deltas(stream(sandbox, body)))


def test_max_tokens_cut_a_reply_short(sandbox: httpx.Client) -> None:
    events = stream(sandbox, chat_body(STORY_PLEASE, max_tokens=8))
    assert events[-3]["choices"][0]["finish_reason"] == "length"


def test_without_stream_the_reply_is_one_json(sandbox: httpx.Client) -> None:
    reply = sandbox.post("/v1/chat/completions", json=chat_body(stream=False)).json()
    message = reply["choices"][0]["message"]
    assert reply["object"] == "chat.completion"
    assert message["audio"]["transcript"] == message["content"]
    assert loudness(base64.b64decode(message["audio"]["data"])) > 500


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ""},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"content": "no role"}]},
        {"audio": {}},
        {"audio": {"voice": 3}},
        {"audio": True},
        {"max_tokens": "many"},
    ],
)
def test_a_chat_request_inworld_would_refuse_is_refused(
    sandbox: httpx.Client, fields: dict[str, Any]
) -> None:
    response = sandbox.post("/v1/chat/completions", json=chat_body(**fields))
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", 400)
    assert error["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(
    sandbox: httpx.Client, body: bytes
) -> None:
    response = sandbox.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert "JSON" in response.json()["error"]["message"]


async def test_a_reasoning_model_refuses_temperature_and_the_client_copes(
    sandbox: httpx.Client,
) -> None:
    inworld = Inworld(str(sandbox.base_url), "any")
    for _ in range(2):
        async with inworld.reply(asking(model="openai/gpt-5.4-mini")) as reply:
            assert [event async for event in reply][-1] == Done()
    statuses = [status for (_, status) in inworld.answers.elements()]
    assert sorted(statuses) == ["200", "200", "400", "400"]
    await inworld.aclose()


def test_parameters_are_refused_in_the_words_of_openai(sandbox: httpx.Client) -> None:
    body = chat_body(model="openai/gpt-5.4-mini")
    assert sandbox.post("/v1/chat/completions", json=body).status_code == 200
    for more, said in (
        ({"temperature": 0.2}, "'temperature' does not support 0.2"),
        ({"max_tokens": 9}, "'max_tokens' is not supported with this model"),
    ):
        response = sandbox.post("/v1/chat/completions", json=body | more)
        assert response.status_code == 400
        assert said in response.json()["error"]["message"]


def test_a_missing_model_is_answered_by_the_first_backup_model(
    sandbox: httpx.Client,
) -> None:
    body = chat_body(model="openai/missing", models=["openai/one", "openai/two"])
    assert stream(sandbox, body)[0]["model"] == "openai/one"
    nested = chat_body(model="openai/missing", extra_body={"models": ["openai/two"]})
    assert stream(sandbox, nested)[0]["model"] == "openai/two"
    alone = chat_body(model="openai/missing")
    assert sandbox.post("/v1/chat/completions", json=alone).status_code == 404
