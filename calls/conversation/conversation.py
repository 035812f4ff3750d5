"""Who may speak: the rules of a call, without I/O or a clock of their own.

Events go in with the moment they happened, actions come out. What a caller's words and
keys mean is here; `Hearing` takes them in, `Answers` sees to the bot's turn, `ToolUses`
to what it does besides speaking, `Interruptions` to being cut off, `Vigil` to silence
and time, `Farewells` to the end of the call.
"""

import math
from dataclasses import replace
from typing import assert_never

from bots.config.rules import Manners
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import Action, ChangeLanguage, Record
from calls.conversation.caller_input import Hearing
from calls.conversation.dtmf_menu import Menu
from calls.conversation.ending import SETTLE_MARGIN, Farewell, Farewells
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    ClipFetched,
    ClipReady,
    Event,
    KeyPressed,
    LookedUp,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    ReplyEnded,
    SpeakingChanged,
    TimePassed,
    ToolEnded,
)
from calls.conversation.fallback import Rung
from calls.conversation.interruptions import Interruptions
from calls.conversation.replies import Reply
from calls.conversation.responder import Answers
from calls.conversation.timeouts import Vigil
from calls.conversation.tool_calls import ToolUses
from calls.turns.resume import is_unanswered, language_of, settle, take_back
from calls.turns.turn import Turn


class Conversation:
    """The state of one call and the only place that changes it."""

    def __init__(self, manners: Manners) -> None:
        self.turns: list[Turn] = []
        self.answers = Answers(manners, self.turns, self._give_up, self._use)
        self.replies = self.answers.replies
        self.playback = self.replies.playback
        self.interruptions = Interruptions(self.answers)
        self.farewells = Farewells(self.answers, self.interruptions)
        self.vigil = Vigil(manners)
        self.hearing = Hearing(self.answers)
        self.entry = self.hearing.entry
        self.uses = ToolUses(self.answers, self.farewells, self.entry)
        self.menu = Menu(self.hearing, self.uses)

    @property
    def manners(self) -> Manners:
        """The rules in the language that is spoken now."""
        return self.answers.manners

    def receive(self, event: Event, at: float) -> list[Action]:
        """Take in what happened at `at` (seconds, monotonic); say what to do now."""
        actions = self._late(event, at) if self.over else self._react(event, at)
        if not (self.over or self.farewell):
            actions += self._due(at)
        actions += self.replies.finished(at)
        return [*actions, *self.farewells.part(at)]

    def wakes_at(self) -> float | None:
        """When `TimePassed` is due, None while only the outside can move things."""
        if self.over:
            return None
        moments = [self.farewell.due_at] if self.farewell else self._due_moments()
        ends_at = self.playback.ends_at()
        if ends_at is None and self.farewell and not self.replies.is_writing:
            ends_at = self.playback.ended_at
        if ends_at is not None:
            moments.append(ends_at + SETTLE_MARGIN)
        return min(moments, default=None)

    @property
    def farewell(self) -> Farewell | None:
        """The last word, once it is being said."""
        return self.farewells.farewell

    @property
    def over(self) -> bool:
        """Whether nothing is done any more."""
        return self.farewells.over

    @property
    def is_idle(self) -> bool:
        """Whether nobody is doing anything: it is the caller's turn."""
        return not (
            self.replies.is_writing
            or self.playback.pending()
            or self.interruptions.hold
            or self.answers.attempt
            or self.answers.awaited
            or self.entry.keys
        )

    def _react(self, event: Event, at: float) -> list[Action]:  # noqa: C901
        match event:
            case CallConnected():
                return self._call_connected(event, at)
            case CallResumed():
                return self._call_resumed(event, at)
            case CallerSpoke(text, final):
                self.vigil.caller_heard(at, final=final)
                return self._caller_spoke(text.strip(), at) if final else []
            case CallerInterrupted(position_ms):
                return self._caller_interrupted(position_ms, at)
            case CallerSpeaking(on):
                self.vigil.caller_speaking(on, at)
            case KeyPressed(key):
                return self._key_pressed(key, at)
            case SpeakingChanged(on):
                self.playback.speaking(on, at)
            case ClipReady():
                return self.answers.clip_ready(event, at)
            case ClipFetched(clip_id):
                self.replies.fetched(clip_id, at)
            case ReplyEnded():
                return self.answers.ended(event, at)
            case LookedUp():
                return self.answers.looked_up(event, at)
            case ToolEnded():
                return self.uses.ended(event, at)
            case TimePassed():
                self.playback.settle(at)
            case OperatorSaid(text):
                self.replies.lines += [line] if (line := text.strip()) else []
            case OperatorEnded():
                return self.farewells.ordered(at)
            case OperatorTransferred(target):
                return self.farewells.put_through(target, at)
            case CallEnded():
                return self._call_ended(at)
            case _:
                assert_never(event)
        return []

    def _call_connected(self, event: CallConnected, at: float) -> list[Action]:
        self.vigil.connected(at)
        self.answers.know(event.known, event.minute, at, looks_up=event.looks_up)
        return self.answers.greet(at)

    def _call_resumed(self, event: CallResumed, at: float) -> list[Action]:
        self.vigil.resumed(at, event.seconds)
        self.turns += event.turns
        self.answers.know(event.known, event.minute, at, looks_up=False)
        language = language_of(self.turns)
        spoken = [ChangeLanguage(language)] if self.answers.speak(language) else []
        cut = take_back(self.turns, event.returned)
        cut += settle(self.turns, event.lost_at)
        if event.returned:
            self.answers.asked_at, self.answers.unanswered = at, True
            return [*spoken, *(Record(replace(turn)) for turn in cut)]
        self.hearing.recall(at)
        told = self.answers.resume(at, unanswered=is_unanswered(self.turns))
        return [*spoken, *(Record(replace(turn)) for turn in cut), *told]

    # What the caller says

    def _caller_spoke(self, text: str, at: float) -> list[Action]:
        if not text:
            return []
        self.playback.settle(at)
        if self.manners.is_backchannel(text) and self.interruptions.may_be_aside(at):
            resumed = [] if self.entry.keys else self.interruptions.resume(at)
            return [*self.hearing.heard(text, at, aside=True), *resumed]
        self.vigil.answered()
        interrupts = self.manners.speech_interrupts
        return [*self.uses.spoken(at), *self._asked(text, at, interrupts=interrupts)]

    def _asked(self, text: str, at: float, *, interrupts: bool) -> list[Action]:
        """The caller said something (or pressed keys only) that wants an answer."""
        self.answers.asked_at, self.answers.rounds = at, 0
        must_wait = not interrupts and self.replies.is_speaking(at)
        must_wait = must_wait or self.answers.is_obliged
        if self.farewell or must_wait:
            self.answers.unanswered = must_wait and self.farewell is None
            return self.hearing.take_in(text, at)
        # The old reply goes first, so that its turn keeps its place before this one.
        gone = [*self.interruptions.release(), *self.replies.abandon(at)]
        asked = [*gone, *self.hearing.take_in(text, at)]
        if self.answers.awaited:
            self.answers.unanswered = True
            return asked
        return [*asked, *self.answers.answer(at)]

    def _key_pressed(self, key: str, at: float) -> list[Action]:
        self.vigil.caller_heard(at, final=True)
        self.vigil.answered()
        if self.hearing.is_slip(at):
            return []
        self.answers.asked_at, self.answers.rounds = at, 0
        if choice := self.menu.choice(key, at):
            return self.menu.chosen(choice, at)
        return self._keys_entered(at) if self.hearing.press(key, at) else []

    def _keys_entered(self, at: float) -> list[Action]:
        self.playback.settle(at)
        if self.entry.request:
            gone = [*self.interruptions.release(), *self.replies.abandon(at)]
            return [*gone, *self.uses.typed(at)]
        return self._asked("", at, interrupts=self.manners.keys_interrupt)

    def _caller_interrupted(self, position_ms: float | None, at: float) -> list[Action]:
        self.vigil.caller_interrupted(at)
        if self.farewell:
            return self.farewells.cut(position_ms, at)
        cut = self.interruptions.cut(at, position_ms)
        if self.answers.is_ready:
            # It was said over a reply that had to be heard out, and was not.
            return [*cut, *self.interruptions.release(), *self.answers.answer(at)]
        return cut

    # What time brings

    def _due_moments(self) -> list[float]:
        ladder, attempt = self.answers.ladder, self.answers.attempt
        ended_at, parted = self.playback.ended_at, self.farewells.has_parted
        moments = [
            self.hearing.due_at,
            ladder.due_at,
            self.answers.stalled_at,
            attempt.at if attempt else None,
            self.uses.due_at if self.uses.due_at != math.inf else None,
            self.vigil.wakes_at(ended_at, idle=self.is_idle, parted=parted),
        ]
        if self.interruptions.hold and not self.entry.keys:
            moments.append(self.vigil.resume_at)
        return [moment for moment in moments if moment is not None]

    def _due(self, at: float) -> list[Action]:
        """What is due by now; checked after every event."""
        actions: list[Action] = []
        if self.vigil.resume_at <= at and not self.entry.keys:
            actions += self.interruptions.resume(at)
        if (due_at := self.hearing.due_at) is not None and due_at <= at:
            actions += self._keys_entered(at)
        actions += self.answers.due(at)
        if self.farewell:
            return actions
        quiet = bool(self.interruptions.hold or self.entry.keys)
        actions += self.uses.bridge(at, quiet=quiet)
        if not quiet:
            actions += self.answers.answer(at) if self.answers.is_ready else []
            actions += self.answers.relay(at)
        return [*actions, *self._watch(at)]

    def _watch(self, at: float) -> list[Action]:
        """Ask a silent caller again, keep to the longest length of a call."""
        manners, idle = self.manners, self.is_idle
        if self.vigil.is_over(at):
            return self.farewells.leave(manners.goodbye, "time-limit", at)
        if self.vigil.must_warn(at, idle=idle):
            return self.answers.say(manners.time_warning, at)
        parted = self.farewells.has_parted
        if self.vigil.is_silent(at, self.playback.ended_at, idle=idle, parted=parted):
            if parted:
                return self.farewells.close("bot-hung-up", at)
            if self.vigil.ask_again():
                return self.answers.say(manners.silence_question, at)
            return self.farewells.leave(manners.goodbye, "caller-silent", at)
        return []

    # The end

    def _give_up(self, rung: Rung, at: float) -> list[Action]:
        return self.farewells.give_up(rung, at)

    def _use(
        self, calls: tuple[ToolCall, ...], reply: Reply, at: float
    ) -> list[Action]:
        return self.uses.use(calls, reply, at)

    def _call_ended(self, at: float) -> list[Action]:
        unused = self.uses.cease(at)
        return [*self.farewells.line_gone(at), *unused, *self.hearing.take_in("", at)]

    def _late(self, event: Event, at: float) -> list[Action]:
        """After the end only a stopped reply's last report is of interest."""
        if isinstance(event, CallEnded):
            return self._call_ended(at)
        if isinstance(event, ToolEnded):
            return self.uses.ended(event, at)
        return self.answers.ended(event, at) if isinstance(event, ReplyEnded) else []
