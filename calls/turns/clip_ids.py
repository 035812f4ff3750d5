"""TODO."""

import re

# A phrase is kept this long after its last use, so that every process can share it.
KEPT_SECONDS = 7 * 24 * 3600.0
PHRASE_ID = re.compile("[0-9a-f]{64}")


def is_phrase(clip_id: str) -> bool:
    """Whether a clip's id is a phrase's, so that other calls may play it, too."""
    return PHRASE_ID.fullmatch(clip_id) is not None
