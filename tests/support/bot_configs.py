"""Settings of calls, for tests that need no bot in the database."""

from dataclasses import replace
from typing import Any

from bots.config.bot_config import BotConfig
from bots.config_builder import config_of
from bots.models import Bot

# A bot that only answers: every feature is switched on by the test that needs it.
PLAIN: dict[str, Any] = {
    "greeting": "",
    "interruptible": "any",
    "fallback_models": (),
    "hedge": True,
    "backchannels": "",
    "mask_dtmf": False,
    "idle_timeout_seconds": 0,
    "idle_reprompts": 2,
    "idle_prompt": "Are you still there?",
    "max_call_minutes": 0,
    "time_limit_message": "We have one minute left.",
    "goodbye_message": "Goodbye.",
    "apology_message": "I'm sorry, I have some trouble. Could you say that again?",
    "transfer_notice": "I'll put you through.",
    "language": "en-US",
    "can_end_call": False,
    "can_collect_digits": False,
    "fillers": (),
    "filler_delay_seconds": 1.2,
    "answer_filler_seconds": 0,
}


def bot_config(system_prompt: str = "Be kind.", **settings: Any) -> BotConfig:
    """Build the settings of a call: those given, and plain ones for the rest."""
    values = {**PLAIN, "system_prompt": system_prompt, **settings}
    return replace(config_of(Bot()), **values)
