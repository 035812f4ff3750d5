"""Database options, and a writer's reaction to database errors."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from django.db import DataError, InterfaceError, OperationalError
from psycopg import errors

from calls.db import is_transient
from calls.transcripts import writer as writer_module
from calls.transcripts.writer import TranscriptWriter
from calls.transcripts.writes import CallsAlive, Write
from tests.support.live import ROOT, environment
from voicebot.database_options import POSTGRESQL, SQLITE, options_for, set_lock_timeout

SHOW = "import json, voicebot.settings as s; print(json.dumps(s.DATABASES['default']))"


def options(url: str) -> dict[str, object]:
    """Django's OPTIONS for a DATABASE_URL."""
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environment(DATABASE_URL=url),
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    )
    parsed: dict[str, object] = json.loads(shown.stdout)["OPTIONS"]
    return parsed


def test_options_in_the_database_url_are_preserved() -> None:
    parsed = options("postgres://bot:secret@db.example/bot?sslmode=require")
    assert parsed["sslmode"] == "require"
    assert "pool" in parsed


@pytest.mark.parametrize("asked", ["", "-c lock_timeout=9s"])
def test_a_server_has_a_lock_timeout_unless_the_url_sets_one(
    asked: str,
) -> None:
    database = {"ENGINE": POSTGRESQL, "OPTIONS": {"options": asked}}
    set_lock_timeout(database)
    assert database["OPTIONS"] == {"options": f"-c lock_timeout=4s {asked}".strip()}
    sqlite = {"ENGINE": SQLITE, "OPTIONS": options_for(SQLITE)}
    set_lock_timeout(sqlite)
    assert sqlite["OPTIONS"] == options_for(SQLITE)


@pytest.mark.parametrize(
    ("error", "cause", "passing"),
    [
        (OperationalError, errors.ConnectionTimeout(), True),
        (OperationalError, errors.DiskFull(), True),
        (OperationalError, errors.ProgramLimitExceeded(), False),
        (OperationalError, None, True),
        (InterfaceError, None, True),
        (DataError, errors.StringDataRightTruncation(), False),
    ],
)
def test_only_what_may_pass_is_waited_for(
    error: type[Exception], cause: Exception | None, passing: bool
) -> None:
    raised = error("no")
    raised.__cause__ = cause
    assert is_transient(raised) is passing


async def test_queued_writes_are_written_in_batches_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures, sizes = iter([True, True]), list[int]()

    def flaky(batch: Sequence[Write]) -> None:
        if next(failures, False):
            raise OperationalError("away")
        sizes.append(len(batch))

    monkeypatch.setattr(writer_module, "write_all", flaky)
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.01)
    writer = TranscriptWriter()
    for number in range(2 * writer_module.MAX_BATCH + 1):
        writer.put(CallsAlive((number,)))
    async with asyncio.timeout(15):
        await writer.queue.join()
    await writer.aclose()
    assert sizes == [writer_module.MAX_BATCH, writer_module.MAX_BATCH, 1]
    assert caplog.text.count("Transcripts wait") == 1
