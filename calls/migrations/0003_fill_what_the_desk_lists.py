"""Calls that ended before the desk listed these fields get them now."""

from itertools import groupby

from django.db import migrations

CHUNK = 500
FIELDS = ["turn_count", "slowest_ms", "was_interrupted", "had_error", "was_silent"]


def fill(apps, schema_editor):
    Call, Turn = (apps.get_model("calls", name) for name in ("Call", "Turn"))
    over = Call.objects.exclude(ended_at=None).filter(turn_count=0).order_by("pk")
    last = 0
    while calls := list(
        over.filter(pk__gt=last).only("id", "end_reason", "answered_at")[:CHUNK]
    ):
        last = calls[-1].pk
        turns = Turn.objects.filter(call__in=[call.pk for call in calls])
        turns = turns.only("call_id", "role", "interrupted", "error", "latency_ms")
        turns = groupby(turns.order_by("call", "index"), lambda turn: turn.call_id)
        said = {pk: list(some) for pk, some in turns}
        for call in calls:
            tell(call, said.get(call.pk, []))
        Call.objects.bulk_update(calls, FIELDS)


def tell(call, turns):
    waits, asked = [], False
    for turn in turns:
        asked = asked or turn.role == "caller"
        wait = turn.latency_ms.get("play_sent")
        if asked and turn.role == "bot" and isinstance(wait, int | float):
            waits.append(int(wait))
    call.turn_count = len(turns)
    call.slowest_ms = max((wait for wait in waits if 0 <= wait < 2**31), default=None)
    call.was_interrupted = any(turn.interrupted for turn in turns)
    call.had_error = call.end_reason == "bot-failed" or any(turn.error for turn in turns)
    call.was_silent = call.answered_at is not None and not asked


class Migration(migrations.Migration):
    atomic = False  # a chunk at a time, so that no call waits for it

    dependencies = [("calls", "0002_what_the_desk_lists")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
