"""The variables of a call, for the texts of its bot."""

from datetime import datetime

from bots.config import local_time
from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.placeholders import fill, limited
from bots.phone_numbers.caller_id import shown
from bots.phone_numbers.transfer_prefixes import may_be_dialled
from calls.conversation.tool_definitions import available_targets
from calls.models import Call

# A test call has no telephone, so an operator may set these.
SIMULATED_VARIABLES = ("caller_number", "called_number")


def variables(
    call: Call, config: BotConfig, parameters: dict[str, str], now: datetime
) -> dict[str, str]:
    """Values by name. Parameters from Twilio do not override our own variables.

    A hidden number is no value, so that texts take their default.
    """
    given = limited({**call.variables, **parameters})
    simulated = {
        name: shown(given[name])
        for name in SIMULATED_VARIABLES
        if call.is_test and name in given
    }
    return {
        **given,
        "caller_number": shown(call.from_number, call.to_number),
        "called_number": shown(call.to_number, call.from_number),
        **simulated,
        "bot_name": config.name,
        "now": local_time.spoken_time(now, config.time_zone),
        "call_sid": call.call_sid,
    }


def fill_for_call(call: Call, config: BotConfig, text: str) -> str:
    """A bot's sentence for Twilio's own voice, when no session can say it."""
    return fill(text, variables(call, config, {}, call.started_at))


def first_available_target(config: BotConfig, now: datetime) -> TransferTarget | None:
    """The first transfer target that takes calls now and may be dialled."""
    minute = local_time.minute_of_week(now, config.time_zone)
    targets = available_targets(config.transfer_targets, minute)
    return next((each for each in targets if may_be_dialled(each.number)), None)
