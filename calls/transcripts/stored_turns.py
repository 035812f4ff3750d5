"""What was said in a call before this session began, from the database."""

import logging
from datetime import datetime

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json
from calls import models
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.turns.resume import current_language
from calls.turns.turn import Role, ToolCallRecord, Turn

log = logging.getLogger(__name__)

# The carrier's socket waits for these; without the database a new call begins all the
# same.
DATABASE_SECONDS = 1.0


ROLES: dict[models.Turn.Role, Role] = {
    models.Turn.Role.CALLER: "caller",
    models.Turn.Role.BOT: "bot",
    models.Turn.Role.TOOL: "tool",
    models.Turn.Role.SYSTEM: "system",
}


async def earlier_turns(call: Call) -> list[models.Turn] | None:
    """All turns of a call; None: the database cannot be read."""
    try:
        async with database_deadline(DATABASE_SECONDS):
            return await _turns(call)
    except DatabaseUnavailable as error:
        log.error("%s: what was said cannot be read: %s", call.call_sid, error)
        return None


async def load_turns(call: Call) -> BotConfig:
    """What a call runs with, in the language that it has changed to."""
    profile, clock = config_from_json(call.settings), Clock()
    said = await earlier_turns(call) or []
    return profile.in_language(current_language([turn_of(row, clock) for row in said]))


def turn_of(row: models.Turn, clock: Clock) -> Turn:
    """A turn as a conversation keeps it, on the clock of this session."""
    return Turn(
        index=row.index,
        role=ROLES[models.Turn.Role(row.role)],
        started_at=clock.monotonic_time(row.started_at),
        text=row.text,
        heard_text=row.heard_text,
        interrupted=row.interrupted,
        ended_at=_at(row.ended_at, clock),
        latency_ms=row.latency_ms,
        model=row.model,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        error=row.error,
        clip_ids=row.clip_ids,
        tool_call=ToolCallRecord(**row.tool_call) if row.tool_call else None,
    )


def _at(moment: datetime | None, clock: Clock) -> float | None:
    return None if moment is None else clock.monotonic_time(moment)


@run_in_db_thread
def _turns(call: Call) -> list[models.Turn]:
    return list(call.turns.order_by("index"))
