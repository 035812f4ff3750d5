"""Looks at ended calls, at measures and at the server, as the rules ask."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django import db
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from calls.alerts import incidents
from calls.alerts.budgets import spent_budgets
from calls.alerts.matching import REPORT_TIME, awaits_report, matches
from calls.alerts.measures import above_bound
from calls.alerts.noticing import Noticed, tell
from calls.logs import CallLog
from calls.models import AlertIncident, AlertRule, Call, CallToCheck
from calls.models.alert import Event

log = logging.getLogger(__name__)

# Calls whose rows are in one transaction.
BATCH = 200
UNLOADED = ("settings", "variables", "summary", "extracted_fields", "search_text")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong with the server; `key` is the same while it lasts."""

    key: str
    words: str


def active_rules(*events: str) -> QuerySet[AlertRule]:
    """The rules that are switched on, with their channels."""
    rules = AlertRule.objects.filter(is_active=True, event__in=events)
    return rules.select_related("bot").prefetch_related("channels")


@transaction.atomic
def check_calls() -> int:
    """Look at one batch of calls that have ended; returns how many there were."""
    due = CallToCheck.objects.select_for_update(skip_locked=True)
    rows = list(due.filter(due_at__lte=Now()).order_by("due_at")[:BATCH])
    if not rows:
        return 0
    CallToCheck.objects.filter(pk__in=[row.pk for row in rows]).delete()
    ids = {row.call_id for row in rows}
    calls = list(Call.objects.filter(pk__in=ids).defer(*UNLOADED))
    waiting = [call for call in calls if awaits_report(call)]
    again = Now() + REPORT_TIME / 8
    CallToCheck.objects.bulk_create(
        [CallToCheck(call=call, due_at=again) for call in waiting]
    )
    rules = list(active_rules(*AlertRule.OF_CALLS))
    tell(
        found
        for call in calls
        if call not in waiting
        for found in _matches(call, rules)
    )
    return len(rows)


def _matches(call: Call, rules: list[AlertRule]) -> list[Noticed]:
    try:
        found = list(matches(call, rules))
    except db.Error:
        raise
    except Exception:
        # One call must not keep the others from being told.
        CallLog(log, call.call_sid).exception("The alert rules failed")
        return []
    if found:
        CallLog(log, call.call_sid).info("%d alert rules tell this call", len(found))
    return found


def measure() -> None:
    """Compare answers, calls and spending with their bounds; end what is over."""
    now, rules = timezone.now(), list(active_rules(*AlertRule.MEASURED))
    for rule in rules:
        if words := above_bound(rule, now):
            incidents.see(rule, rule.event, words, now)
    tell(spent_budgets(list(active_rules(Event.BUDGET)), now))
    if AlertIncident.objects.exists():
        lasting = (*AlertRule.MEASURED, Event.TROUBLE)
        incidents.end_unseen(active_rules(*lasting), now)


def wants_trouble() -> bool:
    """True if a rule asks for troubles of the server."""
    return active_rules(Event.TROUBLE).exists()


def see_troubles(troubles: Iterable[Trouble]) -> None:
    """Tell what is wrong with the server now."""
    found, now = list(troubles), timezone.now()
    if not found:
        return
    for rule in active_rules(Event.TROUBLE):
        for trouble in found:
            incidents.see(rule, trouble.key, trouble.words, now)
