"""Serves the audio clips that Twilio fetches and plays."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable
from calls.trace.recording import traced_fetch

log = logging.getLogger(__name__)


@require_safe
@traced_fetch
async def audio(request: HttpRequest, clip_id: str) -> HttpResponse:
    """Answer with one clip, as long as it is stored."""
    try:
        body = await services().clips.get(clip_id)
    except ClipsUnavailable as error:
        log.warning("Clip not served: %s", error)
        return HttpResponse(status=503)
    if body is None:
        return HttpResponse(status=404)
    if request.method == "GET":
        services().fetches.notify(clip_id)
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return HttpResponse(body, content_type="audio/wav", headers=headers)
