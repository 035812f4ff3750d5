"""Recordings that we make ourselves, of calls without a telephone."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from secrets import token_hex

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from bots.audio.pcm import TELEPHONE_RATE
from bots.audio.stereo import Piece, mixed
from calls.models import Call, Recording
from calls.models.recording import recording_storage
from calls.recordings.waveform import waveform

log = logging.getLogger(__name__)

SAMPLE_WIDTH = 2
NOT_STORED = "The storage of recordings did not take the sound of this call."


@dataclass(frozen=True, slots=True)
class Tape:
    """Sound of a call from `began_at` on, of which a part may be kept.

    `begins` and `ends` are the kept part, in seconds like the times of its pieces.
    Nobody may hear anything of its `silent` stretches.
    """

    began_at: datetime
    pieces: list[Piece]
    begins: float
    ends: float
    silent: list[tuple[float, float]] = field(default_factory=list)

    def wav(self) -> bytes:
        """The kept part as a file."""
        kept = (piece for piece in self.pieces if piece.begins < self.ends)
        silent = [(a - self.begins, b - self.begins) for a, b in self.silent]
        return mixed(map(self._moved, kept), self.ends - self.begins, silent)

    def _moved(self, piece: Piece) -> Piece:
        kept = round((self.ends - piece.begins) * TELEPHONE_RATE) * SAMPLE_WIDTH
        samples = piece.samples[:kept]
        return Piece(piece.channel, piece.begins - self.begins, samples)


def store(call: Call, tape: Tape) -> Recording | None:
    """Store the kept part of a tape as a recording of the call, or that it failed.

    None if the call was deleted meanwhile: then nothing is stored.
    """
    body = tape.wav()
    drawn = waveform(BytesIO(body))
    recording = Recording(
        call=call,
        source=Recording.Source.LOCAL,
        status=Recording.Status.COMPLETED,
        started_at=tape.began_at + timedelta(seconds=tape.begins),
        duration_ms=drawn.duration_ms,
        channels=len(drawn.peaks) or 2,
        size=len(body),
        content_type="audio/wav",
        peaks=drawn.peaks,
        fetched_at=timezone.now(),
    )
    name = f"{recording.started_at:%Y/%m/%d}/{token_hex(16)}.wav"
    try:
        recording.file = recording_storage().save(name, ContentFile(body))
    except Exception as error:  # storages raise what they like
        log.warning("%s: a recording was not stored: %s", call, error)
        recording.status, recording.problem = Recording.Status.FAILED, NOT_STORED
    with transaction.atomic():
        # Locked, so that whoever deletes the call finds its recording.
        calls = Call.objects.select_for_update(no_key=True).filter(pk=call.pk)
        if calls.exists():
            recording.save()
            return recording
    if recording.file:
        recording_storage().delete(str(recording.file))
    return None
