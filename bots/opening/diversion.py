"""Changes a bot's settings for callers who do not get an ordinary call. Pure.

Their number is closed, an outage is announced, or the budget is spent.

The changed settings are stored with the call, as those of any other call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from bots.config.bot_config import BotConfig
from bots.config.placeholders import with_value
from bots.opening.spoken_times import Opening

TAKE_MESSAGE = """\
Nobody can take this call now.{opens} Whatever is written above, do only one thing: \
take a message. Ask for the caller's name, for the telephone number to call back, and \
for their concern, one question at a time, and leave out what they have said already. \
They call from {{{{caller_number|a hidden number}}}}: ask if they want to be called \
back there. Repeat the number, and make no promises about who calls back and when. \
Then say that the message is passed on, say goodbye and end the call."""
OPENS_NAME = "opens"  # {{opens}} in a text
OPENS = " The business opens again on {}."
SUMMARY = "The caller's message, in one or two sentences."
OUTCOMES = "Message taken, No message"
FIELDS = """\
name: The caller's name.
number: The telephone number to call back, as the caller confirmed it.
concern: The concern of the caller, in one sentence."""


class Reason(StrEnum):
    """Reasons why a call is diverted; the values are end reasons of a call."""

    CLOSED = "closed"
    OUTAGE = "outage"
    BUDGET = "budget"


class Action(StrEnum):
    """Things that happen to callers instead."""

    MESSAGE = "message"
    TRANSFER = "transfer"
    TAKE_MESSAGE = "take-message"


@dataclass(frozen=True, slots=True)
class Diversion:
    """Takes the place of a call with the bot. An empty `message` is the bot's own."""

    reason: Reason
    action: Action
    message: str = ""
    transfer_number: str = ""
    opening: Opening | None = None

    @property
    def takes_message(self) -> bool:
        """True if a bot talks to the caller after all."""
        return self.action is Action.TAKE_MESSAGE

    def applied_to(self, config: BotConfig) -> BotConfig:
        """The settings of a diverted call."""
        opens = self.opening.spoken(config.language) if self.opening else ""
        own = with_value(self.message.strip(), OPENS_NAME, opens)
        message = own or with_value(config.closed_message, OPENS_NAME, opens)
        is_transfer = self.action is Action.TRANSFER
        alone = replace(
            config,
            transfer_number=self.transfer_number if is_transfer else "",
            targets=(),
            menu=(),
        )
        if self.takes_message:
            return self._taking_message(alone, message)
        if not own:
            message = f"{message} {config.goodbye_message}"
        notice = own or config.transfer_notice
        return replace(alone, closed_message=message, transfer_notice=notice)

    def _taking_message(self, config: BotConfig, message: str) -> BotConfig:
        opens = OPENS.format(self.opening.for_model) if self.opening else ""
        task = TAKE_MESSAGE.format(opens=opens)
        return replace(
            config,
            system_prompt=f"{config.system_prompt}\n\n{task}",
            greeting=f"{message} {config.take_message_prompt}",
            can_end_call=True,
            tools=(),
            summary_prompt=SUMMARY,
            outcomes=OUTCOMES,
            summary_fields=FIELDS,
        )


def first_text(diversion: Diversion, config: BotConfig) -> str:
    """The first words of a diverted call with these settings."""
    if diversion.takes_message:
        return config.greeting
    is_transfer = diversion.action is Action.TRANSFER
    return config.transfer_notice if is_transfer else config.closed_message
