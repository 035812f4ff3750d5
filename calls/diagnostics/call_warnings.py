"""Problems that today's calls ran into, each with its remedy."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.template.defaultfilters import pluralize

from calls.diagnostics.findings import Finding, failure, warning
from calls.figures import FAILED, REFUSED
from calls.models import Call, Turn
from calls.review.call_links import calls_url

NAME = "Calls"
# Turns read to see whether Inworld accepts our key now.
MAX_TURNS_READ = 200
SEE_CALLS = "See these calls"
# Remedies for failed calls, by end reason.
REMEDIES = {
    Call.EndReason.NO_BOT: "Give the number a bot, or make one bot the default.",
    Call.EndReason.NOT_IN_SERVICE: "Switch the number and its bot on, or point the "
    "number elsewhere.",
    Call.EndReason.NOT_CONFIGURED: "See the other warnings: a setting is missing.",
    Call.EndReason.WRONG_METHOD: "Point the number here again on the page “Connect "
    "numbers”, or choose HTTP POST beside the address at Twilio. A proxy that "
    "redirects http to https also turns POST into GET: write https there.",
    Call.EndReason.BUSY: "Raise MAX_CALLS if the machine has room, or add a process; "
    "some numbers may have a limit of their own, and so has a Twilio account.",
    Call.EndReason.TOO_MANY_CALLS: "Block the caller if they are not welcome; if they "
    "are, raise MAX_CALLS_PER_CALLER or MAX_CALLS_PER_CALLER_PER_HOUR.",
    Call.EndReason.TOO_MANY_HIDDEN: "Block “anonymous” if they are not welcome; if "
    "they are, raise MAX_CALLS_FROM_HIDDEN_NUMBERS or "
    "MAX_CALLS_FROM_HIDDEN_NUMBERS_PER_HOUR.",
    Call.EndReason.MINUTES_USED_UP: "Look whether the calls of the last 24 hours are "
    "wanted; if they are, raise MAX_MINUTES_PER_DAY or MAX_MINUTES_PER_CALLER_PER_DAY.",
    Call.EndReason.BOT_FAILED: "Read what went wrong in the calls; a backup model "
    "on the bot's page helps when a model is unavailable.",
    Call.EndReason.NEVER_CONNECTED: "Check that SERVER_URL is right and that the proxy "
    "or tunnel passes WebSockets on.",
    Call.EndReason.CONNECTION_LOST: "Check the proxy's or tunnel's time limits for "
    "WebSockets, and the network.",
    Call.EndReason.CARRIER_FAILED: "Open the calls: each shows Twilio's error and what "
    "to do. Without one, look for the call in the Twilio Console's logs.",
    Call.EndReason.SETTINGS_REFUSED: "Open the calls: each shows Twilio's error and "
    "what to change on the bot's page.",
    Call.EndReason.SERVER_STOPPED: "If nobody restarted the server, look into its log.",
}


# When a turn started, its error, and the model that wrote it.
TurnOutcome = tuple[datetime, str, str]


def call_findings(calls: QuerySet[Call], today: datetime) -> list[Finding]:
    """Problems of the calls since `today`, the midnight with which today began."""
    since = calls.filter(started_at__gte=today)
    bad = (
        since.filter(Q(**FAILED.conditions) | Q(**REFUSED.conditions))
        .filter(end_reason__in=REMEDIES)
        .values_list("status", "end_reason")
        .annotate(calls=Count("pk"))
        .order_by("-calls")
    )
    latest = (
        Turn.objects.filter(call__in=since.order_by())
        .filter(role__in=[Turn.Role.BOT, Turn.Role.SYSTEM])
        .order_by("-call__started_at", "-index")
        .values_list("started_at", "error", "model")[:MAX_TURNS_READ]
    )
    return [
        *_inworld_findings(today, latest),
        *(_bad_calls(today, *calls) for calls in bad),
    ]


def _bad_calls(today: datetime, status: str, value: str, count: int) -> Finding:
    reason = Call.EndReason(value)
    label = str(reason.label)
    figure = FAILED if status == Call.Status.FAILED else REFUSED
    did = "failed" if figure is FAILED else f"{'was' if count == 1 else 'were'} refused"
    return warning(
        NAME,
        f"{count:,} call{pluralize(count)} {did} today: "
        f"{label[:1].lower()}{label[1:]}.",
        REMEDIES[reason],
        link=calls_url(
            started_at__gte=today, end_reason__exact=value, **figure.parameters
        ),
        link_text=SEE_CALLS,
    )


def _inworld_findings(
    today: datetime, turns: Iterable[TurnOutcome]
) -> Iterator[Finding]:
    """Report if Inworld refused the most recent request."""
    link = calls_url(started_at__gte=today, had_error__exact=1)
    match _last_refusal(turns):
        case "401" | "403" as status:
            yield failure(
                NAME,
                f"Inworld refuses INWORLD_API_KEY (status {status}): the bots "
                "cannot answer.",
                "Copy the key again from Inworld's portal to .env and start the "
                "server again.",
                link=link,
                link_text=SEE_CALLS,
            )
        case "429":
            yield warning(
                NAME,
                "Inworld rejects requests: more than its plan allows (status 429).",
                "Lower INWORLD_MAX_CONCURRENCY to what the plan generates at once, "
                "or choose a larger plan.",
                link=link,
                link_text=SEE_CALLS,
            )


def _last_refusal(turns: Iterable[TurnOutcome]) -> str:
    """The status of the latest refusal; empty if Inworld has answered since."""
    for _, error, model in sorted(turns, reverse=True):
        if refusal := re.match(r"Inworld answered (401|403|429)\b", error):
            return refusal[1]
        if model and not error:
            return ""
    return ""
