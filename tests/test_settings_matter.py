"""Every field of a bot changes what the running system does."""

import dataclasses
from typing import Any

import pytest

from bots.models import Bot
from bots.profile import Profile
from calls import twiml
from calls.actions import SpeakText
from calls.conversation import Conversation
from calls.events import CallConnected, CallerSpoke
from calls.session import manners
from calls.speaker import reply_request, voicing

DIFFERENT: dict[str, Any] = {
    "system_prompt": "Be somebody else.",
    "greeting": "Another greeting.",
    "llm_model": "other/model",
    "fallback_models": ("one/model", "two/model"),
    "max_reply_tokens": 77,
    "temperature": 1.5,
    "tts_voice": "Ashley",
    "tts_model": "other-tts",
    "language": "de-DE",
    "transcription_provider": "Google",
    "speech_model": "flux",
    "hints": "Acme",
    "interruptible": "none",
    "interrupt_sensitivity": "low",
    "dtmf_detection": False,
}


def behaviour(profile: Profile) -> list[Any]:
    """What a caller, Twilio and Inworld get to see of a bot's settings."""
    conversation = Conversation(manners(profile))
    return [
        twiml.relay(profile, socket_url="wss://x/", action_url="https://x/"),
        reply_request(profile, []).body(),
        voicing(profile, "Hi", 8000).body(),
        *conversation.receive(CallConnected(), at=0),
        *conversation.receive(CallerSpoke("Hello"), at=1),
    ]


def test_all_settings_are_covered_here() -> None:
    # The name is the operator's alone; it stands with the call, not on the line.
    assert set(DIFFERENT) | {"name"} == {f.name for f in dataclasses.fields(Profile)}


@pytest.mark.parametrize("field", DIFFERENT)
def test_a_change_of_a_setting_changes_something(field: str) -> None:
    usual = Profile.of(Bot())
    changed = dataclasses.replace(usual, **{field: DIFFERENT[field]})
    assert behaviour(changed) != behaviour(usual)


def test_a_stored_profile_reads_back_the_same() -> None:
    profile = Profile.of(Bot(fallback_models=" one/model \n\ntwo/model\n"))
    assert profile.fallback_models == ("one/model", "two/model")
    assert Profile.from_json(profile.to_json()) == profile


def test_a_profile_of_an_older_version_gets_the_defaults() -> None:
    stored = {"name": "Old", "greeting": "Hi.", "gone_since": 1}
    profile = Profile.from_json(stored)
    assert (profile.greeting, profile.llm_model) == ("Hi.", Bot().llm_model)


def test_no_greeting_lets_the_caller_speak_first() -> None:
    silent = dataclasses.replace(Profile.of(Bot()), greeting="")
    conversation = Conversation(manners(silent))
    actions = conversation.receive(CallConnected(), at=0)
    assert not [action for action in actions if isinstance(action, SpeakText)]
