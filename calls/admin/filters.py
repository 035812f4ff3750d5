"""Filters of the list of calls."""

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

from bots.access.numbers import VIEW, may_see_numbers
from bots.access.scope import visible
from bots.config.summary_spec import SummarySpec
from bots.models import Bot, PhoneNumber
from bots.phone_numbers.masking import NumberMask
from calls.models import Call, CallNote, CallTag, Recording
from calls.review.handling import tag_names

Lookups = list[tuple[str, str]]


class BotFilter(RelatedFieldListFilter):
    """The bot that answered; reads only the names of bots."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: "ModelAdmin[Call]"
    ) -> Any:
        bots = visible(Bot.objects.order_by("name"), request.user, VIEW)
        return list(bots.values_list("pk", "name"))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Add “No bot”: no bot answered, or the bot was deleted."""
        self.empty_value_display = SafeString("No bot")
        return super().choices(changelist)


class ExactFilter(SimpleListFilter):
    """Calls with one value of a field, which `parameter_name` names."""

    parameter_name: str

    def has_output(self) -> bool:
        """Always, so that the parameter belongs to this filter without choices, too."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        value = self.value()
        return queryset.filter(**{self.parameter_name: value}) if value else None


class NumberFilter(ExactFilter):
    """One of the phone numbers set up here. Calls to others are found by searching.

    The calls that we place are to callers' numbers, which some users may not try out.
    """

    title = "number called"
    parameter_name = "to_number__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        numbers = visible(PhoneNumber.objects.order_by("number"), request.user, VIEW)
        return [
            (number, f"{number} {label}".strip())
            for number, label in numbers.values_list("number", "label")
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        found = super().queryset(request, queryset)
        is_ours = self.value() in dict(self.lookup_choices)
        if found is None or is_ours or may_see_numbers(request.user):
            return found
        return found.exclude(direction=Call.Direction.OUTBOUND)


class OutcomeFilter(ExactFilter):
    """The outcome in a call's summary, among those that bots define today."""

    title = "outcome"
    parameter_name = "outcome__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """The outcomes of all bots; reads no calls."""
        bots = visible(Bot.objects.order_by(), request.user, VIEW)
        texts = bots.values_list("outcomes", flat=True)
        outcomes = {
            outcome
            for text in texts
            for outcome in SummarySpec.of("", text, "").outcomes
        }
        return [(name, name) for name in sorted(outcomes, key=str.casefold)]


class HandledFilter(SimpleListFilter):
    """Calls that an operator has marked as handled, or all others."""

    title = "handled"
    parameter_name = "handled_at__isnull"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        return [("True", "Not handled"), ("False", "Handled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        value = self.value()
        if value not in ("True", "False"):
            return None
        return queryset.filter(handled_at__isnull=value == "True")


class TagFilter(ExactFilter):
    """Calls with one tag."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        """All tags, but to some users none with a number in it."""
        names, may_see = tag_names(request.user), may_see_numbers(request.user)
        mask = NumberMask()
        return [(name, name) for name in names if may_see or mask.made(name) == name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        if not (name := self.value()):
            return None
        is_offered = name in dict(self.lookup_choices)
        tagged = CallTag.objects.filter(name=name).order_by().values("call")
        return queryset.filter(pk__in=tagged) if is_offered else queryset.none()


class NoteFilter(SimpleListFilter):
    """Calls with a note."""

    title = "note"
    parameter_name = "note"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        return [("yes", "With a note")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        noted = CallNote.objects.order_by().values("call")
        return queryset.filter(pk__in=noted) if self.value() == "yes" else None


class RecordingFilter(SimpleListFilter):
    """Calls that can be heard, and those whose recording came to nothing."""

    title = "recording"
    parameter_name = "recording"
    without_sound = (Recording.Status.FAILED, Recording.Status.ABSENT)

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        return [("yes", "Can be heard"), ("failed", "Failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        heard = [Recording.Status.COMPLETED]
        wanted = {"yes": heard, "failed": self.without_sound}.get(self.value() or "")
        rows = Recording.objects.filter(status__in=wanted or []).order_by()
        return queryset.filter(pk__in=rows.values("call")) if wanted else None


class SlowResponseFilter(SimpleListFilter):
    """Calls in which the caller had to wait."""

    title = "slowest answer"
    parameter_name = "slowest_response_ms__gte"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        return [("2000", "Over 2 seconds"), ("5000", "Over 5 seconds")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        value = self.value() or ""
        return queryset.filter(slowest_response_ms__gte=value) if value else None


class TestCallFilter(SimpleListFilter):
    """Hides test calls, unless they are asked for."""

    title = "test calls"
    parameter_name = "is_test__exact"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Call]") -> Lookups:
        return [("all", "Shown"), ("1", "Only these")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name the default “Hidden”."""
        first, *others = super().choices(changelist)
        hidden = self.value() in (None, "0")
        yield {**first, "display": "Hidden", "selected": hidden}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        match self.value():
            case "all":
                return None
            case "1":
                return queryset.filter(is_test=True)
            case _:
                return queryset.filter(is_test=False)
