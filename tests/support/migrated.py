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

from tests.support.live import manage

VARIABLE = "VOICEBOT_TESTS_MIGRATED"


def begin() -> Callable[[], None]:
    """Let the processes that this one starts share what they make; returns the end."""
    folder = os.environ[VARIABLE] = tempfile.mkdtemp(prefix="voicebot-migrated-")
    return partial(shutil.rmtree, folder, ignore_errors=True)


def is_shared() -> bool:
    """True in the processes of a run that `begin` has begun."""
    return VARIABLE in os.environ


def copy_to(path: Path, kind: str, make: Callable[[Path], None]) -> None:
    """Copy what `make` made of this kind, or have it made while others wait.

    `path` has another name in each process.
    """
    shared = Path(os.environ[VARIABLE], kind)
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            make(shared)
    # `cp` keeps the owner.
    subprocess.run(["cp", "-a", str(shared), str(path)], check=True, timeout=60)


def migrate_sqlite(path: Path) -> None:
    """Make an SQLite file with all tables."""
    new = path.with_suffix(".new")
    manage({"DATABASE_URL": f"sqlite:///{new}"}, "migrate", "--verbosity=0")
    new.rename(path)
