"""Chooses the bot that answers a number, and explains the choice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q

from bots.models import Bot, Outage, PhoneNumber
from bots.opening.diversion import Action, Diversion, Reason
from bots.opening.schedule import OpenState
from bots.phone_numbers.caller_id import E164, Address, national_number, number_in


class NoAnswer(StrEnum):
    """Reasons why no bot answers; the values are end reasons of a call."""

    NOT_IN_SERVICE = "not-in-service"
    NO_BOT = "no-bot"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class RoutingAnswer:
    """The bot that answers a number, or why none does; `because` is a sentence.

    A `diversion` takes the place of an ordinary call with the bot.
    """

    choice: Bot | NoAnswer
    because: str
    diversion: Diversion | None = None

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


def route(called: str, moment: datetime | None = None) -> RoutingAnswer:
    """The bot that answers a number, and what happens instead of it at a moment.

    Without a moment, neither hours nor outages count. An outage costs one query more.
    """
    current = Outage.objects.in_effect(moment) if moment else Outage.objects.none()
    of_all = current.filter(number=None)
    of_row = current.filter(Q(number=None) | Q(number=OuterRef("pk")))
    rows = PhoneNumber.objects.annotate(has_outage=Exists(of_row))
    row = rows.filter(number=own_number(called)).first()
    outages: list[Outage] = []
    if row and row.has_outage:
        outages = list(current.filter(Q(number=None) | Q(number=row)))
    if row and _load_bot(row, None if outages else moment):
        return explain(row, None, outages, moment)
    defaults = Bot.objects.filter(is_default=True)
    default = defaults.annotate(has_outage=Exists(of_all)).first_with_related()
    if row is None and default and default.has_outage:  # type: ignore[attr-defined]
        outages = list(of_all)
    return explain(row, default, outages, moment)


def _load_bot(row: PhoneNumber, moment: datetime | None) -> Bot | None:
    """Fetch the number's own bot, or the other one that answers while it is closed."""
    is_other = moment is not None and _has_other_bot(row, row.state_at(moment))
    field = "closed_bot" if is_other else "bot"
    pk = getattr(row, f"{field}_id")
    bot = Bot.objects.filter(pk=pk).first_with_related() if pk else None
    setattr(row, field, bot)
    return bot


def explain(
    number: PhoneNumber | None,
    default: Bot | None,
    outages: Iterable[Outage] = (),
    moment: datetime | None = None,
) -> RoutingAnswer:
    """`route` with rows that are already loaded; `number` is None if not listed."""
    if number and not number.is_active:
        reason = "The number is switched off in this console."
        return RoutingAnswer(NoAnswer.NOT_IN_SERVICE, reason)
    if outage := outage_of(number, outages):
        of = "this number" if outage.number_id else "all numbers"
        why = f"{outage.set_by} announced an outage of {of}."
        return _diverted(number, default, _in_outage(outage), why)
    state = number.state_at(moment) if number and moment else None
    if number is None or state is None or state.is_open:
        return _own_or_default(number, default)
    why = f"The number is closed. {state.because}"
    if number.closed_bot and _has_other_bot(number, state):
        return _with(number.closed_bot, "bot for closed hours", why)
    return _diverted(number, default, _when_closed(number, state), why)


def when_spent(
    answer: RoutingAnswer, other: Bot | None, instead: Diversion, why: str
) -> RoutingAnswer:
    """The answer while a budget is spent: another bot, if it is on, or a diversion."""
    if other and other.is_active:
        return _with(other, "bot for a spent budget", why)
    return RoutingAnswer(answer.choice, why, instead)


def outage_of(number: PhoneNumber | None, outages: Iterable[Outage]) -> Outage | None:
    """The outage that applies to a number: its own rather than that of all."""
    found = {outage.number_id: outage for outage in outages}
    own = found.get(number.pk) if number else None
    return own or found.get(None)


def _has_other_bot(number: PhoneNumber, state: OpenState) -> bool:
    """True if another bot answers; one that was deleted answers no more."""
    is_chosen = number.when_closed == PhoneNumber.WhenClosed.BOT
    return is_chosen and not state.is_open and number.closed_bot_id is not None


def _in_outage(outage: Outage) -> Diversion:
    return Diversion(
        Reason.OUTAGE, Action(outage.action), outage.message, outage.transfer_number
    )


def _when_closed(number: PhoneNumber, state: OpenState) -> Diversion:
    is_bot = number.when_closed == PhoneNumber.WhenClosed.BOT
    return Diversion(
        Reason.CLOSED,
        Action.MESSAGE if is_bot else Action(number.when_closed),
        number.closed_message,
        number.transfer_number,
        state.opening,
    )


def _diverted(
    number: PhoneNumber | None, default: Bot | None, diversion: Diversion, why: str
) -> RoutingAnswer:
    """The bot gives its language and voice; it must be on to take a message."""
    bot = (number.bot if number else None) or default
    if bot is None or (diversion.takes_message and not bot.is_active):
        return _own_or_default(number, default)
    return RoutingAnswer(bot, why, diversion)


def _own_or_default(number: PhoneNumber | None, default: Bot | None) -> RoutingAnswer:
    if number and number.bot:
        return _with(number.bot, "number's own bot", "It is the number's own bot.")
    if default is None:
        reason = "The number has no bot of its own, and there is no default bot."
        return RoutingAnswer(NoAnswer.NO_BOT, reason)
    why = "has no bot of its own" if number else "is not listed in this console"
    return _with(
        default, "default bot", f"The number {why}, so the default bot answers."
    )


def _with(bot: Bot, role: str, why: str) -> RoutingAnswer:
    """The bot, unless it is switched off."""
    if bot.is_active:
        return RoutingAnswer(bot, why)
    reason = f"The {role}, {bot}, is switched off."
    return RoutingAnswer(NoAnswer.NOT_IN_SERVICE, reason)
