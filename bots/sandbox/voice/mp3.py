"""MP3 of silence: Inworld's answer where it does not know an encoding."""

import math

# 128 kbit/s at 48 kHz, mono. A frame whose data is all zeros is silence.
FRAME = bytes.fromhex("fffb94c0") + bytes(380)
FRAME_SECONDS = 1152 / 48_000


def silent_mp3(seconds: float) -> bytes:
    """A file of at least this length; the sandbox has no encoder for more."""
    return FRAME * math.ceil(seconds / FRAME_SECONDS)
