"""What needs somebody's action, what to do about it, and where."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db.models import Count, Q
from django.urls import reverse

from bots.models import Bot, PhoneNumber
from calls.checks import SERVER_URL_HINT, is_loopback
from calls.console.dashboard.charts import CallLinks
from calls.models import Call, Turn

PORTAL = "https://platform.inworld.ai/api-keys"
DEBUG_MANUAL = "https://docs.djangoproject.com/en/5.2/ref/settings/#debug"
# The latest turns tell whether Inworld takes our key now.
TURNS_LOOKED_AT = 200
NUMBERS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to put right; `grave` when callers suffer from it now."""

    what: str
    remedy: str
    link: str
    link_text: str
    grave: bool = False


def in_the_setup() -> list[Trouble]:
    """What is wrong with the server's settings, without asking anybody outside."""
    return [*_from_checks(), *_first_look()]


def _from_checks() -> list[Trouble]:
    ours = (check for check in run_checks() if check.id)
    return [
        Trouble(
            str(check.msg), check.hint or "", *_place(check.id), check.level >= ERROR
        )
        for check in ours
        if check.id and check.id.startswith(("bots.", "calls."))
    ]


def _place(check_id: str) -> tuple[str, str]:
    if check_id.startswith("bots."):
        return PORTAL, "Inworld's portal"
    return reverse("admin:numbers"), "How to connect Twilio"


def _first_look() -> list[Trouble]:
    """What suits a first look on one's own machine, and no caller."""
    found = []
    if settings.SANDBOX:
        found.append(
            Trouble(
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
            Trouble(
                f"Only this machine can reach {settings.SERVER_URL}: no phone call "
                "comes through.",
                SERVER_URL_HINT,
                reverse("admin:numbers"),
                "How to connect Twilio",
            )
        )
    if settings.DEBUG:
        found.append(
            Trouble(
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


def at_the_numbers() -> list[Trouble]:
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
            Trouble(
                "More numbers have no active bot.",
                "Choose a bot that is switched on for each, or switch it off.",
                reverse("admin:bots_phonenumber_changelist"),
                "All numbers",
                grave=True,
            )
        )
    return found


def _nobody_home() -> Trouble:
    return Trouble(
        "No call can reach a bot: there is neither a number nor a default bot.",
        "Make a bot the default and switch it on, or add a number with its bot.",
        reverse("admin:bots_bot_changelist"),
        "All bots",
        grave=True,
    )


def _lost(number: PhoneNumber) -> Trouble:
    return Trouble(
        f"{number} has no active bot: its callers hear an excuse and are cut off.",
        "Choose a bot that is switched on, or make one the default.",
        reverse("admin:bots_phonenumber_change", args=[number.pk]),
        "Open the number",
        grave=True,
    )


# What an operator can do about calls that failed, by their end reason.
REMEDIES = {
    Call.EndReason.NO_BOT: "Give the number a bot, or make one bot the default.",
    Call.EndReason.NOT_IN_SERVICE: "Switch the number and its bot on, or point the "
    "number elsewhere.",
    Call.EndReason.NOT_CONFIGURED: "See the other warnings: a setting is missing.",
    Call.EndReason.BUSY: "Raise MAX_CALLS if the machine has room, or add a process; "
    "some numbers may have a limit of their own.",
    Call.EndReason.TOO_MANY_CALLS: "Block the caller if they are not welcome; if they "
    "are, raise MAX_CALLS_PER_CALLER or MAX_CALLS_PER_CALLER_PER_HOUR.",
    Call.EndReason.BOT_FAILED: "Read what went wrong in the calls; a fallback model "
    "on the bot's page helps when a model is away.",
    Call.EndReason.NEVER_CONNECTED: "Check that SERVER_URL is right and that the proxy "
    "or tunnel passes WebSockets on.",
    Call.EndReason.CONNECTION_LOST: "Check the proxy's or tunnel's time limits for "
    "WebSockets, and the network.",
    Call.EndReason.CARRIER_FAILED: "Look for the calls in the Twilio Console's logs.",
    Call.EndReason.SERVER_STOPPED: "If nobody restarted the server, look into its log.",
}


def in_the_calls(calls: CallLinks, today: datetime) -> list[Trouble]:
    """What today's calls have run into; `today` is its first moment."""
    failed: dict[str, int] = dict(
        Call.objects.real()
        .filter(started_at__gte=today, end_reason__in=REMEDIES)
        .filter(status__in=[Call.Status.FAILED, Call.Status.REFUSED])
        .values_list("end_reason")
        .annotate(calls=Count("pk"))
        .order_by("-calls")
    )
    latest = (
        Turn.objects.filter(call__is_test=False, call__started_at__gte=today)
        .filter(role__in=[Turn.Role.BOT, Turn.Role.SYSTEM])
        .order_by("-call__started_at", "-index")
        .values_list("started_at", "error", "model")[:TURNS_LOOKED_AT]
    )
    return [*_at_inworld(calls, today, latest), *_failed(calls, today, failed)]


def _failed(
    calls: CallLinks, today: datetime, failed: Mapping[str, int]
) -> Iterable[Trouble]:
    for reason, count in failed.items():
        word = Call.EndReason(reason)
        yield Trouble(
            f"{_calls(count)} failed today: {_lowered(str(word.label))}.",
            REMEDIES[word],
            calls.where(
                started_at__gte=today,
                end_reason__exact=reason,
                status__in=f"{Call.Status.FAILED},{Call.Status.REFUSED}",
            ),
            "See these calls",
        )


def _at_inworld(
    calls: CallLinks, today: datetime, turns: Iterable[tuple[datetime, str, str]]
) -> list[Trouble]:
    """Whether the latest word from Inworld was that it does not take our requests."""
    where = calls.where(started_at__gte=today, had_error__exact=1)
    match _last_word(turns):
        case "401" | "403" as status:
            return [
                Trouble(
                    f"Inworld refuses INWORLD_API_KEY (status {status}): the bots "
                    "cannot answer.",
                    "Copy the key again from Inworld's portal to .env and start the "
                    "server again.",
                    where,
                    "See these calls",
                    grave=True,
                )
            ]
        case "429":
            return [
                Trouble(
                    "Inworld turns answers down: more than its plan allows (status "
                    "429).",
                    "Lower INWORLD_CONCURRENCY to what the plan generates at once, or "
                    "raise the plan.",
                    where,
                    "See these calls",
                )
            ]
    return []


def _last_word(turns: Iterable[tuple[datetime, str, str]]) -> str:
    """The status of the latest refusal; empty when an answer has come since."""
    for _, error, model in sorted(turns, reverse=True):
        if refused := re.match(r"Inworld answered (401|403|429)\b", error):
            return refused[1]
        if model and not error:
            return ""
    return ""


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
