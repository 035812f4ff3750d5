"""Connection options for SQLite and PostgreSQL, and the mode of SQLite's files."""

import os
from contextlib import suppress
from typing import Any

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
# Less than the time in which Twilio's requests need the database.
LOCK_SECONDS = 4


def options_for(engine: str) -> dict[str, Any]:
    """Django's OPTIONS for a database engine."""
    if engine == SQLITE:
        return {
            # Otherwise a transaction that reads before it writes fails if another one
            # has written in between.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    # A pool, because persistent connections leak under ASGI. It reconnects to a lost
    # database at growing intervals; with a short `reconnect_timeout` it gives up, and
    # starts again with the next request. `max_size` covers the
    # threads of calls; pages have a pool of their own.
    pool = {"min_size": 2, "max_size": 24, "timeout": 2, "reconnect_timeout": 1}
    return {"pool": pool}


def set_lock_timeout(database: dict[str, Any]) -> None:
    """Limit how long a server's threads wait for PostgreSQL locks.

    Commands may wait for any time. Options in DATABASE_URL come later, and win.
    """
    if database["ENGINE"] == POSTGRESQL:
        options = database["OPTIONS"]
        given = options.get("options", "")
        options["options"] = f"-c lock_timeout={LOCK_SECONDS}s {given}".strip()


def keep_files_private(database: dict[str, Any]) -> None:
    """Let only the owner of this process read the files that it makes, and SQLite's.

    The database holds transcripts, and the secrets of authenticator apps.
    """
    os.umask(0o077)
    if database["ENGINE"] == SQLITE:
        for ending in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError, PermissionError):
                os.chmod(f"{database['NAME']}{ending}", 0o600)
