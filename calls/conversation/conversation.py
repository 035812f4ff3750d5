"""The state machine of one call: events go in, actions come out. Pure.

It does no I/O and has no clock: each event comes with the time at which it happened.
This module decides what an event means. `CallerInput` records the caller's words and
keys, `Responder` answers them, `ToolCalls` runs tools, `Fillers` bridges waits,
`Interruptions` handles barge-in, `Timeouts` idle callers and long calls, and
`CallEnding` the end of the call.
"""

import math
from dataclasses import replace
from typing import assert_never

from bots.config.bot_config import BotConfig
from bots.config.phrases import has_words
from calls.conversation.actions import Action, ChangeLanguage, SaveTurn
from calls.conversation.call_state import CallState
from calls.conversation.caller_input import CallerInput, CallRecording, DtmfMenu
from calls.conversation.ending import SETTLE_MARGIN, CallEnding, FinalMessage
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    ClipFetched,
    ClipGrew,
    ClipReady,
    ClipRefused,
    ClipReplaced,
    DtmfReceived,
    Event,
    FirstToken,
    LookupDone,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    PlaybackChanged,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.fillers import Fillers
from calls.conversation.interruptions import Interruptions
from calls.conversation.responder import (
    Exhausted,
    Outcome,
    Responder,
    ToolCallsRequested,
)
from calls.conversation.timeouts import Timeouts
from calls.conversation.tool_calls import ToolCalls
from calls.turns.lost_session import (
    close_open_turns,
    current_language,
    is_unanswered,
    record_failed_transfer,
)


class Conversation:
    """One call. Only `receive` changes it."""

    def __init__(self, config: BotConfig) -> None:
        self.state = state = CallState(config)
        self.turns = state.turns
        self.responder = Responder(state)
        self.replies = self.responder.replies
        self.playback = self.replies.playback
        self.interruptions = Interruptions(state, self.responder)
        self.ending = CallEnding(state, self.responder, self.interruptions)
        self.timeouts = Timeouts(config)
        self.caller_input = CallerInput(state, self.replies)
        self.recording = CallRecording(state, self.caller_input)
        self.digits = self.caller_input.buffer
        self.tool_calls = ToolCalls(state, self.responder, self.ending, self.digits)
        self.fillers = Fillers(state, self.responder, self.tool_calls, self.timeouts)
        self.menu = DtmfMenu(
            state, self.responder, self.ending, self.caller_input, self.tool_calls
        )

    @property
    def config(self) -> BotConfig:
        """The bot's settings in the language that is spoken now."""
        return self.state.config

    @property
    def final_message(self) -> FinalMessage | None:
        """The last thing that is said, from the moment the call begins to end."""
        return self.ending.final_message

    @property
    def is_over(self) -> bool:
        """True once the bot has hung up or the caller is gone."""
        return self.ending.is_over

    @property
    def is_idle(self) -> bool:
        """True while it is the caller's turn: the bot does and says nothing."""
        return not (
            self.replies.is_writing
            or self.playback.pending()
            or self.interruptions.paused
            or self.responder.next_attempt
            or self.state.pending_results
            or self.digits.keys
        )

    @property
    def _is_caller_active(self) -> bool:
        """True while the caller types, or has perhaps interrupted the bot."""
        return bool(self.interruptions.paused or self.digits.keys)

    def receive(self, event: Event, at: float) -> list[Action]:
        """Handle an event and all deadlines until `at`; return what to do.

        `at` is when the event happened, in seconds on the monotonic clock.
        """
        self.recording.begin(at)
        if self.is_over:
            actions = self._after_call_ended(event, at)
        else:
            actions = self._handle(event, at)
        if not self.is_over:
            actions += self.replies.repeat_lost(at)
        if not (self.is_over or self.final_message):
            actions += self._on_deadline(at)
        actions += self.replies.settled(at)
        if not self.is_over:
            actions += self.recording.update(event, at)
        return [*actions, *self.ending.hang_up_when_heard(at)]

    def next_deadline(self) -> float | None:
        """When `TimerFired` is due; None if only another event can change anything."""
        if self.is_over:
            return None
        message = self.final_message
        deadlines = [message.due_at] if message else self._deadlines()
        ends_at = self.playback.settles_at()
        is_silent = not self.playback.pending()
        if is_silent and message and not self.replies.is_writing:
            ends_at = self.playback.ended_at
        if ends_at is not None:
            deadlines.append(ends_at + SETTLE_MARGIN)
        return min(deadlines, default=None)

    def _handle(self, event: Event, at: float) -> list[Action]:  # noqa: C901
        match event:
            case CallConnected():
                return self._call_connected(event, at)
            case CallResumed():
                return self._call_resumed(event, at)
            case CallerSpoke():
                return self._caller_spoke(event, at)
            case CallerInterrupted(position_ms):
                return self._caller_interrupted(position_ms, at)
            case CallerSpeaking(on):
                self.timeouts.caller_speaking(on, at)
            case DtmfReceived(key):
                return self._key_pressed(key, at)
            case ClipReady():
                return self.responder.clip_ready(event, at)
            case ClipGrew():
                return self.replies.clip_grew(event, at)
            case PlaybackChanged() | ClipFetched() | ClipRefused() | ClipReplaced():
                self._update_playback(event, at)
            case FirstToken() | ReplyEnded():
                return self._follow_reply(event, at)
            case LookupDone():
                return self.responder.on_lookup(event, at)
            case ToolCallEnded():
                return self.tool_calls.ended(event, at)
            case TimerFired():
                self.playback.settle(at)
            case OperatorSaid():
                ends = self.final_message is not None
                return self.interruptions.take_line(event, at, is_ending=ends)
            case OperatorEnded():
                return self.ending.end_by_operator(at)
            case OperatorTransferred(target):
                return self.ending.transfer_to(target, at)
            case CallEnded():
                return self._call_ended(at)
            case _:
                assert_never(event)
        return []

    def _update_playback(
        self,
        event: PlaybackChanged | ClipFetched | ClipRefused | ClipReplaced,
        at: float,
    ) -> None:
        """Take in reports on what the caller hears and what Twilio downloads."""
        match event:
            case PlaybackChanged(on):
                self.playback.speaking(on, at)
            case ClipFetched(clip_id):
                self.replies.fetched(clip_id, at)
            case ClipRefused(sound):
                self.playback.refused(sound, at)
            case ClipReplaced(clip_id):
                self.playback.replaced(clip_id)

    def _follow_reply(self, event: FirstToken | ReplyEnded, at: float) -> list[Action]:
        """Take in how the writing of a reply goes."""
        if isinstance(event, ReplyEnded):
            return self._carry_out(self.responder.on_reply_ended(event, at), at)
        self.responder.first_token(event.reply)
        return []

    def _carry_out(self, outcome: Outcome, at: float) -> list[Action]:
        """Do what the end of a reply demands of other parts of the conversation."""
        actions, decision = outcome
        match decision:
            case ToolCallsRequested(calls, reply):
                actions += self.tool_calls.start(calls, reply, at)
            case Exhausted(step):
                actions += self.ending.end_after_failure(step, at)
        return actions

    # The beginning

    def _call_connected(self, event: CallConnected, at: float) -> list[Action]:
        self.timeouts.connected(at)
        self.responder.expect_tokens(event.late_after)
        self.state.set_variables(
            event.variables, event.minute_of_week, at, has_lookup=event.has_lookup
        )
        return self.responder.greet(at)

    def _call_resumed(self, event: CallResumed, at: float) -> list[Action]:
        self.timeouts.resumed(at, event.seconds)
        self.responder.expect_tokens(event.late_after)
        self.turns += event.turns
        self.state.set_variables(
            event.variables, event.minute_of_week, at, has_lookup=False
        )
        actions: list[Action] = []
        language = current_language(self.turns)
        is_other = language != self.config.language
        if is_other and self.state.change_language(language):
            actions.append(ChangeLanguage(language))
        changed = record_failed_transfer(self.turns, event.returned)
        changed += close_open_turns(self.turns, event.disconnected_at)
        spoken: list[Action] = []
        if event.returned:
            self.state.caller_done_at, self.state.needs_answer = at, True
        else:
            self.caller_input.restore(at)
            spoken = self.responder.resume(at, unanswered=is_unanswered(self.turns))
        return [*actions, *(SaveTurn(replace(turn)) for turn in changed), *spoken]

    # The caller's words and keys

    def _caller_spoke(self, event: CallerSpoke, at: float) -> list[Action]:
        self.timeouts.on_caller_spoke(at, final=event.final)
        words = event.text.strip() if has_words(event.text) else ""
        self.caller_input.unfinished = ("" if event.final else words, at)
        return self._final_transcript(words, at) if event.final and words else []

    def _final_transcript(self, text: str, at: float) -> list[Action]:
        self.playback.settle(at)
        listens = self.config.is_backchannel(text)
        if listens and self.interruptions.may_be_backchannel(at):
            resumed = [] if self.digits.keys else self.interruptions.resume(at)
            recorded = self.caller_input.record_speech(text, at, is_backchannel=True)
            return [*recorded, *resumed]
        self.timeouts.reset_idle()
        interrupts = self.config.speech_interrupts
        return [
            *self.tool_calls.caller_spoke_instead(at),
            *self._caller_turn_complete(text, at, interrupts=interrupts),
        ]

    def _caller_turn_complete(
        self, text: str, at: float, *, interrupts: bool
    ) -> list[Action]:
        """Answer what the caller said; an empty text means that only keys came."""
        self.state.caller_done_at, self.state.tool_rounds = at, 0
        must_wait = not interrupts and self.replies.is_speaking(at)
        must_wait = must_wait or self.responder.is_uninterruptible
        if self.final_message or must_wait:
            self.state.needs_answer = must_wait and self.final_message is None
            return self.caller_input.commit(text, at)
        # The old reply ends first, so that its turn stays before the caller's.
        dropped = [*self.interruptions.discard_paused(), *self.replies.abandon(at)]
        actions = [*dropped, *self.caller_input.commit(text, at)]
        if self.state.pending_results:
            self.state.needs_answer = True
            return actions
        return [*actions, *self.responder.answer(at)]

    def _key_pressed(self, key: str, at: float) -> list[Action]:
        self.timeouts.on_caller_spoke(at, final=True)
        self.timeouts.reset_idle()
        if self.caller_input.is_trailing_terminator(at):
            return []
        if (agreed := self.recording.agree(key, at)) is not None:
            return agreed
        self.state.caller_done_at, self.state.tool_rounds = at, 0
        if entry := self.menu.lookup(key, at):
            return self.menu.run(entry, at)
        is_complete = self.caller_input.add_digit(key, at)
        return self._digits_complete(at) if is_complete else []

    def _digits_complete(self, at: float) -> list[Action]:
        self.playback.settle(at)
        if self.digits.request:
            dropped = [*self.interruptions.discard_paused(), *self.replies.abandon(at)]
            return [*dropped, *self.tool_calls.digits_entered(at)]
        interrupts = self.config.dtmf_interrupts
        return self._caller_turn_complete("", at, interrupts=interrupts)

    def _caller_interrupted(self, position_ms: float | None, at: float) -> list[Action]:
        self.timeouts.caller_interrupted(at)
        if self.final_message:
            return self.ending.on_interrupt(position_ms, at)
        actions = self.interruptions.interrupt(at, position_ms)
        if self.responder.is_ready:
            # The caller spoke during an uninterruptible reply, which is now cut off.
            actions += self.interruptions.discard_paused()
            actions += self.responder.answer(at)
        return actions

    # Deadlines

    def _deadlines(self) -> list[float]:
        attempt = self.responder.next_attempt
        deadlines = [
            self.caller_input.due_at,
            self.responder.fallback.due_at,
            self.responder.fallback.hedge_due_at,
            self.responder.retry_deadline,
            attempt.at if attempt else None,
            self.timeouts.next_deadline(
                self.playback.ended_at,
                idle=self.is_idle,
                said_goodbye=self.ending.has_said_goodbye,
            ),
        ]
        if self.interruptions.paused and not self.digits.keys:
            deadlines.append(self.timeouts.resume_at)
        if not self._is_caller_active:
            deadlines.append(self.fillers.due_at)
        return [due_at for due_at in deadlines if due_at not in (None, math.inf)]

    def _on_deadline(self, at: float) -> list[Action]:
        """Do what is due by now. Runs after every event."""
        actions: list[Action] = []
        if self.timeouts.resume_at <= at and not self.digits.keys:
            actions += self.interruptions.resume(at)
        if (due_at := self.caller_input.due_at) is not None and due_at <= at:
            actions += self._digits_complete(at)
        actions += self._carry_out(self.responder.on_deadline(at), at)
        if self.final_message:
            return actions
        if not self._is_caller_active:
            actions += self.fillers.say_if_due(at)
            actions += self.responder.answer(at) if self.responder.is_ready else []
            actions += self.responder.greet_after_consent(at)
            actions += self.responder.say_operator_line(at)
        return [*actions, *self._check_timeouts(at)]

    def _check_timeouts(self, at: float) -> list[Action]:
        """Enforce the time limit of the call and prompt an idle caller."""
        config, idle = self.config, self.is_idle
        goodbye, said_goodbye = config.goodbye_message, self.ending.has_said_goodbye
        if self.timeouts.is_over_limit(at):
            return self.ending.say_goodbye(goodbye, "time-limit", at)
        if self.timeouts.is_warning_due(at, idle=idle):
            return self.responder.say_message(config.time_limit_message, at)
        played_until = self.playback.ended_at
        if not self.timeouts.is_idle(
            at, played_until, idle=idle, said_goodbye=said_goodbye
        ):
            return []
        if said_goodbye:
            return self.ending.end_now("bot-hung-up", at)
        if self.timeouts.next_reprompt():
            return self.responder.say_message(config.idle_prompt, at)
        return self.ending.say_goodbye(goodbye, "caller-silent", at)

    # The end

    def _call_ended(self, at: float) -> list[Action]:
        cancelled = self.tool_calls.cancel_all(at)
        return [
            *self.ending.on_disconnect(at),
            *cancelled,
            *self.caller_input.commit(self.caller_input.take_unfinished(at), at),
        ]

    def _after_call_ended(self, event: Event, at: float) -> list[Action]:
        """Record the last reports of replies and tools that were stopped."""
        match event:
            case CallEnded():
                return self._call_ended(at)
            case ToolCallEnded():
                return self.tool_calls.ended(event, at)
            case ReplyEnded():
                return self._carry_out(self.responder.on_reply_ended(event, at), at)
        return []
