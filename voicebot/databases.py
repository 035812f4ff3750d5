"""How each kind of database is connected to."""

from typing import Any

SQLITE = "django.db.backends.sqlite3"


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
    pool = {"min_size": 2, "max_size": 20, "timeout": 2, "reconnect_timeout": 1}
    return {"pool": pool}
