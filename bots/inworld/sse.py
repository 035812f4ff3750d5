"""Decodes a stream of server-sent events: bytes in, the data of events out. Pure."""

MAX_EVENT_BYTES = 16 * 1024 * 1024


class EventDecoder:
    """Collects the `data:` lines of each event, however the bytes were cut.

    Works on bytes: text decoded early could be cut inside a character, and
    `str.splitlines` also breaks at U+2028 and U+0085, both legal inside JSON.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of the line still being received
        self._data: list[bytes] = []  # data lines of the event still being received
        self._size = 0  # bytes of the event so far
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[str]:
        """Take received bytes; return the data of every event they complete.

        Raises ValueError when one event grows beyond MAX_EVENT_BYTES.
        """
        if not chunk:
            return []
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")  # the other half of a CRLF
        self._after_cr = chunk.endswith(b"\r")
        events: list[str] = []
        for piece in chunk.splitlines(keepends=True):
            self._size += len(piece)
            if self._size > MAX_EVENT_BYTES:
                raise ValueError(f"one event is over {MAX_EVENT_BYTES} bytes")
            self._pieces.append(piece)
            if piece.endswith((b"\n", b"\r")):
                events += self._end_line()
        return events

    def end(self) -> list[str]:
        """Return the data of an event that the end of the stream left open."""
        return [*self._end_line(), *self._end_event()]

    def _end_line(self) -> list[str]:
        line = b"".join(self._pieces).rstrip(b"\r\n")
        self._pieces.clear()
        if not line:
            return self._end_event()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        return []

    def _end_event(self) -> list[str]:
        self._size = 0
        if not self._data:
            return []
        event = b"\n".join(self._data).decode(errors="replace")
        self._data.clear()
        return [event]
