"""A trace contains no secret, no number, and no address that admits anybody."""

import json

import pytest

from calls.trace.masking import masked, masked_text

TWIML = (
    '<Connect><ConversationRelay url="wss://bot.example.com/conversation/WyJDQSJd.x:y">'
    '<Parameter name="customer" value="Ann Smith" /></ConversationRelay></Connect>'
    "<Dial><Number>+14155550123</Number></Dial>"
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (TWIML, ["WyJDQSJd", "Ann Smith", "4155550123"]),
        ("https://bot.example.com/audio/abcdefghijklmnopqrstuvwx", ["mnopqrst"]),
        ("From=%2B14155550123", ["4155550123"]),
        ("sip:ann.smith@example.com", ["ann.smith"]),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", ["dXNlcjpw"]),
        ("the key is secret-key-of-inworld", ["secret-key"]),
    ],
)
def test_a_text_is_masked(text: str, hidden: list[str]) -> None:
    shown = masked_text(text, ["secret-key-of-inworld"])
    assert not [part for part in hidden if part in shown]
    assert "•••" in shown or "/audio/abcdefghijkl" in shown


def test_forms_frames_and_settings_are_masked() -> None:
    record = {
        "form": {"From": "15005550001", "FromCity": "OAKLAND", "CallStatus": "ringing"},
        "frame": {
            "type": "setup",
            "from": "anonymous",
            "callerName": "ANN SMITH",
            "customParameters": {"customer": "Ann"},
            "accountSid": "AC123",
        },
        "config": {
            "name": "Reception",
            "system_prompt": "The code is 42.",
            "transfer_number": "",
            "targets": [{"name": "Sales", "number": "+15005550002"}],
            "tools": [
                {"name": "look_up", "headers": "X-Key: k", "url": "https://x/?k=1"}
            ],
            "mask_dtmf": True,
        },
    }
    shown = masked(record)
    text = json.dumps(shown)
    for part in (
        "15005550001",
        "OAKLAND",
        "SMITH",
        "Ann",
        "AC123",
        "42",
        "k=1",
        "X-Key",
    ):
        assert part not in text
    assert shown["form"]["CallStatus"] == "ringing"
    assert list(shown["frame"]["customParameters"]) == ["customer"]
    config = shown["config"]
    assert (config["name"], config["mask_dtmf"]) == ("Reception", True)
    assert config["transfer_number"] == ""  # none stays none: a replay depends on it
    assert config["targets"][0]["name"] == "Sales"


def test_the_words_of_a_call_stay() -> None:
    frame = {
        "frame": {"type": "prompt", "voicePrompt": "My order is 4711.", "lang": "en"}
    }
    assert masked(frame) == frame
