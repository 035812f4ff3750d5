"""Twilio's frames: every recorded shape is understood, nothing else harms."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.events import (
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    DtmfReceived,
    PlaybackChanged,
)
from calls.twilio import relay

SETUP = {
    "type": "setup",
    "sessionId": "VX1",
    "accountSid": "AC1",
    "callSid": "CA1",
    "parentCallSid": "",
    "from": "+15005550001",
    "to": "+15005550006",
    "forwardedFrom": "+15005550006",
    "callerName": "",
    "direction": "inbound",
    "callType": "PSTN",
    "callStatus": "RINGING",
    "customParameters": {"a": "b"},
}


def parse(**frame: Any) -> object:
    return relay.parse(json.dumps(frame))


def test_a_recorded_setup() -> None:
    assert parse(**SETUP) == relay.Setup("CA1", {"a": "b"}, "AC1")


@pytest.mark.parametrize(
    "changes",
    [
        {"from": None, "to": None, "direction": None, "callControlId": "v3:x"},
        {"parentCallSid": None, "applicationSid": "AP1"},
        {"customParameters": None},
        {"customParameters": []},
    ],
)
def test_setups_with_gaps_and_of_other_channels(changes: dict[str, Any]) -> None:
    setup = parse(**{**SETUP, **changes})
    assert isinstance(setup, relay.Setup)
    assert setup.call_sid == "CA1"


def test_the_smallest_setup() -> None:
    assert parse(type="setup", callSid="CA1") == relay.Setup("CA1")
    assert parse(type="setup") is None


def test_prompts() -> None:
    said = {"type": "prompt", "voicePrompt": "Four seven", "lang": "en"}
    assert parse(**said, last=False) == CallerSpoke("Four seven", final=False)
    assert parse(**said, last=True) == CallerSpoke("Four seven")
    assert parse(**said) == CallerSpoke("Four seven")  # several servers leave it out


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        *[(684, 684), ("460", 460), (15.5, 15.5), ("", None), (None, None)],
        *[(True, None), (-1, None), ("nan", None), ("inf", None), ([], None)],
        (10**400, None),
    ],
)
def test_interrupts(duration: object, milliseconds: float | None) -> None:
    frame = parse(type="interrupt", durationUntilInterruptMs=duration)
    assert frame == CallerInterrupted(milliseconds)
    assert parse(type="interrupt") == CallerInterrupted(None)


def test_keys_and_speaker_events() -> None:
    assert parse(type="dtmf", digit="#") == DtmfReceived("#")
    assert parse(type="dtmf", digit="12") is None
    spoke = parse(type="info", name="agentSpeaking", value="on")
    assert spoke == PlaybackChanged(True)
    quiet = parse(type="info", name="clientSpeaking", value="off")
    assert quiet == CallerSpeaking(False)
    assert parse(type="info", name="tokensPlayed", value="Hi") is None


def test_an_error_keeps_the_code_and_drops_the_echo_of_our_frame() -> None:
    language = relay.language(speech="nb-NO", transcription="no-NO")
    echo = f"Invalid message received, code: 64107, {language}"
    assert parse(type="error", description=echo) == relay.RelayError("64107", None)
    assert parse(type="error", description="Ann") == relay.RelayError("")


@pytest.mark.parametrize(
    ("frame", "sound"),
    [
        (relay.play("https://x/1"), "https://x/1"),
        (relay.text('He said "hi".'), 'He said "hi".'),
        (relay.end("{}"), None),
        ('{"foo": "bar"}', None),  # of Twilio's documents
        (relay.play("https://x/1")[:20], ""),  # cut short: it may have been a sound
        ("", ""),
        ("[1, {]", ""),
        ('{"type": "play", "source": 7}', ""),
    ],
)
def test_an_error_names_the_sound_that_is_not_played(
    frame: str, sound: str | None
) -> None:
    description = f"Invalid message received, code: 64107, {frame}"
    error = parse(type="error", description=description)
    assert error == relay.RelayError("64107", sound)


def test_what_no_database_or_socket_can_hold_is_taken_out() -> None:
    spoke = parse(type="prompt", voicePrompt="a\x00b\ud800c", last=True)
    assert spoke == CallerSpoke("ab?c")


def test_our_frames() -> None:
    assert json.loads(relay.play("https://x/1")) == {
        "type": "play",
        "source": "https://x/1",
        "loop": 1,
        "preemptible": False,
    }
    assert json.loads(relay.text("Hi")) == {"type": "text", "token": "Hi", "last": True}
    uninterruptible = json.loads(relay.play("https://x/1", interruptible=False))
    assert uninterruptible["interruptible"] is False  # a word would be refused
    assert json.loads(relay.text("Hi", interruptible=False))["interruptible"] is False
    assert json.loads(relay.end()) == {"type": "end"}
    assert json.loads(relay.end("{}")) == {"type": "end", "handoffData": "{}"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
kinds = st.sampled_from(["setup", "prompt", "interrupt", "dtmf", "info", "error", ""])
keys = st.sampled_from(
    [
        *("callSid", "voicePrompt", "last", "durationUntilInterruptMs", "digit"),
        *("name", "value", "description", "customParameters"),
    ]
)


@given(kind=kinds, fields=st.dictionaries(keys, anything))
def test_no_frame_of_any_shape_raises(kind: str, fields: dict[str, Any]) -> None:
    relay.parse(json.dumps({**fields, "type": kind}))


@given(st.text())
def test_no_text_raises(text: str) -> None:
    relay.parse(text)


def test_a_deeply_nested_frame_is_ignored() -> None:
    assert relay.parse('{"type":' + "[" * 100_000) is None
