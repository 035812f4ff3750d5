"""Watches over a call's silences: the caller's, and how long it may last. Pure.

All moments are seconds on the call's monotonic clock.
"""

import math

from bots.config.bot_config import BotConfig

# After the caller fell silent following an interruption, nothing having been
# transcribed, it was noise. A final prompt arrives within a second of speech.
FALSE_INTERRUPTION_TIMEOUT = 1.5
# The same where the carrier does not say when the caller speaks.
FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD = 3.0
# The longest speech believed without a word of it having been transcribed.
MAX_UNTRANSCRIBED_SPEECH = 20.0
# A partial prompt says that the caller is still speaking.
PARTIAL_LASTS = 2.0
# After a goodbye of the bot nobody is asked whether they are still there.
AFTER_GOODBYE_SECONDS = 4.0
# How long before the end of a call its caller is warned.
WARNING_SECONDS = 60.0


class Timeouts:
    """When to resume, ask again, warn or end, by what was heard of the caller."""

    def __init__(self, manners: BotConfig) -> None:
        self.manners = manners
        self.connected_at = -math.inf
        self.active_at = -math.inf  # the caller's latest sound or key
        self.speaking_until = -math.inf
        self.resume_at = math.inf
        self.reprompts = 0
        self.warned = False

    def connected(self, at: float) -> None:
        """The call begins."""
        self.connected_at = self.active_at = at

    def resumed(self, at: float, seconds: float) -> None:
        """A call goes on that began `seconds` ago; it may have been warned."""
        self.connected(at)
        self.connected_at -= seconds
        self.warned = self._warn_at() <= at

    def caller_speaking(self, on: bool, at: float) -> None:
        """The carrier hears the caller's voice, or does not any more."""
        self.active_at = at
        self.speaking_until = at + MAX_UNTRANSCRIBED_SPEECH if on else at
        self.resume_at = self.speaking_until + FALSE_INTERRUPTION_TIMEOUT

    def on_caller_spoke(self, at: float, *, final: bool) -> None:
        """Something of the caller was transcribed, or a key pressed."""
        self.active_at = at
        self.speaking_until = at if final else at + PARTIAL_LASTS
        self.resume_at = max(
            self.speaking_until + FALSE_INTERRUPTION_TIMEOUT, self.resume_at
        )
        if final:
            self.resume_at = at + FALSE_INTERRUPTION_TIMEOUT

    def caller_interrupted(self, at: float) -> None:
        """The caller cut in; what they say may follow, or nothing."""
        self.active_at = at
        speaking = self.speaking_until > at
        self.resume_at = (
            self.speaking_until + FALSE_INTERRUPTION_TIMEOUT
            if speaking
            else at + FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD
        )

    def reset_idle(self) -> None:
        """The caller is there: asking starts anew."""
        self.reprompts = 0

    def next_reprompt(self) -> bool:
        """Count a question to a silent caller; false when there were enough."""
        self.reprompts += 1
        return self.reprompts <= self.manners.idle_reprompts

    def is_idle(
        self, at: float, played_until: float, *, idle: bool, parted: bool = False
    ) -> bool:
        """Whether the caller, whose turn it is, has let it pass.

        When the bot has `parted` from them, it is nobody's turn any more.
        """
        return idle and self._silent_at(played_until, parted) <= at

    def is_warning_due(self, at: float, *, idle: bool) -> bool:
        """Whether the caller is to hear now, once, that the call will end soon."""
        if self.warned or not idle or not self._warn_at() <= at:
            return False
        self.warned = True
        return True

    def is_over_limit(self, at: float) -> bool:
        """Whether the call has reached its longest length."""
        return self._over_at() <= at

    def next_deadline(
        self, played_until: float, *, idle: bool, parted: bool = False
    ) -> float | None:
        """The next moment at which one of these may become true."""
        moments = [self._over_at()]
        if idle:
            moments.append(self._silent_at(played_until, parted))
            if not self.warned:
                moments.append(self._warn_at())
        moment = min(moments)
        return None if moment == math.inf else moment

    def _silent_at(self, played_until: float, parted: bool) -> float:
        patience = self.manners.idle_timeout_seconds or math.inf
        if parted:
            patience = min(patience, AFTER_GOODBYE_SECONDS)
        since = max(played_until, self.active_at, self.speaking_until)
        return since + patience

    def _warn_at(self) -> float:
        limit = self.manners.max_call_seconds
        ahead = min(WARNING_SECONDS, limit / 2)
        # Not before the words have come of speech that has just ended.
        words_by = self.speaking_until + FALSE_INTERRUPTION_TIMEOUT
        return max(self._over_at() - ahead, words_by)

    def _over_at(self) -> float:
        limit = self.manners.max_call_seconds
        return self.connected_at + limit if limit else math.inf
