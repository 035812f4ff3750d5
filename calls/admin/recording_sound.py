"""Plays recordings to people who may hear them, part by part, and records who did."""

from datetime import timedelta
from itertools import chain

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from bots.access.scope import visible
from calls.audit.recording import Kind, record
from calls.export_files.sending import send_file
from calls.models import AuditEvent, Recording
from calls.recordings.byte_ranges import ByteRange, NotSatisfiable, requested
from calls.recordings.sound import Sound, Unplayable, open_sound

# A player asks for the next part when it needs it. Half a minute of sound.
MAX_PART_BYTES = 1024 * 1024
# A player asks often; within this time that counts as listening once.
ONE_LISTENING = timedelta(hours=1)


@require_safe
def sound(request: HttpRequest, call_id: int, pk: int) -> HttpResponseBase:
    """The sound of a recording: a range for players, the whole file for others."""
    rows = Recording.objects.filter(pk=pk).select_related("call")
    recording = visible(rows, request.user).first()
    # Compared here: databases refuse numbers as long as an address may have.
    if recording is None or recording.call_id != call_id:
        raise Http404("There is no such recording, or you may not hear it.")
    try:
        return _answer(request, recording, open_sound(recording))
    except Unplayable as error:
        return _plain(str(error), 404)


def _answer(
    request: HttpRequest, recording: Recording, sound: Sound
) -> HttpResponseBase:
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "ETag": sound.etag,
    }
    if request.method == "HEAD":
        headers["Content-Length"] = str(sound.size)
        return HttpResponse(content_type=sound.content_type, headers=headers)
    try:
        part = requested(_range_header(request, sound), sound.size)
    except NotSatisfiable:
        headers["Content-Range"] = f"bytes */{sound.size}"
        return _plain("There is no sound there.", 416, **headers)
    if part is None:
        headers["Content-Length"] = str(sound.size)
        pieces = sound.pieces()
        # Once the headers are sent, nobody can be told that there is no sound.
        pieces = chain([next(pieces, b"")], pieces)
        return send_file(request, pieces, sound.name, headers, is_computed=False)
    return _part(request, recording, sound, part.at_most(MAX_PART_BYTES), headers)


def _range_header(request: HttpRequest, sound: Sound) -> str:
    """The range that is asked for, unless it is one of another file."""
    if request.headers.get("If-Range", sound.etag) != sound.etag:
        return ""
    return str(request.headers.get("Range", ""))


def _part(
    request: HttpRequest,
    recording: Recording,
    sound: Sound,
    part: ByteRange,
    headers: dict[str, str],
) -> HttpResponse:
    body = sound.read(part.first, part.last)
    _note_listener(request, recording)
    return HttpResponse(
        body,
        status=206,
        content_type=sound.content_type,
        headers={**headers, "Content-Range": part.header},
    )


def _note_listener(request: HttpRequest, recording: Recording) -> None:
    """Record who listens, once."""
    name, details = request.user.get_username(), recording.call.call_sid
    heard = AuditEvent.objects.filter(kind=Kind.LISTENED, name=name, details=details)
    if not heard.filter(at__gt=timezone.now() - ONE_LISTENING).exists():
        record(request, Kind.LISTENED, name, details)


def _plain(text: str, status: int, **headers: str) -> HttpResponse:
    plain = "text/plain; charset=utf-8"
    return HttpResponse(text, content_type=plain, status=status, headers=headers)
