"""What the list of calls can be narrowed down to."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import (
    ModelAdmin,
    RelatedFieldListFilter,
    SimpleListFilter,
)
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from bots.config.summary_spec import SummarySpec
from bots.models import Bot, PhoneNumber
from calls.models import Call

Lookups = list[tuple[str, str]]


class BotFilter(RelatedFieldListFilter):
    """The bot that took a call; of every bot the name is read and no more."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: "ModelAdmin[Call]"
    ) -> Any:
        """All bots by name."""
        return list(Bot.objects.order_by("name").values_list("pk", "name"))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name the calls that no bot took, or whose bot is gone."""
        self.empty_value_display = SafeString("No bot")
        return super().choices(changelist)


class NumberFilter(SimpleListFilter):
    """One of the deployment's numbers; of others a search finds the calls."""

    title = "number called"
    parameter_name = "to_number__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """Every number that a bot may have."""
        numbers = PhoneNumber.objects.order_by("number")
        return [
            (number, f"{number} {label}".strip())
            for number, label in numbers.values_list("number", "label")
        ]

    def has_output(self) -> bool:
        """Also without any number the parameter is this filter's."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        """Calls to that number."""
        number = self.value()
        return queryset.filter(to_number=number) if number else None


class OutcomeFilter(SimpleListFilter):
    """What calls came to, of what bots have to choose from now."""

    title = "outcome"
    parameter_name = "outcome__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """The outcomes of all bots, without a look at any call."""
        listed = Bot.objects.order_by().values_list("outcomes", flat=True)
        found = {
            each for text in listed for each in SummarySpec.of("", text, "").outcomes
        }
        return [(each, each) for each in sorted(found, key=str.casefold)]

    def has_output(self) -> bool:
        """Also without any outcome to choose the parameter is this filter's."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        """Calls that came to it."""
        outcome = self.value()
        return queryset.filter(outcome=outcome) if outcome else None


class SlowResponseFilter(SimpleListFilter):
    """Calls in which the caller had to wait."""

    title = "slowest answer"
    parameter_name = "slowest_response_ms__gte"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """Thresholds in milliseconds."""
        return [("2000", "Over 2 seconds"), ("5000", "Over 5 seconds")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        """Calls with an answer slower than that."""
        value = self.value() or ""
        if not value.isdecimal():
            return None
        return queryset.filter(slowest_response_ms__gte=int(value))


class TestCallFilter(SimpleListFilter):
    """Calls made from the desk are hidden until somebody asks for them."""

    title = "test calls"
    parameter_name = "is_test__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """Beside hiding them."""
        return [("all", "Shown"), ("1", "Only these")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name what happens without a choice."""
        first, *others = super().choices(changelist)
        hidden = self.value() in (None, "0")
        yield {**first, "display": "Hidden", "selected": hidden}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        """Hide, show or single out test calls."""
        match self.value():
            case "all":
                return None
            case "1":
                return queryset.filter(is_test=True)
            case _:
                return queryset.filter(is_test=False)
