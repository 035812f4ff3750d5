"""Voices of active bots that Inworld refuses: whose, since when, and what to do."""

from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from bots.config_builder import config_of
from bots.models import Bot, VoiceCheck
from bots.models.bot import BotQuerySet
from bots.site_settings.current import moment
from calls.diagnostics.findings import Finding, failure
from calls.speech.fixed_sentences import voice_tests

NAME = "Voices"
# A server repeats the test of a refused voice all the time. If none does, who knows?
FORGOTTEN_AFTER = timedelta(days=1)


def refused_voice_findings(bots: BotQuerySet) -> list[Finding]:
    """The voices that the latest test found refused, for each bot that uses them."""
    tested = VoiceCheck.objects.filter(checked_at__gt=timezone.now() - FORGOTTEN_AFTER)
    refused = list(tested.exclude(refusal=""))
    if not refused:
        return []
    return list(_findings(bots, refused))


def _findings(bots: BotQuerySet, refused: list[VoiceCheck]) -> Iterator[Finding]:
    for bot in bots.with_related():
        used = voice_tests(config_of(bot))
        for check in refused:
            if any(map(check.is_of, used)):
                yield _finding(bot, check)


def _finding(bot: Bot, check: VoiceCheck) -> Finding:
    return failure(
        NAME,
        f"{bot}: Inworld refuses the voice {check.voice} with the voice model "
        f"{check.tts_model} in {check.language}, since {moment(check.since)}. It "
        f"says: “{check.refusal}”. Callers do not hear this voice.",
        "Choose another voice or voice model and save the bot. The server tests it "
        "then, and every five minutes. If it works, this message goes.",
        link=reverse("admin:bots_bot_change", args=[bot.pk]),
        link_text="Open the bot",
    )
