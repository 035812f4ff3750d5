"""Processes of the release before, which go on for a while with the new tables."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from calls import models

BEFORE = ("calls", "0008_daily_run")


@pytest.mark.django_db
def test_a_process_of_the_release_before_still_takes_calls_and_writes_turns() -> None:
    apps = MigrationLoader(connection).project_state(BEFORE).apps
    now = timezone.now()
    older = apps.get_model("calls", "Call").objects.create(
        call_sid="CA1", started_at=now
    )
    apps.get_model("calls", "Turn").objects.create(
        call=older, index=0, role="caller", text="Hello.", started_at=now
    )
    call = models.Call.objects.get()
    assert (call.variables, call.transfer, call.noted) == ({}, {}, {})
    assert (call.summary, call.outcome, call.returns) == ("", "", 0)
    assert call.turns.get().tool == {}
