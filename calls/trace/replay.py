"""Plays a trace through the conversation again, with the times of the trace. Pure.

Frames of the trace come at their times. Replies and results of tools come as long after
the conversation asked for them as in the trace. So a newer conversation, or one with
other settings, shows what it would do with the same caller.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from heapq import heappop, heappush
from itertools import count
from typing import Any

from bots.config.bot_config import BotConfig
from calls.conversation.actions import CallTool, SpeakText, StartReply
from calls.conversation.conversation import Conversation
from calls.conversation.events import CallEnded, CallResumed, Event, ReplyEnded
from calls.conversation.events import TimerFired as Timer
from calls.trace.masking import MASKED_DIGIT
from calls.trace.steps import action_json, event_of
from calls.trace.trace_file import Line, Trace
from calls.twilio import relay

# The monotonic clock of a replay shows this when the call begins.
CLOCK_STARTS = 1000.0
# More deadlines of one call than any real call has: the conversation is stuck.
MAX_TIMERS = 20_000
# Pressed in place of a key that the trace hides.
ANY_DIGIT = "0"
NO_SETTINGS = "The trace has no settings: those of a new bot were used."
NOT_RECORDED = "The trace has no such reply."
# Fields of actions that are compared. Texts may contain variables, which a trace does
# not have, and ids of tool calls are made up anew.
IGNORED = ("text", "call_id", "interrupted")

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """An action: in the trace, in the replay, or in both at about the same time."""

    facts: Facts
    recorded_ms: float | None
    replayed_ms: float | None

    @property
    def ms(self) -> float:
        known = (self.recorded_ms, self.replayed_ms)
        return next(ms for ms in known if ms is not None)

    @property
    def is_same(self) -> bool:
        """True if both have it."""
        return self.recorded_ms is not None and self.replayed_ms is not None

    @property
    def moved_ms(self) -> float:
        """How much later the replay does it."""
        if self.recorded_ms is None or self.replayed_ms is None:
            return 0.0
        return self.replayed_ms - self.recorded_ms


@dataclass(slots=True)
class Session:
    """The lines of one relay session, by what they mean for a replay."""

    inputs: list[Line] = field(default_factory=list)
    # The lines about each reply and tool call, and when it was asked for.
    answers: dict[str, list[Line]] = field(default_factory=dict)
    asked_ms: dict[str, float] = field(default_factory=dict)
    ended_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The steps of a trace beside those of its replay, and what went wrong."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()

    @property
    def differences(self) -> int:
        """Actions that only one of the two has."""
        return sum(not step.is_same for step in self.steps)


def replay(trace: Trace, config: BotConfig) -> Replayed:
    """Replay every relay session of a trace."""
    recorded: list[tuple[float, Facts]] = [
        (line.ms, line.fields) for line in trace.of("action")
    ]
    player = _Player(config)
    for session in _sessions(trace):
        player.play(session)
    problems = tuple(dict.fromkeys(player.problems))
    if not trace.settings:
        problems = (*problems, NO_SETTINGS)
    return Replayed(tuple(_compare(recorded, player.actions)), problems)


class _Player:
    """Feeds sessions to conversations; collects their actions."""

    def __init__(self, config: BotConfig) -> None:
        self.config = config
        self.core = Conversation(config)
        self.actions: list[tuple[float, Facts]] = []
        self.problems: list[str] = []
        self.queue: list[tuple[float, int, Event]] = []
        self.order = count()
        self.timers = 0
        self.ended_at = CLOCK_STARTS

    def play(self, session: Session) -> None:
        turns = tuple(self.core.turns)
        self.core, self.queue = Conversation(self.config), []
        for line in session.inputs:
            if line.get("event") == "CallResumed":
                self._add(line.ms, self._resumed(line, turns))
            elif event := _event(line):
                self._add(line.ms, event)
        if session.ended_ms is not None:
            self._add(session.ended_ms, CallEnded())
        is_connected = False  # before, a conversation has no deadlines that count
        while self.queue:
            at, _, event = heappop(self.queue)
            if is_connected:
                self._fire_timers(until=at, session=session)
            is_connected = True
            if self.queue and self.queue[0][0] < at:  # an answer to a timer's action
                self._push(at, event)
                continue
            self._receive(event, at, session)
            self.ended_at = at

    def _resumed(self, line: Line, turns: tuple[Any, ...]) -> Event:
        seconds = line.number("seconds") or 0.0
        minute = int(line.number("minute_of_week") or 0)
        returned, late_after = line.text("returned"), line.number("late_after")
        return CallResumed(
            turns, self.ended_at, seconds, {}, minute, returned, late_after
        )

    def _add(self, ms: float, event: Event) -> None:
        self._push(CLOCK_STARTS + ms / 1000, event)

    def _push(self, at: float, event: Event) -> None:
        heappush(self.queue, (at, next(self.order), event))

    def _fire_timers(self, until: float, session: Session) -> None:
        at = 0.0
        while (due := self.core.next_deadline()) is not None and due <= until:
            if self.queue and self.queue[0][0] < due:
                return
            self.timers += 1
            if self.timers > MAX_TIMERS:
                self.problems.append("The conversation is stuck at a deadline.")
                return
            at = max(at, due)
            self._receive(Timer(), at, session)

    def _receive(self, event: Event, at: float, session: Session) -> None:
        ms = round((at - CLOCK_STARTS) * 1000, 1)
        for action in self.core.receive(event, at):
            self.actions.append((ms, action_json(action)))
            match action:
                case SpeakText(reply) | StartReply(reply):
                    self._answer(f"reply {reply}", ms, session, reply)
                case CallTool(call_id):
                    self._answer(f"tool {call_id}", ms, session)

    def _answer(self, key: str, ms: float, session: Session, reply: int = 0) -> None:
        """Schedule what came of a request, as long after it as in the trace."""
        asked_ms, answers = session.asked_ms.get(key), session.answers.pop(key, [])
        if asked_ms is None and reply:
            ended = ReplyEnded(reply, error=NOT_RECORDED, retryable=False)
            self._add(ms + 1000, ended)
            self.problems.append(f"Reply {reply} is not in the trace.")
        for line in answers:
            waited = 0.0 if asked_ms is None else line.ms - asked_ms
            if event := event_of(line.fields):
                self._add(ms + waited, event)


def _sessions(trace: Trace) -> Iterator[Session]:
    """The relay sessions of a trace: each begins when its socket opens."""
    session: Session | None = None
    for line in trace.lines:
        if line.kind == "socket" and line.get("state") == "open":
            if session:
                yield session
            session = Session()
        elif session:
            _sort_in(session, line)
    if session:
        yield session


def _sort_in(session: Session, line: Line) -> None:
    key = _key(line)
    match line.kind:
        case "socket":
            session.ended_ms = line.ms
        case "action" if key:
            session.asked_ms.setdefault(key, line.ms)
        case "event" if key:
            session.answers.setdefault(key, []).append(line)
        case "event" | "in":
            session.inputs.append(line)


def _key(line: Line) -> str:
    """The reply or tool call that a line asks for, or is an answer to."""
    name = line.get("event") or line.get("action")
    if name in ("SpeakText", "StartReply", "FirstToken", "ClipReady", "ReplyEnded"):
        return f"reply {line.get('reply')}"
    if name in ("CallTool", "ToolCallEnded"):
        return f"tool {line.get('call_id')}"
    return ""


def _event(line: Line) -> Event | None:
    """The event that an inbound line causes, if any."""
    if line.kind == "event":
        return event_of(line.fields)
    frame = line.fields.get("frame")
    if not isinstance(frame, Mapping):
        return None
    if frame.get("digit") == MASKED_DIGIT:
        frame = {**frame, "digit": ANY_DIGIT}
    parsed = relay.parse(json.dumps(frame))
    if parsed is None or isinstance(parsed, relay.Setup | relay.RelayError):
        return None
    return parsed


def _compare(
    recorded: list[tuple[float, Facts]], replayed: list[tuple[float, Facts]]
) -> list[Step]:
    """Pair equal actions in their order; the rest stands alone."""
    before = [_comparable(facts) for _, facts in recorded]
    now = [_comparable(facts) for _, facts in replayed]
    steps: list[Step] = []
    matcher = SequenceMatcher(None, before, now, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(recorded[a:a_end], replayed[b:b_end], strict=True)
            steps += [Step(old[1], old[0], new[0]) for old, new in pairs]
            continue
        steps += [Step(facts, ms, None) for ms, facts in recorded[a:a_end]]
        steps += [Step(facts, None, ms) for ms, facts in replayed[b:b_end]]
    return sorted(steps, key=lambda step: step.ms)


def _comparable(facts: Facts) -> str:
    compared = {name: facts[name] for name in sorted(facts) if name not in IGNORED}
    return json.dumps(compared, default=str)
