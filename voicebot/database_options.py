"""How each kind of database is connected to."""

from typing import Any

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
# Less than the carrier's requests wait for the database.
LOCK_SECONDS = 4


def options_for(engine: str) -> dict[str, Any]:
    """Django's OPTIONS for a database engine."""
    if engine == SQLITE:
        return {
            # A transaction that reads before it writes fails otherwise, when another
            # wrote in between.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    # A pool, because persistent connections leak under ASGI. It looks for a lost
    # database ever more seldom; made to give up soon, it starts anew with each request.
    # As many connections as threads that may want one.
    pool = {"min_size": 2, "max_size": 30, "timeout": 2, "reconnect_timeout": 1}
    return {"pool": pool}


def set_lock_timeout(database: dict[str, Any]) -> None:
    """Have a server's threads come back from what others keep locked.

    Not those of a command: it may wait as long as it takes. What the address asks for
    comes later, and wins.
    """
    if database["ENGINE"] == POSTGRESQL:
        options = database["OPTIONS"]
        asked = options.get("options", "")
        options["options"] = f"-c lock_timeout={LOCK_SECONDS}s {asked}".strip()
