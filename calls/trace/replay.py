"""Plays a trace through the conversation again, with the times of the trace. Pure.

Frames come when the conversation of the trace received them. Replies and results of
tools come as long after the conversation asked for them as in the trace, and deadlines
pass as late. So the same conversation does the same, however busy the server was; a
newer one, or one with other settings, shows what it would do with the same caller.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from heapq import heappop, heappush
from typing import Any

from bots.config.bot_config import BotConfig
from calls.conversation.actions import CallTool, SpeakText, StartReply
from calls.conversation.conversation import Conversation
from calls.conversation.events import CallResumed, Event, ReplyEnded
from calls.conversation.events import TimerFired as Timer
from calls.trace.masking import MASKED_DIGIT
from calls.trace.steps import CAUSED_BY_FRAMES, action_json, event_of
from calls.trace.trace_file import Line, Trace
from calls.twilio import relay

# The monotonic clock of a replay shows this when the call begins.
CLOCK_STARTS = 1000.0
# Times of a trace are this exact (s).
PRECISION = 0.000_01
# More deadlines of one call than any real call has: the conversation is stuck.
MAX_TIMERS = 20_000
# After all places of a trace.
NOT_IN_TRACE = 1_000_000_000
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


@dataclass(frozen=True, slots=True)
class Received:
    """An event of the trace; `place` orders those of one moment."""

    ms: float
    place: int
    event: Event


@dataclass(slots=True)
class Session:
    """The lines of one relay session, by what they mean for a replay."""

    inputs: list[Received] = field(default_factory=list)
    # The events of each reply and tool call, and when it was asked for.
    answers: dict[str, list[Received]] = field(default_factory=dict)
    asked_ms: dict[str, float] = field(default_factory=dict)
    # When deadlines were overdue because the server was busy, and when it saw that.
    overdue_at: list[float] = field(default_factory=list)
    noticed_at: list[float] = field(default_factory=list)
    frame: Line | None = None  # the latest

    def notice(self, due_at: float, now: float) -> float:
        """When the server notices a deadline: as late as it did in the trace."""
        at = max(due_at, now)
        place = bisect_right(self.noticed_at, at)
        late = self.overdue_at[place : place + 1]
        return self.noticed_at[place] if late and late[0] - PRECISION <= at else at


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
        self.timers = 0
        self.now = CLOCK_STARTS

    def play(self, session: Session) -> None:
        turns = tuple(self.core.turns)
        self.core, self.queue = Conversation(self.config), []
        ended_at = self.now
        for received in session.inputs:
            event = received.event
            if isinstance(event, CallResumed):
                event = replace(event, turns=turns, disconnected_at=ended_at)
            self._add(received.ms, received.place, event)
        is_connected = False  # before, a conversation has no deadlines that count
        while self.queue:
            following = heappop(self.queue)
            if is_connected:
                self._fire_timers(until=following[0], session=session)
            is_connected = True
            if (
                self.queue and self.queue[0] < following
            ):  # an answer to a timer's action
                heappush(self.queue, following)
                continue
            at, _, event = following
            self._receive(event, at, session)

    def _add(self, ms: float, place: int, event: Event) -> None:
        heappush(self.queue, (_clock(ms), place, event))

    def _fire_timers(self, until: float, session: Session) -> None:
        """Let deadlines pass before the next event, which handles those of its time."""
        while (due := self.core.next_deadline()) is not None:
            at = session.notice(due, self.now)
            if at >= until or (self.queue and self.queue[0][0] < at):
                return
            self.timers += 1
            if self.timers > MAX_TIMERS:
                self.problems.append("The conversation is stuck at a deadline.")
                return
            self._receive(Timer(), at, session)

    def _receive(self, event: Event, at: float, session: Session) -> None:
        self.now, ms = at, round((at - CLOCK_STARTS) * 1000, 3)
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
            self._add(ms + 1000, NOT_IN_TRACE + reply, ended)
            self.problems.append(f"Reply {reply} is not in the trace.")
        for answer in answers:
            waited = 0.0 if asked_ms is None else answer.ms - asked_ms
            self._add(ms + waited, answer.place, answer.event)


def _sessions(trace: Trace) -> Iterator[Session]:
    """The relay sessions of a trace: each begins when its socket opens."""
    session: Session | None = None
    for place, line in enumerate(trace.lines):
        if line.kind == "socket" and line.get("state") == "open":
            if session:
                yield session
            session = Session()
        elif session:
            _sort_in(session, line, place)
    if session:
        yield session


def _sort_in(session: Session, line: Line, place: int) -> None:
    key = _key(line)
    if line.kind == "in":
        session.frame = line
    elif line.kind == "action" and key:
        session.asked_ms.setdefault(key, line.ms)
    elif line.kind == "event" and (event := _event(line, session.frame)):
        events = session.answers.setdefault(key, []) if key else session.inputs
        events.append(Received(line.ms, place, event))
        if late_ms := line.number("late_ms"):
            session.overdue_at.append(_clock(line.ms - late_ms))
            session.noticed_at.append(_clock(line.ms))


def _clock(ms: float) -> float:
    """The time of the replay's clock; equal for all that happens in a microsecond."""
    return CLOCK_STARTS + round(ms, 3) / 1000


def _key(line: Line) -> str:
    """The reply or tool call that a line asks for, or is an answer to."""
    name = line.get("event") or line.get("action")
    if name in ("SpeakText", "StartReply", "FirstToken", "ClipReady", "ReplyEnded"):
        return f"reply {line.get('reply')}"
    if name in ("CallTool", "ToolCallEnded"):
        return f"tool {line.get('call_id')}"
    return ""


def _event(line: Line, before: Line | None) -> Event | None:
    """The event that the conversation received, perhaps by the frame before."""
    kind = CAUSED_BY_FRAMES.get(line.text("event"))
    if kind is None:
        return event_of(line.fields)
    frame = before.fields.get("frame") if before else None
    if not isinstance(frame, Mapping):
        return None
    if frame.get("digit") == MASKED_DIGIT:
        frame = {**frame, "digit": ANY_DIGIT}
    parsed = relay.parse(json.dumps(frame))
    return parsed if isinstance(parsed, kind) else None


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
