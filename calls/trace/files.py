"""The files of traces: one a call, lines of JSON, appended by any process.

A thread writes, so that a slow disk delays no call. A failure is logged once; the call
goes on without its trace.
"""

import json
import logging
import os
import re
import time
from atexit import register
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from queue import Full, Queue
from threading import Event, Lock, Thread
from typing import Any

from django.conf import settings

from calls.trace.masking import MIN_SECRET_LENGTH, masked
from calls.trace.trace_file import VERSION

log = logging.getLogger(__name__)

# Lines that may wait for the disk; more are dropped.
MAX_WAITING = 10_000
# Calls whose beginning is remembered; of others it is read from the file again.
MAX_REMEMBERED = 1_000
# How long the end of the process waits for the lines that are still to be written.
FLUSH_SECONDS = 2.0
CALL_SID = re.compile(r"[A-Za-z0-9-]{1,64}")
# The folder of traces of single calls, beside manage.py.
SINGLE_CALLS = "traces"
# Links from clips to the calls that play them, for the process that serves a clip.
CLIPS = ".clips"
# Processes with the same value have the same monotonic clock.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def folder() -> Path:
    """The folder of new traces; a relative one stands beside manage.py."""
    return Path(_folder())


def _folder() -> str:
    return os.path.join(settings.BASE_DIR, settings.RELAY_TRACE or SINGLE_CALLS)


def path_of(call_sid: str) -> Path | None:
    """The trace of a call; None for a call SID that cannot be a file's name."""
    if not CALL_SID.fullmatch(call_sid):
        return None
    return folder() / f"{call_sid}.jsonl"


def _paths_of(call_sid: str) -> Iterator[Path]:
    """The trace's possible paths: one may be older than the setting RELAY_TRACE."""
    if path := path_of(call_sid):
        earlier = Path(settings.BASE_DIR) / SINGLE_CALLS / path.name
        yield from dict.fromkeys((path, earlier))


def create(call_sid: str, at: float) -> bool:
    """Begin the trace of a call that began `at` (monotonic). False if that fails."""
    path = path_of(call_sid)
    if path is None:
        return False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_start(path, at)
    except OSError as error:
        writer().report(error)
        return False
    return True


def _write_start(path: Path, at: float) -> None:
    """Create a file with its first line, unless another process has done so."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with suppress(FileExistsError), open(os.open(path, flags, 0o600), "wb") as file:
        file.write(_line(_start(at)))


def exists(call_sid: str) -> bool:
    """True if a call has a trace on this disk."""
    return any(path.exists() for path in _paths_of(call_sid))


def read(call_sid: str) -> bytes | None:
    """The trace of a call as it is; None without one."""
    for path in _paths_of(call_sid):
        with suppress(OSError):
            return path.read_bytes()
    return None


def delete(call_sids: Iterable[str]) -> int:
    """Delete the traces of these calls; returns how many there were."""
    deleted = 0
    for path in chain.from_iterable(map(_paths_of, call_sids)):
        with suppress(OSError):
            path.unlink()
            deleted += 1
    return deleted


def append(path: Path, at: float, record: dict[str, Any]) -> None:
    """Have a line written about what happened `at` (monotonic)."""
    writer().put(partial(writer().append, path, at, record))


def link_clip(clip_id: str, call_sid: str) -> None:
    """Tell all processes on this disk which traced call plays a clip."""
    writer().has_links = True
    writer().put(partial(_link, folder() / CLIPS / clip_id, call_sid))


def unlink_clips(clip_ids: Iterable[str]) -> None:
    """Remove the links of a call that is over."""
    writer().put(partial(_unlink, folder() / CLIPS, tuple(clip_ids)))


def has_clips() -> bool:
    """True if a traced call may be playing clips. Costs some microseconds."""
    return writer().has_links or os.path.isdir(f"{_folder()}/{CLIPS}")


def append_fetch(clip_id: str, at: float, record: dict[str, Any]) -> None:
    """Have a line written to the trace of the call that plays a clip."""
    writer().put(partial(_append_fetch, folder() / CLIPS / clip_id, at, record))


def _link(link: Path, call_sid: str) -> None:
    link.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(call_sid)


def _unlink(links: Path, clip_ids: tuple[str, ...]) -> None:
    for clip_id in clip_ids:
        with suppress(OSError):
            (links / clip_id).unlink()
    with suppress(OSError):
        links.rmdir()  # fails while other traced calls go on


def _append_fetch(link: Path, at: float, record: dict[str, Any]) -> None:
    try:
        path = path_of(os.readlink(link))
    except (OSError, ValueError):
        return
    if path:
        writer().append(path, at, record)


def _start(at: float) -> dict[str, Any]:
    """The first line of a file: the clocks that all its lines refer to."""
    began = datetime.fromtimestamp(time.time() - (time.monotonic() - at), UTC)
    return {
        "ms": 0.0,
        "kind": "start",
        "version": VERSION,
        "wall": began.isoformat(timespec="milliseconds"),
        "monotonic": at,
        "machine": _machine(),
    }


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, default=str)
    return f"{text}\n".encode(errors="replace")


@lru_cache(maxsize=1)
def _machine() -> str:
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return os.uname().nodename


Work = Callable[[], None]


class Writer:
    """Does the work at the disk in a thread of its own, in order."""

    def __init__(self) -> None:
        self.queue: Queue[Work] = Queue(MAX_WAITING)
        self.thread: Thread | None = None
        self.lock = Lock()
        self.origins: dict[Path, float] = {}  # when each call began, monotonic
        self.has_links = False  # this process has linked clips to calls
        self.has_failed = False
        self.secrets = _secrets()

    def put(self, work: Work) -> None:
        """Do some work soon. Never waits."""
        # After a fork, the thread is gone.
        if self.thread is None or not self.thread.is_alive():
            self._start_thread()
        try:
            self.queue.put_nowait(work)
        except Full:
            self.report(OSError("the disk is too slow, lines are dropped"))

    def flush(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until all work so far is done; False if that takes too long."""
        if self.thread is None:
            return True
        done = Event()
        self.put(done.set)
        return done.wait(seconds)

    def report(self, error: OSError) -> None:
        """Log a failure, but not a second one before something was written."""
        if not self.has_failed:
            log.warning("Traces cannot be written: %s", error.strerror or error)
        self.has_failed = True

    def append(self, path: Path, at: float, record: dict[str, Any]) -> None:
        """Append a line, in this thread. A trace that was erased does not come back."""
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            return
        try:
            if path not in self.origins:
                self._remember(path, _origin(descriptor))
            ms = round((at - self.origins[path]) * 1000, 3)
            line = {"ms": ms, **masked(record, self.secrets)}
            os.write(descriptor, _line(line))  # one write: lines stay whole
            self.has_failed = False
        finally:
            os.close(descriptor)

    def _start_thread(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = Thread(target=self._run, name="traces", daemon=True)
                self.thread.start()
                register(self.flush)

    def _run(self) -> None:
        while True:
            work = self.queue.get()
            try:
                work()
            except OSError as error:
                self.report(error)
            except Exception:
                log.exception("A line of a trace could not be written")

    def _remember(self, path: Path, origin: float) -> None:
        if len(self.origins) >= MAX_REMEMBERED:
            self.origins.clear()
        self.origins[path] = origin


def _origin(descriptor: int) -> float:
    """When the call of a file began, on this machine's monotonic clock."""
    first = os.pread(descriptor, 1000, 0).partition(b"\n")[0]
    try:
        start = json.loads(first)
        if start["machine"] == _machine():
            return float(start["monotonic"])
        wall = datetime.fromisoformat(start["wall"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return time.monotonic()
    return time.monotonic() - (time.time() - wall)


def _secrets() -> tuple[str, ...]:
    known = (
        settings.SECRET_KEY,
        settings.INWORLD_API_KEY,
        settings.METRICS_TOKEN,
        *settings.TWILIO_AUTH_TOKENS,
        *settings.TWILIO_SHARED_KEYS.values(),
    )
    return tuple(secret for secret in known if len(secret) >= MIN_SECRET_LENGTH)


@lru_cache(maxsize=1)
def writer() -> Writer:
    """The writer of this process."""
    return Writer()
