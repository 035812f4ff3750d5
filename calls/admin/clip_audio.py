"""Plays a turn's clips to an operator, until they expire."""

import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bots.access.scope import visible
from bots.responses import sound
from calls.accounts.second_factor import has_second_factor
from calls.clips.clip_store import ClipsUnavailable
from calls.models import Turn
from calls.session.services import services

log = logging.getLogger(__name__)

EXPIRED = "This audio is no longer stored."
UNAVAILABLE = "The audio store does not respond. Please try again."


@require_safe
async def clip(
    request: HttpRequest, call_id: int, index: int, position: int
) -> HttpResponse:
    """One clip of a turn, counted from 0. Does not count as a fetch by Twilio."""
    user = await request.auser()
    is_staff = user.is_active and getattr(user, "is_staff", False)
    is_verified = is_staff and await sync_to_async(has_second_factor)(
        user, request.session
    )
    if not is_verified or not await user.ahas_perm("calls.view_call"):
        return _message("Please log in as a user who may read calls.", 403)
    turn = await sync_to_async(_turn)(user, call_id, index)
    if turn is None or position >= len(turn.clip_ids):
        return _message(EXPIRED, 404)
    try:
        body = await services().clips.get(str(turn.clip_ids[position]))
    except ClipsUnavailable as error:
        log.warning("Clip not played to an operator: %s", error)
        return _message(UNAVAILABLE, 503)
    if body is None:
        return _message(EXPIRED, 404)
    return sound(body)


def _turn(user: Any, call_id: int, index: int) -> Turn | None:
    turns = Turn.objects.filter(call=call_id, index=index)
    return visible(turns, user, "calls.view_call").first()


def _message(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
