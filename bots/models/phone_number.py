"""Phone numbers, the bots that answer them, their hours and their outages."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, UniqueConstraint, Value
from django.db.models.functions import Coalesce
from simple_history.models import HistoricalRecords

from bots import validators as rules
from bots.config.local_time import zone_of
from bots.config.opening_hours import EXAMPLE, BadHours, parse_spans
from bots.models.transfer_target import MAX_HOURS_LENGTH
from bots.opening.diversion import Action
from bots.opening.public_holidays import countries, holiday_lookup, regions
from bots.opening.schedule import OpenState, Schedule
from bots.opening.special_days import BadDays, parse_special_days
from bots.site_settings.current import site_values

IN_CIRCLES = "A bot answers this number, so callers would go in circles."


class PhoneNumber(models.Model):
    """A number that callers dial, its bot, and what happens while it is closed."""

    BOT_PATHS = ("bot",)

    class WhenClosed(models.TextChoices):
        MESSAGE = Action.MESSAGE.value, "Say a message and hang up"
        TRANSFER = Action.TRANSFER.value, "Transfer to a number"
        TAKE_MESSAGE = Action.TAKE_MESSAGE.value, "The bot takes a message"
        BOT = "bot", "Another bot answers"

    number = models.CharField(
        max_length=16,
        unique=True,
        validators=[rules.e164],
        help_text="With + and country code, no spaces: +14155550100.",
    )
    label = models.CharField(
        max_length=80,
        blank=True,
        validators=[rules.plain_text],
        help_text="A name for this number, for example “Support line Berlin”.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="If switched off, callers hear a short apology and the call ends.",
    )
    bot = models.ForeignKey(
        "bots.Bot",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="numbers",
        help_text="The bot that answers this number.",
    )

    max_concurrent_calls = models.PositiveSmallIntegerField(
        "calls at once",
        default=0,
        help_text="Further callers hear that the line is busy, or are transferred if "
        "the bot has a transfer number. 0: no limit.",
    )

    time_zone = models.CharField(
        max_length=50,
        blank=True,
        validators=[rules.time_zone],
        help_text="Of the opening hours, for example Europe/Berlin. Empty: with hours, "
        "the time zone of the page Settings is filled in.",
    )
    opening_hours = models.CharField(
        max_length=MAX_HOURS_LENGTH,
        blank=True,
        help_text="Hours past midnight belong to the day on which they begin. As text: "
        f"{EXAMPLE}.",
    )
    holiday_country = models.CharField(
        "public holidays",
        max_length=2,
        blank=True,
        help_text="The number is closed on the public holidays of this country.",
    )
    holiday_region = models.CharField(
        "region",
        max_length=20,
        blank=True,
        help_text="Then the holidays of this region count, too.",
    )
    special_days = models.TextField(
        "days of your own",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Closed days and days with other hours. They count before public "
        "holidays and before the week.",
    )
    when_closed = models.CharField(
        "when closed",
        max_length=20,
        choices=WhenClosed,
        default=WhenClosed.MESSAGE,
        help_text="The bot takes a message: it asks for name, number and concern. "
        "They are stored with the call, and its webhook sends them.",
    )
    closed_message = models.TextField(
        "text when closed",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said first. “We open {{opens}}.” becomes “We open Monday, 9:00 "
        "AM.”, in the bot's language. Empty: the bot's sentence “when a number is "
        "closed”; before a transfer, its transfer message.",
    )
    transfer_number = models.CharField(
        "transfer to",
        max_length=16,
        blank=True,
        validators=[rules.e164, rules.transferable],
        help_text="Callers are transferred to this number while yours is closed.",
    )
    closed_bot = models.ForeignKey(
        "bots.Bot",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="closed_numbers",
        verbose_name="bot when closed",
        help_text="The bot that answers while the number is closed.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} ({self.label})" if self.label else self.number

    def clean(self) -> None:
        """Refuse hours and days that cannot be read, and an action without its part.

        Hours get a time zone, so that no call has to look it up.
        """
        if not (self.time_zone or self.schedule.is_always_open):
            self.time_zone = site_values().time_zone
        errors = self._problems_of_hours() | self._problems_when_closed()
        if errors:
            raise ValidationError(errors)

    def _problems_of_hours(self) -> dict[str, str]:
        errors = {}
        try:
            parse_spans(self.opening_hours)
        except BadHours as error:
            errors["opening_hours"] = str(error)
        try:
            parse_special_days(self.special_days)
        except BadDays as error:
            errors["special_days"] = str(error)
        country, region = self.holiday_country, self.holiday_region
        name = countries().get(country, "")
        if country and not name:
            errors["holiday_country"] = (
                f"There are no holidays for “{country}”. Choose a country of the list."
            )
        elif region and region not in regions(country):
            listed = ", ".join(regions(country))
            errors["holiday_region"] = (
                f"{name} has no region “{region}” with holidays of its own. "
                + (f"Choose one of these, or none: {listed}." if listed else "")
                if country
                else "Choose the country of this region as well."
            )
        return errors

    def _problems_when_closed(self) -> dict[str, str]:
        if self.when_closed == self.WhenClosed.BOT:
            if not self.closed_bot_id:
                return {"closed_bot": "Choose the bot that answers when closed."}
            if self.closed_bot_id == self.bot_id:
                return {"closed_bot": "This bot answers the number anyway."}
        if self.when_closed == self.WhenClosed.TRANSFER:
            if not self.transfer_number:
                return {"transfer_number": "Write the number to transfer callers to."}
            if is_answered(self.transfer_number) or self.transfer_number == self.number:
                return {"transfer_number": IN_CIRCLES}
        return {}

    @property
    def schedule(self) -> Schedule:
        """The hours of the number."""
        return Schedule.of(
            zone_of(self.time_zone),
            self.opening_hours,
            self.special_days,
            holiday_lookup(self.holiday_country, self.holiday_region),
        )

    def state_at(self, moment: datetime) -> OpenState:
        """Open or closed at a moment, and why."""
        return self.schedule.state_at(moment)


def is_answered(number: str) -> bool:
    """True if a bot answers a number, so that no caller may be transferred to it."""
    return PhoneNumber.objects.filter(number=number, is_active=True).exists()


class OutageQuerySet(models.QuerySet["Outage"]):
    """Queries for outages."""

    def in_effect(self, moment: datetime) -> "OutageQuerySet":
        """The outages that have not ended by a moment."""
        return self.filter(Q(until=None) | Q(until__gt=moment))


class Outage(models.Model):
    """Callers of a number, or of all, are told that something is wrong.

    It applies from the next call on, in every process, and ends by itself at its time.
    """

    class Action(models.TextChoices):
        MESSAGE = Action.MESSAGE.value, "Say a message and hang up"
        TRANSFER = Action.TRANSFER.value, "Transfer to a number"

    number = models.ForeignKey(
        PhoneNumber,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="outages",
        help_text="Empty: all numbers.",
    )
    action = models.CharField(
        "callers", max_length=20, choices=Action, default=Action.MESSAGE
    )
    message = models.TextField(
        "text",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said first, in the language and with the backup voice of each "
        "number's bot. Empty: each bot's sentence “when a number is closed”; before a "
        "transfer, its transfer message.",
    )
    transfer_number = models.CharField(
        "transfer to",
        max_length=16,
        blank=True,
        validators=[rules.e164, rules.transferable],
    )
    until = models.DateTimeField(
        null=True, blank=True, help_text="Empty: until somebody ends it."
    )
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField(auto_now=True)

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                Coalesce(F("number"), Value(0)), name="bots_one_outage_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"Outage of {self.number or 'all numbers'}"

    def clean(self) -> None:
        """Refuse a transfer to nobody, or to a number that a bot answers."""
        if self.action != self.Action.TRANSFER:
            return
        if not self.transfer_number:
            problem = "Write the number to transfer callers to."
            raise ValidationError({"transfer_number": problem})
        if is_answered(self.transfer_number):
            raise ValidationError({"transfer_number": IN_CIRCLES})
