"""Timeouts of a call: idle caller, false interruption, longest duration. Pure.

All times are seconds on the call's monotonic clock.
"""

import math

from bots.config.bot_config import BotConfig

# An interruption was noise if no words were transcribed for this long after the caller
# stopped making sound. Twilio sends a final prompt within a second of speech.
FALSE_INTERRUPTION_TIMEOUT = 1.5
# The same if Twilio does not report when the caller makes sound.
FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD = 3.0
# The longest sound that counts as speech without a transcribed word.
MAX_UNTRANSCRIBED_SPEECH = 20.0
# How long a partial prompt means that the caller is still speaking.
PARTIAL_LASTS = 2.0
# How long the caller may be idle after the bot has said goodbye.
AFTER_GOODBYE_SECONDS = 4.0
# How long before the end of the call the caller hears the warning.
WARNING_SECONDS = 60.0


class Timeouts:
    """Tells when to resume, to prompt an idle caller, to warn, and to end the call."""

    def __init__(self, config: BotConfig) -> None:
        self.config = config
        self.connected_at = -math.inf
        self.active_at = -math.inf  # the caller's latest sound or key
        self.speaking_until = -math.inf
        self.resume_at = math.inf  # when an interruption counts as noise
        self.reprompts = 0
        self.warned = False

    def connected(self, at: float) -> None:
        """The call begins."""
        self.connected_at = self.active_at = at

    def resumed(self, at: float, seconds: float) -> None:
        """A call continues that began `seconds` ago; it may have been warned."""
        self.connected(at)
        self.connected_at -= seconds
        self.warned = self._warn_at() <= at

    def caller_speaking(self, on: bool, at: float) -> None:
        """The caller began or stopped making sound."""
        self.active_at = at
        self.speaking_until = at + MAX_UNTRANSCRIBED_SPEECH if on else at
        self.resume_at = self.speaking_until + FALSE_INTERRUPTION_TIMEOUT

    def on_caller_spoke(self, at: float, *, final: bool) -> None:
        """Words were transcribed, or a key was pressed."""
        self.active_at = at
        self.speaking_until = at if final else at + PARTIAL_LASTS
        self.resume_at = max(
            self.speaking_until + FALSE_INTERRUPTION_TIMEOUT, self.resume_at
        )
        if final:
            self.resume_at = at + FALSE_INTERRUPTION_TIMEOUT

    def caller_interrupted(self, at: float) -> None:
        """The caller interrupted the bot; words may follow, or nothing."""
        self.active_at = at
        is_speaking = self.speaking_until > at
        self.resume_at = (
            self.speaking_until + FALSE_INTERRUPTION_TIMEOUT
            if is_speaking
            else at + FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD
        )

    def reset_idle(self) -> None:
        """The caller is there: count reprompts from the start."""
        self.reprompts = 0

    def next_reprompt(self) -> bool:
        """Count a reprompt of an idle caller; false if there were enough."""
        self.reprompts += 1
        return self.reprompts <= self.config.idle_reprompts

    def is_idle(
        self, at: float, played_until: float, *, idle: bool, said_goodbye: bool = False
    ) -> bool:
        """True if it is the caller's turn (`idle`) and the idle timeout has passed.

        The timeout is short once the bot has `said_goodbye`.
        """
        return idle and self._idle_at(played_until, said_goodbye) <= at

    def is_warning_due(self, at: float, *, idle: bool) -> bool:
        """True, once, when the caller is to hear that the call ends soon."""
        if self.warned or not idle or not self._warn_at() <= at:
            return False
        self.warned = True
        return True

    def is_over_limit(self, at: float) -> bool:
        """True if the call has lasted as long as it may."""
        return self._over_at() <= at

    def next_deadline(
        self, played_until: float, *, idle: bool, said_goodbye: bool = False
    ) -> float | None:
        """The next time at which one of these may become true."""
        deadlines = [self._over_at()]
        if idle:
            deadlines.append(self._idle_at(played_until, said_goodbye))
            if not self.warned:
                deadlines.append(self._warn_at())
        deadline = min(deadlines)
        return None if deadline == math.inf else deadline

    def _idle_at(self, played_until: float, said_goodbye: bool) -> float:
        timeout = self.config.idle_timeout_seconds or math.inf
        if said_goodbye:
            timeout = min(timeout, AFTER_GOODBYE_SECONDS)
        return max(played_until, self.active_at, self.speaking_until) + timeout

    def _warn_at(self) -> float:
        ahead = min(WARNING_SECONDS, self.config.max_call_seconds / 2)
        # Words of speech that has just ended may still be transcribed.
        transcribed_by = self.speaking_until + FALSE_INTERRUPTION_TIMEOUT
        return max(self._over_at() - ahead, transcribed_by)

    def _over_at(self) -> float:
        limit = self.config.max_call_seconds
        return self.connected_at + limit if limit else math.inf
