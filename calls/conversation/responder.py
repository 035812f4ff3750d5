"""Decides what the bot says: asks the model, retries, falls back, apologises. Pure."""

import math
from dataclasses import dataclass, replace

from bots.config.placeholders import fill, names
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    Action,
    CountFallback,
    SaveTurn,
    SpeakText,
    StartReply,
)
from calls.conversation.call_state import LOOKUP, CallState
from calls.conversation.events import ClipReady, LookupDone, ReplyEnded
from calls.conversation.fallback import (
    FIRST_AUDIO_TIMEOUT,
    FallbackPolicy,
    FallbackStep,
    NextAttempt,
)
from calls.conversation.replies import Replies, Reply, milliseconds
from calls.conversation.tool_definitions import tool_definitions
from calls.turns.messages import GO_AHEAD, messages
from calls.turns.recording import is_heard_consent
from calls.turns.turn import Role, Turn, TurnKind, next_index

# How long the speech synthesis of a fixed sentence may take before Twilio speaks it
# with its own voice (s). A caller can wait longer for a greeting than for an apology.
GREETING_TTS_TIMEOUT = 4.0
TTS_TIMEOUT = 1.0

# The number of times the model may call tools before it must answer the caller.
MAX_TOOL_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class ToolCallsRequested:
    """The model wants tools to be called before it says more than this reply."""

    calls: tuple[ToolCall, ...]
    reply: Reply


@dataclass(frozen=True, slots=True)
class Exhausted:
    """All attempts at an answer failed: `step` transfers or ends the call."""

    step: FallbackStep


# Actions, and a decision that another part of the conversation has to carry out.
Outcome = tuple[list[Action], ToolCallsRequested | Exhausted | None]


class Responder:
    """Begins replies and makes sure that the caller hears one of them.

    Nothing is answered while `CallState.pending_results` has entries.
    """

    def __init__(self, state: CallState) -> None:
        self.state = state
        self.replies = Replies(state.turns)
        self.fallback = FallbackPolicy(state.config.other_models)
        self.next_attempt: NextAttempt | None = None  # a retry that waits for its time
        self.greeting_due = False  # the greeting follows what is being said now

    # Greeting and fixed sentences

    def greet(self, at: float) -> list[Action]:
        """Speak the consent message, if there is one, and then the greeting."""
        config = self.state.config
        self.greeting_due = bool(config.greeting)
        return self._speak_consent(at) if config.consent_message else self._greet(at)

    def on_lookup(self, event: LookupDone, at: float) -> list[Action]:
        """Add the variables that were looked up, and speak a greeting that waited."""
        self.state.variables = {**event.values, **self.state.variables}
        self.state.pending_results.discard(LOOKUP)
        actions = self._record_error(event.error, at) if event.error else []
        return actions if self.replies.is_writing else [*actions, *self._greet(at)]

    def resume(self, at: float, *, unanswered: bool) -> list[Action]:
        """Tell the caller that the connection is back, then answer if `unanswered`."""
        state = self.state
        state.caller_done_at, state.needs_answer = at, unanswered
        if state.config.consent_message and not any(map(is_heard_consent, state.turns)):
            bot_spoke = any(turn.role == "bot" for turn in state.turns)
            self.greeting_due = bool(state.config.greeting) and not bot_spoke
            return self._speak_consent(at)
        text, kind = state.config.reconnected, TurnKind.RESUMED
        actions = self.say_message(text, at, "system", kind=kind)
        self.replies.open_turn(self.replies.by_number[-1], at)
        return actions

    def say_message(
        self,
        text: str,
        at: float,
        role: Role = "bot",
        *,
        kind: TurnKind = TurnKind.ORDINARY,
        interruptible: bool = True,
        fixed: bool = True,
    ) -> list[Action]:
        """Speak a sentence; a `fixed` one comes from the bot's settings."""
        reply = self.replies.begin(at, role, kind=kind, interruptible=interruptible)
        return [self.speak_text(reply.number, text, TTS_TIMEOUT, fixed=fixed)]

    def speak_text(
        self, number: int, text: str, timeout: float, *, fixed: bool = True
    ) -> SpeakText:
        """Return the action that speaks a text as part of a reply.

        Variables are filled in for `fixed` sentences only. In the model's own words
        placeholders are removed: a caller could make it say one.
        """
        filled = fill(text, self.state.variables if fixed else {})
        return SpeakText(number, filled, timeout, is_cacheable=fixed and filled == text)

    def say_operator_line(self, at: float) -> list[Action]:
        """Speak the next line of an operator, unless an answer is on its way."""
        lines, state = self.replies.lines, self.state
        if not lines or self.replies.is_writing or self.is_uninterruptible:
            return []
        waits_for_tools = state.pending_results and not lines[0].now
        if self.next_attempt or state.needs_answer or waits_for_tools:
            return []
        reply = self.replies.begin(at, kind=TurnKind.OPERATOR)
        reply.operator_line = line = lines.popleft()
        timeout = GREETING_TTS_TIMEOUT
        return [SpeakText(reply.number, line.text, timeout, is_cacheable=False)]

    # Answers

    @property
    def is_ready(self) -> bool:
        """True if the caller waits for an answer and nothing stands in its way."""
        state = self.state
        waits = (
            state.pending_results
            or self.next_attempt
            or self.replies.is_writing
            or self.is_uninterruptible
        )
        return state.needs_answer and not waits

    @property
    def is_uninterruptible(self) -> bool:
        """True while a reply is written that the caller must hear to its end.

        Or while a consent message was not fetched: nothing must be played before it.
        """
        reply = self.replies.current
        is_written = reply is not None and reply.writing and not reply.interruptible
        return is_written or self.replies.playback.awaits_fetch

    def answer(self, at: float) -> list[Action]:
        """Answer what the caller said, or continue after a tool call."""
        self.greeting_due = False
        self.fallback.begin(at)
        return self._ask()

    def ask_again_later(self) -> None:
        """Answer once it is clear that an interruption was not meant."""
        self.state.needs_answer, self.fallback.due_at = True, None

    def continue_reply(self, at: float) -> list[Action]:
        """Have the model write the rest of a reply that noise interrupted."""
        return self._start(self.replies.begin(at, continues=True), continues=True)

    def clip_ready(self, event: ClipReady, at: float) -> list[Action]:
        """Play a clip, if it belongs to the current reply."""
        reply = self.replies.by_number[event.reply - 1]
        if reply.writing and reply.is_answer:
            self.fallback.succeeded()
            if reply.turn is None:
                turn = self.replies.open_turn(reply, at)
                turn.latency_ms = self._steps_taken(reply)
        return self.replies.clip_ready(event, at)

    def expect_tokens(self, late_after: float | None) -> None:
        """Hedge an answer whose first token takes longer than `late_after` seconds."""
        if late_after is None or not self.state.config.hedges:
            late_after = math.inf
        self.fallback.hedge_after = late_after

    def first_token(self, number: int) -> None:
        """The model has begun to write a reply."""
        current = self.replies.current
        if current and current.number == number:
            self.fallback.first_token()

    def on_reply_ended(self, event: ReplyEnded, at: float) -> Outcome:
        """A reply is complete, or failed."""
        reply = self.replies.by_number[event.reply - 1]
        was_stopped = not reply.writing
        actions = self.replies.ended(event, at)
        if was_stopped:
            return [*actions, *self.replies.record_loser(event)], None
        if event.calls and self.state.tool_rounds < MAX_TOOL_ROUNDS:
            self.state.tool_rounds += 1
            self.fallback.succeeded()
            stopped = self.replies.make_current(reply, sounds=False)
            return [*actions, *stopped], ToolCallsRequested(event.calls, reply)
        if reply.turn is None and self.replies.give_way(reply):
            return self.replies.record_loser(event), None
        if reply.turn is None:
            return self._fall_back(event, at) if reply.is_answer else ([], None)
        if reply.turn.role == "bot":
            reply.turn.latency_ms |= self._steps_taken(reply)
            actions = [SaveTurn(replace(reply.turn))]
        if self.is_ready:
            return [*actions, *self.answer(at)], None
        if event.calls_lost and not reply.continues:
            # "Let me look" was heard: somebody has to look.
            return [*actions, *self.continue_reply(at)], None
        return [*actions, *self._greet(at)], None

    @property
    def retry_deadline(self) -> float | None:
        """When a reply counts as broken off: it began, but no more of it has come."""
        reply, playback = self.replies.current, self.replies.playback
        if reply is None or not reply.writing or playback.pending():
            return None
        first_clip = playback.first(reply.number)
        if first_clip is None:
            return None
        # Of clips that Twilio refused nothing was played.
        return max(playback.ended_at, first_clip.sent_at) + FIRST_AUDIO_TIMEOUT

    def on_deadline(self, at: float) -> Outcome:
        """Make a retry that is due, or stop waiting for a reply."""
        if self.next_attempt and self.next_attempt.at <= at:
            return self._ask(self.next_attempt.model), None
        if self.fallback.due_at is not None and self.fallback.due_at <= at:
            stopped = self.replies.stop()
            # A slow model is only asked again if there is no fallback model.
            retryable = not (self.fallback.models or self.fallback.is_hedged)
            late = ReplyEnded(0, error="No sound came in time.", retryable=retryable)
            actions, decision = self._fall_back(late, at)
            return [*stopped, *actions], decision
        if self.fallback.hedge_due_at <= at:
            return self._hedge(at), None
        if self.retry_deadline is not None and self.retry_deadline <= at:
            stopped = self.replies.stop()
            return [*stopped, *(self.answer(at) if self.is_ready else [])], None
        return [], None

    def stop_all(self) -> list[Action]:
        """Stop the current reply and all retries; results of tools no longer matter."""
        self.state.pending_results &= {LOOKUP}
        return self.drop_answer()

    def drop_answer(self) -> list[Action]:
        """Stop the current reply and all retries. Tools go on, and are answered."""
        self.next_attempt, self.fallback.due_at = None, None
        self.state.needs_answer = self.greeting_due = False
        return self.replies.stop()

    def _speak_consent(self, at: float) -> list[Action]:
        kind = TurnKind.CONSENT
        reply = self.replies.begin(at, "system", kind=kind, interruptible=False)
        self.replies.open_turn(reply, at)
        text = self.state.config.consent_message
        spoken = self.speak_text(reply.number, text, GREETING_TTS_TIMEOUT)
        return [replace(spoken, own_clip=True)]

    def greet_after_consent(self, at: float) -> list[Action]:
        """Speak a greeting that waited until Twilio fetched the consent message."""
        return [] if self.replies.is_writing else self._greet(at)

    def _greet(self, at: float) -> list[Action]:
        if not self.greeting_due or self.state.needs_answer or self._greeting_waits:
            return []
        if self.is_uninterruptible:
            return []
        self.greeting_due = False
        number = self.replies.begin(at).number
        greeting = self.state.config.greeting
        return [self.speak_text(number, greeting, GREETING_TTS_TIMEOUT)]

    @property
    def _greeting_waits(self) -> bool:
        """True if the greeting needs a variable that is still being looked up."""
        missing = set(names(self.state.config.greeting)) - self.state.variables.keys()
        return bool(missing) and LOOKUP in self.state.pending_results

    def _ask(self, model: str = "") -> list[Action]:
        reply = self.replies.begin(self.state.caller_done_at, is_answer=True)
        reply.after_tool = self.state.tool_rounds > 0
        return self._start(reply, model)

    def _start(
        self, reply: Reply, model: str = "", *, continues: bool = False
    ) -> list[Action]:
        self.next_attempt = None
        self.state.needs_answer = False
        return [self._request(reply, model, continues=continues)]

    def _hedge(self, at: float) -> list[Action]:
        """Ask another model as well: the first one is later than usual."""
        first, model = self.replies.current, self.fallback.hedge(at)
        reply = self.replies.begin(
            self.state.caller_done_at, is_answer=True, beside=True
        )
        reply.after_tool = first is not None and first.after_tool
        request = replace(self._request(reply, model), is_hedge=True)
        return [CountFallback(FallbackStep.HEDGE), request]

    def _request(
        self, reply: Reply, model: str, *, continues: bool = False
    ) -> StartReply:
        state = self.state
        self.replies.assume_heard()
        prompt = fill(state.config.system_prompt, state.variables)
        reply.model = model or state.config.llm_model
        history = messages(prompt, state.turns, reply.model, continues=continues)
        if history[-1]["role"] == "assistant":
            # Providers refuse such a history, or go on writing that message.
            history.append({"role": "user", "content": GO_AHEAD})
        minute = state.minute_of_week(reply.caller_done_at)
        tools = tool_definitions(state.config, minute, state.variables)
        must_speak = state.tool_rounds >= MAX_TOOL_ROUNDS
        return StartReply(reply.number, history, model, tools, must_speak)

    def _fall_back(self, event: ReplyEnded, at: float) -> Outcome:
        """An attempt failed before anything was heard: take the next step."""
        attempt = self.fallback.failed(
            at,
            can_transfer=self.state.available_target(at) is not None,
            retryable=event.retryable,
            retry_after=event.retry_after,
        )
        self.next_attempt = None
        counted: list[Action] = [CountFallback(attempt.step)]
        match attempt.step:
            case FallbackStep.APOLOGY:
                return [*counted, *self._apologise(event.error, at)], None
            case FallbackStep.TRANSFER | FallbackStep.HANG_UP:
                return counted, Exhausted(attempt.step)
        if attempt.at > at:
            self.next_attempt = attempt
            return counted, None
        return [*counted, *self._ask(attempt.model)], None

    def _apologise(self, error: str, at: float) -> list[Action]:
        apology = self.state.config.apology_message
        actions = self.say_message(apology, at, role="system")
        reply = self.replies.by_number[-1]
        reply.caller_done_at = self.state.caller_done_at
        turn = self.replies.open_turn(reply, at)
        turn.error = error or "The model gave an empty answer."
        turn.latency_ms = self._steps_taken(reply)
        return actions

    def _steps_taken(self, reply: Reply) -> dict[str, int]:
        """Fallback steps of this answer, in ms since the caller finished speaking."""
        return {
            step: milliseconds(taken_at - reply.caller_done_at)
            for step, taken_at in self.fallback.steps_taken.items()
        }

    def _record_error(self, error: str, at: float) -> list[Action]:
        """Add a turn to the transcript that nobody hears."""
        turns = self.state.turns
        turn = Turn(next_index(turns), "system", at, ended_at=at, error=error)
        turns.append(turn)
        return [SaveTurn(replace(turn))]
