"""Serves the audio clips that Twilio fetches and plays.

It is not known what Twilio does with a call if the address of a clip answers with an
error. So an id that we gave to a call in progress is always answered with sound.
"""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bots.audio.wav import wav
from calls.clips.clip_store import ClipsUnavailable
from calls.session.services import services
from calls.speech.audio import silence
from calls.speech.signed_ids import is_issued
from calls.trace.recording import traced_fetch
from calls.turns.clip_ids import GONE, REPLACED, UNAVAILABLE, is_phrase, is_reported

log = logging.getLogger(__name__)

# Length of the silence that is served instead of a clip.
SILENCE_SECONDS = 0.1


@require_safe
@traced_fetch
async def audio(request: HttpRequest, clip_id: str) -> HttpResponse:
    """Answer with one clip; with silence if a call needs it and it cannot be had."""
    reason = GONE
    try:
        body = await services().clips.get(clip_id)
    except ClipsUnavailable as error:
        log.warning("Clip not served: %s", error)
        body, reason = None, UNAVAILABLE
    is_fetch = request.method == "GET"
    if body is not None:
        if is_fetch:
            _report_download(clip_id, served=True)
        return _sound(body)
    if not is_issued(clip_id):
        return HttpResponse(status=404)
    if is_fetch:
        log.warning("Silence served instead of a clip: %s", reason)
        _report_download(clip_id, served=False)
    return _sound(_silence(), **{REPLACED: reason})


def _report_download(clip_id: str, *, served: bool) -> None:
    """Tell the clip's call, which may run in another process.

    Many calls play a fixed sentence: then it is not known which of them got silence.
    """
    is_ours = services().fetches.notify(clip_id, served=served)
    matters = is_reported(clip_id) or not (served or is_phrase(clip_id))
    if matters and not is_ours:
        message = {"type": "controls.fetched", "clip": clip_id, "served": served}
        services().broadcaster.tell_servers(message)


def _silence() -> bytes:
    pcm = silence(SILENCE_SECONDS)
    return wav(pcm.data, pcm.sample_rate)


def _sound(body: bytes, **headers: str) -> HttpResponse:
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return HttpResponse(body, content_type="audio/wav", headers=headers)
