"""Tuning of glibc's malloc for a process that runs for weeks. No effect elsewhere.

glibc gives each thread an arena of its own. Free memory in a dozen of them adds up to
far more than the memory in use.
"""

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # from malloc.h
MAX_ARENAS = 2
# A trim takes less than a millisecond.
TRIM_SECONDS = 60.0


def limit_arenas() -> None:
    """Let all threads share a few arenas. Call it before threads are started."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, MAX_ARENAS)


def trim() -> None:
    """Return free memory to the system."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
