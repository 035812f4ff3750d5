"""Chooses the bot that answers a number, and explains the choice."""

from dataclasses import dataclass
from enum import StrEnum

from bots.models import Bot, PhoneNumber


class NoAnswer(StrEnum):
    """Reasons why no bot answers; the values are end reasons of a call."""

    NOT_IN_SERVICE = "not-in-service"
    NO_BOT = "no-bot"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class RoutingAnswer:
    """The bot that answers a number, or why none does; `because` is a sentence."""

    choice: Bot | NoAnswer
    because: str

    @property
    def bot(self) -> Bot | None:
        """The bot that answers; None for none."""
        return self.choice if isinstance(self.choice, Bot) else None


def bot_for(number: str) -> Bot | NoAnswer:
    """Return the number's own bot, else the default bot, else a reason."""
    row = PhoneNumber.objects.filter(number=number).first()
    if row and row.bot_id:
        row.bot = Bot.objects.filter(pk=row.bot_id).first_with_related()
        return explain(row, None).choice
    default = Bot.objects.filter(is_default=True).first_with_related()
    return explain(row, default).choice


def explain(number: PhoneNumber | None, default: Bot | None) -> RoutingAnswer:
    """`bot_for` with rows that are already loaded; `number` is None if not listed."""
    if number and not number.is_active:
        reason = "The number is switched off in this console."
        return RoutingAnswer(NoAnswer.NOT_IN_SERVICE, reason)
    own = number.bot if number else None
    bot = own or default
    if bot is None:
        reason = "The number has no bot of its own, and there is no default bot."
        return RoutingAnswer(NoAnswer.NO_BOT, reason)
    if not bot.is_active:
        which = "number's own" if own else "default"
        reason = f"The {which} bot, {bot}, is switched off."
        return RoutingAnswer(NoAnswer.NOT_IN_SERVICE, reason)
    if own:
        return RoutingAnswer(own, "It is the number's own bot.")
    why = "has no bot of its own" if number else "is not listed in this console"
    return RoutingAnswer(bot, f"The number {why}, so the default bot answers.")
