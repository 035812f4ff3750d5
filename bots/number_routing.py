"""Chooses the bot that answers a number, and explains the choice."""

from dataclasses import dataclass
from enum import StrEnum

from bots.models import Bot, PhoneNumber


class NoAnswer(StrEnum):
    """Reasons why no bot answers; the values are end reasons of a call."""

    NOT_IN_SERVICE = "not-in-service"
    NO_BOT = "no-bot"
    BLOCKED = "blocked"


def bot_for(number: str) -> Bot | NoAnswer:
    """Return the number's own bot, else the default bot, else a reason."""
    row = PhoneNumber.objects.filter(number=number).first()
    if row and row.bot_id:
        row.bot = Bot.objects.filter(pk=row.bot_id).first_with_related()
        return choose(row, None)
    return choose(row, Bot.objects.filter(is_default=True).first_with_related())


def choose(number: PhoneNumber | None, default: Bot | None) -> Bot | NoAnswer:
    """`bot_for` with rows that are already loaded; `number` is None if not listed."""
    if number and not number.is_active:
        return NoAnswer.NOT_IN_SERVICE
    bot = (number.bot if number else None) or default
    if bot is None:
        return NoAnswer.NO_BOT
    return bot if bot.is_active else NoAnswer.NOT_IN_SERVICE


@dataclass(frozen=True, slots=True)
class RoutingAnswer:
    """The bot that answers a number, None for none, and the reason in a sentence."""

    bot: Bot | None
    because: str


def explain(number: PhoneNumber | None, default: Bot | None) -> RoutingAnswer:
    """Say which bot answers a number, and why."""
    choice = choose(number, default)
    own = number.bot if number else None
    if isinstance(choice, Bot):
        if own:
            return RoutingAnswer(choice, "It is the number's own bot.")
        why = "has no bot of its own" if number else "is not listed in this console"
        return RoutingAnswer(choice, f"The number {why}, so the default bot answers.")
    if number and not number.is_active:
        reason = "The number is switched off in this console."
    elif choice is NoAnswer.NO_BOT:
        reason = "The number has no bot of its own, and there is no default bot."
    elif own:
        reason = f"The number's own bot, {own}, is switched off."
    else:
        reason = f"The default bot, {default}, is switched off."
    return RoutingAnswer(None, reason)
