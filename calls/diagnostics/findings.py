"""What a caller would hear, found out before one calls: every part is tried once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from bots.inworld.api_key import lacks_key
from bots.models import Bot, PhoneNumber
from calls.console.numbers.preview import answering
from calls.diagnostics import server_url_probe
from calls.webhooks.connect import (
    NOT_CONFIGURED,
    NOT_IN_SERVICE,
    OUT_OF_ORDER,
    configuration_trouble,
)

NUMBERS_NAMED = 10
GREETING_SHOWN = 60
SORRY = f"“{OUT_OF_ORDER}”"
TWILIO_ERROR = "Twilio's error message: “An application error has occurred.”"
NO_CALL = "nothing: no phone call reaches this server."
LINE_DROPS = "the line drop: the call's socket does not come through."
NO_VOICE = "silence where the bot speaks: its clips cannot be fetched."
CARRIER_VOICE = "the carrier's own voice instead of the bot's."
APOLOGY = "an apology instead of answers, in the carrier's own voice."


class Mark(StrEnum):
    """How bad a finding is; a failure is what a caller suffers from."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was tried, what came of it and what to do.

    `hears` is what every caller hears because of it; empty where calls still work.
    """

    mark: Mark
    name: str
    words: str
    hears: str = ""


def good(name: str, words: str) -> Finding:
    """Something works."""
    return Finding(Mark.OK, name, words)


def doubtful(name: str, words: str) -> Finding:
    """Something is not as it should be; calls work all the same."""
    return Finding(Mark.WARNING, name, words)


def bad(name: str, words: str, hears: str = "") -> Finding:
    """Calls fail, some of them or all."""
    return Finding(Mark.FAILURE, name, words, hears)


def of_roundtrip(sample: server_url_probe.Sample | None) -> Iterator[Finding]:
    """The way from SERVER_URL to the server, as the carrier would go it."""
    hears = {
        server_url_probe.ADDRESS: NO_CALL,
        server_url_probe.WEBHOOK: TWILIO_ERROR,
        server_url_probe.SOCKET: LINE_DROPS,
        server_url_probe.CLIP: NO_VOICE,
    }
    for result in server_url_probe.check(sample):
        name = f"{result.name} at SERVER_URL"
        if result.ok:
            yield good(name, result.words)
        else:
            yield bad(name, result.words, hears[result.name])
    if not settings.REDIS_URL:
        yield doubtful(
            f"{server_url_probe.CLIP} at SERVER_URL",
            "Not tried: they are in the server's own memory. The desk tries them, on "
            "its page of numbers.",
        )


def last_line(findings: Sequence[Finding]) -> str:
    """What callers hear, in one line."""
    # Nothing that comes later in a call is heard when what comes first fails.
    order = (NO_CALL, TWILIO_ERROR, SORRY, LINE_DROPS, NO_VOICE)
    found = {finding.hears for finding in findings if finding.hears}
    for words in (*order, APOLOGY, CARRIER_VOICE):
        if words in found:
            return f"Callers hear {words}"
    if configuration_trouble(settings.SERVER_HOST) and not lacks_key():
        return f"Callers hear “{NOT_CONFIGURED}”"
    return "Callers hear: " + "; ".join(_by_number())


def _by_number() -> Iterator[str]:
    default = Bot.objects.filter(is_default=True).first()
    numbers = PhoneNumber.objects.select_related("bot").order_by("number")
    for known in numbers[:NUMBERS_NAMED]:
        yield f"{known.number}: {_greeted(answering(known, default).bot)}"
    if numbers.count() > NUMBERS_NAMED:
        yield "and so on"
    yield f"any other number: {_greeted(answering(None, default).bot)}."


def _greeted(bot: Bot | None) -> str:
    if bot is None:
        return f"“{NOT_IN_SERVICE}”"
    greeting = " ".join(bot.greeting.split())
    if len(greeting) > GREETING_SHOWN:
        greeting = f"{greeting[:GREETING_SHOWN]}…"
    who = f"{bot} in the voice {bot.tts_voice}"
    if lacks_key():
        who = f"{bot} in the sandbox's voice"
    return f"“{greeting}” ({who})" if greeting else f"{who}, after they have spoken"
