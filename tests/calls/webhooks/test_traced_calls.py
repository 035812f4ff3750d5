"""Twilio's requests, in the traces of their calls."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from bots.models import Bot
from calls.clips.signed_ids import new_clip_id
from calls.models import Call
from calls.privacy.deletion import delete_calls
from calls.session.services import services
from calls.trace import files
from calls.trace.recording import trace_of
from tests.calls.webhooks.test_incoming import ORIGIN, RINGING, outside, post, ring
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)

CLIP = "c" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A process of its own, whose traces nobody else reads."""
    settings.BASE_DIR = tmp_path
    settings.RELAY_TRACE = ""
    clear_process_state()
    files.writer.cache_clear()
    yield tmp_path / "traces"
    files.writer.cache_clear()
    clear_process_state()


def recorded(folder: Path, call_sid: str) -> list[dict[str, Any]]:
    assert files.writer().flush()
    text = (folder / f"{call_sid}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.jsonl"))


async def test_the_next_call_of_a_bot_takes_the_switch_with_it(
    bot: Bot, folder: Path
) -> None:
    await Bot.objects.aupdate(trace_next_call=True)
    for call_sid in ("CA1", "CA1", "CA2"):
        await ring(CallSid=call_sid)
    assert names(folder) == ["CA1"]
    assert not (await Bot.objects.aget()).trace_next_call


async def test_a_request_and_its_answer_are_recorded_masked(
    bot: Bot, folder: Path, settings: Settings
) -> None:
    settings.RELAY_TRACE = str(folder)
    await ring(FromCity="OAKLAND")
    await post("/voice/status", **RINGING | {"CallStatus": "completed"})
    start, callback, twiml, status, answer = recorded(folder, "CA1")
    assert (start["kind"], start["version"]) == ("start", 1)
    assert (callback["kind"], callback["path"]) == ("callback", "/voice")
    form = callback["form"]
    assert (form["CallStatus"], form["From"], form["FromCity"]) == (
        "ringing",
        "•••",
        "•••",
    )
    assert (twiml["kind"], twiml["status"]) == ("twiml", 200)
    assert "<ConversationRelay" in twiml["document"]
    assert "/conversation/•••" in twiml["document"]
    assert twiml["ms"] >= callback["ms"] == 0.0
    assert (status["path"], answer["status"]) == ("/voice/status", 204)


async def test_a_call_that_no_bot_answers_is_recorded_too(
    transactional_db: None, folder: Path, settings: Settings
) -> None:
    settings.RELAY_TRACE = str(folder)
    await ring(CallSid="CA5")
    assert "not in service" in recorded(folder, "CA5")[2]["document"]


async def test_unsigned_requests_leave_nothing(
    bot: Bot, folder: Path, settings: Settings
) -> None:
    settings.RELAY_TRACE = str(folder)
    response = await post("/voice", token="wrong", **RINGING)
    assert response.status_code == 403
    assert names(folder) == []


async def test_a_late_report_on_a_deleted_call_leaves_nothing(
    bot: Bot, folder: Path, settings: Settings
) -> None:
    settings.RELAY_TRACE = str(folder)
    await ring()
    call = await Call.objects.aget()
    assert (await sync_to_async(delete_calls)([call.pk])).calls == 1
    await post("/voice/status", **RINGING | {"CallStatus": "completed"})
    assert files.writer().flush()
    assert names(folder) == []


async def test_downloads_of_a_traced_calls_clips_are_recorded(folder: Path) -> None:
    files.create("CA1", 0.0)
    frame = json.dumps({"type": "play", "source": f"{ORIGIN}/audio/{CLIP}"})
    trace_of("CA1").frame_out(frame)
    trace_of("CA1").frame_out(frame.replace(CLIP, gone := new_clip_id()))
    await services().clips.put(CLIP, b"RIFF", 60)
    async with outside() as http:
        await http.get(f"/audio/{CLIP}", headers={"Range": "bytes=0-"})
        await http.head(f"/audio/{CLIP}")
        await http.get(f"/audio/{'d' * 32}")
        await http.get(f"/audio/{gone}")
    *_, first, second, third = recorded(folder, "CA1")
    assert (first["clip"], first["method"], first["status"]) == ("c" * 12, "GET", 200)
    assert first["bytes"] == 4
    assert first["took_ms"] >= 0
    assert first["seen_headers"]["Range"] == "bytes=0-"
    assert (second["method"], "Range" in second["seen_headers"]) == ("HEAD", False)
    assert (first.get("replaced"), third["replaced"], third["status"]) == (
        None,
        "gone",
        200,
    )
