"""The doctor's check of SERVER_URL, and its conclusion: what callers hear."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.conf import settings
from django.utils import timezone

from bots.config.text import one_line
from bots.config_builder import config_of
from bots.inworld.api_key import lacks_key
from bots.models import Bot, Outage, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from bots.opening.diversion import first_text
from calls.diagnostics import server_url_probe
from calls.diagnostics.findings import (
    APOLOGY,
    LINE_DROPS,
    NO_CALL,
    NO_VOICE,
    SORRY,
    TWILIO_ERROR,
    TWILIO_VOICE,
    WRONG_SPEED,
    Finding,
    warning,
)
from calls.diagnostics.response_checks import ADDRESS, CLIP, SOCKET, WEBHOOK
from calls.webhooks.connect import (
    NOT_CONFIGURED,
    NOT_IN_SERVICE,
    configuration_problem,
)

MAX_NUMBERS_NAMED = 10
MAX_GREETING_LENGTH = 60
# By the part of the round trip that fails: the sound that callers hear.
CALLER_HEARS = {
    ADDRESS: NO_CALL,
    WEBHOOK: TWILIO_ERROR,
    SOCKET: LINE_DROPS,
    CLIP: NO_VOICE,
}


def probe_server_url(sample: server_url_probe.Sample | None) -> Iterator[Finding]:
    """Check the way from SERVER_URL to the server, as Twilio's requests take it."""
    for finding in server_url_probe.check(sample):
        yield replace(
            finding,
            name=f"{finding.name} at SERVER_URL",
            caller_hears=CALLER_HEARS[finding.name] if finding.is_failure else "",
        )
    if not settings.REDIS_URL:
        yield warning(
            f"{CLIP} at SERVER_URL",
            "Not checked: clips are in the server's own memory.",
            "The console checks them, on the page “Connect numbers”.",
        )


def conclusion(findings: Sequence[Finding]) -> str:
    """One line that says what callers hear."""
    # If an early part of a call fails, nothing that comes later is heard.
    order = (
        *(NO_CALL, TWILIO_ERROR, SORRY, LINE_DROPS, NO_VOICE, APOLOGY),
        *(TWILIO_VOICE, WRONG_SPEED),
    )
    heard = {finding.caller_hears for finding in findings}
    for sounds in order:
        if sounds in heard:
            return f"Callers hear {sounds}"
    if configuration_problem(settings.SERVER_HOST) and not lacks_key():
        return f"Callers hear “{NOT_CONFIGURED}”"
    return "Callers hear: " + "; ".join(_by_number())


def _by_number() -> Iterator[str]:
    default, now = Bot.objects.filter(is_default=True).first(), timezone.now()
    outages = list(Outage.objects.in_effect(now))
    numbers = PhoneNumber.objects.select_related("bot", "closed_bot").order_by("number")
    for number in numbers[:MAX_NUMBERS_NAMED]:
        answer = explain(number, default, outages, now)
        yield f"{number.number}: {_first_words(answer)}"
    if numbers.count() > MAX_NUMBERS_NAMED:
        yield "and so on"
    answer = explain(None, default, outages, now)
    yield f"any other number: {_first_words(answer)}."


def _first_words(answer: RoutingAnswer) -> str:
    bot = answer.bot
    if bot is None:
        return f"“{NOT_IN_SERVICE}”"
    if answer.diversion:
        config = answer.diversion.applied_to(config_of(bot))
        text = first_text(answer.diversion, config)
        return f"“{one_line(text, MAX_GREETING_LENGTH)}” ({answer.because})"
    greeting = one_line(bot.greeting, MAX_GREETING_LENGTH)
    speaker = f"{bot} in the voice {bot.tts_voice}"
    if lacks_key():
        speaker = f"{bot} in the sandbox's voice"
    if not greeting:
        return f"{speaker}, after they have spoken"
    return f"“{greeting}” ({speaker})"
