"""Decides which call a relay socket may carry: each token is good for one socket."""

import logging
from collections.abc import Callable

from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.transcripts.stored_turns import DATABASE_SECONDS

log = logging.getLogger(__name__)


async def admit(
    call_sid: str, nonce: str, fallback: Callable[[], Call | None]
) -> Call | None:
    """Use up a token and return its open call; None if the token is not valid.

    While the database is unavailable, `fallback` decides from this process's memory.
    """
    try:
        async with database_deadline(DATABASE_SECONDS):
            return await _use_up(call_sid, nonce)
    except DatabaseUnavailable as error:
        log.error("%s: token not checked, no database: %s", call_sid, error)
        return fallback()


@run_in_db_thread
def _use_up(call_sid: str, nonce: str) -> Call | None:
    calls = Call.objects.open().filter(call_sid=call_sid, relay_nonce=nonce)
    call = calls.first() if nonce else None
    return call if call and Call.objects.use_up(nonce, pk=call.pk) else None
