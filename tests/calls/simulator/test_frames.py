"""Frames of the relay as the simulated caller reads them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.simulator.frames import BadFrame, read_frame
from tests.calls.simulator.small_voicebot import PUBLIC

OPTIONAL_FIELDS = (
    *("token", "source", "loop", "interruptible", "preemptible"),
    *("digits", "handoffData"),
)


class TestFrames:
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
    messages = st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "play", "sendDigits", "end", "huh"])},
        optional=dict.fromkeys(OPTIONAL_FIELDS, json_values),
    )

    @given(st.text() | messages.map(json.dumps) | st.binary())
    def test_every_message_is_read_or_refused(self, raw: str | bytes) -> None:
        with suppress(BadFrame):
            read_frame(raw)

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "play", "source": "/audio/1"},
            {"type": "play"},
            {"type": "play", "source": f"{PUBLIC}/a", "loop": True},
            {"type": "play", "source": f"{PUBLIC}/a", "interruptible": "maybe"},
            {"type": "text", "token": None},
            {"type": "sendDigits", "digits": ""},
            {"type": "end", "handoffData": {"to": "sales"}},
            {"type": "clear"},
            {"type": "language"},
            {"type": "language", "ttsLanguage": 7},
            [],
        ],
    )
    def test_bad_messages(self, message: Any) -> None:
        with pytest.raises(BadFrame):
            read_frame(json.dumps(message))
