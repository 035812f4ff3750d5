"""The state of a call that all parts of a conversation read and change. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.opening_hours import WEEK_MINUTES
from calls.conversation.tool_definitions import available_targets
from calls.turns.turn import TRANSFER_CALL, Turn, tool_turns

# A call to the lookup tool, among the pending results. The others are call ids.
LOOKUP = "lookup"
# The number of transfer attempts in one call.
MAX_TRANSFERS = 3


@dataclass(slots=True)
class CallState:
    """One call: settings, transcript, variables, and what the caller waits for.

    Times are seconds on the monotonic clock.
    """

    config: BotConfig  # in the language that is spoken now
    base_config: BotConfig = field(init=False)  # in the bot's own language
    turns: list[Turn] = field(default_factory=list)
    variables: Mapping[str, str] = field(default_factory=dict)
    # Tool calls that must end before the bot answers.
    pending_results: set[str] = field(default_factory=set)
    tool_rounds: int = 0  # since the caller last spoke or pressed a key
    caller_done_at: float = -math.inf  # when the caller last spoke or pressed a key
    needs_answer: bool = False  # the caller said something nobody is answering yet
    monotonic_at_week_start: float = 0.0  # Monday 0:00 in the bot's time zone

    def __post_init__(self) -> None:
        self.base_config = self.config

    def change_language(self, language: str) -> bool:
        """Switch to another language of the bot; false if it does not have it."""
        base = self.base_config
        if language not in (base.language, *base.other_languages):
            return False
        self.config = base.in_language(language)
        return True

    def set_variables(
        self,
        variables: Mapping[str, str],
        minute_of_week: int,
        at: float,
        *,
        has_lookup: bool,
    ) -> None:
        """Set the call's variables and clock; with `has_lookup` more will follow."""
        self.variables = variables
        self.pending_results |= {LOOKUP} if has_lookup else set()
        self.monotonic_at_week_start = at - minute_of_week * 60

    def minute_of_week(self, at: float) -> int:
        """Minutes since Monday 0:00 in the bot's time zone."""
        return int((at - self.monotonic_at_week_start) // 60) % WEEK_MINUTES

    def available_targets(self, at: float) -> list[TransferTarget]:
        """Transfer targets that take calls now."""
        minute = self.minute_of_week(at)
        return available_targets(self.config.transfer_targets, minute)

    def available_target(self, at: float, name: str = "") -> TransferTarget | None:
        """The target of that name, or the first one, if a transfer is possible now."""
        if self.transfer_limit_reached:
            return None
        for target in self.available_targets(at):
            if not name or target.name == name:
                return target
        return None

    @property
    def transfer_limit_reached(self) -> bool:
        """True after `MAX_TRANSFERS` transfers that brought the caller back."""
        attempts = sum(
            record.name == TRANSFER_CALL and not record.failed
            for turn, record in tool_turns(self.turns)
            if turn.ended_at is not None
        )
        return attempts >= MAX_TRANSFERS
