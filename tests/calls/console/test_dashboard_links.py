"""The first page: calls whose line is lost."""

import pytest
from django.test import Client
from django.utils import timezone

from calls.models import Call
from tests.support.pages.dashboard import Ring, home, text
from tests.support.pages.dashboard import bot as bot
from tests.support.pages.dashboard import ring as ring

pytestmark = pytest.mark.django_db


def test_a_lost_line_is_shown_beside_the_open_calls(
    admin_client: Client, ring: Ring
) -> None:
    for disconnected_at in (None, timezone.now()):
        ring(status="in-progress", ended_at=None, disconnected_at=disconnected_at)
    assert home(admin_client)["now"].value == 2
    assert "1 of them: line lost, waiting for the caller" in text(admin_client)
    Call.objects.update(disconnected_at=None)
    assert "line lost" not in text(admin_client)
