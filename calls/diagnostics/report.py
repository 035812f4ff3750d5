"""TODO."""

from collections.abc import Iterator, Sequence

from django.conf import settings

from bots.inworld.api_key import lacks_key
from bots.models import Bot, PhoneNumber
from bots.number_routing import explain
from calls.diagnostics import server_url_probe
from calls.diagnostics.findings import (
    APOLOGY,
    CARRIER_VOICE,
    LINE_DROPS,
    NO_CALL,
    NO_VOICE,
    SORRY,
    TWILIO_ERROR,
    Finding,
    failure,
    ok,
    warning,
)
from calls.webhooks.connect import (
    NOT_CONFIGURED,
    NOT_IN_SERVICE,
    configuration_problem,
)

NUMBERS_NAMED = 10
GREETING_SHOWN = 60


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
            yield ok(name, result.words)
        else:
            yield failure(name, result.words, hears[result.name])
    if not settings.REDIS_URL:
        yield warning(
            f"{server_url_probe.CLIP} at SERVER_URL",
            "Not tried: they are in the server's own memory. The desk tries them, on "
            "its page of numbers.",
        )


def conclusion(findings: Sequence[Finding]) -> str:
    """What callers hear, in one line."""
    # Nothing that comes later in a call is heard when what comes first fails.
    order = (NO_CALL, TWILIO_ERROR, SORRY, LINE_DROPS, NO_VOICE)
    found = {finding.caller_hears for finding in findings if finding.caller_hears}
    for words in (*order, APOLOGY, CARRIER_VOICE):
        if words in found:
            return f"Callers hear {words}"
    if configuration_problem(settings.SERVER_HOST) and not lacks_key():
        return f"Callers hear “{NOT_CONFIGURED}”"
    return "Callers hear: " + "; ".join(_by_number())


def _by_number() -> Iterator[str]:
    default = Bot.objects.filter(is_default=True).first()
    numbers = PhoneNumber.objects.select_related("bot").order_by("number")
    for known in numbers[:NUMBERS_NAMED]:
        yield f"{known.number}: {_greeted(explain(known, default).bot)}"
    if numbers.count() > NUMBERS_NAMED:
        yield "and so on"
    yield f"any other number: {_greeted(explain(None, default).bot)}."


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
