"""The latest test of each voice in use: does Inworld speak with it?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import UniqueConstraint
from django.utils import timezone

from bots.inworld.client import SpeechRequest


class VoiceCheckQuerySet(models.QuerySet["VoiceCheck"]):
    """Tests by what they test: a voice, its model and a language."""

    def record(self, request: SpeechRequest, refusal: str) -> None:
        """Store the result of a test; an empty `refusal` means that the voice works."""
        now = timezone.now()
        latest = self.filter(**_voice(request))
        if latest.filter(refusal=refusal).update(checked_at=now):
            return
        result = {"refusal": refusal, "since": now, "checked_at": now}
        self.update_or_create(defaults=result, **_voice(request))

    def keep_only(self, requests: Iterable[SpeechRequest]) -> None:
        """Delete the tests of voices that no bot uses any more."""
        in_use = {tuple(_voice(request).values()) for request in requests}
        unused = [
            row["pk"]
            for row in self.values("pk", "voice", "tts_model", "language")
            if (row["voice"], row["tts_model"], row["language"]) not in in_use
        ]
        self.filter(pk__in=unused).delete()


class VoiceCheck(models.Model):
    """A voice and Inworld's `refusal`; `since` is when that answer came first."""

    voice = models.CharField(max_length=120)
    tts_model = models.CharField(max_length=80)
    language = models.CharField(max_length=20)
    refusal = models.TextField(blank=True)
    since = models.DateTimeField()
    checked_at = models.DateTimeField()

    objects = VoiceCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["voice", "tts_model", "language"], name="bots_voice_check_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.voice} with {self.tts_model} in {self.language}"

    def is_of(self, request: SpeechRequest) -> bool:
        """True if the request is for this voice."""
        voice = _voice(request)
        return all(getattr(self, name) == value for name, value in voice.items())


def _voice(request: SpeechRequest) -> dict[str, Any]:
    return {
        "voice": request.voice,
        "tts_model": request.model,
        "language": request.language,
    }
