"""The tables of prices, of usage, of the cost of calls, and of budgets."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Index, Q, UniqueConstraint, Value
from django.db.models.functions import Coalesce, Now

from bots import validators as rules
from bots.models import Bot, is_answered
from bots.opening.diversion import Action
from calls.models.call import Call
from calls.prices.budget_rules import Period
from calls.prices.calculation import Cost
from calls.prices.usage import MINUTES, TOKENS
from calls.prices.usage import Kind as UsageKind

# Prices above these are mistakes, such as an amount in cents.
MAX_MINUTE_PRICE = Decimal(20)
MAX_MILLION_PRICE = Decimal(2000)
# A call's last usage is written a moment after its end.
SETTLE = timedelta(seconds=1)


class Price(models.Model):
    """The price of something that calls use, from a day on."""

    class Kind(models.TextChoices):
        LINE_IN = UsageKind.LINE_IN.value, "Incoming call, a minute"
        LINE_OUT = UsageKind.LINE_OUT.value, "Outgoing call or transfer, a minute"
        RELAY = UsageKind.RELAY.value, "ConversationRelay, a minute"
        RECORDING = UsageKind.RECORDING.value, "Recording, a minute"
        STORAGE = UsageKind.STORAGE.value, "Recording kept at Twilio, a minute a month"
        TOKENS_READ = UsageKind.TOKENS_READ.value, "Tokens read, a million"
        TOKENS_CACHED = UsageKind.TOKENS_CACHED.value, "Cached tokens read, a million"
        TOKENS_WRITTEN = UsageKind.TOKENS_WRITTEN.value, "Tokens written, a million"
        SPEECH = UsageKind.SPEECH.value, "Speech, a million characters"

    kind = models.CharField("price of", max_length=20, choices=Kind)
    item = models.CharField(
        "for",
        max_length=120,
        blank=True,
        validators=[rules.plain_text],
        help_text="Of tokens and speech: the model. Of a telephone line: the country "
        "and the kind of number, such as US local, US toll-free or DE mobile. Empty: "
        "everything that has no price of its own.",
    )
    amount = models.DecimalField(
        "price",
        max_digits=12,
        decimal_places=6,
        validators=[MinValueValidator(0, "A price cannot be negative.")],
    )
    currency = models.CharField(max_length=3)
    valid_from = models.DateField(
        help_text="Calls that begin on this day or later have this price, until the "
        "next price for the same begins."
    )
    source = models.CharField(
        max_length=200,
        blank=True,
        validators=[rules.plain_text],
        help_text="The page or the contract that names it, and its day.",
    )
    # Prices of Inworld's list are written here by themselves when they change.
    is_listed = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["kind", "item", "-valid_from"]
        constraints = [
            UniqueConstraint(
                fields=["kind", "item", "valid_from"],
                name="calls_one_price_a_day",
                violation_error_message="There is a price for this from that day on "
                "already. Change that one, or choose another day.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item or 'all others'}"

    def clean(self) -> None:
        """Refuse prices of nothing in particular, and absurd ones."""
        kind = UsageKind(self.kind) if self.kind in self.Kind else None
        errors: dict[str, str] = {}
        if kind in TOKENS and not self.item:
            errors["item"] = "Write the model, for example openai/gpt-4.1-mini."
        most = MAX_MINUTE_PRICE if kind in MINUTES else MAX_MILLION_PRICE
        if self.amount is not None and self.amount > most:
            unit = "minute" if kind in MINUTES else "million"
            errors["amount"] = (
                f"More than {most} for a {unit} cannot be right. Is it in cents, or "
                "for another unit?"
            )
        if errors:
            raise ValidationError(errors)


class CallUsage(models.Model):
    """Something that a call used, as one source counts it: a session, a report, a task.

    A source writes all that it knows each time, so that nothing counts twice.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="usages")
    source = models.CharField(max_length=40)
    entries = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        constraints = [
            UniqueConstraint(fields=["call", "source"], name="calls_one_usage_a_source")
        ]

    def __str__(self) -> str:
        return self.source

    @staticmethod
    def write(rows: Iterable["CallUsage"]) -> None:
        """Write what sources know, and have the cost of their calls calculated."""
        rows = list(rows)
        CallUsage.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["call", "source"],
            update_fields=["entries"],
        )
        CallCost.objects.make_due(row.call_id for row in rows)


class CallCostQuerySet(models.QuerySet["CallCost"]):
    """Queries for the cost of calls."""

    def make_due(self, calls: Iterable[int]) -> None:
        """Have the cost of calls calculated, soon and in the background."""
        rows = [CallCost(call_id=pk, due_at=Now() + SETTLE) for pk in sorted({*calls})]
        self.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["call"],
            update_fields=["due_at"],
        )


class CallCost(models.Model):
    """The cost of a call, as it was last calculated, and what it was calculated from.

    `amount` is the known part, None before the first calculation.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="cost")
    day = models.DateField(
        null=True, help_text="The day on which the call began, at the deployment."
    )
    amount = models.DecimalField(max_digits=16, decimal_places=8, null=True)
    is_partial = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, blank=True)
    lines = models.JSONField(default=list)
    calculated_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    # For budgets: what the day's spending contains of it, and what is set aside.
    counted = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    reserved = models.DecimalField(max_digits=16, decimal_places=8, null=True)

    objects = CallCostQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            Index(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                name="calls_cost_due",
            ),
            Index(
                fields=["day"],
                condition=Q(reserved__isnull=False),
                name="calls_cost_reserved",
            ),
        ]

    def __str__(self) -> str:
        return f"Cost of call {self.call_id}"

    @property
    def cost(self) -> Cost | None:
        """The cost; None before the first calculation."""
        if self.amount is None:
            return None
        return Cost(self.amount, self.is_partial)


class DaySpending(models.Model):
    """The cost of all calls of a bot that began on a day, also of deleted calls.

    `bot` is the key of the bot, which may be deleted, and 0 for calls without one.
    """

    day = models.DateField()
    bot = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    calls = models.PositiveIntegerField(default=0)  # that cost something
    dearest = models.DecimalField(max_digits=16, decimal_places=8, default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                fields=["day", "bot", "currency"], name="calls_one_spending_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}, bot {self.bot}"


class Budget(models.Model):
    """The most that calls of a bot, or of all bots, may cost in a day or a month."""

    BOT_PATHS = ("bot",)

    class Period(models.TextChoices):
        DAY = Period.DAY.value, "Each day"
        MONTH = Period.MONTH.value, "Each month"

    class Action(models.TextChoices):
        WARN = "warn", "Are answered as always; it is only shown"
        MESSAGE = Action.MESSAGE.value, "Hear a message, and the call ends"
        TRANSFER = Action.TRANSFER.value, "Are transferred to a number"
        BOT = "bot", "Talk to another bot"

    bot = models.ForeignKey(
        Bot,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text="Empty: all bots together.",
    )
    period = models.CharField(
        "for", max_length=10, choices=Period, default=Period.MONTH
    )
    limit = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"), "Write an amount above zero.")],
    )
    warning_percent = models.PositiveSmallIntegerField(
        "warn at (%)",
        default=80,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="The console warns when so much of it is spent.",
    )
    action = models.CharField(
        "when it is spent, callers",
        max_length=20,
        choices=Action,
        default=Action.MESSAGE,
        help_text="From the next call on. Calls in progress go on.",
    )
    message = models.TextField(
        "text",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said first. Empty: the bot's sentence “when a number is closed”; "
        "before a transfer, its transfer message.",
    )
    transfer_number = models.CharField(
        "transfer to",
        max_length=16,
        blank=True,
        validators=[rules.e164, rules.transferable],
    )
    other_bot = models.ForeignKey(
        Bot,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="other bot",
        help_text="For example one with a cheaper model. Its own budget counts for it.",
    )

    class Meta:
        ordering = [F("bot__name").asc(nulls_first=True), "period"]
        constraints = [
            UniqueConstraint(
                Coalesce(F("bot"), Value(0)),
                "period",
                name="calls_one_budget_a_period",
                violation_error_message="There is a budget for this bot and time "
                "already. Change that one.",
            )
        ]

    def __str__(self) -> str:
        of = f"the bot {self.bot}" if self.bot else "all bots"
        return f"Budget of {of} for {self.get_period_display().lower()}"

    def clean(self) -> None:
        """Refuse an action without its part."""
        if problem := self._problem():
            raise ValidationError(problem)

    def _problem(self) -> dict[str, str]:
        if self.action == self.Action.TRANSFER:
            if not self.transfer_number:
                return {"transfer_number": "Write the number to transfer callers to."}
            if is_answered(self.transfer_number):
                words = "A bot answers this number, so callers would go in circles."
                return {"transfer_number": words}
        if self.action == self.Action.BOT:
            if self.bot_id is None:
                words = "Calls of another bot count for all bots, too. Choose another."
                return {"action": words}
            if not self.other_bot_id:
                return {"other_bot": "Choose the bot that answers instead."}
            if self.other_bot_id == self.bot_id:
                return {"other_bot": "This is the bot that has spent its budget."}
        return {}


def cost_sums(currency: str) -> dict[str, Any]:
    """Aggregates of a queryset of calls, from which `cost_in_sums` makes their cost.

    A call without a cost in the currency is an unknown part of the sum.
    """
    known = Q(cost__amount__isnull=False, cost__currency=currency)
    return {
        "known_cost": models.Sum("cost__amount", filter=known),
        "fully_known": models.Count("pk", filter=known & Q(cost__is_partial=False)),
        "all_calls": models.Count("pk"),
    }


def cost_in_sums(row: Mapping[str, Any]) -> Cost:
    """The cost of calls whose `cost_sums` these are."""
    is_partial = row["fully_known"] < row["all_calls"]
    return Cost(row["known_cost"] or Decimal(), is_partial)
