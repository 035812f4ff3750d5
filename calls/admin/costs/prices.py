"""The admin of prices, and the page that has costs calculated again."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.timezone import localdate

from bots.admin.changelist import ConsoleAdmin
from bots.responses import page
from bots.site_settings.current import day
from calls.audit.recording import Kind, record
from calls.costs.holes import missing_prices
from calls.costs.settling import settle_again
from calls.models import Price
from calls.prices.line_text import LABELS
from calls.prices.money import amount_text

NOT_COUNTED = "In {price}, but this console counts in {own}. Write it in {own}."
FIRST_DAY = date(2000, 1, 1)
OF_OTHERS = "everything without its own"


class PriceForm(forms.ModelForm[Price]):
    """A price in the currency of the deployment."""

    class Meta:
        model = Price
        fields = ["kind", "item", "amount", "valid_from", "source"]
        widgets = {"valid_from": forms.DateInput({"type": "date"}, "%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if amount := self.fields.get("amount"):
            amount.label = f"Price in {settings.CURRENCY}"

    def clean_item(self) -> str:
        return " ".join(self.cleaned_data["item"].split())


class AgainForm(forms.Form):
    """The days whose calls are calculated again."""

    first = forms.DateField(
        label="From", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last = forms.DateField(
        label="To", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    def clean(self) -> dict[str, Any] | None:
        """Refuse days in the wrong order, and those of no calls."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and first > last:
            raise forms.ValidationError("The first day comes after the last one.")
        if first and first < FIRST_DAY:
            raise forms.ValidationError(f"Choose a day after {FIRST_DAY.year - 1}.")
        if last and last > localdate():
            raise forms.ValidationError("The last day is in the future.")
        return cleaned


@admin.register(Price)
class PriceAdmin(ConsoleAdmin[Price]):
    """Prices, each from its day on."""

    form = PriceForm
    list_display = ["kind", "of_item", "price", "since", "origin"]
    list_filter = ["kind"]
    search_fields = ["item", "source"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Name what calls used without a price, each with a link to its form."""
        holes = [
            {
                "label": LABELS[kind],
                "item": item,
                "calls": calls,
                "query": urlencode({"kind": kind, "item": item}),
            }
            for kind, item, calls in missing_prices()
        ]
        extra = {"holes": holes, **(extra_context or {})}
        return super().changelist_view(request, extra)

    @admin.display(description="for", ordering="item")
    def of_item(self, price: Price) -> str:
        return price.item or OF_OTHERS

    @admin.display(description="price", ordering="amount")
    def price(self, price: Price) -> str:
        """The price; one in another currency says that it does not count."""
        if price.currency != settings.CURRENCY:
            return NOT_COUNTED.format(price=price.currency, own=settings.CURRENCY)
        return amount_text(price.amount, price.currency)

    @admin.display(description="valid from", ordering="valid_from")
    def since(self, price: Price) -> str:
        return day(price.valid_from)

    @admin.display(description="source", ordering="source")
    def origin(self, price: Price) -> str:
        return price.source or "-"

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Suggest today: yesterday's calls keep their prices."""
        return {
            "valid_from": localdate(),
            **super().get_changeform_initial_data(request),
        }

    def save_model(
        self, request: HttpRequest, obj: Price, form: Any, change: bool
    ) -> None:
        """A price of Inworld's list that somebody changes is one of ours."""
        obj.currency, obj.is_listed = settings.CURRENCY, False
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that has costs calculated again."""
        view = self.admin_site.admin_view(self.again_view)
        return [path("again/", view, name="calls_price_again"), *super().get_urls()]

    def again_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the days, and have their calls calculated in the background."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        today = localdate()
        initial = {"first": today.replace(day=1), "last": today}
        form = AgainForm(request.POST or None, initial=initial)
        if form.is_valid():
            _calculate_again(request, **form.cleaned_data)
            return redirect("admin:calls_price_changelist")
        title = "Calculate costs again"
        return page(request, "calls/price/again.html", title, form=form)


def _calculate_again(request: HttpRequest, first: date, last: date) -> None:
    count = settle_again(first, last)
    words = f"Costs calculated again: {first} to {last}, {count} calls."
    record(request, Kind.SETTINGS, request.user.get_username(), words)
    messages.success(
        request,
        f"The cost of {count} call{pluralize(count)} is calculated again, about a "
        "hundred in a second. Reload the page that shows it.",
    )
