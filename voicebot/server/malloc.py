"""The memory of a process that serves for weeks: kept together, and given back.

glibc lets every thread have a heap of its own. What calls leave in each of a dozen of
them adds up to far more than what is in use. Elsewhere than on glibc nothing is done.
"""

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # of malloc.h
HEAPS = 2
# What giving back takes is below a millisecond.
GIVE_BACK_SECONDS = 60.0


def limit_arenas() -> None:
    """Let all threads share a few heaps; to be called before there are any."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def trim() -> None:
    """Return to the system what is free at the end of the heaps and within them."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
