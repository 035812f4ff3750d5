"""`/metrics`: the counters, and gauges read at the moment of the request."""

import asyncio
from collections.abc import Iterator
from secrets import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from calls.checks import is_loopback
from calls.metrics import CALLS_ENDED, REGISTRY
from calls.models import Call
from calls.operations.runtime import runtime
from calls.session.active_calls import active_calls
from calls.session.services import services

# A request with one of these comes through a proxy, whatever its peer address is.
PROXY_HEADERS = (
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-Real-IP", "Via", "CF-Connecting-IP"),
)


OVERLOADED = "1 while no further calls are taken because the event loop lags"


class RuntimeCollector(Collector):
    """The current state of this process."""

    def describe(self) -> list[Metric]:
        """Nothing, so that registration does not build the services."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Gauges, and Inworld's responses so far."""
        for name, description, value in _gauges():
            yield GaugeMetricFamily(f"voicebot_{name}", description, value)
        queues = GaugeMetricFamily(
            "voicebot_queue_length",
            "Transcript writes and live updates that wait in a queue",
            labels=["queue"],
        )
        queues.add_metric(["transcripts"], services().transcripts.queue.qsize())
        queues.add_metric(["live"], services().broadcaster.queue.qsize())
        yield queues
        waiting = GaugeMetricFamily(
            "voicebot_post_call_tasks_waiting",
            "Summaries and webhooks still to be done, of all processes",
            labels=["kind"],
        )
        for kind, count in runtime().post_call_worker.waiting.items():
            waiting.add_metric([kind], count)
        yield waiting
        yield _verdicts()
        answers = CounterMetricFamily(
            "voicebot_inworld_responses",
            "Inworld's responses by HTTP status; none without a response",
            labels=["path", "status"],
        )
        for (path, status), count in sorted(services().inworld.answers.items()):
            answers.add_metric([path, status], count)
        yield answers


def _verdicts() -> Metric:
    """The verdicts on streaming, by account; of all processes."""
    verdicts = GaugeMetricFamily(
        "voicebot_carrier_verdict",
        "1 for what Twilio does with clips that still grow, by account",
        labels=["account", "format", "verdict"],
    )
    for account, record in (runtime().stream_trials.records or {}).items():
        verdict = record.verdict or "unknown"
        verdicts.add_metric([account, record.format, verdict], 1)
    return verdicts


def _gauges() -> list[tuple[str, str, int]]:
    """Name, description and value of each gauge without labels."""
    calls = active_calls()
    connecting = "Calls answered whose relay socket is not open yet"
    return [
        ("calls_in_progress", "Calls in progress", len(calls.sessions)),
        ("calls_connecting", connecting, len(calls.connecting)),
        ("calls_limit", "The setting MAX_CALLS", settings.MAX_CALLS),
        ("overloaded", OVERLOADED, int(calls.is_overloaded)),
        ("draining", "1 while the server is stopping", int(calls.draining)),
        ("tasks", "Tasks of the event loop", len(asyncio.all_tasks())),
    ]


REGISTRY.register(RuntimeCollector())
# Present as 0 from the start, so that rates work; `calls.metrics` knows no models.
for reason in filter(None, Call.EndReason):
    CALLS_ENDED.labels(reason)


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of this process, for Prometheus."""
    if settings.METRICS_TOKEN and not _has_token(request):
        return HttpResponse(status=403)
    if not settings.METRICS_TOKEN and not _is_local(request):
        return HttpResponse(status=404)
    return HttpResponse(
        generate_latest(REGISTRY),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    is_valid = compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return is_valid and scheme.lower() == "bearer"


def _is_local(request: HttpRequest) -> bool:
    """True for a request from this machine that did not come through a proxy."""
    host = request.META.get("HTTP_HOST", "")
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return (
        not settings.TRUSTED_PROXY_COUNT
        and is_loopback(request.META.get("REMOTE_ADDR", ""))
        and is_loopback(name.strip("[]"))
        and not any(header in request.headers for header in PROXY_HEADERS)
    )
