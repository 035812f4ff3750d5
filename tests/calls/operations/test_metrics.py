"""The metrics of calls, and who may read them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bots.models import Bot
from calls.clips.clip_store import ClipsUnavailable, RedisClips
from calls.metrics import REGISTRY
from calls.operations.loop_lag import measure_loop_lag
from calls.session.turn_metrics import TurnMetrics
from calls.transcripts.writer import TranscriptWriter
from calls.transcripts.writes import CallAnswered
from calls.turns.turn import ToolCallRecord, Turn, TurnKind
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld, Status
from tests.support.live import LiveServer, running
from voicebot.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)

Figures = dict[str, float]


def figures_in(text: str) -> Figures:
    """Return every sample, keyed by `name` or `name{label}`."""
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample_value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def figures(server: LiveServer) -> Figures:
    async with httpx.AsyncClient() as http:
        response = await http.get(f"{server.url}/metrics")
    assert response.status_code == 200
    return figures_in(response.text)


async def wait_for_figures(
    server: LiveServer, condition: Callable[[Figures], bool]
) -> Figures:
    """Wait for figures that satisfy the condition, and return them."""
    async with asyncio.timeout(15):
        while True:
            now = await figures(server)
            if condition(now):
                return now
            await asyncio.sleep(0.02)


async def test_a_call_is_counted_with_its_turns_its_times_and_its_end(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    before = await figures(server)
    inworld.says("We open at nine.")
    async with dial(server) as call:
        await call.reply()
        during = await figures(server)
        await call.say("When do you open?")
        await call.reply()
    await closed(call.call_sid)
    done = "voicebot_calls_ended_total{caller-hung-up}"
    after = await wait_for_figures(
        server, lambda now: now.get(done, 0) > before.get(done, 0)
    )

    def gained(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert during["voicebot_calls_in_progress"] == 1
    assert after["voicebot_calls_in_progress"] == 0
    assert gained("voicebot_calls_answered_total") == 1
    assert gained(done) == 1
    assert gained("voicebot_turns_total{caller}") == 1
    assert gained("voicebot_turns_total{bot}") == 2
    for stage in (
        "request_sent",
        "first_token",
        "first_clip",
        "play_sent",
        "playback_started",
    ):
        assert gained(f"voicebot_response_latency_seconds_count{{{stage}}}") == 1, stage
    path = "/v1/chat/completions"
    assert gained(f"voicebot_inworld_responses_total{{{path}}}{{200}}") == 1
    assert gained("voicebot_clip_requests_total{200}") >= 2
    assert gained("process_cpu_seconds_total") > 0
    assert after["process_open_fds"] > 0
    assert after["process_resident_memory_bytes"] > 10_000_000
    assert after["voicebot_event_loop_lag_seconds_count"] > 0
    assert after["voicebot_queue_length{transcripts}"] == 0


async def test_what_an_alarm_looks_at_is_there_before_it_happens(
    database_url: str, bot: Bot
) -> None:
    """A rate does not see a count that begins with one."""
    async with running(DATABASE_URL=database_url) as live:
        seen = await figures(live)
    for reason in ("bot-failed", "server-stopped", "connection-lost"):
        assert seen[f"voicebot_calls_ended_total{{{reason}}}"] == 0
    for decision in ("reconnect", "give-up"):
        assert seen[f"voicebot_relay_disconnects_total{{{decision}}}"] == 0
    assert not any(name.endswith("{}") for name in seen)


async def test_what_nobody_signed_is_counted(server: LiveServer) -> None:
    before = await figures(server)
    async with httpx.AsyncClient(base_url=server.url) as http:
        await http.post("/voice", data={"CallSid": "CA1"})
        await http.get("/audio/nobodys-clip")
    with pytest.raises(InvalidStatus):
        async with connect(f"{server.url.replace('http', 'ws')}/conversation/forged"):
            pass
    after = await figures(server)
    for name in ("rejected_requests_total{webhook}", "rejected_requests_total{socket}"):
        assert after[f"voicebot_{name}"] - before[f"voicebot_{name}"] == 1
    not_found = "voicebot_clip_requests_total{404}"
    assert after[not_found] - before[not_found] == 1


async def test_a_failing_upstream_shows_by_kind_status_and_fallback_step(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    before = await figures(server)
    inworld.tts_status = 500
    inworld.answers([Status(429, headers={"Retry-After": "0.05"})])
    inworld.says("At last.")
    await Bot.objects.filter(pk=bot.pk).aupdate(greeting="Never said before today.")
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello?")
        await call.reply()
    await closed(call.call_sid)
    after = await figures(server)

    def gained(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert gained("voicebot_twilio_tts_sentences_total") == 1
    assert gained("voicebot_inworld_errors_total{rejected}") == 1
    assert gained("voicebot_inworld_errors_total{rate-limited}") == 1
    assert gained("voicebot_fallbacks_total{retry}") == 1
    chat, tts = "/v1/chat/completions", "/tts/v1/voice"
    assert gained(f"voicebot_inworld_responses_total{{{chat}}}{{429}}") == 1
    assert gained(f"voicebot_inworld_responses_total{{{chat}}}{{200}}") == 1
    assert gained(f"voicebot_inworld_responses_total{{{tts}}}{{500}}") >= 1


def turns_counted() -> tuple[float, ...]:
    return (
        sample_value("voicebot_turns_total", role="bot"),
        sample_value("voicebot_interruptions_total"),
        sample_value("voicebot_response_latency_seconds_count", stage="play_sent"),
        sample_value("voicebot_response_latency_seconds_count", stage="first_token"),
    )


def gained_by(*turns: Turn) -> tuple[float, ...]:
    before, metrics_of_call = turns_counted(), TurnMetrics()
    for turn in turns:
        metrics_of_call.record(turn)
    return tuple(b - a for a, b in zip(before, turns_counted(), strict=True))


CALLER = Turn(0, "caller", started_at=1.0, ended_at=1.5)


def answer(**changes: Any) -> Turn:
    settled = {"index": 1, "started_at": 2.0, "ended_at": 3.0}
    return Turn(role="bot", **{**settled, **changes})


def test_a_turn_counts_once_however_often_it_is_recorded() -> None:
    times = {"play_sent": 400, "first_token": 200}
    said = answer(latency_ms=times, interrupted=True)
    unsettled = answer(latency_ms=times, ended_at=None)
    assert gained_by(CALLER, unsettled, said, said) == (1, 1, 1, 1)


def test_times_that_are_recorded_after_a_turn_was_counted_still_count() -> None:
    settled = answer(latency_ms={"play_sent": 400})
    reported = answer(latency_ms={"play_sent": 400, "first_token": 200})
    assert gained_by(CALLER, settled, reported) == (1, 0, 1, 1)


def timed(*turns: Turn) -> float:
    """The number of answers with a latency."""
    before = sample_value("voicebot_response_latency_seconds_count", stage="play_sent")
    gained_by(*turns)
    return (
        sample_value("voicebot_response_latency_seconds_count", stage="play_sent")
        - before
    )


def test_an_answer_counts_though_a_tool_and_a_filler_came_before_it() -> None:
    times = {"play_sent": 4200}
    tool = Turn(1, "tool", started_at=2.0, text="look_up")
    filler = Turn(
        2, "system", 2.5, ended_at=3.0, kind=TurnKind.FILLER, latency_ms=times
    )
    measured = answer(index=3, latency_ms=times)
    more = answer(index=4, latency_ms=times)
    assert timed(CALLER, tool, filler, measured, more) == 1
    apology = Turn(1, "system", 2.0, ended_at=3.0)
    assert timed(CALLER, apology, answer(index=2, latency_ms=times)) == 0
    question = answer(index=2, kind=TurnKind.DIGIT_PROMPT, latency_ms=times)
    assert timed(CALLER, tool, question) == 0


@pytest.mark.parametrize(("heard", "count"), [("", 1), ("We open", 0)])
def test_after_a_reconnect_an_answer_counts_that_the_caller_still_waits_for(
    heard: str, count: int
) -> None:
    metrics_of_call = TurnMetrics()
    back = Turn(2, "system", 9.0, ended_at=9.5, kind=TurnKind.RESUMED)
    metrics_of_call.restore([CALLER, replace(answer(), heard_text=heard), back])
    before = sample_value("voicebot_response_latency_seconds_count", stage="play_sent")
    metrics_of_call.record(answer(index=3, latency_ms={"play_sent": 400}))
    after = sample_value("voicebot_response_latency_seconds_count", stage="play_sent")
    assert after - before == count


def test_after_a_reconnect_nobody_waits_who_has_not_spoken() -> None:
    record = ToolCallRecord("1", "transfer_call", result="Nobody answered.")
    metrics_of_call = TurnMetrics()
    metrics_of_call.restore(
        [answer(index=0), Turn(1, "tool", 2.0, ended_at=2.0, tool_call=record)]
    )
    assert not metrics_of_call.caller_turns


def test_a_time_that_cannot_be_makes_no_sum_shrink() -> None:
    before = sample_value(
        "voicebot_response_latency_seconds_sum", stage="playback_started"
    )
    gained_by(CALLER, answer(latency_ms={"playback_started": -2500}))
    assert (
        sample_value("voicebot_response_latency_seconds_sum", stage="playback_started")
        == before
    )


def test_a_greeting_is_a_turn_but_not_an_answer() -> None:
    assert gained_by(answer(latency_ms={"play_sent": 400})) == (1, 0, 0, 0)


async def test_a_blocked_loop_shows_as_lag() -> None:
    late = sample_value("voicebot_event_loop_lag_seconds_sum")
    measuring = asyncio.create_task(measure_loop_lag())
    await asyncio.sleep(0)
    time.sleep(0.4)  # noqa: ASYNC251  (a blocked loop is what is to be seen)
    await measuring
    assert sample_value("voicebot_event_loop_lag_seconds_sum") - late >= 0.1


async def test_a_write_without_room_is_counted() -> None:
    writer = TranscriptWriter()
    writer.queue = asyncio.Queue(1)
    before = sample_value("voicebot_transcript_writes_dropped_total")
    for _ in range(3):
        writer.put(CallAnswered(0, None))  # type: ignore[arg-type]
    assert sample_value("voicebot_transcript_writes_dropped_total") - before == 2
    await writer.aclose()


async def test_a_redis_that_is_away_is_counted() -> None:
    store, before = (
        RedisClips("redis://127.0.0.1:1"),
        sample_value("voicebot_dependency_errors_total", dependency="redis"),
    )
    with pytest.raises(ClipsUnavailable):
        await store.put("id", b"wav", 1.0)
    assert (
        sample_value("voicebot_dependency_errors_total", dependency="redis") - before
        == 1
    )
    await store.aclose()


async def ask(
    address: str = "127.0.0.1", host: str = "127.0.0.1:3000", **headers: str
) -> int:
    """Return the status of a request for the metrics."""
    app: Any = application
    transport = httpx.ASGITransport(app, client=(address, 40000))
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{host}"
    ) as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await http.get("/metrics", headers=named)).status_code


async def test_without_a_token_only_this_machine_is_answered() -> None:
    assert await ask() == 200
    assert await ask(host="localhost") == 200
    assert await ask(address="10.0.0.7") == 404


@pytest.mark.parametrize(
    "header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP", "X_Forwarded_Proto"]
)
async def test_without_a_token_nobody_is_answered_through_a_proxy(header: str) -> None:
    assert await ask(**{header: "203.0.113.7"}) == 404


async def test_without_a_token_nobody_is_answered_by_the_public_name(
    settings: Settings,
) -> None:
    assert await ask(host="bot.example.com") == 404
    settings.TRUSTED_PROXY_COUNT = 1
    assert await ask() == 404


async def test_a_token_opens_the_metrics_and_nothing_else_does(
    settings: Settings,
) -> None:
    settings.METRICS_TOKEN = "long-and-random-0123456789"
    assert await ask(Authorization="Bearer long-and-random-0123456789") == 200
    assert (
        await ask(
            address="10.0.0.7",
            Authorization="bearer long-and-random-0123456789",
            X_Forwarded_For="203.0.113.7",
        )
        == 200
    )
    for wrong in ("Bearer long", "Basic long-and-random-0123456789", "Bearer", ""):
        assert await ask(Authorization=wrong) == 403
    assert await ask() == 403
