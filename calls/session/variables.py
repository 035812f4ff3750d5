"""What a call knows by itself: its variables, and day and time for its bot."""

from datetime import datetime

from bots.config import local_time
from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.placeholders import fill, limited
from calls.conversation.tool_definitions import available_targets
from calls.models import Call

# What an operator may make up for a test call, which comes from no telephone.
SIMULATED_VARIABLES = ("caller_number", "called_number")


def variables(
    call: Call, profile: BotConfig, parameters: dict[str, str], now: datetime
) -> dict[str, str]:
    """The values for the bot's texts; the carrier's parameters do not replace ours."""
    told = limited({**call.variables, **parameters})
    played = {
        name: told[name]
        for name in SIMULATED_VARIABLES
        if call.is_test and name in told
    }
    return {
        **told,
        "caller_number": call.from_number,
        "called_number": call.to_number,
        **played,
        "bot_name": profile.name,
        "now": local_time.spoken_time(now, profile.time_zone),
        "call_sid": call.call_sid,
    }


def fill_for_call(call: Call, profile: BotConfig, text: str) -> str:
    """A bot's sentence as the carrier's voice says it, where no session is left to."""
    return fill(text, variables(call, profile, {}, call.started_at))


def first_available_target(profile: BotConfig, now: datetime) -> TransferTarget | None:
    """The first person who takes calls now, where the bot itself cannot."""
    minute = local_time.minute_of_week(now, profile.time_zone)
    return next(iter(available_targets(profile.transfer_targets, minute)), None)
