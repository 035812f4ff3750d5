"""What needs somebody's action, what to do about it, and where."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db.models import Q
from django.urls import reverse

from bots.models import Bot, PhoneNumber
from calls.checks import SERVER_URL_HINT, is_loopback

PORTAL = "https://platform.inworld.ai/api-keys"
DEBUG_MANUAL = "https://docs.djangoproject.com/en/5.2/ref/settings/#debug"
NUMBERS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to put right; `grave` when callers suffer from it now."""

    what: str
    remedy: str
    link: str
    link_text: str
    is_urgent: bool = False


def in_the_setup() -> list[Finding]:
    """What is wrong with the server's settings, without asking anybody outside."""
    return [*_from_checks(), *_first_look()]


def _from_checks() -> list[Finding]:
    ours = (check for check in run_checks() if check.id)
    return [
        Finding(
            str(check.msg), check.hint or "", *_place(check.id), check.level >= ERROR
        )
        for check in ours
        if check.id and check.id.startswith(("bots.", "calls."))
    ]


def _place(check_id: str) -> tuple[str, str]:
    if check_id.startswith("bots."):
        return PORTAL, "Inworld's portal"
    return reverse("admin:numbers"), "How to connect Twilio"


def _first_look() -> list[Finding]:
    """What suits a first look on one's own machine, and no caller."""
    found = []
    if settings.SANDBOX_RUNNING:
        found.append(
            Finding(
                "Sandbox: a local stand-in answers, no real model or voice.",
                "Make a key in Inworld's portal, put INWORLD_API_KEY=… in .env and "
                "start the server again.",
                PORTAL,
                "Inworld's portal",
            )
        )
    # Where DEBUG is off, a check says so.
    if settings.DEBUG and is_loopback(_host(settings.SERVER_URL)):
        found.append(
            Finding(
                f"Only this machine can reach {settings.SERVER_URL}: no phone call "
                "comes through.",
                SERVER_URL_HINT,
                reverse("admin:numbers"),
                "How to connect Twilio",
            )
        )
    if settings.DEBUG:
        found.append(
            Finding(
                "DEBUG is on: errors show the server's insides to anybody.",
                "Put DEBUG=false in .env before real callers, and start the server "
                "again.",
                DEBUG_MANUAL,
                "What DEBUG does",
            )
        )
    return found


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def at_the_numbers() -> list[Finding]:
    """Numbers in service whose callers reach no bot."""
    default = Bot.objects.filter(is_default=True, is_active=True).exists()
    # A number without a bot of its own is the default bot's.
    lost = Q(bot__is_active=False)
    if not default:
        lost |= Q(bot=None)
    in_service = PhoneNumber.objects.filter(is_active=True)
    numbers = list(in_service.filter(lost)[: NUMBERS_NAMED + 1])
    if not numbers and not default and not in_service.exists():
        return [_nobody_home()]
    found = [_lost(number) for number in numbers[:NUMBERS_NAMED]]
    if len(numbers) > NUMBERS_NAMED:
        found.append(
            Finding(
                "More numbers have no active bot.",
                "Choose a bot that is switched on for each, or switch it off.",
                reverse("admin:bots_phonenumber_changelist"),
                "All numbers",
                is_urgent=True,
            )
        )
    return found


def _nobody_home() -> Finding:
    return Finding(
        "No call can reach a bot: there is neither a number nor a default bot.",
        "Make a bot the default and switch it on, or add a number with its bot.",
        reverse("admin:bots_bot_changelist"),
        "All bots",
        is_urgent=True,
    )


def _lost(number: PhoneNumber) -> Finding:
    return Finding(
        f"{number} has no active bot: its callers hear an excuse and are cut off.",
        "Choose a bot that is switched on, or make one the default.",
        reverse("admin:bots_phonenumber_change", args=[number.pk]),
        "Open the number",
        is_urgent=True,
    )
