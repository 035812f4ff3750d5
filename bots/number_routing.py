"""Which bot answers a number."""

from dataclasses import dataclass
from enum import StrEnum

from bots.models import Bot, PhoneNumber


class NoAnswer(StrEnum):
    """Why no bot answers; the values are end reasons of a call."""

    NOT_IN_SERVICE = "not-in-service"
    NO_BOT = "no-bot"
    BLOCKED = "blocked"


def bot_for(number: str) -> Bot | NoAnswer:
    """The number's own bot, else the default bot, else the reason why not."""
    known = PhoneNumber.objects.filter(number=number).first()
    if known and known.bot_id:
        known.bot = Bot.objects.filter(pk=known.bot_id).first_with_related()
        return choose(known, None)
    return choose(known, Bot.objects.filter(is_default=True).first_with_related())


def choose(known: PhoneNumber | None, default: Bot | None) -> Bot | NoAnswer:
    """The same, of what is known about the number and the default bot."""
    if known and not known.is_active:
        return NoAnswer.NOT_IN_SERVICE
    bot = (known.bot if known else None) or default
    if bot is None:
        return NoAnswer.NO_BOT
    return bot if bot.is_active else NoAnswer.NOT_IN_SERVICE


@dataclass(frozen=True, slots=True)
class RoutingAnswer:
    """Who answers a number; no `bot` when nobody does. `because` says why."""

    bot: Bot | None
    because: str


def explain(known: PhoneNumber | None, default: Bot | None) -> RoutingAnswer:
    """Say who answers and why."""
    found = choose(known, default)
    own = known.bot if known else None
    if isinstance(found, Bot):
        if own:
            return RoutingAnswer(found, "It is the number's own bot.")
        lacks = "has no bot of its own" if known else "is not in this desk's list"
        return RoutingAnswer(found, f"The number {lacks}, so the default bot answers.")
    if known and not known.is_active:
        return RoutingAnswer(None, "The number is switched off in this desk.")
    if found is NoAnswer.NO_BOT:
        return RoutingAnswer(
            None, "There is neither a bot of its own nor a default bot."
        )
    if own:
        return RoutingAnswer(None, f"The number's own bot, {own}, is switched off.")
    return RoutingAnswer(None, f"The default bot, {default}, is switched off.")
