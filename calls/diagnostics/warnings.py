"""Problems of the setup, numbers and alerts, found without asking other hosts."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db.models import Q, QuerySet
from django.urls import reverse

from bots.config.speech_recognition import doubt, refusal
from bots.models import Bot, PhoneNumber, SpokenLanguage
from bots.sandbox import demo_bot
from calls.checks import SERVER_URL_HINT, is_loopback
from calls.diagnostics.findings import (
    TWILIO_ERROR,
    Finding,
    failure,
    warning,
)
from calls.models import AlertChannel, AlertMessage, AlertRule, Price
from calls.models.alert import State
from calls.session.active_calls import active_calls

PORTAL = "https://platform.inworld.ai/api-keys"
DEBUG_MANUAL = "https://docs.djangoproject.com/en/5.2/ref/settings/#debug"
MAX_NUMBERS_NAMED = 5
SETTINGS, NUMBERS, LANGUAGES = "Settings", "Numbers", "Languages"
INSTRUCTIONS = "Instructions"
SERVER = "Server"
ALERTS, PRICES = "Alerts", "Prices"


def setup_findings() -> list[Finding]:
    """Problems of the server's settings."""
    return [*caller_findings(), *_debug_pages()]


def caller_findings() -> list[Finding]:
    """Problems of the settings that callers notice, or that keep them away."""
    return [*_failed_checks(), *development_findings()]


def _failed_checks() -> Iterator[Finding]:
    for check in run_checks():
        if not check.id or not check.id.startswith(("bots.", "calls.")):
            continue
        link, link_text = _page_for(check.id)
        is_error = check.level >= ERROR
        yield (failure if is_error else warning)(
            SETTINGS,
            str(check.msg),
            check.hint or "",
            caller_hears=TWILIO_ERROR if is_error else "",  # the server does not start
            link=link,
            link_text=link_text,
        )


def _page_for(check_id: str) -> tuple[str, str]:
    if check_id.startswith("bots."):
        return PORTAL, "Inworld's portal"
    return reverse("admin:numbers"), "How to connect Twilio"


def development_findings() -> list[Finding]:
    """Settings that suit a first look on one's own machine, but not real callers."""
    return list(_development_settings())


def _development_settings() -> Iterator[Finding]:
    if settings.SANDBOX_RUNNING:
        yield warning(
            SETTINGS,
            "Sandbox: a local stand-in answers, no real model or voice.",
            "Make a key in Inworld's portal, write it into the server's settings file "
            "(.env, INWORLD_API_KEY=…) and start the server again.",
            link=PORTAL,
            link_text="Inworld's portal",
        )
    # If DEBUG is off, a system check reports this.
    if settings.DEBUG and is_loopback(settings.SERVER_HOST):
        yield warning(
            SETTINGS,
            f"Only this machine can reach {settings.SERVER_URL}: no phone call "
            "comes through.",
            SERVER_URL_HINT,
            link=reverse("admin:numbers"),
            link_text="How to connect Twilio",
        )


def _debug_pages() -> Iterator[Finding]:
    if settings.DEBUG:
        yield warning(
            SETTINGS,
            "Test mode is on (DEBUG=true): error pages show the server's internals to "
            "everybody.",
            "Before real callers, write DEBUG=false into the server's settings file "
            "(.env), and start the server again.",
            link=DEBUG_MANUAL,
            link_text="What DEBUG does",
        )


def overload_findings() -> list[Finding]:
    """Report if this process takes no further calls because it lags."""
    if not active_calls().is_overloaded:
        return []
    return [
        failure(
            SERVER,
            "This server is overloaded and takes no further calls: they go to another "
            "process, or callers hear that the line is busy. Calls in progress go on.",
            "It takes calls again by itself. If this happens often, lower MAX_CALLS, "
            "add a process on another core, or use a faster machine.",
        )
    ]


def number_findings() -> list[Finding]:
    """Numbers in service whose callers reach no bot."""
    has_default = Bot.objects.filter(is_default=True, is_active=True).exists()
    # The default bot answers numbers that have no bot of their own.
    without_bot = Q(bot__is_active=False)
    if not has_default:
        without_bot |= Q(bot=None)
    in_service = PhoneNumber.objects.filter(is_active=True)
    numbers = list(in_service.filter(without_bot)[: MAX_NUMBERS_NAMED + 1])
    if not numbers and not has_default and not in_service.exists():
        return [_no_bot_reachable()]
    findings = [_without_bot(number) for number in numbers[:MAX_NUMBERS_NAMED]]
    if len(numbers) > MAX_NUMBERS_NAMED:
        findings.append(
            failure(
                NUMBERS,
                "More numbers have no active bot.",
                "For each, choose a bot that is switched on, or switch the number off.",
                link=reverse("admin:bots_phonenumber_changelist"),
                link_text="All numbers",
            )
        )
    return findings


def alert_findings() -> list[Finding]:
    """Channels that did not get their latest alert, and rules that tell nothing."""
    return [*_channels_without_alert(), *_rules_without_bot()]


def _channels_without_alert() -> Iterator[Finding]:
    ended = (State.SENT, *AlertMessage.MISSED)
    for channel in AlertChannel.objects.filter(is_active=True):
        latest = channel.messages.filter(state__in=ended).first()
        if latest is None or latest.state == State.SENT:
            continue
        yield warning(
            ALERTS,
            f"“{channel}” did not get its latest alert.",
            latest.log[-1]["words"] if latest.log else "",
            link=reverse("admin:calls_alertmessage_change", args=[latest.pk]),
            link_text="Open the alert",
        )


def _rules_without_bot() -> Iterator[Finding]:
    for rule in AlertRule.objects.filter(is_active=True, bot=None):
        if rule.has_lost_its_bot:
            yield warning(
                ALERTS,
                f"The bot of an alert rule was deleted: “{rule.get_event_display()}” "
                "tells nothing.",
                "Choose another bot, or delete the rule.",
                link=reverse("admin:calls_alertrule_change", args=[rule.pk]),
                link_text="Open the rule",
            )


def price_findings() -> list[Finding]:
    """Prices in a currency in which this console does not count."""
    own = settings.CURRENCY
    written = set(Price.objects.filter(currency=own).values_list("kind", "item"))
    others = Price.objects.exclude(currency=own).values_list("kind", "item", "currency")
    missing = {currency for *of, currency in others if tuple(of) not in written}
    if not missing:
        return []
    names = " and ".join(sorted(missing))
    return [
        warning(
            PRICES,
            f"Some prices are in {names}, but this console counts in {own}.",
            "They do not count, so what calls cost is not fully known, and budgets are "
            f"spent too late or never. Write them in {own}, and look at the limits of "
            "your budgets, or set CURRENCY in the server's settings file (.env) back.",
            link=reverse("admin:calls_price_changelist"),
            link_text="All prices",
        )
    ]


def bot_findings(bots: QuerySet[Bot]) -> list[Finding]:
    """Problems of bots in service."""
    return [*_example_instructions(bots), *_unknown_languages(bots)]


def _example_instructions(bots: QuerySet[Bot]) -> list[Finding]:
    """Bots in service that still tell callers about the sandbox's café."""
    if settings.SANDBOX_RUNNING:
        return []
    return [
        _bot_warning(
            bot,
            INSTRUCTIONS,
            f"{bot} has the instructions of the example café, which does not exist.",
            "Write your own: the bot's role, the facts it needs, and how to speak.",
        )
        for bot in bots.filter(system_prompt=demo_bot.INSTRUCTIONS)
    ]


def _unknown_languages(bots: QuerySet[Bot]) -> list[Finding]:
    """Languages of bots in service that Twilio's speech recognition may not know."""
    return [
        _bot_warning(
            bot,
            LANGUAGES,
            f"{bot}: {problem}",
            "Twilio ends a call whose language and speech recognition do not match.",
        )
        for bot in bots.prefetch_related("languages")
        for problem in _recognition_problems(bot)
    ]


def _bot_warning(bot: Bot, area: str, message: str, hint: str) -> Finding:
    link = reverse("admin:bots_bot_change", args=[bot.pk])
    return warning(area, message, hint, link=link, link_text="Open the bot")


def _recognition_problems(bot: Bot) -> Iterator[str]:
    first = bot.transcription_provider
    rows: list[Bot | SpokenLanguage] = [bot, *bot.languages.all()]
    for row in rows:
        choice = row.speech_model, row.transcription_provider or first, row.language
        if problem := refusal(*choice) or doubt(*choice):
            yield problem


def _no_bot_reachable() -> Finding:
    return failure(
        NUMBERS,
        "No call can reach a bot: there is neither a number nor a default bot.",
        "Make a bot the default and switch it on, or add a number with its bot.",
        link=reverse("admin:bots_bot_changelist"),
        link_text="All bots",
    )


def _without_bot(number: PhoneNumber) -> Finding:
    return failure(
        NUMBERS,
        f"{number} has no active bot: its callers hear an apology and are cut off.",
        "Choose a bot that is switched on, or make one the default.",
        link=reverse("admin:bots_phonenumber_change", args=[number.pk]),
        link_text="Open the number",
    )
