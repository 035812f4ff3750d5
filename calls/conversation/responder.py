"""How the bot comes by what it says: it asks, retries, falls back, apologises. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from bots.config.bot_config import BotConfig
from bots.config.opening_hours import WEEK_MINUTES
from bots.config.placeholders import fill, names
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    Action,
    CountFallback,
    SaveTurn,
    SpeakText,
    StartReply,
)
from calls.conversation.events import ClipReady, LookupDone, ReplyEnded
from calls.conversation.fallback import (
    FIRST_AUDIO_TIMEOUT,
    FallbackPolicy,
    FallbackStep,
    NextAttempt,
)
from calls.conversation.messages import messages
from calls.conversation.replies import Replies, Reply, milliseconds
from calls.conversation.tool_definitions import tool_definitions
from calls.turns.turn import CONSENT, RESUMED, Role, Turn, next_index

# How long a fixed sentence may take to be voiced before the carrier speaks it (s):
# a greeting or an operator's line is worth a wait, what stands in for an answer is not.
GREETING_TTS_TIMEOUT = 4.0
TTS_TIMEOUT = 1.0

# What is awaited before an answer, beside tools by their call's id.
LOOKUP = "lookup"
# What the model may have done between two words, or keys, of the caller, in rounds.
MAX_TOOL_ROUNDS = 5

GiveUp = Callable[[FallbackStep, float], list[Action]]
Use = Callable[[tuple[ToolCall, ...], Reply, float], list[Action]]


class Responder:
    """Begins replies and sees to it that one of them is heard.

    `give_up` is called with the last rungs, which end the call, `use` with what the
    model wants done. Nothing is answered while something is `awaited`.
    """

    def __init__(
        self, manners: BotConfig, turns: list[Turn], give_up: GiveUp, use: Use
    ) -> None:
        self.manners = manners  # in the language that is spoken now
        self.base_config = manners
        self.turns = turns
        self.give_up = give_up
        self.use = use
        self.variables: Mapping[str, str] = {}  # the call's variables
        self.pending_results: set[str] = set()
        self.tool_rounds = 0  # of tools, since the caller spoke or pressed a key
        self.monotonic_at_week_start = 0.0  # Monday, 0:00, in the bot's time zone
        self.replies = Replies(turns)
        self.ladder = FallbackPolicy(manners.fallback_models)
        self.attempt: NextAttempt | None = None  # to be made a little later
        self.caller_done_at = -math.inf  # the caller's latest words or key
        self.needs_answer = False  # something was said that is not being answered yet
        self.greeting_due = False  # it follows what is being said now

    def change_language(self, language: str) -> bool:
        """Go on in another language of the bot; false where it is none."""
        base = self.base_config
        if language not in (base.language, *base.other_languages):
            return False
        self.manners = base.in_language(language)
        return True

    def minute_of_week(self, at: float) -> int:
        """The minute of the week."""
        return int((at - self.monotonic_at_week_start) // 60) % WEEK_MINUTES

    def set_variables(
        self, known: Mapping[str, str], minute: int, at: float, *, looks_up: bool
    ) -> None:
        """Take in the call's variables, and when it is; more are to be looked up."""
        self.variables = known
        self.pending_results |= {LOOKUP} if looks_up else set()
        self.monotonic_at_week_start = at - minute * 60

    def on_lookup(self, event: LookupDone, at: float) -> list[Action]:
        """More is known now, or never will be: what waited for it goes on."""
        self.variables = {**event.values, **self.variables}
        self.pending_results.discard(LOOKUP)
        noted = self._note(event.error, at) if event.error else []
        return [*noted, *([] if self.replies.is_writing else self._greet(at))]

    def _note(self, error: str, at: float) -> list[Action]:
        """Tell the transcript what went wrong, and nobody else."""
        turn = Turn(next_index(self.turns), "system", at, ended_at=at, error=error)
        self.turns.append(turn)
        return [SaveTurn(replace(turn))]

    @property
    def is_ready(self) -> bool:
        """Whether there is something to answer, and nothing to wait for."""
        waits = self.pending_results or self.attempt or self.replies.is_writing
        return self.needs_answer and not waits

    def greet(self, at: float) -> list[Action]:
        """Speak the greeting, behind the consent sentence where there is one."""
        self.greeting_due = bool(self.manners.greeting)
        return (
            self._tell_consent(at) if self.manners.consent_message else self._greet(at)
        )

    def resume(self, at: float, *, unanswered: bool) -> list[Action]:
        """Tell that the line is back, then answer what has not been answered."""
        if self.manners.consent_message and not any(map(_consented, self.turns)):
            self.caller_done_at, self.needs_answer = at, unanswered
            spoke = any(turn.role == "bot" for turn in self.turns)
            self.greeting_due = bool(self.manners.greeting) and not spoke
            return self._tell_consent(at)
        actions = self.say_message(self.manners.reconnected, at, role="system")
        self.replies.open_turn(self.replies.by_number[-1], at).model = RESUMED
        self.caller_done_at, self.needs_answer = at, unanswered
        return actions

    def say_message(
        self,
        text: str,
        at: float,
        role: Role = "bot",
        *,
        interruptible: bool = True,
        kept: bool = True,
    ) -> list[Action]:
        """Speak a sentence; one of the operator's is `kept`, the same in all calls."""
        reply = self.replies.begin(at, role, interruptible=interruptible)
        return [self.speak_text(reply.number, text, TTS_TIMEOUT, kept=kept)]

    def speak_text(
        self, number: int, text: str, within: float, *, kept: bool = True
    ) -> SpeakText:
        """What voices a sentence, its variables filled in, if it is the operator's.

        A caller may have a model write any name, so that one stands for nothing.
        """
        said = fill(text, self.variables if kept else {})
        return SpeakText(number, said, within, is_cacheable=kept and said == text)

    def say_operator_line(self, at: float) -> list[Action]:
        """Say an operator's next line, once nothing else is being made ready."""
        lines = self.replies.lines
        waits = self.attempt or self.needs_answer or self.pending_results
        if not lines or waits or self.replies.is_writing:
            return []
        reply = self.replies.begin(at)
        reply.operator_line = lines.popleft()
        return [
            SpeakText(
                reply.number,
                reply.operator_line,
                GREETING_TTS_TIMEOUT,
                is_cacheable=False,
            )
        ]

    def answer(self, at: float) -> list[Action]:
        """Answer what the caller said, or go on after a tool."""
        self.greeting_due = False
        self.ladder.begin(at)
        return self._try()

    def ask_again_later(self) -> None:
        """Ask again when it is clear whether the caller meant to interrupt."""
        self.needs_answer, self.ladder.due_at = True, None

    def continue_reply(self, at: float) -> list[Action]:
        """Have the rest written of an answer that was cut short by mistake."""
        return self._start(self.replies.begin(at, goes_on=True), go_on=True)

    def clip_ready(self, event: ClipReady, at: float) -> list[Action]:
        """Play a clip, if it is of the current reply."""
        reply = self.replies.by_number[event.reply - 1]
        if reply.writing and reply.is_answer:
            self.ladder.succeeded()
        return self.replies.clip_ready(event, at)

    def on_reply_ended(self, event: ReplyEnded, at: float) -> list[Action]:
        """A reply is complete, or came to nothing."""
        reply = self.replies.by_number[event.reply - 1]
        stopped = not reply.writing
        actions = self.replies.ended(event, at)
        if stopped:
            return actions
        if event.calls and self.tool_rounds < MAX_TOOL_ROUNDS:
            self.tool_rounds += 1
            self.ladder.succeeded()
            return [*actions, *self.use(event.calls, reply, at)]
        if reply.turn is None:
            return self._fall_back(event, at) if reply.is_answer else []
        if reply.turn.role == "bot":
            reply.turn.latency_ms |= self._record_steps(reply)
            actions = [SaveTurn(replace(reply.turn))]
        return [*actions, *(self.answer(at) if self.is_ready else self._greet(at))]

    @property
    def is_uninterruptible(self) -> bool:
        """Whether something is being made that must be heard before all else."""
        reply = self.replies.current
        return reply is not None and reply.writing and not reply.interruptible

    @property
    def retry_deadline(self) -> float | None:
        """When a reply that was begun counts as broken off: nothing more has come."""
        reply, playback = self.replies.current, self.replies.playback
        if reply is None or not reply.writing or playback.pending():
            return None
        begun = playback.first(reply.number)
        return playback.ended_at + FIRST_AUDIO_TIMEOUT if begun else None

    def on_deadline(self, at: float) -> list[Action]:
        """What time brings: a retry, or the end of patience with an answer."""
        if self.attempt and self.attempt.at <= at:
            step, self.attempt = self.attempt, None
            return self._try(step.model)
        if self.ladder.due_at is not None and self.ladder.due_at <= at:
            stopped = self.replies.stop()
            # A model that hangs is not asked again where there is another.
            again = not self.ladder.models
            late = ReplyEnded(0, error="No sound came in time.", retryable=again)
            return [*stopped, *self._fall_back(late, at)]
        if self.retry_deadline is not None and self.retry_deadline <= at:
            stopped = self.replies.stop()
            return [*stopped, *(self.answer(at) if self.is_ready else [])]
        return []

    def stop_all(self) -> list[Action]:
        """Try nothing any more; what tools still find is for a later answer."""
        self.attempt, self.ladder.due_at = None, None
        self.needs_answer = self.greeting_due = False
        self.pending_results &= {LOOKUP}
        return self.replies.stop()

    def _tell_consent(self, at: float) -> list[Action]:
        reply = self.replies.begin(at, "system", interruptible=False)
        self.replies.open_turn(reply, at).model = CONSENT
        return [
            self.speak_text(
                reply.number, self.manners.consent_message, GREETING_TTS_TIMEOUT
            )
        ]

    def _greet(self, at: float) -> list[Action]:
        if not self.greeting_due or self.needs_answer or self._greeting_waits:
            return []
        self.greeting_due = False
        number = self.replies.begin(at).number
        return [self.speak_text(number, self.manners.greeting, GREETING_TTS_TIMEOUT)]

    @property
    def _greeting_waits(self) -> bool:
        """Whether the greeting says something that is still being looked up."""
        missing = set(names(self.manners.greeting)) - self.variables.keys()
        return bool(missing) and LOOKUP in self.pending_results

    def _start(
        self, reply: Reply, model: str = "", *, go_on: bool = False
    ) -> list[Action]:
        self.attempt = None
        self.needs_answer = False
        self.replies.assume_heard()
        prompt = fill(self.manners.system_prompt, self.variables)
        history = messages(prompt, self.turns, go_on=go_on)
        told = tool_definitions(
            self.manners, self.minute_of_week(reply.caller_done_at), self.variables
        )
        must_speak = self.tool_rounds >= MAX_TOOL_ROUNDS
        return [StartReply(reply.number, history, model, told, must_speak)]

    def _fall_back(self, event: ReplyEnded, at: float) -> list[Action]:
        """An attempt ended without a sound: take the next rung."""
        self.attempt = None
        step = self.ladder.failed(
            at, retryable=event.retryable, retry_after=event.retry_after
        )
        noted: list[Action] = [CountFallback(step.rung)]
        if step.rung not in (FallbackStep.RETRY, FallbackStep.FALLBACK):
            if step.rung is FallbackStep.APOLOGY:
                return [*noted, *self._apologise(event.error, at)]
            return [*noted, *self.give_up(step.rung, at)]
        if step.at > at:
            self.attempt = step
            return noted
        return [*noted, *self._try(step.model)]

    def _try(self, model: str = "") -> list[Action]:
        reply = self.replies.begin(self.caller_done_at, wanted=True)
        reply.after_tool = self.tool_rounds > 0
        return self._start(reply, model)

    def _apologise(self, error: str, at: float) -> list[Action]:
        actions = self.say_message(self.manners.apology_message, at, role="system")
        reply = self.replies.by_number[-1]
        reply.caller_done_at = self.caller_done_at
        turn = self.replies.open_turn(reply, at)
        turn.error = error or "The model gave an empty answer."
        turn.latency_ms = self._record_steps(reply)
        return actions

    def _record_steps(self, reply: Reply) -> dict[str, int]:
        """When each rung was taken, in milliseconds from the caller's last word."""
        return {
            rung: milliseconds(moment - reply.caller_done_at)
            for rung, moment in self.ladder.steps_taken.items()
        }


def _consented(turn: Turn) -> bool:
    """Whether a turn is the consent sentence, heard to its end."""
    return turn.model == CONSENT and bool(turn.heard_text) and not turn.interrupted
