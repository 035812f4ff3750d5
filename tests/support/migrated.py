"""Databases with all tables: made once in a run of the tests, then copied.

Migrating costs 2 s of CPU time, and a new PostgreSQL another one.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from time import sleep

from tests.support.live import manage

VARIABLE = "VOICEBOT_TESTS_MIGRATED"
SQLITE, POSTGRESQL = "db.sqlite3", "postgresql"


def begin() -> Callable[[], None]:
    """Let the processes that this one starts share what is made; returns the end.

    SQLite's file is made at once, while they collect the tests.
    """
    folder = os.environ[VARIABLE] = tempfile.mkdtemp(prefix="voicebot-migrated-")
    Thread(target=_migrate_sqlite, args=[Path(folder)], daemon=True).start()
    return partial(shutil.rmtree, folder, ignore_errors=True)


def is_shared() -> bool:
    """True in the processes of a run that `begin` has begun."""
    return VARIABLE in os.environ


def wait_for_sqlite() -> None:
    """Wait until SQLite's file is there. Not in a test: it has a time limit."""
    folder = Path(os.environ[VARIABLE])
    while not (folder / SQLITE).exists():
        assert not (folder / "failed").exists(), "The database cannot be migrated."
        sleep(0.05)


def copy_sqlite(path: Path) -> None:
    """Copy SQLite's file."""
    _copy(Path(os.environ[VARIABLE], SQLITE), path)


def copy_postgresql(path: Path, make: Callable[[Path], None]) -> None:
    """Copy a PostgreSQL's folder; the first process has it made, the others wait."""
    shared = Path(os.environ[VARIABLE], POSTGRESQL)
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            make(shared)
    _copy(shared, path)


def _copy(shared: Path, path: Path) -> None:
    # `cp` keeps the owner.
    subprocess.run(["cp", "-a", str(shared), str(path)], check=True, timeout=60)


def _migrate_sqlite(folder: Path) -> None:
    new = folder / "new.sqlite3"
    try:
        manage({"DATABASE_URL": f"sqlite:///{new}"}, "migrate", "--verbosity=0")
        new.rename(folder / SQLITE)
    except BaseException:
        (folder / "failed").touch()
        raise
