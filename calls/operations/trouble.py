"""Troubles of the server that callers notice, for the rules for alerts."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

from django.utils import timezone
from redis.exceptions import RedisError

from calls.alerts.evaluation import Trouble
from calls.clips.clip_store import ClipStore, RedisClips
from calls.db import run_in_db_thread
from calls.diagnostics.call_warnings import call_findings
from calls.diagnostics.findings import Finding
from calls.diagnostics.warnings import number_findings, overload_findings
from calls.models import Call
from calls.session.services import Services
from calls.transcripts.writer import QUEUE_LIMIT, TranscriptWriter

# Above this, transcripts are about to be lost.
QUEUE_FULL = 0.9 * QUEUE_LIMIT
QUEUE_NEARLY_FULL = "The queue of transcripts to be written is nearly full."
REDIS_AWAY = "Redis is away: callers hear Twilio's own voice instead of the bot's."
# Calls that show whether Inworld answers.
RECENT = timedelta(hours=1)


async def find_troubles(services: Services) -> list[Trouble]:
    """The troubles that last now. Raises errors of the database."""
    findings = await run_in_db_thread(_findings)()
    words = [found.message for found in findings if found.is_failure]
    if is_queue_full(services.transcripts):
        words.append(QUEUE_NEARLY_FULL)
    if not await _redis_answers(services.clips):
        words.append(REDIS_AWAY)
    return [Trouble(_key(text), text) for text in words]


def is_queue_full(transcripts: TranscriptWriter) -> bool:
    """True if transcripts are about to be lost."""
    return transcripts.queue.qsize() >= QUEUE_FULL


def _findings() -> list[Finding]:
    return list(_all_findings())


def _all_findings() -> Iterator[Finding]:
    yield from overload_findings()
    yield from number_findings()
    yield from call_findings(Call.objects.real(), timezone.now() - RECENT)


async def _redis_answers(clips: ClipStore) -> bool:
    if not isinstance(clips, RedisClips):
        return True
    try:
        await clips.redis.ping()
    except (RedisError, OSError):
        return False
    return True


def _key(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
