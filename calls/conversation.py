"""Who may speak: the rules of a call, without I/O or a clock of their own.

Events go in with the moment they happened, actions come out. Replies are numbered,
so what arrives late belongs to an older number and is recognised by comparison. The
greeting is a reply too. The carrier's side of every rule stands in `Playback`.
"""

import math
from dataclasses import dataclass, replace
from typing import assert_never

from calls.actions import (
    Action,
    Discard,
    Play,
    Record,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    ClipFetched,
    ClipReady,
    Event,
    KeyPressed,
    ReplyEnded,
    SpeakingChanged,
    TimePassed,
)
from calls.history import messages
from calls.keypad import KeyEntry
from calls.playback import Clip, Playback, spoken_by_carrier
from calls.turns import Role, Turn

# A frame that a key or a word caused may arrive before the interrupt it caused (s).
LATE_INTERRUPT = 1.0
# Room for the clock's error before a reply counts as played to its end (s).
SETTLE_MARGIN = 0.5

APOLOGY = "I'm sorry, I have some trouble at the moment. Could you say that again?"


@dataclass(frozen=True, slots=True)
class Manners:
    """What a bot's settings say about the course of a conversation."""

    system_prompt: str
    greeting: str = ""
    speech_interrupts: bool = True


@dataclass(slots=True)
class Reply:
    """One answer of the bot: `turn` is None until its first clip was sent."""

    number: int
    asked_at: float
    writing: bool = True
    turn: Turn | None = None


class Conversation:
    """The state of one call and the only place that changes it."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.turns: list[Turn] = []
        self.playback = Playback()
        self.entry = KeyEntry()
        self.reply: Reply | None = None
        self.unfinished: list[Reply] = []  # begun, but not yet known how far heard
        self.unanswered = False
        self.spoke_at = -math.inf  # the caller's latest words or key
        self.replies: list[Reply] = []

    def receive(self, event: Event, at: float) -> list[Action]:  # noqa: C901
        """Take in what happened at `at` (seconds, monotonic); say what to do now."""
        match event:
            case CallConnected():
                actions = self._greet(at)
            case CallerSpoke(text, final):
                actions = self._caller_spoke(text, at) if final else []
            case CallerInterrupted(position_ms):
                actions = self._caller_interrupted(position_ms, at)
            case CallerSpeaking():
                actions = []
            case KeyPressed(key):
                actions = self._key_pressed(key, at)
            case SpeakingChanged(on):
                self.playback.speaking(on, at)
                actions = []
            case ClipReady(number, clip):
                actions = self._clip_ready(number, clip, at)
            case ClipFetched(clip_id):
                self.playback.fetched(clip_id, at)
                actions = []
            case ReplyEnded():
                actions = self._reply_ended(event, at)
            case TimePassed():
                actions = self._time_passed(at)
            case CallEnded():
                actions = self._call_ended(at)
            case _:
                assert_never(event)
        return [*actions, *self._finished(at)]

    def wakes_at(self) -> float | None:
        """When `TimePassed` is due, None while only the outside can move things."""
        due = [self.entry.due_at]
        if self.unfinished and (ends_at := self.playback.ends_at()) is not None:
            due.append(ends_at + SETTLE_MARGIN)
        return min((moment for moment in due if moment is not None), default=None)

    # What the caller does

    def _greet(self, at: float) -> list[Action]:
        if not self.manners.greeting:
            return []
        return [SpeakText(self._next(at).number, self.manners.greeting)]

    def _caller_spoke(self, text: str, at: float) -> list[Action]:
        text = text.strip()
        if not text:
            return []
        self.spoke_at = at
        self.playback.settle(at)
        if self._must_be_heard_out(at):
            self.unanswered = True
            return self._hear(text, at)
        # The old reply goes first, so that its turn keeps its place before this one.
        stopped = self._abandon(at)
        return [*stopped, *self._hear(text, at), *self._answer(at)]

    def _must_be_heard_out(self, at: float) -> bool:
        reply = self.reply
        return (
            not self.manners.speech_interrupts
            and reply is not None
            and reply.writing
            and self.playback.started(reply.number, at)
        )

    def _hear(self, text: str, at: float) -> list[Action]:
        """Add the caller's words: to the same turn while nothing came between."""
        last = self.turns[-1] if self.turns else None
        if last and last.role == "caller":
            last.text = f"{last.text} {text}"
        else:
            last = self._new_turn("caller", at)
            last.text = text
        last.heard, last.ended_at = last.text, at
        return [Record(replace(last))]

    def _caller_interrupted(self, position_ms: float | None, at: float) -> list[Action]:
        since = self._interrupted_since(at)
        position = position_ms / 1000 if position_ms else None
        lost = self.playback.interrupt(at, position, since)
        for reply in self.unfinished:
            if reply.turn and any(cue.reply == reply.number for cue in lost):
                reply.turn.interrupted = True
        actions: list[Action] = []
        current = self.reply
        if (
            current
            and current.asked_at < since
            and self.playback.started(current.number, at)
        ):
            actions = self._stop(current)
        clips = tuple(cue.clip for cue in lost)
        return [*actions, Discard(clips, queued=False)] if clips else actions

    def _interrupted_since(self, at: float) -> float:
        """The moment after which what was sent is not what the caller cut off.

        The interrupt a key causes comes after the key, perhaps after our answer to it.
        """
        late = at - self.spoke_at < LATE_INTERRUPT
        if late and self.playback.has_pending(sent_before=self.spoke_at):
            return self.spoke_at
        return math.inf

    def _key_pressed(self, key: str, at: float) -> list[Action]:
        self.spoke_at = at
        return self._keys_entered(at) if self.entry.press(key, at) else []

    def _keys_entered(self, at: float) -> list[Action]:
        return self._caller_spoke(self.entry.take(), at)

    # What becomes of replies

    def _answer(self, at: float) -> list[Action]:
        self.unanswered = False
        reply = self._next(at)
        for earlier in self.unfinished:
            if earlier.turn:
                earlier.turn.heard = self.playback.expected_text(earlier.number)
        history = messages(self.manners.system_prompt, self.turns)
        return [StartReply(reply.number, history)]

    def _abandon(self, at: float) -> list[Action]:
        """Give up the current reply; what is on its way to the caller plays out."""
        reply = self.reply
        if reply is None:
            return []
        actions = self._stop(reply)
        if reply.turn and not self.playback.started(reply.number, at):
            clips = tuple(self.playback.withdraw(reply.number))
            if clips:
                reply.turn.interrupted = True
                actions.append(Discard(clips, queued=True))
        return actions

    def _stop(self, reply: Reply) -> list[Action]:
        if not reply.writing:
            return []
        reply.writing = False
        if reply.turn:
            reply.turn.interrupted = True
        return [StopReply(reply.number)]

    def _clip_ready(self, number: int, clip: Clip, at: float) -> list[Action]:
        reply = self.reply
        if reply is None or reply.number != number or not reply.writing:
            return [Discard((clip,), queued=False)]
        turn = reply.turn
        if turn is None:
            turn = self._begin(reply, at)
            turn.latency_ms = {"play_sent": _ms(at - reply.asked_at)}
        turn.text = f"{turn.text} {clip.text}".strip()
        return [self._play(number, clip, at)]

    def _begin(self, reply: Reply, at: float) -> Turn:
        reply.turn = self._new_turn("bot", at)
        self.unfinished.append(reply)
        return reply.turn

    def _play(self, number: int, clip: Clip, at: float) -> Play:
        self.playback.add(number, clip, at)
        return Play(clip)

    def _reply_ended(self, event: ReplyEnded, at: float) -> list[Action]:
        reply = self.replies[event.reply - 1]
        stopped, reply.writing = not reply.writing, False
        if stopped and reply.turn is None:
            return []  # nobody heard any of it and it has been answered anew
        silent = reply.turn is None
        turn = reply.turn or self._begin(reply, at)
        actions: list[Action] = [self._complete(reply, turn, event)]
        if silent:
            actions.append(self._play(0, spoken_by_carrier(APOLOGY), at))
        if self.unanswered and not stopped:
            actions += self._answer(at)
        return actions

    def _complete(self, reply: Reply, turn: Turn, event: ReplyEnded) -> Record:
        """Fill in what is known of a reply once it is written."""
        turn.text = event.text or turn.text
        turn.error = event.error
        turn.model = event.model
        turn.prompt_tokens = event.prompt_tokens
        turn.completion_tokens = event.completion_tokens
        turn.latency_ms = turn.latency_ms | {
            name: _ms(moment - reply.asked_at) for name, moment in event.marks.items()
        }
        return Record(replace(turn))

    def _time_passed(self, at: float) -> list[Action]:
        self.playback.settle(at)
        if self.entry.due_at is not None and self.entry.due_at <= at:
            return self._keys_entered(at)
        return []

    def _call_ended(self, at: float) -> list[Action]:
        actions = self._stop(self.reply) if self.reply else []
        lost = self.playback.interrupt(at, None, math.inf)
        for reply in self.unfinished:
            if reply.turn and any(cue.reply == reply.number for cue in lost):
                reply.turn.interrupted = True
            reply.writing = False
        return actions

    def _finished(self, at: float) -> list[Action]:
        """Record replies of which it is now known how much was heard."""
        pending = {cue.reply for cue in self.playback.pending()}
        actions: list[Action] = []
        for reply in list(self.unfinished):
            if reply.writing or reply.number in pending or reply.turn is None:
                continue
            self.unfinished.remove(reply)
            reply.turn.heard = self.playback.heard_text(reply.number)
            reply.turn.ended_at = at
            actions.append(Record(replace(reply.turn)))
        return actions

    def _next(self, at: float) -> Reply:
        self.reply = Reply(len(self.replies) + 1, asked_at=at)
        self.replies.append(self.reply)
        return self.reply

    def _new_turn(self, role: Role, at: float) -> Turn:
        turn = Turn(len(self.turns), role, started_at=at)
        self.turns.append(turn)
        return turn


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
