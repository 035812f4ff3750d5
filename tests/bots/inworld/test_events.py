"""Parsing the data of streamed events."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.audio.containers import container_of
from bots.inworld.events import (
    Audio,
    Done,
    Event,
    Failed,
    Finished,
    ModelChosen,
    Text,
    ToolCallPart,
    Transcript,
    UnplayableAudio,
    Usage,
    parse,
)
from bots.inworld.sse import EventDecoder
from bots.inworld.text_request import text_of
from tests.support.inworld.script import sample, tone, wav
from tests.support.sound_files import SOUND_FILES, stereo

SAMPLES_0123 = base64.b64decode("AAABAAIAAwA=")
KEYS = [
    *("choices", "delta", "audio", "data", "transcript", "content", "error", "code"),
    *(
        "usage",
        "prompt_tokens",
        "completion_tokens",
        "model",
        "finish_reason",
        "message",
        *("tool_calls", "function", "arguments", "id", "index", "name"),
    ),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


def events_of(name: str) -> list[Event]:
    decoder = EventDecoder()
    payloads = decoder.feed(sample(name)) + decoder.end()
    return [event for payload in payloads for event in parse(payload)]


def delta(**fields: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": fields}]})


def sound(data: bytes) -> str:
    return delta(audio={"transcript": "Hi.", "data": base64.b64encode(data).decode()})


def test_a_text_stream() -> None:
    served = ModelChosen("openai/gpt-5")
    assert events_of("text") == [
        served,
        served,
        Text("Hello"),
        served,
        Finished(),
        served,
        Usage(9, 9),
        Done(),
    ]


CALL_PARTS = [
    ToolCallPart(0, "call_1", "lookup_order", ""),
    ToolCallPart(0, "", "", '{"id":'),
    ToolCallPart(0, "", "", '"42"}'),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("transcript-with-data", [Transcript("Hello there."), Audio(SAMPLES_0123)]),
        ("extra-fields", [Audio(SAMPLES_0123)]),
        ("data-first", [Audio(SAMPLES_0123), Transcript("Hello there.")]),
        ("comment-no-space", []),
        ("audio-after-finish", [Finished(), Audio(SAMPLES_0123), Done()]),
        ("tool-call", [*CALL_PARTS, Finished(), Done()]),
        ("error-chunk", [Failed("upstream provider failed", "502")]),
    ],
)
def test_samples(name: str, expected: list[Event]) -> None:
    assert events_of(name) == expected


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "null",
        "[]",
        '"[DONE]"',
        "{}",
        '{"choices":null}',
        '{"choices":[]}',
        '{"choices":{"0":{"delta":{"content":"a"}}}}',
        '{"choices":["a"]}',
        '{"choices":[{"delta":null,"finish_reason":null}]}',
        '{"choices":[{"delta":{"content":7,"audio":"AAAA"}}]}',
        '{"choices":[{"delta":{"audio":{"data":"A","transcript":null}}}]}',
        '{"choices":[{"delta":{"audio":{"data":"====","transcript":""}}}]}',
        '{"choices":[{"delta":{"audio":{"data":"Ünicode"}}}]}',
        '{"usage":null,"error":null,"model":null}',
        '{"usage":{"prompt_tokens":"9","completion_tokens":true}}',
        '{"usage":{"prompt_tokens":1' + "0" * 5_000 + "}}",
        "[" * 100_000,
    ],
)
def test_what_is_not_understood_is_left_out(payload: str) -> None:
    assert parse(payload) == []


def test_half_a_surrogate_pair_becomes_printable() -> None:
    assert parse('{"choices":[{"delta":{"content":"a\\ud83d"}}]}') == [Text("a?")]
    assert parse(delta(content="\U0001f600")) == [Text("\U0001f600")]


def test_what_no_database_takes_is_left_out() -> None:
    assert parse(delta(content="a\0b")) == [Text("ab")]


def test_chunks_without_blank_lines_between_them_are_read_one_by_one() -> None:
    lines = [delta(content="a\u2028"), delta(content="b"), "[DONE]"]
    assert parse("\n".join(lines)) == [Text("a\u2028"), Text("b"), Done()]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("quota exceeded", Failed("quota exceeded", "")),
        ({"message": "no", "code": "UNAVAILABLE"}, Failed("no", "UNAVAILABLE")),
        ({"type": "server_error", "code": None}, Failed("server_error", "")),
        ({"code": 13}, Failed("no explanation", "13")),
        (True, Failed("no explanation", "")),
    ],
)
def test_errors_of_many_shapes(error: object, expected: Failed) -> None:
    assert parse(json.dumps({"error": error})) == [expected]


@given(st.text() | ANY_JSON.map(json.dumps))
@settings(max_examples=100, deadline=None)
def test_nothing_raises(payload: str) -> None:
    parse(payload)


def test_a_header_before_the_samples_tells_their_rate() -> None:
    file = wav(SAMPLES_0123, 22_050)
    assert parse(sound(file))[1:] == [Audio(SAMPLES_0123, 22_050)]
    assert parse(sound(file[:44]))[1:] == [Audio(b"", 22_050)]
    assert parse(sound(file[:-3]))[1:] == [Audio(SAMPLES_0123[:-3], 22_050)]


@pytest.mark.parametrize("name", SOUND_FILES)
def test_a_file_of_another_format_is_no_sound(name: str) -> None:
    refused = UnplayableAudio(f"{name} instead of samples")
    assert parse(sound(SOUND_FILES[name])) == [Transcript("Hi."), refused]


@pytest.mark.parametrize("header", [b"RIFF", b"RIFF1234AVI ", stereo()])
def test_a_header_of_another_sound_is_no_sound(header: bytes) -> None:
    (refused,) = parse(sound(header))[1:]
    assert isinstance(refused, UnplayableAudio)


@given(st.binary(min_size=1, max_size=60), st.sampled_from(list(SOUND_FILES)))
def test_sound_is_passed_on_unchanged_or_refused(data: bytes, name: str) -> None:
    for sent in (data, SOUND_FILES[name] + data, wav(data, 8000)):
        (event,) = parse(sound(sent))[1:]
        if isinstance(event, Audio):
            assert sent.endswith(event.data)
            assert event.sample_rate in (None, 8000)
            assert not container_of(event.data) or event.sample_rate
        else:
            assert isinstance(event, UnplayableAudio)


def test_base64_that_was_cut_is_never_noise() -> None:
    encoded = base64.b64encode(tone(0.01)).decode()
    for cut in (1, 2, 3, 5, 6, 7):
        pieces = encoded[:cut], encoded[cut:]
        events = [
            event for data in pieces for event in parse(delta(audio={"data": data}))
        ]
        assert events == []
    assert parse(delta(audio={"data": ""})) == []


# Texts in one piece


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Hi."}, "Hi."),
        ({"content": [{"type": "text", "text": "Hi."}]}, "Hi."),
        ({"content": [{"text": "H"}, {"type": "output_text", "text": "i."}]}, "Hi."),
        (
            {"content": [{"type": "thinking", "text": "Hm."}, {"text": "Hi."}]},
            "Hi.",
        ),
        (
            {"content": [{"type": "reasoning", "text": "Hm."}]},
            "",
        ),
        (
            {"tool_calls": [{"function": {"name": "answer", "arguments": "{}"}}]},
            "{}",
        ),
        (
            {"tool_calls": [{"function": {"name": "answer", "arguments": {"a": 1}}}]},
            '{"a": 1}',
        ),
        ({"tool_calls": [{"function": {"name": "pay", "arguments": "{}"}}]}, ""),
        ({"content": None, "tool_calls": [{}]}, ""),
        ({"content": 7}, ""),
    ],
)
def test_an_answer_in_one_piece_has_a_text(message: Any, text: str) -> None:
    assert text_of({"choices": [{"message": message}]}) == text


def test_thoughts_among_the_parts_of_a_reply_are_no_words() -> None:
    parts = [{"type": "thinking", "thinking": [], "text": "Hm."}, {"text": "Hi."}]
    assert parse(delta(content=parts)) == [Text("Hi.")]
