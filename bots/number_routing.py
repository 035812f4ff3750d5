"""Chooses the bot that answers a number, and explains the choice."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from bots.models import Bot, PhoneNumber
from bots.phone_numbers.caller_id import E164, Address, national_number, number_in


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


def own_number(called: str) -> str:
    """The number of ours that a call was made to, in E.164 if it is one.

    Networks and SIP trunks leave out the + or the country code. Then the numbers in
    this console decide what is meant.
    """
    digits = Address.parse(called).digits
    if digits and not digits.startswith("+"):
        is_exact = Q(number=f"+{digits}")
        ends_so = Q(number__endswith=digits.lstrip("0"))
        rows = PhoneNumber.objects.filter(is_exact | ends_so)
        numbers = set(rows.values_list("number", flat=True))
        same = {n for n in numbers if national_number(n) == digits.lstrip("0")}
        if f"+{digits}" in numbers:
            return f"+{digits}"
        if len(same) == 1:
            return same.pop()
    return number_in(called) or called.strip()


def caller_id_of_ours(bot_id: int | None) -> str:
    """A number of ours to show on a transfer; the bot's own first, empty for none."""
    numbers = PhoneNumber.objects.filter(is_active=True).order_by("number")
    row = numbers.filter(bot=bot_id).first() or numbers.first()
    return row.number if row and E164.fullmatch(row.number) else ""


def bot_for(number: str) -> Bot | NoAnswer:
    """Return the number's own bot, else the default bot, else a reason."""
    row = PhoneNumber.objects.filter(number=own_number(number)).first()
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
