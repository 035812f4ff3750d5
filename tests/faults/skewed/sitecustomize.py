"""Python runs this file when it starts: it makes a server's wall clock shiftable.

The file that SKEW_FILE names has the shift in seconds, as a C double. The monotonic
clock stays as it is, as it does when an operator or NTP sets a machine's clock.
"""

import mmap
import os
import struct
import time
from datetime import timedelta

from django.utils import timezone

with open(os.environ["SKEW_FILE"], "rb") as file:
    shift = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
real_time, real_now = time.time, timezone.now


def seconds() -> float:
    """Return the error of the clock in seconds."""
    return float(struct.unpack("d", shift[:8])[0])


def skewed_time() -> float:
    """Return `time.time` of the shifted clock."""
    return real_time() + seconds()


time.time = skewed_time
timezone.now = lambda: real_now() + timedelta(seconds=seconds())
