"""How the database is connected to, and what a writer makes of its refusals."""

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
    found: dict[str, object] = json.loads(shown.stdout)["OPTIONS"]
    return found


def test_what_the_address_of_a_database_asks_for_is_kept() -> None:
    found = options("postgres://bot:secret@db.example/bot?sslmode=require")
    assert found["sslmode"] == "require"
    assert "pool" in found


@pytest.mark.parametrize("asked", ["", "-c lock_timeout=9s"])
def test_a_server_gives_up_on_what_others_keep_locked_unless_told_to_wait(
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


async def test_what_waited_is_written_in_pieces_and_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away, sizes = iter([True, True]), list[int]()

    def flaky(batch: Sequence[Write]) -> None:
        if next(away, False):
            raise OperationalError("away")
        sizes.append(len(batch))

    monkeypatch.setattr(writer_module, "write_all", flaky)
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.01)
    writer = TranscriptWriter()
    for number in range(2 * writer_module.MAX_BATCH + 1):
        writer.put(CallsAlive((number,)))
    async with asyncio.timeout(5):
        await writer.queue.join()
    await writer.aclose()
    assert sizes == [writer_module.MAX_BATCH, writer_module.MAX_BATCH, 1]
    assert caplog.text.count("Transcripts wait") == 1
