"""Things that last, such as slow answers: told when they begin and when they end.

They have ended when no process has seen them for a while, so a value that goes up and
down around its bound is one incident. The row of an incident makes sure that one
process tells it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from calls.alerts.noticing import Thing, tell
from calls.models import AlertIncident, AlertRule
from calls.models.alert import MAX_DETAIL_LENGTH

OVER_AFTER = timedelta(minutes=5)
# Keys that begin so are of things that were over when they were seen.
PAST = "past:"


def see(rule: AlertRule, key: str, detail: str, now: datetime) -> None:
    """Something is wrong now; it is told if it was not wrong before."""
    first = {"detail": detail[:MAX_DETAIL_LENGTH], "began_at": now, "last_seen_at": now}
    with transaction.atomic():
        same = AlertIncident.objects.filter(rule=rule, key=key)
        if same.update(last_seen_at=now):
            return
        incident, is_new = AlertIncident.objects.get_or_create(
            rule=rule, key=key, defaults=first
        )
        if is_new:
            tell([(rule, _thing(incident, now))])


@transaction.atomic
def end_unseen(rules: Iterable[AlertRule], now: datetime) -> None:
    """End the incidents that nobody has seen lately."""
    by_pk = {rule.pk: rule for rule in rules}
    rows = AlertIncident.objects.select_for_update(skip_locked=True)
    ended = list(rows.filter(last_seen_at__lt=now - OVER_AFTER))
    AlertIncident.objects.filter(pk__in=[incident.pk for incident in ended]).delete()
    tell(
        (by_pk[incident.rule_id], _thing(incident, now, is_over=True))
        for incident in ended
        if incident.rule_id in by_pk and not incident.key.startswith(PAST)
    )


def _thing(incident: AlertIncident, at: datetime, *, is_over: bool = False) -> Thing:
    begin = f"{incident.began_at.timestamp():.6f}"
    key = f"{incident.key}:{begin}{':over' if is_over else ''}"
    return Thing(key, at, incident.detail, is_over=is_over)
