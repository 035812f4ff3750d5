"""TODO."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Count

from calls.diagnostics.warnings import Finding
from calls.models import Call, Turn
from calls.review.call_links import CallLinks

# The latest turns tell whether Inworld takes our key now.
TURNS_LOOKED_AT = 200
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


def in_the_calls(calls: CallLinks, today: datetime) -> list[Finding]:
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
) -> Iterable[Finding]:
    for reason, count in failed.items():
        word = Call.EndReason(reason)
        yield Finding(
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
) -> list[Finding]:
    """Whether the latest word from Inworld was that it does not take our requests."""
    where = calls.where(started_at__gte=today, had_error__exact=1)
    match _last_word(turns):
        case "401" | "403" as status:
            return [
                Finding(
                    f"Inworld refuses INWORLD_API_KEY (status {status}): the bots "
                    "cannot answer.",
                    "Copy the key again from Inworld's portal to .env and start the "
                    "server again.",
                    where,
                    "See these calls",
                    is_urgent=True,
                )
            ]
        case "429":
            return [
                Finding(
                    "Inworld turns answers down: more than its plan allows (status "
                    "429).",
                    "Lower INWORLD_MAX_CONCURRENCY to what the plan generates at once, or "
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
