"""The admin of budgets, each with what is spent of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.admin.changelist import ConsoleAdmin, ConsoleChangeList
from bots.models import Bot
from bots.phone_numbers.fields import PastedNumberField
from bots.site_settings.current import site_values
from calls.costs.admission import reserve_open_calls
from calls.costs.budgets import BudgetState, budget_states
from calls.models import Budget
from calls.prices.money import amount_text

Action = Budget.Action
# The settings that only some actions have, and their values for all others.
OWN_FIELDS: dict[str, tuple[tuple[Action, ...], Any]] = {
    "message": ((Action.MESSAGE, Action.TRANSFER), ""),
    "transfer_number": ((Action.TRANSFER,), ""),
    "other_bot": ((Action.BOT,), None),
}


class BudgetForm(forms.ModelForm[Budget]):
    """A budget. Without a bot it is for all of them."""

    bot = forms.ModelChoiceField(
        Bot.objects.all(), required=False, empty_label="All bots", label="Bot"
    )

    class Meta:
        model = Budget
        fields = [
            *("bot", "period", "limit", "warning_percent"),
            *("action", "message", "transfer_number", "other_bot"),
        ]
        field_classes = {"transfer_number": PastedNumberField}
        widgets = {"message": forms.Textarea({"rows": 3, "dir": "auto"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if limit := self.fields.get("limit"):
            limit.label = f"Limit in {settings.CURRENCY}"

    def clean(self) -> dict[str, Any] | None:
        """Leave out what the page hides for the chosen action."""
        cleaned = super().clean() or {}
        action = cleaned.get("action")
        for name, (actions, nothing) in OWN_FIELDS.items():
            if action and action not in actions:
                self.errors.pop(name, None)
                cleaned[name] = nothing
        return cleaned


class BudgetChangeList(ConsoleChangeList):
    """Budgets, with their states; a few queries for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        budgets = list(self.result_list)
        states = budget_states(budgets, timezone.now())
        for budget, state in zip(budgets, states, strict=True):
            budget.state = state
        self.result_list = budgets


@admin.register(Budget)
class BudgetAdmin(ConsoleAdmin[Budget]):
    """Limits of what calls may cost, and what callers hear when these are spent."""

    form = BudgetForm
    list_display = ["of_bot", "period", "amount", "spent", "action"]
    list_display_links = ["of_bot", "period"]
    list_select_related = ["bot"]
    fieldsets = (
        (None, {"fields": ["bot", "period", "limit", "warning_percent"]}),
        (
            "When it is spent",
            {"fields": ["action", "message", "transfer_number", "other_bot"]},
        ),
    )

    def get_changelist(
        self, request: HttpRequest, **kwargs: Any
    ) -> type[BudgetChangeList]:
        return BudgetChangeList

    def save_model(
        self, request: HttpRequest, obj: Budget, form: Any, change: bool
    ) -> None:
        """Count the calls in progress for it, too."""
        super().save_model(request, obj, form, change)
        reserve_open_calls(timezone.now())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Name the time zone that days and months have."""
        extra = {"time_zone": site_values().time_zone, **(extra_context or {})}
        return super().changelist_view(request, extra)

    @admin.display(description="bot", ordering="bot__name")
    def of_bot(self, budget: Budget) -> str:
        return str(budget.bot) if budget.bot else "All bots"

    @admin.display(description="limit", ordering="limit")
    def amount(self, budget: Budget) -> str:
        return amount_text(budget.limit, settings.CURRENCY)

    @admin.display(description="spent")
    def spent(self, budget: Any) -> SafeString:
        """The amount spent in this day or month, with a badge by its level."""
        state: BudgetState = budget.state
        badge = '<span class="badge budget-{}">{} %</span>'
        return format_html(
            badge + '<span class="second-line">{}</span>',
            *(state.level, state.percent, state.amounts),
        )
