"""The `Range` header of a request, read as RFC 9110 says (14.1.2, 14.2). Pure."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.I)


class NotSatisfiable(Exception):
    """None of the bytes exist."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `first` to `last`, both included, of a file of `size` bytes."""

    first: int
    last: int
    size: int

    @property
    def header(self) -> str:
        """The value of `Content-Range`."""
        return f"bytes {self.first}-{self.last}/{self.size}"

    def at_most(self, count: int) -> "ByteRange":
        """The beginning of it: a server may send less than was asked for."""
        return ByteRange(self.first, min(self.last, self.first + count - 1), self.size)


def requested(header: str, size: int) -> ByteRange | None:
    """The requested range; None if the whole file is to be sent.

    Several ranges, other units and what nobody can read are ignored, as a server may.
    Raises NotSatisfiable.
    """
    match = _ONE_RANGE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return None
    start, end = match.groups()
    if not start:
        first, last = max(size - int(end), 0), size - 1
    else:
        first, last = int(start), min(int(end), size - 1) if end else size - 1
        if end and int(end) < first:
            return None  # invalid, so ignored
    if first > last:
        raise NotSatisfiable
    return ByteRange(first, last, size)
