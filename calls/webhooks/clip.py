"""Serves the audio clips that Twilio fetches and plays.

It is not known what Twilio does with a call if the address of a clip answers with an
error. So an id that we gave to a call in progress is always answered with sound.
The body of a clip that still grows has no announced length, and ends with the clip.
It may be an MP3; a whole clip is always a WAV. A fetch of a whole clip whose address
was sent early waits for it.
"""

import logging

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from bots.audio.wav import wav
from calls.clips.clip_bodies import BodyLost, Pieces
from calls.clips.clip_format import ClipFormat, format_of
from calls.clips.clip_store import ClipsUnavailable
from calls.clips.signed_ids import is_issued
from calls.session.services import services
from calls.speech.audio import silence
from calls.trace.recording import traced_fetch
from calls.turns.clip_ids import (
    GONE,
    REPLACED,
    UNAVAILABLE,
    is_early,
    is_phrase,
    is_reported,
)

log = logging.getLogger(__name__)

# Length of the silence that is served instead of a clip.
SILENCE_SECONDS = 0.1
NO_STORE = {"Cache-Control": "no-store"}


@require_safe
@traced_fetch
async def audio(request: HttpRequest, clip_id: str) -> HttpResponseBase:
    """Answer with one clip; with silence if a call needs it and it cannot be had."""
    is_fetch, reason = request.method == "GET", GONE
    try:
        if found := await _clip(clip_id, is_fetch=is_fetch):
            if is_fetch:
                _report_download(clip_id, served=True)
            return found
    except (ClipsUnavailable, BodyLost) as error:
        log.warning("Clip not served: %s", error)
        reason = UNAVAILABLE
    if not is_issued(clip_id):
        return HttpResponse(status=404)
    if is_fetch:
        log.warning("Silence served instead of a clip: %s", reason)
        _report_download(clip_id, served=False)
    return _sound(_silence(), **{REPLACED: reason})


async def _clip(clip_id: str, *, is_fetch: bool) -> HttpResponseBase | None:
    """The clip, whole or as it grows; None if it is not stored."""
    store = services().clips
    if (body := await store.get(clip_id)) is not None:
        return _sound(body)
    pieces = await store.bodies.read(clip_id)
    if pieces is None:
        return None
    kind = format_of(clip_id).content_type
    if not is_fetch:
        return HttpResponse(content_type=kind, headers=NO_STORE)
    if not is_early(clip_id) and (first := await anext(pieces, b"")):
        body_pieces = _joined(first, pieces)
        return StreamingHttpResponse(body_pieces, content_type=kind, headers=NO_STORE)
    # It was cut before its first sound, and is silence now; or it is sent as a whole.
    async for _ in pieces:
        pass
    body = await store.get(clip_id)
    return None if body is None else _sound(body)


async def _joined(first: bytes, pieces: Pieces) -> Pieces:
    yield first
    async for piece in pieces:
        yield piece


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
    headers |= {**NO_STORE, "Content-Length": str(len(body))}
    kind = ClipFormat.WAV.content_type
    return HttpResponse(body, content_type=kind, headers=headers)
