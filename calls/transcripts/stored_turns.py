"""Reads a call's earlier turns back from the database, for its next session."""

import logging
from typing import cast

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json
from calls import models
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.turns.lost_session import current_language
from calls.turns.turn import Role, ToolCallRecord, Turn, TurnKind

log = logging.getLogger(__name__)

# The caller's socket waits for these reads.
DATABASE_SECONDS = 1.0


async def earlier_turns(call: Call) -> list[models.Turn] | None:
    """All turns of a call; None if the database is unavailable."""
    try:
        async with database_deadline(DATABASE_SECONDS):
            return await _turns(call)
    except DatabaseUnavailable as error:
        log.error("%s: earlier turns cannot be read: %s", call.call_sid, error)
        return None


async def current_config(call: Call) -> BotConfig:
    """The settings of a call, in the language that it has switched to."""
    config, clock = config_from_json(call.settings), Clock()
    rows = await earlier_turns(call) or []
    return config.in_language(current_language([turn_of(row, clock) for row in rows]))


def turn_of(row: models.Turn, clock: Clock) -> Turn:
    """Convert a stored turn to a turn of the conversation, on this session's clock."""
    return Turn(
        index=row.index,
        role=cast(Role, row.role),
        started_at=clock.monotonic_time(row.started_at),
        text=row.text,
        heard_text=row.heard_text,
        interrupted=row.interrupted,
        ended_at=clock.monotonic_time(row.ended_at) if row.ended_at else None,
        latency_ms=row.latency_ms,
        kind=TurnKind(row.kind),
        model=row.model,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        error=row.error,
        clip_ids=row.clip_ids,
        tool_call=ToolCallRecord(**row.tool_call) if row.tool_call else None,
        hedge=row.hedge,
    )


@run_in_db_thread
def _turns(call: Call) -> list[models.Turn]:
    return list(call.turns.order_by("index"))
