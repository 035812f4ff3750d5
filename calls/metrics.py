"""What is counted while calls run, in Prometheus's terms; a count costs a microsecond.

A leaf: anything may count here. What can be read off at the moment it is asked for is
in `metrics_view`.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from bots.inworld.errors import InworldError

# From the caller's last word, in the order in which they are reached.
STAGES = (
    *("request_sent", "first_token", "first_audio", "first_clip"),
    *("play_sent", "clip_fetched", "playback_started"),
)
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)

# A sample more of every count, that nobody looks at.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

CALLS_ANSWERED = Counter(
    "voicebot_calls_answered", "Calls whose socket was connected", registry=REGISTRY
)
CALLS_ENDED = Counter(
    "voicebot_calls_ended", "Calls closed or refused", ["reason"], registry=REGISTRY
)
TURNS = Counter("voicebot_turns", "Turns spoken", ["role"], registry=REGISTRY)
INTERRUPTIONS = Counter(
    "voicebot_interruptions", "Turns of a bot that were cut off", registry=REGISTRY
)
RESPONSE_LATENCY = Histogram(
    "voicebot_response_latency_seconds",
    "From the caller's last word to each stage of the answer",
    ["stage"],
    buckets=LATENCIES,
    registry=REGISTRY,
)
INWORLD_ERRORS = Counter(
    "voicebot_inworld_errors",
    "What went wrong upstream, by kind",
    ["kind"],
    registry=REGISTRY,
)
FALLBACKS = Counter(
    "voicebot_fallbacks",
    "Fallback steps taken after a failed reply",
    ["step"],
    registry=REGISTRY,
)
TOOL_CALLS = Counter(
    "voicebot_tool_calls",
    "Uses of tools, and how they ended",
    ["result"],
    registry=REGISTRY,
)
POST_CALL_ATTEMPTS = Counter(
    "voicebot_post_call_attempts",
    "Attempts at summaries and webhooks, and how they ended",
    ["kind", "result"],
    registry=REGISTRY,
)
TWILIO_TTS_SENTENCES = Counter(
    "voicebot_twilio_tts_sentences",
    "Sentences left to the carrier's own voice",
    registry=REGISTRY,
)
CLIP_REQUESTS = Counter(
    "voicebot_clip_requests", "Clips asked for", ["status"], registry=REGISTRY
)
RATE_LIMITED_FRAMES = Counter(
    "voicebot_rate_limited_frames",
    "Frames of the carrier above what a socket may send",
    registry=REGISTRY,
)
WRITES_DROPPED = Counter(
    "voicebot_transcript_writes_dropped",
    "Transcript writes that found no room",
    registry=REGISTRY,
)
RELAY_DISCONNECTS = Counter(
    "voicebot_relay_disconnects",
    "Sockets lost in the middle of a call, by what became of the call",
    ["decision"],
    registry=REGISTRY,
)
REJECTED_REQUESTS = Counter(
    "voicebot_rejected_requests",
    "Webhooks and sockets that nobody had signed, or not for us",
    ["source"],
    registry=REGISTRY,
)
DEPENDENCY_ERRORS = Counter(
    "voicebot_dependency_errors",
    "Times that Redis or the database did not do what it was asked",
    ["dependency"],
    registry=REGISTRY,
)


def count_error(error: InworldError) -> None:
    """Count what Inworld could not do."""
    INWORLD_ERRORS.labels(error.kind).inc()


def count_dependency_error(dependency: str) -> None:
    """Count an error of `redis` or the `database`."""
    DEPENDENCY_ERRORS.labels(dependency).inc()


def _kinds(error: type[InworldError]) -> set[str]:
    return {error.kind}.union(*map(_kinds, error.__subclasses__()))


# Zero is a figure too: a rate needs it from the start.
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
for source in ("webhook", "socket"):
    REJECTED_REQUESTS.labels(source)
for status in ("200", "404", "503"):
    CLIP_REQUESTS.labels(status)
