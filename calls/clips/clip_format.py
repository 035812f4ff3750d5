"""Formats in which a clip can grow. Pure."""

from enum import StrEnum

from calls.turns.clip_ids import MP3_SUFFIX, REPORTED_SUFFIX


class ClipFormat(StrEnum):
    """The id of a clip says in which format its body grows; a whole clip is a WAV."""

    WAV = "wav"
    MP3 = "mp3"

    @property
    def content_type(self) -> str:
        return {ClipFormat.WAV: "audio/wav", ClipFormat.MP3: "audio/mpeg"}[self]

    @property
    def suffix(self) -> str:
        """The end of the ids of clips that grow in this format."""
        return (MP3_SUFFIX if self is ClipFormat.MP3 else "") + REPORTED_SUFFIX


def format_of(clip_id: str) -> ClipFormat:
    """The format in which a clip grows, in whichever process."""
    is_mp3 = clip_id.endswith(ClipFormat.MP3.suffix)
    return ClipFormat.MP3 if is_mp3 else ClipFormat.WAV
