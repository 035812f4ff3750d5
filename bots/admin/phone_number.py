"""The admin of phone numbers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from simple_history.utils import bulk_update_with_history

from bots.access.scope import visible
from bots.admin.editor.fields import day_rows
from bots.admin.forms import PhoneNumberForm
from bots.admin.versions import VersionHistoryMixin
from bots.models import Bot, Outage, PhoneNumber
from bots.opening.public_holidays import regions
from bots.opening.special_days import BadDays
from bots.phone_numbers.masking import masked
from bots.site_settings.current import day, site_values
from bots.validators import LIST_MAX_LENGTH
from bots.versions.history import NUMBERS_CHANGED, record_change

BATCH = 500
TEST_IT = '<a href="{}">Test {}</a> to see and hear what its callers get.'
CONNECT_IT = (
    '<strong>One more step:</strong> let Twilio send its calls here. <a href="{}">'
    "Connect numbers</a> does it."
)
Fieldsets = tuple[tuple[str | None, Any], ...]
FIELDSETS: Fieldsets = (
    (
        None,
        {"fields": ["number", "label", "bot", "is_active", "max_concurrent_calls"]},
    ),
    (
        "Opening hours",
        {
            "fields": [
                *("time_zone", "opening_hours"),
                *("holiday_country", "holiday_region", "special_days"),
            ]
        },
    ),
    (
        "When it is closed",
        {"fields": ["when_closed", "closed_message", "transfer_number", "closed_bot"]},
    ),
)


class OwnBotFilter(admin.RelatedFieldListFilter):
    """Filter by bot; numbers without one are listed under the default bot."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return list(visible(Bot.objects.all(), request.user).values_list("pk", "name"))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Label the choice for numbers without a bot.

        Not “the default bot”: the first bot of a server has this name.
        """
        self.empty_value_display = SafeString("No bot of its own")
        return super().choices(changelist)


class BotChoice(forms.Form):
    """The bot that the selected numbers get."""

    bot = forms.ModelChoiceField(
        Bot.objects.all(), required=False, empty_label="The default bot", label="Bot:"
    )


OUTAGE = SafeString('<strong class="number-outage">Outage</strong>')


class NumberActionForm(BotChoice, ActionForm):
    """The chosen action, and the bot that one of them is about."""


@admin.register(PhoneNumber)
class PhoneNumberAdmin(VersionHistoryMixin):
    """The list of phone numbers and their form."""

    form = PhoneNumberForm
    fieldsets = FIELDSETS
    list_display = ["number", "label", "open_now", "answered_by", "is_active"]
    list_filter = ["is_active", ("bot", OwnBotFilter)]
    list_select_related = ["bot"]
    search_fields = ["number", "label", "bot__name"]
    actions = ["assign_bot"]
    action_form = NumberActionForm

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Suggest the console's time zone for a new number."""
        zone = site_values().time_zone
        return {"time_zone": zone, **super().get_changeform_initial_data(request)}

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses that the open form asks."""
        view = self.admin_site.admin_view
        regions, days = view(self.regions_view), view(self.days_view)
        return [
            path("regions/", regions, name="bots_phonenumber_regions"),
            path("days/", days, name="bots_phonenumber_days"),
            *super().get_urls(),
        ]

    def regions_view(self, request: HttpRequest) -> JsonResponse:
        """The regions of a country that have holidays of their own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = regions(request.GET.get("country", ""))
        return JsonResponse({"regions": list(found.items())})

    def days_view(self, request: HttpRequest) -> JsonResponse:
        """The days that a text stands for, or the problem."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.GET.get("text", "")[:LIST_MAX_LENGTH]
        try:
            return JsonResponse({"days": day_rows(text)})
        except BadDays as error:
            return JsonResponse({"problem": str(error)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhoneNumber]:
        """Find the numbers with an outage."""
        current = Outage.objects.in_effect(timezone.now())
        of_row = current.filter(Q(number=None) | Q(number=OuterRef("pk")))
        numbers: QuerySet[PhoneNumber] = super().get_queryset(request)
        return numbers.annotate(has_outage=Exists(of_row))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Say if the number is open, and mask a person's number where needed."""
        number = options.get("obj")
        if number:
            # The form may hold hours that were refused.
            saved = PhoneNumber.objects.get(pk=number.pk)
            context["state"] = state = saved.state_at(timezone.now())
            context["headline"] = state.headline(day)
            if self._hides_numbers(request, number):
                number.transfer_number = masked(number.transfer_number)
        return super().render_change_form(request, context, *args, **options)

    @admin.action(
        description="Let a bot answer the selected numbers", permissions=["change"]
    )
    def assign_bot(self, request: HttpRequest, queryset: QuerySet[PhoneNumber]) -> None:
        """Give all selected numbers, on all pages, the bot that was chosen beside."""
        form = BotChoice(request.POST)
        form.full_clean()  # valid: the admin has checked it with the action
        bot = form.cleaned_data["bot"]
        numbers = list(queryset.exclude(bot=bot))
        former = {number.bot_id for number in numbers}
        for number in numbers:
            number.bot = bot
        bulk_update_with_history(
            numbers, PhoneNumber, ["bot"], batch_size=BATCH, default_user=request.user
        )
        record_change({*former, bot and bot.pk}, NUMBERS_CHANGED)
        name = bot or "the default bot"
        LogEntry.objects.log_actions(
            request.user.pk or 0, numbers, CHANGE, f"Answered by {name}."
        )
        count = f"{len(numbers)} number{pluralize(numbers)}"
        self.message_user(request, f"Changed {count}: answered by {name}.")

    def save_model(
        self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool
    ) -> None:
        """Save; the versions of the bots that won or lost the number show that."""
        former = set(
            PhoneNumber.objects.filter(pk=obj.pk).values_list("bot", flat=True)
        )
        super().save_model(request, obj, form, change)
        if former != {obj.bot_id}:
            record_change({*former, obj.bot_id}, NUMBERS_CHANGED)

    def response_post_save_add(
        self, request: HttpRequest, obj: PhoneNumber
    ) -> HttpResponseRedirect:
        """Link to the page that connects the number, and to what callers hear."""
        self._offer_test(request, obj, is_new=True)
        return super().response_post_save_add(request, obj)

    def response_post_save_change(
        self, request: HttpRequest, obj: PhoneNumber
    ) -> HttpResponseRedirect:
        """Link to the page that shows what callers hear."""
        self._offer_test(request, obj)
        return super().response_post_save_change(request, obj)

    def _offer_test(
        self, request: HttpRequest, number: PhoneNumber, *, is_new: bool = False
    ) -> None:
        query = urlencode({"number": number.number})
        url = f"{reverse('admin:number-preview')}?{query}"
        text = format_html(TEST_IT, url, number.number)
        if is_new and request.user.has_perm("bots.change_phonenumber"):
            text = format_html(f"{CONNECT_IT} {{}}", reverse("admin:numbers"), text)
        self.message_user(request, text, messages.INFO)

    def delete_model(self, request: HttpRequest, obj: PhoneNumber) -> None:
        """Delete the number; the versions of its bot show that."""
        super().delete_model(request, obj)
        record_change([obj.bot_id], NUMBERS_CHANGED)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[PhoneNumber]
    ) -> None:
        """Delete the ticked numbers; the versions of their bots show that."""
        bots = set(queryset.values_list("bot", flat=True))
        super().delete_queryset(request, queryset)
        record_change(bots, NUMBERS_CHANGED)

    @admin.display(description="now")
    def open_now(self, number: PhoneNumber) -> str:
        """Open or closed, and until when; an outage comes before both."""
        state = number.state_at(timezone.now())
        headline = state.headline(day)
        if number.has_outage:  # type: ignore[attr-defined]  # annotated
            text = '{}<span class="second-line">Without it: {}</span>'
            return format_html(text, OUTAGE, headline)
        kind = "open" if state.is_open else "closed"
        return format_html('<span class="number-open {}">{}</span>', kind, headline)

    @admin.display(description="bot", ordering="bot__name")
    def answered_by(self, number: PhoneNumber) -> str:
        """Name the bot that answers."""
        return number.bot.name if number.bot else "The default bot"
