"""Ids of clips: those of fixed sentences are shared by all calls. Pure."""

import re

# How long the clip of a fixed sentence stays in the clip store after its last use.
PHRASE_TTL_SECONDS = 7 * 24 * 3600.0
# The header of a response with silence instead of a clip, and its two values: the clip
# is no longer stored, or the store is away.
REPLACED = "Clip-Replaced"
GONE, UNAVAILABLE = "gone", "unavailable"
PHRASE_ID = re.compile("[0-9a-f]{64}")
# The download of such a clip matters to its call, whichever process serves it.
REPORTED_SUFFIX = "-reported"
# Before it: such a clip grows as an MP3.
MP3_SUFFIX = "-mp3"
# The address of such a clip was sent before its end: a fetch waits for all of it.
EARLY_SUFFIX = "-early"


def is_reported(clip_id: str) -> bool:
    """True for a clip whose download all processes are told of."""
    return clip_id.endswith(REPORTED_SUFFIX)


def is_early(clip_id: str) -> bool:
    """True for a clip whose address was sent before its end."""
    return clip_id.endswith(EARLY_SUFFIX)


def is_phrase(clip_id: str) -> bool:
    """True for the clip of a fixed sentence, which other calls may play, too."""
    return PHRASE_ID.fullmatch(clip_id) is not None
