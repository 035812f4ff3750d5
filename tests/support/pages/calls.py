"""Helpers for tests of the call pages: calls, turns, and a user who may view them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from calls.models import Call, CallTag, Turn
from calls.transcripts import call_stats

LIST = "/admin/calls/call/"


START = timezone.now() - timedelta(minutes=2)


def make_call(number: int = 1, **values: Any) -> Call:
    defaults = {
        "call_sid": f"CA{number:032x}",
        "from_number": f"+1415555{number:04}",
        "to_number": "+14155550100",
        "status": Call.Status.COMPLETED,
        "end_reason": Call.EndReason.CALLER_HUNG_UP,
        "started_at": START + timedelta(seconds=number),
        "answered_at": START,
        "ended_at": START + timedelta(seconds=83),
    }
    return Call.objects.create(**{**defaults, **values})


def say(call: Call, role: str, text: str, **values: Any) -> Turn:
    defaults = {"started_at": START, "ended_at": START, "heard_text": text}
    index = call.turns.count()
    return Turn.objects.create(
        call=call, index=index, role=role, text=text, **{**defaults, **values}
    )


def tag(call: Call, name: str) -> CallTag:
    """Add a tag, as an operator does."""
    added = CallTag.objects.create(call=call, name=name)
    Call.objects.filter(pk=call.pk).update_search_text()
    return added


def listed_calls(client: Client, query: str) -> set[int]:
    """Return the keys of the calls that the list shows."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response.headers
    return {call.pk for call in response.context["cl"].result_list}


@pytest.fixture
def viewer(client: Client) -> Client:
    """A client whose user may view calls and nothing else."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_call"))
    client.force_login(user)
    return client


def stats_of(call: Call) -> tuple[Any, ...]:
    call.refresh_from_db()
    return tuple(getattr(call, name) for name in call_stats.FIELDS)
