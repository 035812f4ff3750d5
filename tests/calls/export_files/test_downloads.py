"""Files on their way to browsers: few at once, in small pieces."""

import gc
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from calls.export_files.sending import MAX_DOWNLOADS, places
from calls.models import AuditEvent
from calls.review.export import pieces
from tests.support.pages.calls import make_call, say

pytestmark = pytest.mark.django_db
EXPORT = "/admin/calls/call/export.turns-csv"


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_downloads_above_the_most_wait_for_a_place(admin_client: Client) -> None:
    say(make_call(), "caller", "Hello")
    one = f"/admin/calls/call/{make_call(2).pk}/export.json"
    going_on = [admin_client.get(EXPORT) for _ in range(MAX_DOWNLOADS)]
    exports = AuditEvent.objects.filter(kind="exported")
    for path in (EXPORT, one):
        refused = admin_client.get(path)
        assert refused.status_code == 503
        assert refused["Retry-After"]
        assert "Others are downloading files" in refused.content.decode()
    assert exports.count() == MAX_DOWNLOADS
    assert b"Hello" in body_of(going_on.pop())  # read to its end
    going_on.append(admin_client.get(one))
    assert going_on[-1].status_code == 200
    going_on.clear()  # never closed, as after an error in another part of Django
    gc.collect()
    assert all(places.acquire(blocking=False) for _ in range(MAX_DOWNLOADS))
    places.release(MAX_DOWNLOADS)


@pytest.mark.django_db(transaction=True)
async def test_a_download_under_asgi_gives_its_place_back(
    async_client: AsyncClient,
) -> None:
    user = await User.objects.acreate_superuser("ann")
    await async_client.aforce_login(user)
    for _ in range(MAX_DOWNLOADS + 1):
        response: Any = await async_client.get(EXPORT)
        assert response.status_code == 200
        assert b"".join([piece async for piece in response]).startswith(b"\xef\xbb\xbf")
        response.close()


def test_pieces_are_bounded_by_their_size() -> None:
    lines = ["x" * 1000] * 1000
    made = list(pieces(lines, 64_000))
    assert "".join(made) == "".join(lines)
    assert max(map(len, made)) <= 64_000
    assert len(made) == 16
    assert list(pieces([], 64_000)) == []
