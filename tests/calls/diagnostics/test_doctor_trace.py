"""`manage.py doctor --trace` reads the recording of a call."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.support.traces import TraceBuilder


def doctor(path: Path, *options: str) -> tuple[str, int]:
    """The output, and the exit status."""
    out = StringIO()
    try:
        call_command("doctor", "--trace", str(path), *options, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def saved(folder: Path, builder: TraceBuilder) -> Path:
    path = folder / "call.jsonl"
    path.write_text("\n".join(builder.lines))
    return path


def test_it_prints_a_table_and_succeeds(tmp_path: Path) -> None:
    builder = TraceBuilder().opened().fetches(1, "one")
    builder.lines.append('{"ms": 9, "ki')
    text, status = doctor(saved(tmp_path, builder))
    assert status == 0
    assert "Line 5 is cut off" in text
    assert " 4 ✓" in text
    assert "Not seen in this call." in text
    assert "1 of 12 questions are answered." in text


def test_something_to_change_is_an_exit_status(tmp_path: Path) -> None:
    builder = TraceBuilder().opened().hears(1, "error", description="No, code: 64107")
    text, status = doctor(saved(tmp_path, builder), "--json")
    report = json.loads(text)
    assert status == 1
    assert (report["answers"][0]["verdict"], report["problems"]) == ("bad", [])


@pytest.mark.parametrize("content", [b"", b"\xff\x00 not a trace"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(CommandError, match="is not a trace"):
        doctor(path)
    with pytest.raises(CommandError, match="cannot be read"):
        doctor(tmp_path / "nowhere")
