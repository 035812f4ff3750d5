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
from calls.conversation.fallback import Rung
from calls.webhooks.reconnect_decision import Verdict

# From the caller's last word, in the order in which they are reached.
STAGES = (
    *("request_sent", "first_token", "first_audio", "first_clip"),
    *("play_sent", "clip_fetched", "heard"),
)
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)

# A sample more of every count, that nobody looks at.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

CALLS_ANSWERED = Counter(
    "voicebot_calls_answered", "Calls whose socket was connected", registry=REGISTRY
)
CALLS_OVER = Counter(
    "voicebot_calls_over", "Calls closed or refused", ["reason"], registry=REGISTRY
)
TURNS = Counter("voicebot_turns", "Turns spoken", ["role"], registry=REGISTRY)
INTERRUPTIONS = Counter(
    "voicebot_interruptions", "Turns of a bot that were cut off", registry=REGISTRY
)
ANSWER_SECONDS = Histogram(
    "voicebot_answer_seconds",
    "From the caller's last word to each stage of the answer",
    ["stage"],
    buckets=LATENCIES,
    registry=REGISTRY,
)
ERRORS = Counter(
    "voicebot_errors", "What went wrong upstream, by kind", ["kind"], registry=REGISTRY
)
RESORTS = Counter(
    "voicebot_resorts", "Rungs taken after a failed answer", ["rung"], registry=REGISTRY
)
TOOLS = Counter(
    "voicebot_tools", "Uses of tools, and how they ended", ["end"], registry=REGISTRY
)
FOLLOWUPS = Counter(
    "voicebot_followup_attempts",
    "Attempts at summaries and webhooks, and how they ended",
    ["kind", "end"],
    registry=REGISTRY,
)
CARRIER_VOICE = Counter(
    "voicebot_carrier_voice",
    "Sentences left to the carrier's own voice",
    registry=REGISTRY,
)
CLIP_REQUESTS = Counter(
    "voicebot_clip_requests", "Clips asked for", ["status"], registry=REGISTRY
)
FRAMES_DROPPED = Counter(
    "voicebot_frames_dropped",
    "Frames of the carrier above what a socket may send",
    registry=REGISTRY,
)
WRITES_DROPPED = Counter(
    "voicebot_writes_dropped", "Transcript writes that found no room", registry=REGISTRY
)
SESSIONS_LOST = Counter(
    "voicebot_sessions_lost",
    "Sockets lost in the middle of a call, by what became of the call",
    ["verdict"],
    registry=REGISTRY,
)
REFUSED = Counter(
    "voicebot_refused",
    "Webhooks and sockets that nobody had signed, or not for us",
    ["what"],
    registry=REGISTRY,
)
TROUBLE = Counter(
    "voicebot_trouble",
    "Times that Redis or the database did not do what it was asked",
    ["part"],
    registry=REGISTRY,
)


def failed(error: InworldError) -> None:
    """Count what Inworld could not do."""
    ERRORS.labels(error.kind).inc()


def trouble(part: str) -> None:
    """Count what `redis` or the `database` did not do."""
    TROUBLE.labels(part).inc()


def _kinds(error: type[InworldError]) -> set[str]:
    return {error.kind}.union(*map(_kinds, error.__subclasses__()))


# Zero is a figure too: a rate needs it from the start.
for kind in _kinds(InworldError):
    ERRORS.labels(kind)
for rung in Rung:
    RESORTS.labels(rung)
for verdict in Verdict:
    SESSIONS_LOST.labels(verdict)
for role in ("caller", "bot", "tool", "system"):
    TURNS.labels(role)
for end in ("done", "failed"):
    TOOLS.labels(end)
for kind in ("summary", "webhook"):
    for end in ("done", "failed", "given-up"):
        FOLLOWUPS.labels(kind, end)
for stage in STAGES:
    ANSWER_SECONDS.labels(stage)
for part in ("redis", "database"):
    TROUBLE.labels(part)
for what in ("webhook", "socket"):
    REFUSED.labels(what)
for status in ("200", "404", "503"):
    CLIP_REQUESTS.labels(status)
