"""TODO."""

import logging
from asyncio import timeout
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError

from calls.db import run_in_db_thread
from calls.models import Call
from calls.transcripts.stored_turns import DATABASE_SECONDS

log = logging.getLogger(__name__)


async def admit(
    call_sid: str, nonce: str, here: Callable[[], Call | None]
) -> Call | None:
    """The open call that a token is for, which is used up; None: it is not good.

    `here` gives the call as this process answered it, once, where the database is away.
    """
    try:
        async with timeout(DATABASE_SECONDS):
            return await _use_up(call_sid, nonce)
    except (DatabaseError, InterfaceError, TimeoutError) as error:
        log.error(
            "%s: the database cannot be asked: %s", call_sid, type(error).__name__
        )
        return here()


@run_in_db_thread
def _use_up(call_sid: str, nonce: str) -> Call | None:
    offered = Call.objects.open().filter(call_sid=call_sid, relay_nonce=nonce)
    call = offered.first() if nonce else None
    return call if call and Call.objects.use_up(nonce, pk=call.pk) else None
