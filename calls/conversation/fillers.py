"""Wait phrases, said while a tool or an answer takes long. Pure."""

import math

from bots.config.placeholders import fill
from calls.conversation.actions import Action
from calls.conversation.call_state import CallState
from calls.conversation.responder import TTS_TIMEOUT, Responder
from calls.conversation.timeouts import Timeouts
from calls.conversation.tool_calls import ToolCalls
from calls.turns.turn import TurnKind

# From one filler to the next while a tool runs (s).
FILLER_PAUSE = 8.0
# How long the synthesis of a filler before an answer may take (s). It is usually ready:
# after 2.5 s of waiting, a caller hears something within 3 s.
ANSWER_FILLER_TTS_TIMEOUT = 0.4


class Fillers:
    """Tells when a filler is due: again and again for a tool, once for an answer.

    A filler is written beside the answer. The sound of the answer stops a filler that
    is not ready yet, and follows one that plays.
    """

    def __init__(
        self,
        state: CallState,
        responder: Responder,
        tool_calls: ToolCalls,
        timeouts: Timeouts,
    ) -> None:
        self.state = state
        self.responder = responder
        self.replies = responder.replies
        self.tool_calls = tool_calls
        self.timeouts = timeouts
        self._phrases_used = 0
        self._said_at = -math.inf

    @property
    def due_at(self) -> float:
        """When the next filler is due; infinity if the caller waits for nothing."""
        if not self.state.config.fillers:
            return math.inf
        due_at = min(self._tool_due_at, self._answer_due_at)
        return max(due_at, self.timeouts.speaking_until)

    def say_if_due(self, at: float) -> list[Action]:
        """Speak a filler that is due."""
        if self.due_at > at:
            return []
        is_for_tool = self._tool_due_at <= at
        self._said_at = at
        phrase = self._next_phrase()
        if not phrase:
            return []
        done_at, kind = self.state.caller_done_at, TurnKind.FILLER
        reply = self.replies.begin(done_at, "system", kind=kind, beside=True)
        timeout = TTS_TIMEOUT if is_for_tool else ANSWER_FILLER_TTS_TIMEOUT
        return [self.responder.speak_text(reply.number, phrase, timeout)]

    @property
    def _tool_due_at(self) -> float:
        if self.replies.is_writing:
            return math.inf
        delay = self.state.config.filler_delay_seconds
        quiet_since = max(self.tool_calls.waiting_since, self._sounded_until)
        return max(quiet_since + delay, self._said_at + FILLER_PAUSE)

    @property
    def _answer_due_at(self) -> float:
        delay = self.state.config.answer_filler_seconds
        done_at = self.state.caller_done_at
        is_awaited = self.responder.fallback.due_at is not None
        if not (delay and is_awaited) or self._said_at >= done_at:
            return math.inf
        return max(done_at, self._sounded_until) + delay

    @property
    def _sounded_until(self) -> float:
        """When the bot was or will be heard last."""
        playback = self.replies.playback
        return playback.ends_at() or playback.ended_at

    def _next_phrase(self) -> str:
        """The next phrase that is not empty once its variables are filled in."""
        phrases, variables = self.state.config.fillers, self.state.variables
        for _ in phrases:
            phrase = phrases[self._phrases_used % len(phrases)]
            self._phrases_used += 1
            if fill(phrase, variables).strip():
                return phrase
        return ""
