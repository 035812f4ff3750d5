"""A new bot: its language, and the page that follows its short form."""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import CharField, TextField
from django.http import HttpRequest

from bots import catalogue
from bots.access.scope import scope_of
from bots.config import backup_voices
from bots.config.language_tags import primary
from bots.models import Bot


def language_for(voice_id: str, usual: str) -> str:
    """The language of a voice; the usual one if the voice speaks that, too."""
    voices = (voice for voice in catalogue.voices() if voice.id == voice_id)
    spoken = [tag for voice in voices for tag in voice.languages]
    if not spoken or primary(usual) in map(primary, spoken):
        return usual
    return backup_voices.with_region(spoken[0])


def usual(form: Mapping[str, str]) -> dict[str, Any]:
    """The texts that a bot with this short form gets in its other fields."""
    fields = Bot._meta.concrete_fields
    texts = (field for field in fields if isinstance(field, CharField | TextField))
    values = {field.name: field.get_default() for field in texts}
    voice = form.get("tts_voice", values["tts_voice"])
    return values | {"language": language_for(voice, values["language"])}


def leads_to_test_call(request: HttpRequest, bot: Bot) -> bool:
    """True if a test call follows, and not the editor or the form that asked."""
    elsewhere = {IS_POPUP_VAR, "_continue", "_addanother"} & request.POST.keys()
    return not elsewhere and bot.pk in scope_of(request.user, "bots.change_bot")
