"""Computes figures from the records of the callers and the fake Inworld."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.bench.caller import GREETING
from tests.bench.plan import Plan
from tests.bench.turns import HUNG, KINDS

# A sentence counts as played when at most this much (s) is missing: silence is trimmed.
TRIMMED_SECONDS = 0.35
# Clips that start later than this (s) after the end belong to another reply.
AFTER_THE_END = 0.5
# A growing clip that runs dry for longer than this (s) has a gap that is heard.
HEARD_GAP = 0.02
# Kinds of turns that load the server in step.
IN_STEP = ("standard", "word")

Delays = dict[str, list[float]]


def percentiles(seconds: Iterable[float]) -> dict[str, float] | None:
    """Return percentiles in milliseconds, by nearest rank; None without values."""
    values = sorted(seconds)
    if not values:
        return None
    ranks = {
        f"p{p}": values[math.ceil(p / 100 * len(values)) - 1] for p in (50, 95, 99)
    }
    shown = {**ranks, "max": values[-1]}
    return {"count": len(values), **{k: round(v * 1000, 2) for k, v in shown.items()}}


def sentences_of(clips: list[dict[str, Any]], kind: str) -> list[list[dict[str, Any]]]:
    """Group clips by sentence, using their lengths; a sentence may have several."""
    rest = list(clips)
    sentences: list[list[dict[str, Any]]] = []
    for seconds in KINDS[kind].lengths:
        own: list[dict[str, Any]] = []
        while rest and seconds > TRIMMED_SECONDS:
            own.append(rest.pop(0))
            seconds -= own[-1]["seconds"]
        sentences.append(own if seconds <= TRIMMED_SECONDS else [])
    return sentences


class Measurement:
    """The delays that one run of a plan measured."""

    def __init__(self, result: dict[str, Any], records: list[dict[str, Any]]) -> None:
        self.errors = Counter[str](result["errors"])
        self.delays: Delays = {}
        self.slow_clips = 0  # the most clips a slowly arriving sentence came in
        self.turn_clips = 0  # the most clips a standard turn came in
        self.fresh = 0  # turns that had to open a connection
        self.repeated = 0  # requests beyond the first of a turn
        self.gaps = 0  # growing clips that ran dry
        self.window = result["window"]
        self.windowed_turns = 0
        self.records: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            self.records.setdefault(record["tag"], []).append(record)
        self.delays["webhook"] = result["webhooks"]
        for turn in result.get("first_turns", ()):
            if turn["kind"] == GREETING and turn["clips"]:
                self._add("first_greeting", _until_play(turn))
        for turn in result["turns"]:
            self._take(turn)

    def figures(self) -> dict[str, dict[str, float] | None]:
        return {name: percentiles(values) for name, values in self.delays.items()}

    def _add(self, name: str, seconds: float) -> None:
        self.delays.setdefault(name, []).append(seconds)

    def _take(self, turn: dict[str, Any]) -> None:
        clips, kind = turn["clips"], turn["kind"]
        # Delays while calls are still being dialled are measured separately.
        during = "_dialling" if turn["sent_at"] < self.window[0] else ""
        for clip in clips:
            self.gaps += clip.get("gap", 0.0) > HEARD_GAP
            # A fetch of a clip whose address was sent early waits for its sentence.
            if clip["fetched_at"] and not clip.get("early"):
                waited = clip["fetched_at"] - clip["asked_at"]
                self._add(f"clip_get{during}", waited)
        if kind == GREETING:
            if clips:
                self._add("greeting", _until_play(turn))
            else:
                self.errors["no greeting"] += 1
            return
        records = self.records.get(turn["tag"])
        if not records:
            self.errors["a prompt never reached upstream"] += 1
            return
        self.repeated += len(records) - 1
        self.fresh += records[0]["fresh"]
        name = "request_fresh" if records[0]["fresh"] else f"request{during}"
        self._add(name, records[0]["arrived"] - turn["sent_at"])
        if kind == "interrupted":
            self._interrupted(turn, records[-1])
        elif kind == HUNG:
            self._hung(turn)
        elif kind != "after":
            self._played(turn, records[-1])

    def _played(self, turn: dict[str, Any], record: dict[str, Any]) -> None:
        clips, kind, marks = turn["clips"], turn["kind"], record["marks"]
        if "end" not in marks:
            self.errors["an answer was not heard out"] += 1
            return
        sentences = sentences_of(clips, kind)
        if not all(sentences):
            self.errors["a sentence was not played"] += 1
            return
        if kind == "slow":
            over = marks["end"] + AFTER_THE_END
            own = [clip for clip in clips if clip["played_at"] < over]
            self.slow_clips = max(self.slow_clips, len(own))
            return
        starts, ends = self.window
        if kind in IN_STEP:
            if not starts <= turn["sent_at"] < ends:
                return
            self.windowed_turns += 1
            self.turn_clips = max(self.turn_clips, sum(map(len, sentences)))
            self._add("first_sound", _until_play(turn))
            self._add("first_clip", clips[0]["played_at"] - marks["first 0"])
            if sound_at := clips[0].get("sound_at"):
                self._add("first_at_carrier", sound_at - marks["first 0"])
        for number, own in enumerate(sentences):
            self._sentence(kind, number, own[-1], marks)

    def _sentence(
        self, kind: str, number: int, clip: dict[str, Any], marks: dict[str, float]
    ) -> None:
        last = marks[f"last {number}"]
        waited = clip["played_at"] - last
        if clip["played_at"] < last < clip["fetched_at"]:
            waited = clip["fetched_at"] - last  # it has grown until then
        if kind == "held":
            return self._add("held", waited)
        self._add("added", waited)
        followed = number + 1 < len(KINDS[kind].lengths)
        self._add("followed" if followed else "ending", waited)
        if followed:
            self._add("next_words", clip["played_at"] - marks[f"words {number + 1}"])
        if clip["fetched_at"]:
            self._add("at_caller", clip["fetched_at"] - last)
        return None

    def _hung(self, turn: dict[str, Any]) -> None:
        if turn["clips"]:
            self._add("hung", _until_play(turn))
        else:
            self.errors["silence while upstream hangs"] += 1

    def _interrupted(self, turn: dict[str, Any], record: dict[str, Any]) -> None:
        cut = turn["interrupted_at"]
        if not cut:
            self.errors["an answer without sound"] += 1
        elif record["hung_up"]:
            late = max((clip["played_at"] for clip in turn["clips"]), default=cut)
            self._add("interrupt", max(record["hung_up"], late, cut) - cut)
        elif record["marks"].get("end", math.inf) > cut:
            self.errors["an interruption never reached upstream"] += 1


def _until_play(turn: dict[str, Any]) -> float:
    waited: float = turn["clips"][0]["played_at"] - turn["sent_at"]
    return waited


def level(
    plan: Plan, result: dict[str, Any], upstream: dict[str, Any], floor_ms: float | None
) -> dict[str, Any]:
    """Return all results of one level of load, as in the JSON."""
    measured = Measurement(result, upstream["records"])
    starts, ends = result["window"]
    turns, cpu = measured.windowed_turns, sum(result["cpu_seconds"])
    cpu_ms = 1000 * cpu / turns if turns else None
    return {
        "calls": plan.calls,
        "processes": len(plan.servers),
        "turns": turns,
        "errors": dict(measured.errors),
        "error_count": measured.errors.total(),
        "figures": measured.figures(),
        "slow_clips": measured.slow_clips,
        "turn_clips": measured.turn_clips,
        "gaps": measured.gaps,
        "new_connections": measured.fresh,
        "repeated_requests": measured.repeated,
        "cpu_ms_per_turn": _rounded(cpu_ms),
        "cpu_ratio": _rounded(cpu_ms / floor_ms if cpu_ms and floor_ms else None),
        "core_share": [round(c / (ends - starts), 3) for c in result["cpu_seconds"]],
        "peak_mb": [round(mb, 1) for mb in result["peak_mb"]],
        "bench": {
            "caller_lag_p99_ms": result["lag_ms"],
            "upstream_lag_p99_ms": upstream["lag_ms"],
            "caller_core_share": round(result["generator_share"], 3),
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
