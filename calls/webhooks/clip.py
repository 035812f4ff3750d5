"""TODO."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable
from calls.webhooks.incoming import log


@require_safe
async def audio(request: HttpRequest, clip_id: str) -> HttpResponse:
    """One clip, for as long as it lives."""
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
