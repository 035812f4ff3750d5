"""How the bot comes by what it says: it asks, retries, falls back, apologises. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from bots.config.opening_hours import WEEK_MINUTES
from bots.config.placeholders import fill, names
from bots.config.rules import Manners
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import Action, Record, Resort, SpeakText, StartReply
from calls.conversation.events import ClipReady, LookedUp, ReplyEnded
from calls.conversation.fallback import LIVENESS, Ladder, Rung, Step
from calls.conversation.messages import messages
from calls.conversation.replies import Replies, Reply, milliseconds
from calls.conversation.tool_definitions import functions
from calls.turns.turn import CONSENT, RESUMED, Role, Turn, next_index

# How long a fixed sentence may take to be voiced before the carrier speaks it (s):
# a greeting or an operator's line is worth a wait, what stands in for an answer is not.
GREETING_PATIENCE = 4.0
PATIENCE = 1.0

# What is awaited before an answer, beside tools by their call's id.
LOOKUP = "lookup"
# What the model may have done between two words, or keys, of the caller, in rounds.
MOST_ROUNDS = 5

GiveUp = Callable[[Rung, float], list[Action]]
Use = Callable[[tuple[ToolCall, ...], Reply, float], list[Action]]


class Answers:
    """Begins replies and sees to it that one of them is heard.

    `give_up` is called with the last rungs, which end the call, `use` with what the
    model wants done. Nothing is answered while something is `awaited`.
    """

    def __init__(
        self, manners: Manners, turns: list[Turn], give_up: GiveUp, use: Use
    ) -> None:
        self.manners = manners  # in the language that is spoken now
        self.languages = {manners.language: manners, **manners.others}
        self.turns = turns
        self.give_up = give_up
        self.use = use
        self.known: Mapping[str, str] = {}  # the call's variables
        self.awaited: set[str] = set()
        self.rounds = 0  # of tools, since the caller spoke or pressed a key
        self.week_began = 0.0  # Monday, 0:00, in the bot's time zone
        self.replies = Replies(turns)
        self.ladder = Ladder(manners.fallback_models)
        self.attempt: Step | None = None  # to be made a little later
        self.asked_at = -math.inf  # the caller's latest words or key
        self.unanswered = False  # something was said that is not being answered yet
        self.greeting_due = False  # it follows what is being said now

    def speak(self, language: str) -> bool:
        """Go on in another language of the bot; false where it is none."""
        manners = self.languages.get(language)
        if manners is None:
            return False
        others = {name: m for name, m in self.languages.items() if name != language}
        self.manners = replace(manners, others=others)
        return True

    def minute(self, at: float) -> int:
        """The minute of the week."""
        return int((at - self.week_began) // 60) % WEEK_MINUTES

    def know(
        self, known: Mapping[str, str], minute: int, at: float, *, looks_up: bool
    ) -> None:
        """Take in the call's variables, and when it is; more are to be looked up."""
        self.known = known
        self.awaited |= {LOOKUP} if looks_up else set()
        self.week_began = at - minute * 60

    def looked_up(self, event: LookedUp, at: float) -> list[Action]:
        """More is known now, or never will be: what waited for it goes on."""
        self.known = {**event.values, **self.known}
        self.awaited.discard(LOOKUP)
        noted = self._note(event.error, at) if event.error else []
        return [*noted, *([] if self.replies.is_writing else self._greet(at))]

    def _note(self, error: str, at: float) -> list[Action]:
        """Tell the transcript what went wrong, and nobody else."""
        turn = Turn(next_index(self.turns), "system", at, ended_at=at, error=error)
        self.turns.append(turn)
        return [Record(replace(turn))]

    @property
    def is_ready(self) -> bool:
        """Whether there is something to answer, and nothing to wait for."""
        waits = self.awaited or self.attempt or self.replies.is_writing
        return self.unanswered and not waits

    def greet(self, at: float) -> list[Action]:
        """Speak the greeting, behind the consent sentence where there is one."""
        self.greeting_due = bool(self.manners.greeting)
        return self._tell_consent(at) if self.manners.consent else self._greet(at)

    def resume(self, at: float, *, unanswered: bool) -> list[Action]:
        """Tell that the line is back, then answer what has not been answered."""
        if self.manners.consent and not any(map(_consented, self.turns)):
            self.asked_at, self.unanswered = at, unanswered
            spoke = any(turn.role == "bot" for turn in self.turns)
            self.greeting_due = bool(self.manners.greeting) and not spoke
            return self._tell_consent(at)
        actions = self.say(self.manners.reconnected, at, role="system")
        self.replies.open_turn(self.replies.numbered[-1], at).model = RESUMED
        self.asked_at, self.unanswered = at, unanswered
        return actions

    def say(
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
        return [self.speech(reply.number, text, PATIENCE, kept=kept)]

    def speech(
        self, number: int, text: str, within: float, *, kept: bool = True
    ) -> SpeakText:
        """What voices a sentence, its variables filled in, if it is the operator's.

        A caller may have a model write any name, so that one stands for nothing.
        """
        said = fill(text, self.known if kept else {})
        return SpeakText(number, said, within, kept=kept and said == text)

    def relay(self, at: float) -> list[Action]:
        """Say an operator's next line, once nothing else is being made ready."""
        lines = self.replies.lines
        waits = self.attempt or self.unanswered or self.awaited
        if not lines or waits or self.replies.is_writing:
            return []
        reply = self.replies.begin(at)
        reply.line = lines.popleft()
        return [SpeakText(reply.number, reply.line, GREETING_PATIENCE, kept=False)]

    def answer(self, at: float) -> list[Action]:
        """Answer what the caller said, or go on after a tool."""
        self.greeting_due = False
        self.ladder.begin(at)
        return self._try()

    def postpone(self) -> None:
        """Ask again when it is clear whether the caller meant to interrupt."""
        self.unanswered, self.ladder.due_at = True, None

    def go_on(self, at: float) -> list[Action]:
        """Have the rest written of an answer that was cut short by mistake."""
        return self._start(self.replies.begin(at, goes_on=True), go_on=True)

    def clip_ready(self, event: ClipReady, at: float) -> list[Action]:
        """Play a clip, if it is of the current reply."""
        reply = self.replies.numbered[event.reply - 1]
        if reply.writing and reply.wanted:
            self.ladder.sounded()
        return self.replies.clip_ready(event, at)

    def ended(self, event: ReplyEnded, at: float) -> list[Action]:
        """A reply is complete, or came to nothing."""
        reply = self.replies.numbered[event.reply - 1]
        stopped = not reply.writing
        actions = self.replies.ended(event, at)
        if stopped:
            return actions
        if event.calls and self.rounds < MOST_ROUNDS:
            self.rounds += 1
            self.ladder.sounded()
            return [*actions, *self.use(event.calls, reply, at)]
        if reply.turn is None:
            return self._fall(event, at) if reply.wanted else []
        if reply.turn.role == "bot":
            reply.turn.latency_ms |= self._rungs(reply)
            actions = [Record(replace(reply.turn))]
        return [*actions, *(self.answer(at) if self.is_ready else self._greet(at))]

    @property
    def is_obliged(self) -> bool:
        """Whether something is being made that must be heard before all else."""
        reply = self.replies.current
        return reply is not None and reply.writing and not reply.interruptible

    @property
    def stalled_at(self) -> float | None:
        """When a reply that was begun counts as broken off: nothing more has come."""
        reply, playback = self.replies.current, self.replies.playback
        if reply is None or not reply.writing or playback.pending():
            return None
        begun = playback.first(reply.number)
        return playback.ended_at + LIVENESS if begun else None

    def due(self, at: float) -> list[Action]:
        """What time brings: a retry, or the end of patience with an answer."""
        if self.attempt and self.attempt.at <= at:
            step, self.attempt = self.attempt, None
            return self._try(step.model)
        if self.ladder.due_at is not None and self.ladder.due_at <= at:
            stopped = self.replies.stop()
            # A model that hangs is not asked again where there is another.
            again = not self.ladder.models
            late = ReplyEnded(0, error="No sound came in time.", retryable=again)
            return [*stopped, *self._fall(late, at)]
        if self.stalled_at is not None and self.stalled_at <= at:
            stopped = self.replies.stop()
            return [*stopped, *(self.answer(at) if self.is_ready else [])]
        return []

    def cease(self) -> list[Action]:
        """Try nothing any more; what tools still find is for a later answer."""
        self.attempt, self.ladder.due_at = None, None
        self.unanswered = self.greeting_due = False
        self.awaited &= {LOOKUP}
        return self.replies.stop()

    def _tell_consent(self, at: float) -> list[Action]:
        reply = self.replies.begin(at, "system", interruptible=False)
        self.replies.open_turn(reply, at).model = CONSENT
        return [self.speech(reply.number, self.manners.consent, GREETING_PATIENCE)]

    def _greet(self, at: float) -> list[Action]:
        if not self.greeting_due or self.unanswered or self._greeting_waits:
            return []
        self.greeting_due = False
        number = self.replies.begin(at).number
        return [self.speech(number, self.manners.greeting, GREETING_PATIENCE)]

    @property
    def _greeting_waits(self) -> bool:
        """Whether the greeting says something that is still being looked up."""
        missing = set(names(self.manners.greeting)) - self.known.keys()
        return bool(missing) and LOOKUP in self.awaited

    def _start(
        self, reply: Reply, model: str = "", *, go_on: bool = False
    ) -> list[Action]:
        self.attempt = None
        self.unanswered = False
        self.replies.expect_heard()
        prompt = fill(self.manners.system_prompt, self.known)
        history = messages(prompt, self.turns, go_on=go_on)
        told = functions(self.manners, self.minute(reply.asked_at), self.known)
        must_speak = self.rounds >= MOST_ROUNDS
        return [StartReply(reply.number, history, model, told, must_speak)]

    def _fall(self, event: ReplyEnded, at: float) -> list[Action]:
        """An attempt ended without a sound: take the next rung."""
        self.attempt = None
        step = self.ladder.failed(
            at, retryable=event.retryable, retry_after=event.retry_after
        )
        noted: list[Action] = [Resort(step.rung)]
        if step.rung not in (Rung.RETRY, Rung.FALLBACK):
            if step.rung is Rung.APOLOGY:
                return [*noted, *self._apologise(event.error, at)]
            return [*noted, *self.give_up(step.rung, at)]
        if step.at > at:
            self.attempt = step
            return noted
        return [*noted, *self._try(step.model)]

    def _try(self, model: str = "") -> list[Action]:
        reply = self.replies.begin(self.asked_at, wanted=True)
        reply.follows = self.rounds > 0
        return self._start(reply, model)

    def _apologise(self, error: str, at: float) -> list[Action]:
        actions = self.say(self.manners.apology, at, role="system")
        reply = self.replies.numbered[-1]
        reply.asked_at = self.asked_at
        turn = self.replies.open_turn(reply, at)
        turn.error = error or "The model gave an empty answer."
        turn.latency_ms = self._rungs(reply)
        return actions

    def _rungs(self, reply: Reply) -> dict[str, int]:
        """When each rung was taken, in milliseconds from the caller's last word."""
        return {
            rung: milliseconds(moment - reply.asked_at)
            for rung, moment in self.ladder.taken.items()
        }


def _consented(turn: Turn) -> bool:
    """Whether a turn is the consent sentence, heard to its end."""
    return turn.model == CONSENT and bool(turn.heard) and not turn.interrupted
