"""Every field of a bot changes what the running system does."""

import dataclasses
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language, MenuEntry, ToolSpec
from bots.config_builder import config_from_json, config_of
from bots.inworld.tool_calls import ToolCall
from bots.models import Bot
from calls.conversation.actions import Action, SpeakText, StartReply
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    ClipReady,
    DtmfReceived,
    Event,
    ReplyEnded,
    TimerFired,
)
from calls.models import Call
from calls.session.variables import variables
from calls.speech.inworld_requests import reply_request, speech_request
from calls.turns.clip import Clip
from calls.twilio import twiml
from tests.support.transfer_targets import SALES

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

TOOL = ToolSpec("look_up")
DIFFERENT: dict[str, Any] = {
    "system_prompt": "Be somebody else.",
    "consent_message": "This call is recorded.",
    "greeting": "Another greeting.",
    "llm_model": "other/model",
    "fallback_models": ("one/model", "two/model"),
    "hedge": False,
    "max_reply_tokens": 77,
    "temperature": 1.5,
    "tts_voice": "Ashley",
    "tts_model": "other-tts",
    "backup_voice": "en-US-Chirp3-HD-Kore",
    "language": "de-DE",
    "transcription_provider": "Google",
    "speech_model": "flux",
    "hints": "Acme",
    "interruptible": "none",
    "interrupt_sensitivity": "low",
    "dtmf_detection": False,
    "backchannels": "jawohl",
    "echo_filter": False,
    "mask_dtmf": True,
    "recording": "always",
    "idle_timeout_seconds": 33,
    "idle_reprompts": 1,
    "idle_prompt": "Hello?",
    "max_call_minutes": 2,
    "time_limit_message": "Soon over.",
    "goodbye_message": "Bye now.",
    "apology_message": "Oops.",
    "transfer_number": "+15005550099",
    "transfer_notice": "Hold on.",
    "can_end_call": False,
    "can_collect_digits": True,
    "fillers": ("Wait.",),
    "filler_delay_seconds": 0.3,
    "answer_filler_seconds": 1.0,
    "time_zone": "Asia/Tokyo",
    "tools": (TOOL,),
    "targets": (SALES,),
    "menu": (MenuEntry("7", "say", "Seven."),),
    "languages": (Language("de-DE", "Johanna"),),
}
# These have tests of their own: the simulated line does not show their effect.
ELSEWHERE = {
    *(
        "name",
        "retention_days",
        "recording_consent_key",
        "lookup_tool",
        "variables",
        "summary_prompt",
        "outcomes",
    ),
    *("summary_fields", "summary_model", "webhook_url", "webhook_secret"),
    *(
        "goodbye_phrases",
        "reconnected",
        "line_lost",
        "busy_message",
        "closed_message",
        "take_message_prompt",
        "screening_prompt",
    ),
    *("screening_prompt_without_summary", "screening_accepted", "screening_declined"),
}


class Line:
    """Drives a conversation: clips are ready at once, and time passes as needed."""

    def __init__(self, config: BotConfig) -> None:
        self.core = Conversation(config)
        self.now = 0.0
        self.log: list[Action] = []

    def on(self, event: Event) -> None:
        actions = self.core.receive(event, self.now)
        self.log += actions
        for action in actions:
            match action:
                case SpeakText(number, text):
                    self.clip(number, text)
                    self.on(ReplyEnded(number, text))

    def clip(self, number: int, text: str) -> None:
        self.on(ClipReady(number, Clip(f"{number}", "https://x/", text, 2.0)))

    def asks(self, question: str) -> int:
        self.on(CallerSpoke(question))
        return len(self.core.replies.by_number)

    def fails(self) -> None:
        number = self.asks("Why?")
        while self.core.replies.is_writing and not self.core.final_message:
            self.on(ReplyEnded(number, error="no"))
            number += 1

    def waits(self, seconds: float) -> None:
        until = self.now + seconds
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.on(TimerFired())


def silent_call(line: Line) -> None:
    line.on(CallConnected())
    line.waits(200)


def failing_call(line: Line) -> None:
    line.on(CallConnected())
    for _ in range(3):
        line.waits(5)
        line.fails()
    line.waits(30)


def long_call(line: Line) -> None:
    line.on(CallConnected())
    while line.now < 1900 and not line.core.is_over:
        line.waits(4)
        line.now += 26
        number = line.asks("And?")
        line.clip(number, "So.")
        line.on(ReplyEnded(number, "So."))


def working_call(line: Line) -> None:
    line.on(CallConnected())
    calls = (ToolCall("1", TOOL.name, "{}"),)
    line.on(ReplyEnded(line.asks("Look it up."), calls=calls))
    line.waits(3)


def late_call(line: Line) -> None:
    line.on(CallConnected(late_after=1.2))
    line.asks("Are you there?")
    line.waits(8)


def polite_call(line: Line) -> None:
    line.on(DtmfReceived("7"))
    line.on(DtmfReceived("#"))
    number = len(line.core.replies.by_number)
    line.clip(number, "one two three four")
    line.now += 1
    line.on(CallerInterrupted(500))
    line.on(CallerSpoke("Jawohl."))


def behaviour(config: BotConfig) -> list[Any]:
    """Return the effects of a bot's settings for a caller, Twilio and Inworld."""
    seen: list[Any] = [
        twiml.relay(config, socket_url="wss://x/", action_url="https://x/"),
        reply_request(config, StartReply(1, [])).body(),
        speech_request(config, "Hi").body(),
    ]
    seen.append(variables(Call(), config, {}, NOON))
    calls = (silent_call, failing_call, long_call, polite_call, working_call, late_call)
    for call in calls:
        line = Line(config)
        call(line)
        seen.append(line.log)
    return seen


usual_behaviour = cache(behaviour)


def test_all_settings_are_covered_here() -> None:
    assert set(DIFFERENT) | ELSEWHERE == {f.name for f in dataclasses.fields(BotConfig)}


@pytest.mark.parametrize("field", DIFFERENT)
def test_a_change_of_a_setting_changes_something(field: str) -> None:
    transfer = "+15005550098" if field == "transfer_notice" else ""
    usual = config_of(Bot(transfer_number=transfer))
    if field.startswith("filler"):
        usual = dataclasses.replace(usual, tools=(TOOL,))
    if field == "hedge":
        usual = dataclasses.replace(usual, fallback_models=("one/model",))
    changed = dataclasses.replace(usual, **{field: DIFFERENT[field]})
    assert behaviour(changed) != usual_behaviour(usual)


def test_a_stored_config_reads_back_the_same() -> None:
    config = config_of(Bot(fallback_models=" one/model \n\ntwo/model\n"))
    assert config.fallback_models == ("one/model", "two/model")
    assert config_from_json(config.to_json()) == config


def test_a_config_of_an_older_version_gets_the_defaults() -> None:
    stored = {"name": "Old", "greeting": "Hi.", "gone_since": 1}
    config = config_from_json(stored)
    assert (config.greeting, config.llm_model) == ("Hi.", Bot().llm_model)


def test_no_greeting_lets_the_caller_speak_first() -> None:
    silent = dataclasses.replace(config_of(Bot()), greeting="")
    conversation = Conversation(silent)
    actions = conversation.receive(CallConnected(), at=0)
    assert not [action for action in actions if isinstance(action, SpeakText)]
