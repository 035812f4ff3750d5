"""Validation and constraints of bots, numbers and calls; help texts of all fields."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from bots.config_builder import config_from_json, config_of
from bots.models import Bot, PhoneNumber, SpokenLanguage
from calls.models import Call, Turn

pytestmark = pytest.mark.django_db


def refused(instance: Bot | PhoneNumber | SpokenLanguage) -> set[str]:
    """The fields that are refused; none if the instance is valid."""
    try:
        instance.full_clean()
    except ValidationError as error:
        return set(error.message_dict)
    return set()


def test_the_defaults_make_a_valid_bot() -> None:
    Bot(name="Front desk").full_clean()


@pytest.mark.parametrize("model", [Bot, PhoneNumber])
def test_every_editable_field_has_a_help_text(model: type[Bot | PhoneNumber]) -> None:
    fields = [field for field in model._meta.fields if field.editable]
    unexplained = [f.name for f in fields if not f.primary_key and not f.help_text]
    assert unexplained == []


def test_only_one_bot_is_the_default() -> None:
    Bot.objects.create(name="One", is_default=True)
    Bot.objects.create(name="Two")
    assert refused(Bot(name="Three", is_default=True)) == {"__all__"}
    with pytest.raises(IntegrityError):
        Bot.objects.create(name="Four", is_default=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("system_prompt", ""),
        ("llm_model", "gpt 4"),
        ("llm_model", "openai/"),
        ("fallback_models", "openai/gpt-4.1\nnot a model"),
        ("max_reply_tokens", 15),
        ("temperature", 2.1),
        ("tts_voice", "Clive Smith"),
        ("language", "english"),
        ("transcription_provider", "deepgram"),
        ("backup_voice", "Google.en-US-Neural2-F"),
        ("backup_voice", "de-DE-Neural2-F"),
        ("interruptible", "always"),
    ],
)
def test_a_bot_refuses(field: str, value: Any) -> None:
    assert refused(Bot(**{"name": "Bot", field: value})) == {field}


@pytest.mark.parametrize(
    "model", ["auto", "openai/gpt-4.1-mini", "groq/meta/llama:3.3"]
)
def test_a_bot_takes_the_model(model: str) -> None:
    Bot(name="Bot", llm_model=model, fallback_models=f"{model}\n\n{model}").full_clean()


@pytest.mark.parametrize(
    ("provider", "model", "fits"),
    [
        ("Deepgram", "nova-3-general", True),
        ("Deepgram", "flux", True),
        ("Deepgram", "telephony", False),
        ("Google", "telephony", True),
        ("Google", "nova-3-general", False),
        ("Google", "", True),
    ],
)
def test_a_speech_model_belongs_to_its_provider(
    provider: str, model: str, fits: bool
) -> None:
    bot = Bot(name="Bot", transcription_provider=provider, speech_model=model)
    if fits:
        bot.full_clean()
    else:
        assert refused(bot) == {"speech_model"}


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"speech_model": "nova-3-general"}, {"speech_model"}),
        ({"transcription_provider": "Deepgram", "speech_model": "flux"}, set()),
        ({"backup_voice": "en-US-Neural2-F"}, {"backup_voice"}),
        ({"backup_voice": "de-DE-Neural2-F"}, set()),
    ],
)
def test_a_further_language_is_checked_with_the_bots_recognition(
    row: dict[str, str], wrong: set[str]
) -> None:
    bot = Bot.objects.create(name="Bot", transcription_provider="Google")
    spoken = SpokenLanguage(bot=bot, language="de-DE", voice="Johanna", **row)
    assert refused(spoken) == wrong


@pytest.mark.parametrize(
    "number", ["14155550100", "+0155550100", "+1 415", "+49abc123"]
)
def test_a_phone_number_is_e164(number: str) -> None:
    assert refused(PhoneNumber(number=number)) == {"number"}


def test_a_number_outlives_its_bot() -> None:
    bot = Bot.objects.create(name="Bot")
    number = PhoneNumber.objects.create(number="+14155550100", label="Desk", bot=bot)
    bot.delete()
    number.refresh_from_db()
    assert number.bot is None
    assert str(number) == "+14155550100 (Desk)"


def test_a_call_outlives_its_bot_and_keeps_its_settings() -> None:
    bot = Bot.objects.create(name="Bot", fallback_models="a/b\n\n c/d ")
    config = config_of(bot)
    call = Call.objects.create(
        call_sid="CA1",
        bot=bot,
        bot_name=bot.name,
        settings=config.to_json(),
        started_at=timezone.now(),
    )
    bot.delete()
    call.refresh_from_db()
    assert (call.bot, call.bot_name) == (None, "Bot")
    assert config_from_json(call.settings) == config
    assert config.fallback_models == ("a/b", "c/d")


def test_a_call_lasts_from_answer_to_end() -> None:
    rang = timezone.now()
    call = Call(call_sid="CA1", started_at=rang)
    assert call.duration is None
    call.ended_at = rang + timedelta(seconds=10)
    assert call.duration == timedelta(seconds=10)
    call.answered_at = rang + timedelta(seconds=4)
    assert call.duration == timedelta(seconds=6)


def test_a_call_has_one_turn_per_index() -> None:
    now = timezone.now()
    call = Call.objects.create(call_sid="CA1", started_at=now)
    Turn.objects.create(call=call, index=0, role="bot", started_at=now)
    with pytest.raises(IntegrityError):
        Turn.objects.create(call=call, index=0, role="caller", started_at=now)


def test_nobody_agrees_to_what_they_did_not_hear() -> None:
    recorded = {"name": "Bot", "recording": "consent"}
    with pytest.raises(ValidationError, match="callers must hear what they agree to"):
        Bot(**recorded, consent_message=" \n").full_clean()
    Bot(**recorded, consent_message="Press 1 if you agree.").full_clean()
    with pytest.raises(ValidationError, match="recording_consent_key"):
        Bot(name="Bot", recording_consent_key="A").full_clean()
