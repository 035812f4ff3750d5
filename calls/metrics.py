"""Prometheus counters and histograms of a process.

Gauges that are read at the moment of a request are in `calls.operations.metrics_view`.
"""

from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from bots.inworld.errors import InworldError
from calls import figures

# Stages of a response after the caller's last word, in order.
STAGES = (
    *("request_sent", "first_token", "first_audio", "first_clip"),
    *("play_sent", "clip_fetched", "playback_started"),
)
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)

# One more sample per counter, without a use.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
counter = partial(Counter, registry=REGISTRY)

CALLS_ANSWERED = counter("voicebot_calls_answered", figures.ANSWERED.meaning)
CALLS_FAILED = counter("voicebot_calls_failed", figures.FAILED.meaning)
CALLS_REFUSED = counter("voicebot_calls_refused", figures.REFUSED.meaning)
CALLS_ENDED = counter(
    "voicebot_calls_ended", "Calls that ended or were refused, by reason", ["reason"]
)
TURNS = counter("voicebot_turns", "Turns, by role", ["role"])
INTERRUPTIONS = counter(
    "voicebot_interruptions", "Bot turns that the caller interrupted"
)
RESPONSE_LATENCY = Histogram(
    "voicebot_response_latency_seconds",
    "From the caller's last word to each stage of the response",
    ["stage"],
    buckets=LATENCIES,
    registry=REGISTRY,
)
INWORLD_ERRORS = counter(
    "voicebot_inworld_errors", "Errors of Inworld, by kind", ["kind"]
)
FALLBACKS = counter(
    "voicebot_fallbacks", "Fallback steps taken after a failed reply, by step", ["step"]
)
RECORDING_REQUESTS = counter(
    "voicebot_recording_requests",
    "Requests to Twilio to start, pause and stop recordings, by result",
    ["step", "result"],
)
RECORDINGS_FETCHED = counter(
    "voicebot_recordings_fetched",
    "Attempts to fetch recordings into our own storage, by result",
    ["result"],
)
TOOL_CALLS = counter("voicebot_tool_calls", "Tool calls, by result", ["result"])
POST_CALL_ATTEMPTS = counter(
    "voicebot_post_call_attempts",
    "Attempts at summaries and webhooks, by result",
    ["kind", "result"],
)
ALERT_ATTEMPTS = counter(
    "voicebot_alert_attempts",
    "Attempts at alerts, by kind of channel and result",
    ["channel", "result"],
)
TWILIO_TTS_SENTENCES = counter(
    "voicebot_twilio_tts_sentences", "Sentences spoken by Twilio's own voice"
)
COST = counter(
    "voicebot_cost",
    "Known cost of ended calls, by bot and currency; later corrections only if upwards",
    ["bot", "currency"],
)
CLIP_REQUESTS = counter(
    "voicebot_clip_requests", "Requests for clips, by HTTP status", ["status"]
)
STREAMED_CLIPS = counter(
    "voicebot_streamed_clips",
    "Clips sent while they grew, by their format and what they showed about Twilio",
    ["format", "shown"],
)
RATE_LIMITED_FRAMES = counter(
    "voicebot_rate_limited_frames", "Relay frames dropped above the rate limit"
)
WRITES_DROPPED = counter(
    "voicebot_transcript_writes_dropped",
    "Transcript writes dropped because the queue was full",
)
RELAY_DISCONNECTS = counter(
    "voicebot_relay_disconnects",
    "Relay sockets lost during a call, by the decision on the call",
    ["decision"],
)
REJECTED_REQUESTS = counter(
    "voicebot_rejected_requests",
    "Webhooks and sockets without a valid signature or token",
    ["source"],
)
DEPENDENCY_ERRORS = counter(
    "voicebot_dependency_errors",
    "Failed operations of Redis or the database",
    ["dependency"],
)


def count_ended_calls(status: str, reason: str, calls: int = 1) -> None:
    """Count calls that ended so, or were refused."""
    CALLS_ENDED.labels(reason).inc(calls)
    for figure, of_figure in (
        (figures.FAILED, CALLS_FAILED),
        (figures.REFUSED, CALLS_REFUSED),
    ):
        if figure.conditions == {"status": status}:
            of_figure.inc(calls)


def count_error(error: InworldError) -> None:
    """Count an error of Inworld, by its kind."""
    INWORLD_ERRORS.labels(error.kind).inc()


def count_dependency_error(dependency: str) -> None:
    """Count an error of `redis` or the `database`."""
    DEPENDENCY_ERRORS.labels(dependency).inc()


def _kinds(error: type[InworldError]) -> set[str]:
    return {error.kind}.union(*map(_kinds, error.__subclasses__()))


# Present as 0 from the start, so that rates work.
for kind in _kinds(InworldError):
    INWORLD_ERRORS.labels(kind)
for role in ("caller", "bot", "tool", "system"):
    TURNS.labels(role)
for result in ("done", "failed"):
    TOOL_CALLS.labels(result)
for kind in ("summary", "webhook"):
    for result in ("done", "failed", "given-up"):
        POST_CALL_ATTEMPTS.labels(kind, result)
for stage in STAGES:
    RESPONSE_LATENCY.labels(stage)
for dependency in ("redis", "database"):
    DEPENDENCY_ERRORS.labels(dependency)
for shown in ("unclear", "streamed", "waited", "refused"):
    for clip_format in ("wav", "mp3"):
        STREAMED_CLIPS.labels(clip_format, shown)
for source in ("webhook", "socket"):
    REJECTED_REQUESTS.labels(source)
for status in ("200", "404", "gone", "unavailable"):
    CLIP_REQUESTS.labels(status)
