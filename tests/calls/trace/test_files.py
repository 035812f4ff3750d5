"""Traces on a disk: shared by processes, private, and never in a call's way."""

import errno
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pytest_django import Settings

from calls.trace import files
from calls.trace.recording import NOT_TRACED, trace_of

SID = "CA" + "1" * 32
# Appends lines to a trace as another process does.
OTHER_PROCESS = """
import django; django.setup()
import sys, time
from django.conf import settings
from calls.trace import files
settings.RELAY_TRACE = sys.argv[1]
for number in range(200):
    files.append(files.path_of(sys.argv[2]), time.monotonic(), {"kind": sys.argv[3]})
assert files.has_clips()
files.append_fetch("a" * 32, time.monotonic(), {"kind": "fetch"})
assert files.writer().flush(20)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.RELAY_TRACE = str(tmp_path / "traces")
    files.writer.cache_clear()
    yield tmp_path / "traces"
    files.writer.cache_clear()


def lines(folder: Path) -> list[dict[str, object]]:
    assert files.writer().flush()
    text = (folder / f"{SID}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_trace_is_for_the_servers_user_only(folder: Path) -> None:
    assert files.create(SID, time.monotonic())
    assert (folder / f"{SID}.jsonl").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_times_count_from_the_beginning_of_the_call(folder: Path) -> None:
    now = time.monotonic()
    files.create(SID, now - 2.0)
    files.create(SID, now)  # another process: the first beginning counts
    path = files.path_of(SID)
    assert path
    files.append(path, now, {"kind": "in"})
    start, line = lines(folder)
    assert start["kind"] == "start"
    assert line == {"ms": 2000.0, "kind": "in"}


def test_a_file_of_another_machine_is_continued_by_its_time_of_day(
    folder: Path,
) -> None:
    files.create(SID, time.monotonic() - 3.0)
    path = folder / f"{SID}.jsonl"
    start = json.loads(path.read_text()) | {"machine": "another", "monotonic": 1e9}
    path.write_text(json.dumps(start) + "\n")
    files.append(path, time.monotonic(), {"kind": "in"})
    assert lines(folder)[1]["ms"] == pytest.approx(3000, abs=500)


def test_several_processes_write_whole_lines_into_one_file(folder: Path) -> None:
    frame = f'{{"type": "play", "source": "https://x/audio/{"a" * 32}"}}'
    trace_of(SID).frame_out(frame)
    assert files.writer().flush()
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder), SID]
    writers = [subprocess.Popen([*command, name], env=env) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    kinds = [line["kind"] for line in lines(folder)]
    assert (kinds.count("a"), kinds.count("b")) == (200, 200)
    assert kinds.count("fetch") == 2  # the link to the call is on the disk


def test_a_call_goes_on_without_a_folder(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("This is a file.")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert trace_of(SID) is NOT_TRACED
    assert [record.message for record in caplog.records] == [
        "Traces cannot be written: File exists"
    ]


def test_a_full_disk_is_logged_once_and_costs_lines_only(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = trace_of(SID)
    write = os.write

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(os, "write", full)
        for _ in range(3):
            trace.frame_out('{"type": "text"}')
        assert files.writer().flush()
        monkeypatch.setattr(os, "write", write)
    trace.frame_out('{"type": "end"}')
    assert [line.get("frame") for line in lines(folder)] == [None, {"type": "end"}]
    assert [record.message for record in caplog.records] == [
        "Traces cannot be written: No space left on device"
    ]


def test_an_error_of_the_recorder_does_not_reach_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trace_of(SID).opened(None)  # type: ignore[arg-type]
    assert "A part of a trace is missing" in caplog.text


def test_the_secrets_of_the_server_are_masked(folder: Path, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKENS = ["auth-token-1"]
    settings.TWILIO_SHARED_KEYS = {"key_1": "shared-secret-1"}
    trace_of(SID).write("twiml", document="auth-token-1, shared-secret-1")
    assert lines(folder)[1]["document"] == "•••, •••"


def test_an_erased_trace_does_not_come_back(folder: Path) -> None:
    trace = trace_of(SID)
    assert files.writer().flush()
    assert files.delete([SID, "CA2", "../../etc/passwd"]) == 1
    trace.frame_out('{"type": "end"}')
    assert files.writer().flush()
    assert list(folder.glob("*.jsonl")) == []


def test_traces_from_before_relay_trace_was_set_are_found_and_erased(
    tmp_path: Path, settings: Settings
) -> None:
    settings.BASE_DIR = tmp_path
    settings.RELAY_TRACE = ""
    files.create(SID, time.monotonic())
    settings.RELAY_TRACE = "elsewhere"
    files.create("CA2", time.monotonic())
    assert (tmp_path / "elsewhere/CA2.jsonl").exists()  # beside manage.py, too
    assert files.exists(SID)
    assert files.read(SID)
    assert files.delete([SID, "CA2"]) == 2
    assert list(tmp_path.glob("*/*.jsonl")) == []


@pytest.mark.parametrize("call_sid", ["", "..", "a/b", "a" * 65, "CA\n"])
def test_only_call_sids_become_names_of_files(call_sid: str) -> None:
    assert files.path_of(call_sid) is None
    assert trace_of(call_sid) is NOT_TRACED


def test_a_clip_is_linked_to_its_call_until_the_call_is_over(folder: Path) -> None:
    trace = trace_of(SID)
    clip = "a" * 32
    trace.frame_out(f'{{"type": "play", "source": "https://x/audio/{clip}"}}')
    files.append_fetch(clip, time.monotonic(), {"kind": "fetch", "status": 200})
    files.append_fetch("b" * 32, time.monotonic(), {"kind": "fetch", "status": 404})
    assert [line["kind"] for line in lines(folder)] == ["start", "out", "fetch"]
    trace.closed(1000)
    assert files.writer().flush()
    assert not (folder / files.CLIPS).exists()


def test_a_slow_disk_holds_up_no_call(folder: Path) -> None:
    trace = trace_of(SID)
    assert len(lines(folder)) == 1
    disk = Event()

    def wait_for_disk() -> None:
        disk.wait(60)

    files.writer().put(wait_for_disk)
    for _ in range(500):
        trace.frame_in('{"type": "prompt"}', None, None)
        trace.frame_out('{"type": "end"}')
    assert not files.writer().flush(0)  # all of them were taken, none is written
    disk.set()
    assert len(lines(folder)) == 1001
