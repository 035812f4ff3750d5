"""The sandbox as a real process on a real socket, and its replies on their own."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from bots.sandbox.small_talk import STORY, misbehaviour, reply, sentences, shorten
from bots.sandbox.voice import speech
from bots.sandbox.voice.catalogue import VOICES
from calls.conversation.messages import (
    CONNECTED,
    CUT_OFF,
    OMITTED,
    RECONNECTED,
    messages,
)
from calls.turns.turn import Role, Turn

ROOT = Path(settings.BASE_DIR)
ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
STORY_PLEASE = "Tell me a long story."


def command(*options: str) -> list[str]:
    return [sys.executable, "manage.py", "sandbox", "--port", "0", *options]


def address(line: str) -> str:
    assert line.startswith("sandbox listening on http://127.0.0.1:"), line
    return line.split()[-1]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[httpx.Client]:
    with subprocess.Popen(
        command("--instant"),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        url = address(process.stdout.readline())
        with httpx.Client(base_url=url, timeout=10) as client:
            yield client
        process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(5) == 0


def chat_body(said: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {
        "model": "openai/gpt-4.1-mini",
        "stream": True,
        "audio": {"voice": "Clive", "model": "inworld-tts-2"},
        "messages": [{"role": "user", "content": said}],
    } | fields


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


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


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


def test_the_shop_tells_of_its_orders(sandbox: httpx.Client) -> None:
    told = sandbox.get("/demo/orders/42")
    assert told.json() == {
        "order": 42,
        "state": "waiting to be packed",
        "arrives": "in four days",
    }
    slow = sandbox.get("/demo/orders/43?seconds=0.2")
    assert slow.elapsed.total_seconds() >= 0.2
    assert slow.json() != told.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/demo/orders/0", 404),
        ("/demo/orders/10000", 404),
        ("/demo/orders/x", 404),
        ("/demo/orders/1?seconds=soon", 400),
        ("/demo/orders/1?seconds=nan", 400),
        ("/demo/orders/1?seconds=99", 400),
    ],
)
def test_the_shop_knows_no_such_order(
    sandbox: httpx.Client, path: str, status: int
) -> None:
    assert sandbox.get(path).status_code == status


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


def test_any_key_will_do_but_the_wrong_one(sandbox: httpx.Client) -> None:
    def voices(authorization: str) -> httpx.Response:
        headers = {"Authorization": authorization}
        return sandbox.get("/voices/v1/voices", headers=headers)

    assert voices("Basic dGVzdA==").status_code == 200
    assert voices("Bearer dGVzdA==").status_code == 401
    wrong = voices("Basic wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (401, 16)
    headers = {"Authorization": "Basic wrong"}
    chat = sandbox.post("/v1/chat/completions", headers=headers, json=chat_body())
    assert (chat.status_code, chat.json()["error"]["code"]) == (401, 401)


def tts_body(encoding: str = "WAV", rate: int = 8000, **fields: Any) -> dict[str, Any]:
    return {
        "text": "Thanks for calling.",
        "voiceId": "Clive",
        "modelId": "inworld-tts-2",
        "audioConfig": {"audioEncoding": encoding, "sampleRateHertz": rate},
    } | fields


def synthesise(sandbox: httpx.Client, **body: Any) -> bytes:
    response = sandbox.post("/tts/v1/voice", json=tts_body(**body))
    assert response.status_code == 200
    usage = response.json()["usage"]
    assert usage == {"processedCharactersCount": 19, "modelId": "inworld-tts-2"}
    return base64.b64decode(response.json()["audioContent"])


@pytest.mark.parametrize(("encoding", "rate"), [("WAV", 8000), ("LINEAR16", 22_050)])
def test_a_greeting_is_a_playable_wav(
    sandbox: httpx.Client, encoding: str, rate: int
) -> None:
    with wave.open(BytesIO(synthesise(sandbox, encoding=encoding, rate=rate))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        assert wav.getframerate() == rate
        assert 0.7 < wav.getnframes() / rate < 3
        assert loudness(wav.readframes(wav.getnframes())) > 500


def test_pcm_and_mulaw_have_no_header(sandbox: httpx.Client) -> None:
    assert loudness(synthesise(sandbox, encoding="PCM", rate=48_000)) > 500
    mulaw = synthesise(sandbox, encoding="MULAW")
    assert 0.7 < len(mulaw) / 8000 < 3
    assert not mulaw.startswith(b"RIFF")


def test_streamed_speech_is_one_valid_wav(sandbox: httpx.Client) -> None:
    body = tts_body(text=STORY[:300])
    lines = sandbox.post("/tts/v1/voice:stream", json=body).text.splitlines()
    chunks = [
        base64.b64decode(json.loads(line)["result"]["audioContent"]) for line in lines
    ]
    assert [chunk.startswith(b"RIFF") for chunk in chunks] == [True] + [False] * (
        len(chunks) - 1
    )
    assert len(chunks) > 5


@pytest.mark.parametrize(
    "body",
    [
        tts_body(text=""),
        tts_body(text="a" * 2001),
        tts_body(encoding="WAVE"),
        tts_body(rate=7999),
        tts_body(voiceId=None),
        {},
    ],
)
def test_a_speech_request_inworld_would_refuse_is_refused(
    sandbox: httpx.Client, body: dict[str, Any]
) -> None:
    response = sandbox.post("/tts/v1/voice", json=body)
    assert response.status_code == 400
    assert response.json()["code"] == 3
    assert response.json()["message"]


def test_word_times_come_with_the_audio_when_asked_for(sandbox: httpx.Client) -> None:
    body = tts_body(timestampType="WORD")
    times = sandbox.post("/tts/v1/voice", json=body).json()["timestampInfo"]
    assert times["wordAlignment"]["words"] == ["Thanks", "for", "calling."]


def test_voices_come_in_pages(sandbox: httpx.Client) -> None:
    ids: list[str] = []
    token = ""
    while token or not ids:
        query = {"pageSize": "5", "pageToken": token}
        page = sandbox.get("/voices/v1/voices", params=query).json()
        assert len(page["voices"]) <= 5
        assert page["totalSize"] == len(VOICES)
        ids += [voice["voiceId"] for voice in page["voices"]]
        token = page["nextPageToken"]
    assert ids == [voice["voiceId"] for voice in VOICES]
    assert {"Clive", "Ashley", "Dennis", "Sarah", "Alex", "Olivia"} <= set(ids)
    bad = sandbox.get("/voices/v1/voices", params={"pageToken": "x"})
    assert (bad.status_code, bad.json()["code"]) == (400, 3)


def test_voices_can_be_filtered_by_language(sandbox: httpx.Client) -> None:
    query = {"filter": 'source = "SYSTEM" AND lang_code = "de"'}
    voices = sandbox.get("/voices/v1/voices", params=query).json()["voices"]
    assert {voice["langCode"] for voice in voices} == {"DE_DE"}


def test_models_are_listed(sandbox: httpx.Client) -> None:
    models = sandbox.get("/llm/v1alpha/models").json()["models"]
    assert "openai/gpt-4.1-mini" in [f"{m['provider']}/{m['model']}" for m in models]


def test_what_the_sandbox_does_not_have_is_said_so(sandbox: httpx.Client) -> None:
    response = sandbox.get("/v1/embeddings")
    assert (response.status_code, response.json()["code"]) == (404, 5)
    assert sandbox.get("/v1/chat/completions").status_code == 405


def test_a_caller_can_ask_for_failures(sandbox: httpx.Client) -> None:
    failed = sandbox.post("/v1/chat/completions", json=chat_body("Sandbox error 500."))
    assert (failed.status_code, failed.json()["error"]["code"]) == (500, 500)
    broken = stream(sandbox, chat_body("Sandbox error in stream"))
    assert broken.pop()["error"]["code"] == 502
    assert heard(broken)
    mute = stream(sandbox, chat_body("sandbox, no audio!"))
    assert not heard(mute)
    assert mute[-1] == "[DONE]"
    assert stream(sandbox, chat_body("sandbox slow"))[-1] == "[DONE]"
    with pytest.raises(httpx.ReadTimeout):
        sandbox.post(
            "/v1/chat/completions", json=chat_body("sandbox silence"), timeout=0.2
        )


async def test_a_hang_up_stops_the_reply_and_sigterm_the_sandbox() -> None:
    process = await asyncio.create_subprocess_exec(
        *command(),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    url = address((await process.stdout.readline()).decode())
    assert b"no real model" in await process.stderr.readline()
    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        for said in (STORY_PLEASE, "sandbox silence"):
            request = client.stream(
                "POST", "/v1/chat/completions", json=chat_body(said)
            )
            if said == STORY_PLEASE:
                async with request as response:
                    await anext(response.aiter_bytes())
            else:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(request.__aenter__(), 0.1)
            line = await asyncio.wait_for(process.stderr.readline(), 2)
            assert b"was hung up on" in line
    process.terminate()
    await process.communicate()
    assert process.returncode == 0


def test_the_sandbox_ends_with_its_parent() -> None:
    parent = (
        "import os, subprocess, sys\n"
        "sandbox = [*sys.argv[1:], '--parent-pid', str(os.getpid())]\n"
        "subprocess.Popen(sandbox, stdin=subprocess.DEVNULL)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command()],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        url = address(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == ""  # ends when the sandbox, too, has let go
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_port_that_cannot_be_had_is_named(sandbox: httpx.Client) -> None:
    taken = sandbox.base_url.port
    with pytest.raises(CommandError, match="70000: a port is from 0 to 65535"):
        call_command("sandbox", port=70_000)
    with pytest.raises(CommandError, match=f":{taken}: Address already in use"):
        call_command("sandbox", port=taken)


SPOKEN = "One of the best, I owe 42."


def test_word_times_follow_the_sound() -> None:
    said = speech.speak(
        "[say warmly] One of the best, <break time='1s'/> I owe 42.", "Alex"
    )
    assert [w.text for w in said.words] == SPOKEN.split()
    for word, after in pairwise(said.words):
        assert word.start_ms < word.end_ms <= after.start_ms + 1
    best, pause_end = said.words[3], said.words[4].start_ms
    pcm = np.frombuffer(said.pcm, "<i2")
    between = pcm[(best.end_ms + 5) * 48 : (pause_end - 5) * 48]
    assert pause_end - best.end_ms > 50
    assert loudness(between.tobytes()) < 200
    assert said.words[-1].end_ms <= len(pcm) / 48


def test_voices_sound_different() -> None:
    voices = [str(voice["voiceId"]) for voice in VOICES]
    assert len({speech.manner_of(voice) for voice in voices}) == len(voices)
    clive, ashley, again = (spectrum(v) for v in ("Clive", "Ashley", "Clive"))
    # espeak's breath is random, so not even one voice says it twice to the bit.
    assert clive @ again > 0.9
    assert clive @ ashley < 0.8


def spectrum(voice: str) -> npt.NDArray[np.float64]:
    """The sound's strength by pitch, smoothed and of length one."""
    pcm = speech.speak("Hello there, how are you?", voice, sample_rate=8000).pcm
    strength = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")[:8000]))
    smooth: npt.NDArray[np.float64] = np.convolve(strength, np.ones(9), "same")
    return smooth / np.linalg.norm(smooth)


def test_a_voice_speaks_the_language_asked_for_and_keeps_its_accent() -> None:
    assert speech.manner_of("Clive", "en-US").language == "en-gb"
    assert speech.manner_of("Clive", "de-DE").language == "de-de"
    assert speech.manner_of("w1__my_clone").language == "en-us"


def test_nothing_speakable_is_silence() -> None:
    assert speech.speak("[laugh] <break time='1s'/>", "Clive").pcm == b""


ADA = (
    "You are Ada, the receptionist of Acme Dental. We are open from nine to five. "
    "Parking is free behind the house. Never give medical advice."
)


def answers(*said: str, prompt: str = ADA) -> str:
    messages: list[dict[str, str]] = [{"role": "system", "content": prompt}]
    for turn in said:
        messages.append({"role": "user", "content": turn})
        messages.append({"role": "assistant", "content": reply(messages)})
    return messages[-1]["content"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Hello?", "Hello, I am Ada, the receptionist of Acme Dental."),
        (
            "I want to ask about my order forty two.",
            "You asked about your order forty two.",
        ),
        ("I lost my card.", "You said that you lost your card. Ada has noted it."),
        ("What are your opening hours?", "We are open from nine to five."),
        ("When do you close?", "We are open from nine to five."),
        ("Can I get a parking space, and where?", "Parking is free behind the house."),
        ("Thanks a lot.", "You are welcome."),
        ("Goodbye!", "Goodbye from Ada"),
        ("Yes.", "Good, yes it is."),
        ("No thanks", "You are welcome."),
        ("4 2", "I heard the number 4 2."),
        ("The caller pressed 5 #", "You pressed 5, hash."),
        ("Who are you?", "I am Ada, the receptionist of Acme Dental."),
        ("", "I did not catch that."),
        ("😀", "I did not catch that."),
    ],
)
def test_replies_show_that_the_caller_was_heard(said: str, answer: str) -> None:
    assert answers(said).startswith(answer)


def test_replies_remember_the_call() -> None:
    assert answers("Hello.", "I lost my card.", "What did I say?").startswith(
        "You said: Hello. Then: I lost my card."
    )
    assert (
        answers("hello", "hello", "How many times did I say hello?")
        == "You said hello twice."
    )
    assert answers("My name is peter.", "What is my name?") == "Your name is Peter."
    assert answers("Thanks.", "Say that again.").startswith("I said: You are welcome.")


def test_two_bots_answer_differently() -> None:
    pirate = answers(
        "I lost my card.", prompt="You are a grumpy pirate who sells boats."
    )
    assert "Your grumpy pirate" in pirate
    assert answers("Hello", prompt="") != answers("Hello")


def test_a_story_is_long_enough_to_interrupt() -> None:
    assert len(sentences(answers(STORY_PLEASE))) >= 8


def cut_off(*said: tuple[Role, str]) -> str:
    """What is said after a noise cut the bot off in its last words."""
    turns = [Turn(0, role, 0.0, text, text) for role, text in said]
    return reply(messages(ADA, turns, continues=True))


def test_a_reply_cut_off_by_a_noise_goes_on_where_it_was() -> None:
    begun = "Once upon a time there was a small telephone that li"
    asked: list[tuple[Role, str]] = [("bot", "Hello."), ("caller", STORY_PLEASE)]
    assert cut_off(*asked, ("bot", begun)).startswith("lived in the hall of a big")
    assert cut_off(*asked) == STORY
    assert cut_off(*asked, ("bot", STORY)) == "What can I do for you?"
    assert cut_off(("bot", "Hel")) == "What can I do for you?"
    assert cut_off() == "What can I do for you?"


def test_what_the_server_tells_the_model_is_not_the_callers_word() -> None:
    for note in (CONNECTED, CUT_OFF, RECONNECTED, OMITTED):
        assert answers(f"{note} Thanks a lot.").startswith("You are welcome.")


def test_content_may_come_in_parts_and_roles_in_any_order() -> None:
    parts = [
        {"type": "text", "text": "I lost"},
        {"type": "image_url"},
        {"text": "my card."},
    ]
    messages = [
        {"role": "user", "content": parts},
        {"role": "developer", "content": ADA},
    ]
    assert reply(messages).startswith("You said that you lost your card. Ada")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
messages_of_any_kind = json_values | st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(
                ["system", "developer", "user", "assistant", "tool"]
            ),
            "content": json_values
            | st.sampled_from(
                [
                    ADA,
                    "well",
                    "about",
                    "my name is",
                    "How often did I say",
                    STORY_PLEASE,
                ]
            ),
        },
        optional={"tool_calls": json_values, "tool_call_id": json_values},
    ),
    max_size=5,
)


@given(messages_of_any_kind)
def test_there_is_always_something_to_say(messages: object) -> None:
    text = reply(messages)
    misbehaviour(messages)
    assert any(character.isalnum() for character in text)
    assert text == reply(messages)
    assert not set(text) & set("<>[]{}*_`\n")
    assert speech.speakable(text) == text
    assert "".join(sentences(text)) == text


@given(st.integers(1, 60))
def test_a_shortened_text_is_its_beginning(max_tokens: int) -> None:
    text, cut = shorten(STORY, max_tokens)
    assert STORY.startswith(text)
    assert cut
