"""Who may speak: the rules of a call, without I/O or a clock of their own.

Events go in with the moment they happened, actions come out. What a caller's words and
keys mean is here; `Hearing` takes them in, `Answers` sees to the bot's turn, `ToolUses`
to what it does besides speaking, `Interruptions` to being cut off, `Vigil` to silence
and time, `Farewells` to the end of the call.
"""

import math
from dataclasses import replace
from typing import assert_never

from bots.config.bot_config import BotConfig
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import Action, ChangeLanguage, SaveTurn
from calls.conversation.caller_input import CallerInput
from calls.conversation.dtmf_menu import DtmfMenu
from calls.conversation.ending import SETTLE_MARGIN, CallEnding, FinalMessage
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    ClipFetched,
    ClipReady,
    DtmfReceived,
    Event,
    LookupDone,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    PlaybackChanged,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.fallback import FallbackStep
from calls.conversation.interruptions import Interruptions
from calls.conversation.replies import Reply
from calls.conversation.responder import Responder
from calls.conversation.timeouts import Timeouts
from calls.conversation.tool_calls import ToolCalls
from calls.turns.resume import (
    close_open_turns,
    current_language,
    is_unanswered,
    record_failed_transfer,
)
from calls.turns.turn import Turn


class Conversation:
    """The state of one call and the only place that changes it."""

    def __init__(self, manners: BotConfig) -> None:
        self.turns: list[Turn] = []
        self.answers = Responder(manners, self.turns, self._give_up, self._use)
        self.replies = self.answers.replies
        self.playback = self.replies.playback
        self.interruptions = Interruptions(self.answers)
        self.farewells = CallEnding(self.answers, self.interruptions)
        self.vigil = Timeouts(manners)
        self.hearing = CallerInput(self.answers)
        self.entry = self.hearing.entry
        self.uses = ToolCalls(self.answers, self.farewells, self.entry)
        self.menu = DtmfMenu(self.hearing, self.uses)

    @property
    def manners(self) -> BotConfig:
        """The rules in the language that is spoken now."""
        return self.answers.manners

    def receive(self, event: Event, at: float) -> list[Action]:
        """Take in what happened at `at` (seconds, monotonic); say what to do now."""
        actions = (
            self._after_call_ended(event, at) if self.over else self._react(event, at)
        )
        if not (self.over or self.farewell):
            actions += self._on_deadline(at)
        actions += self.replies.settled(at)
        return [*actions, *self.farewells.hang_up_when_heard(at)]

    def next_deadline(self) -> float | None:
        """When `TimePassed` is due, None while only the outside can move things."""
        if self.over:
            return None
        moments = [self.farewell.due_at] if self.farewell else self._deadlines()
        ends_at = self.playback.ends_at()
        if ends_at is None and self.farewell and not self.replies.is_writing:
            ends_at = self.playback.ended_at
        if ends_at is not None:
            moments.append(ends_at + SETTLE_MARGIN)
        return min(moments, default=None)

    @property
    def farewell(self) -> FinalMessage | None:
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
            or self.answers.pending_results
            or self.entry.keys
        )

    def _react(self, event: Event, at: float) -> list[Action]:  # noqa: C901
        match event:
            case CallConnected():
                return self._call_connected(event, at)
            case CallResumed():
                return self._call_resumed(event, at)
            case CallerSpoke(text, final):
                self.vigil.on_caller_spoke(at, final=final)
                return self._caller_spoke(text.strip(), at) if final else []
            case CallerInterrupted(position_ms):
                return self._caller_interrupted(position_ms, at)
            case CallerSpeaking(on):
                self.vigil.caller_speaking(on, at)
            case DtmfReceived(key):
                return self._key_pressed(key, at)
            case PlaybackChanged(on):
                self.playback.speaking(on, at)
            case ClipReady():
                return self.answers.clip_ready(event, at)
            case ClipFetched(clip_id):
                self.replies.fetched(clip_id, at)
            case ReplyEnded():
                return self.answers.on_reply_ended(event, at)
            case LookupDone():
                return self.answers.on_lookup(event, at)
            case ToolCallEnded():
                return self.uses.ended(event, at)
            case TimerFired():
                self.playback.settle(at)
            case OperatorSaid(text):
                self.replies.lines += [line] if (line := text.strip()) else []
            case OperatorEnded():
                return self.farewells.end_by_operator(at)
            case OperatorTransferred(target):
                return self.farewells.transfer_to(target, at)
            case CallEnded():
                return self._call_ended(at)
            case _:
                assert_never(event)
        return []

    def _call_connected(self, event: CallConnected, at: float) -> list[Action]:
        self.vigil.connected(at)
        self.answers.set_variables(
            event.variables, event.minute_of_week, at, looks_up=event.has_lookup
        )
        return self.answers.greet(at)

    def _call_resumed(self, event: CallResumed, at: float) -> list[Action]:
        self.vigil.resumed(at, event.seconds)
        self.turns += event.turns
        self.answers.set_variables(
            event.known, event.minute_of_week, at, looks_up=False
        )
        language = current_language(self.turns)
        spoken = (
            [ChangeLanguage(language)] if self.answers.change_language(language) else []
        )
        cut = record_failed_transfer(self.turns, event.returned)
        cut += close_open_turns(self.turns, event.disconnected_at)
        if event.returned:
            self.answers.caller_done_at, self.answers.needs_answer = at, True
            return [*spoken, *(SaveTurn(replace(turn)) for turn in cut)]
        self.hearing.restore(at)
        told = self.answers.resume(at, unanswered=is_unanswered(self.turns))
        return [*spoken, *(SaveTurn(replace(turn)) for turn in cut), *told]

    # What the caller says

    def _caller_spoke(self, text: str, at: float) -> list[Action]:
        if not text:
            return []
        self.playback.settle(at)
        if self.manners.is_backchannel(text) and self.interruptions.may_be_backchannel(
            at
        ):
            resumed = [] if self.entry.keys else self.interruptions.resume(at)
            return [*self.hearing.record_speech(text, at, aside=True), *resumed]
        self.vigil.reset_idle()
        interrupts = self.manners.speech_interrupts
        return [
            *self.uses.caller_spoke_instead(at),
            *self._caller_turn_complete(text, at, interrupts=interrupts),
        ]

    def _caller_turn_complete(
        self, text: str, at: float, *, interrupts: bool
    ) -> list[Action]:
        """The caller said something (or pressed keys only) that wants an answer."""
        self.answers.caller_done_at, self.answers.tool_rounds = at, 0
        must_wait = not interrupts and self.replies.is_speaking(at)
        must_wait = must_wait or self.answers.is_uninterruptible
        if self.farewell or must_wait:
            self.answers.needs_answer = must_wait and self.farewell is None
            return self.hearing.commit(text, at)
        # The old reply goes first, so that its turn keeps its place before this one.
        gone = [*self.interruptions.discard_paused(), *self.replies.abandon(at)]
        asked = [*gone, *self.hearing.commit(text, at)]
        if self.answers.pending_results:
            self.answers.needs_answer = True
            return asked
        return [*asked, *self.answers.answer(at)]

    def _key_pressed(self, key: str, at: float) -> list[Action]:
        self.vigil.on_caller_spoke(at, final=True)
        self.vigil.reset_idle()
        if self.hearing.is_trailing_terminator(at):
            return []
        self.answers.caller_done_at, self.answers.tool_rounds = at, 0
        if choice := self.menu.lookup(key, at):
            return self.menu.run(choice, at)
        return self._keys_entered(at) if self.hearing.add_digit(key, at) else []

    def _keys_entered(self, at: float) -> list[Action]:
        self.playback.settle(at)
        if self.entry.request:
            gone = [*self.interruptions.discard_paused(), *self.replies.abandon(at)]
            return [*gone, *self.uses.digits_entered(at)]
        return self._caller_turn_complete(
            "", at, interrupts=self.manners.dtmf_interrupts
        )

    def _caller_interrupted(self, position_ms: float | None, at: float) -> list[Action]:
        self.vigil.caller_interrupted(at)
        if self.farewell:
            return self.farewells.on_interrupt(position_ms, at)
        cut = self.interruptions.interrupt(at, position_ms)
        if self.answers.is_ready:
            # It was said over a reply that had to be heard out, and was not.
            return [
                *cut,
                *self.interruptions.discard_paused(),
                *self.answers.answer(at),
            ]
        return cut

    # What time brings

    def _deadlines(self) -> list[float]:
        ladder, attempt = self.answers.ladder, self.answers.attempt
        ended_at, parted = self.playback.ended_at, self.farewells.has_said_goodbye
        moments = [
            self.hearing.due_at,
            ladder.due_at,
            self.answers.retry_deadline,
            attempt.at if attempt else None,
            self.uses.due_at if self.uses.due_at != math.inf else None,
            self.vigil.next_deadline(ended_at, idle=self.is_idle, parted=parted),
        ]
        if self.interruptions.hold and not self.entry.keys:
            moments.append(self.vigil.resume_at)
        return [moment for moment in moments if moment is not None]

    def _on_deadline(self, at: float) -> list[Action]:
        """What is due by now; checked after every event."""
        actions: list[Action] = []
        if self.vigil.resume_at <= at and not self.entry.keys:
            actions += self.interruptions.resume(at)
        if (due_at := self.hearing.due_at) is not None and due_at <= at:
            actions += self._keys_entered(at)
        actions += self.answers.on_deadline(at)
        if self.farewell:
            return actions
        quiet = bool(self.interruptions.hold or self.entry.keys)
        actions += self.uses.say_filler_if_due(at, quiet=quiet)
        if not quiet:
            actions += self.answers.answer(at) if self.answers.is_ready else []
            actions += self.answers.say_operator_line(at)
        return [*actions, *self._check_timeouts(at)]

    def _check_timeouts(self, at: float) -> list[Action]:
        """Ask a silent caller again, keep to the longest length of a call."""
        manners, idle = self.manners, self.is_idle
        if self.vigil.is_over_limit(at):
            return self.farewells.say_goodbye(manners.goodbye_message, "time-limit", at)
        if self.vigil.is_warning_due(at, idle=idle):
            return self.answers.say_message(manners.time_limit_message, at)
        parted = self.farewells.has_said_goodbye
        if self.vigil.is_idle(at, self.playback.ended_at, idle=idle, parted=parted):
            if parted:
                return self.farewells.end_now("bot-hung-up", at)
            if self.vigil.next_reprompt():
                return self.answers.say_message(manners.idle_prompt, at)
            return self.farewells.say_goodbye(
                manners.goodbye_message, "caller-silent", at
            )
        return []

    # The end

    def _give_up(self, rung: FallbackStep, at: float) -> list[Action]:
        return self.farewells.end_after_failure(rung, at)

    def _use(
        self, calls: tuple[ToolCall, ...], reply: Reply, at: float
    ) -> list[Action]:
        return self.uses.start(calls, reply, at)

    def _call_ended(self, at: float) -> list[Action]:
        unused = self.uses.cancel_all(at)
        return [
            *self.farewells.on_disconnect(at),
            *unused,
            *self.hearing.commit("", at),
        ]

    def _after_call_ended(self, event: Event, at: float) -> list[Action]:
        """After the end only a stopped reply's last report is of interest."""
        if isinstance(event, CallEnded):
            return self._call_ended(at)
        if isinstance(event, ToolCallEnded):
            return self.uses.ended(event, at)
        return (
            self.answers.on_reply_ended(event, at)
            if isinstance(event, ReplyEnded)
            else []
        )
