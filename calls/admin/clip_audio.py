"""Plays a turn's sound to an operator, for as long as its clips live."""

import logging

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls.accounts.sign_in import has_second_factor
from calls.models import Turn
from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable

log = logging.getLogger(__name__)

GONE = "The sound of this is no longer kept."
AWAY = "The store of the sound does not answer. Please try again."


@require_safe
async def clip(
    request: HttpRequest, call_id: int, index: int, position: int
) -> HttpResponse:
    """One clip of a turn; unlike the carrier's own fetch it says nothing of the call.

    The first of a turn has position 0.
    """
    user = await request.auser()
    allowed = user.is_active and getattr(user, "is_staff", False)
    passed = allowed and await sync_to_async(has_second_factor)(user, request.session)
    if not passed or not await user.ahas_perm("calls.view_call"):
        return _words("Please log in as somebody who may read calls.", 403)
    turn = await Turn.objects.filter(call=call_id, index=index).afirst()
    if turn is None or position >= len(turn.clip_ids):
        return _words(GONE, 404)
    try:
        body = await services().clips.get(str(turn.clip_ids[position]))
    except ClipsUnavailable as error:
        log.warning("Clip not played to an operator: %s", error)
        return _words(AWAY, 503)
    if body is None:
        return _words(GONE, 404)
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(body, content_type="audio/wav", headers=headers)


def _words(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
