"""Bots whose settings Twilio refuses: which, since when, and what to do."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone

from bots.site_settings.current import moment
from calls.diagnostics.findings import Finding, failure, warning
from calls.models import Call
from calls.twilio.relay_errors import explain

NAME = "Bots"
# A refusal is forgotten if it does not happen again within this time.
WINDOW = timedelta(days=7)
LOST = Q(end_reason=Call.EndReason.SETTINGS_REFUSED)


def refused_settings_findings(calls: QuerySet[Call]) -> list[Finding]:
    """Bots whose settings Twilio has refused since they were saved last."""
    refused = (
        _refused(calls)
        .order_by()
        .values("bot", "bot__name", "twilio_error_code")
        .annotate(
            calls=Count("pk"),
            lost=Count("pk", filter=LOST),
            first=Min("settings_refused_at"),
            last=Max("settings_refused_at"),
        )
    )
    return list(_findings(refused.order_by("-last")))


def _refused(calls: QuerySet[Call]) -> QuerySet[Call]:
    return calls.filter(
        settings_refused_at__gte=timezone.now() - WINDOW,
        started_at__gte=F("bot__updated_at"),
    )


def _findings(refused: Any) -> Iterator[Finding]:
    for row in refused:
        error = explain(row["twilio_error_code"])
        if error.is_seen_late or not _has_connected_since(row):
            level = failure if row["lost"] else warning
            yield level(
                NAME,
                f"Twilio refuses settings of the bot {row['bot__name']}: "
                f"{_extent(row)}. {error.meaning}{_quote(row)}",
                f"{error.remedy} Saving the bot removes this message.",
                link=reverse("admin:bots_bot_change", args=[row["bot"]]),
                link_text="Open the bot",
            )


def _has_connected_since(row: dict[str, Any]) -> bool:
    """True if a later call of the bot, with all its settings, went well."""
    later = Call.objects.real().filter(bot=row["bot"], started_at__gt=row["last"])
    went_well = later.filter(
        status=Call.Status.COMPLETED,
        answered_at__isnull=False,
        settings_refused_at__isnull=True,
        twilio_error_code="",
    )
    return went_well.exists()


def _extent(row: dict[str, Any]) -> str:
    calls = f"{row['calls']:,} call{pluralize(row['calls'])}"
    lost = f", {row['lost']:,} of them lost" if row["lost"] else ""
    return (
        f"error {row['twilio_error_code']} in {calls}{lost}, "
        f"since {moment(row['first'])}"
    )


def _quote(row: dict[str, Any]) -> str:
    """Twilio's own words about the latest refusal; they may name the setting."""
    latest = _refused(Call.objects.real()).filter(
        bot=row["bot"], twilio_error_code=row["twilio_error_code"]
    )
    message = latest.order_by("-settings_refused_at").values_list(
        "twilio_error_message", flat=True
    )
    words = message.first()
    return f" Twilio says: “{words}”." if words else ""
