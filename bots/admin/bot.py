"""The operator's desk: bots and the numbers that lead to them."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from bots.admin import editor_api, tool  # noqa: F401  (registers tools and secrets)
from bots.admin.fieldsets import SECTIONS
from bots.admin.forms import BotForm
from bots.admin.inlines import INLINES, PARTS
from bots.admin.versions import VersionHistoryMixin
from bots.models import Bot

NUMBERS_SHOWN = 3
NUMBERS_LISTED = 20
REMARKS_SHOWN = 3
WEEK = timedelta(days=7)


@admin.register(Bot)
class BotAdmin(VersionHistoryMixin, admin.ModelAdmin):
    """Everything about a bot on one page, in the order one thinks about it."""

    list_display = ["name", "state", "answers", "calls_this_week", "voice", "llm_model"]
    list_filter = ["is_active", "transcription_provider"]
    search_fields = ["name", "system_prompt", "numbers__number", "numbers__label"]
    form = BotForm
    inlines = tuple(INLINES)
    fieldsets = SECTIONS

    def get_urls(self) -> list[URLPattern]:
        """The editor's own addresses, before the admin's."""
        return [*editor_api.urls(self.admin_site.admin_view), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bot]:
        """Fetch every bot's numbers in one query, and count its calls of a week."""
        bots: QuerySet[Bot] = super().get_queryset(request)
        bots = bots.prefetch_related("numbers")
        return bots.annotate(week=_calls_since(timezone.now() - WEEK))

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Tools are ticked, so no window need open to add one to a list."""
        if db_field.name == "tools":
            field: Any = self.formfield_for_manytomany(db_field, request, **kwargs)
            field.widget.may_open = request.user.has_perm("bots.view_tool")
            field.widget.may_add = request.user.has_perm("bots.add_tool")
            return field
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save what belongs to it, and say what is worth another look."""
        super().save_related(request, form, formsets, change)
        found = [r for r in editor_api.remarks_on(request.POST) if r.level == "warning"]
        for remark in found[:REMARKS_SHOWN]:
            told = f"{_place(remark.field, request.POST)}: {remark.text}"
            self.message_user(request, capfirst(told), messages.WARNING)
        if (more := len(found) - REMARKS_SHOWN) > 0:
            warnings = f"{more} more warning{pluralize(more)}"
            text = f"{warnings} beside the fields of the bot."
            self.message_user(request, text, messages.WARNING)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask first, and say what its callers would hear."""
        bot = self.get_object(request, object_id)
        left = _left_behind(bot) if bot else {}
        return super().delete_view(
            request, object_id, {**(extra_context or {}), **left}
        )

    @admin.display(description="state", ordering="is_active")
    def state(self, bot: Bot) -> str:
        """Whether it answers calls, and whether it is the default."""
        return format_html(
            '<span class="bot-state {}">{}</span>{}',
            "on" if bot.is_active else "off",
            "Active" if bot.is_active else "Switched off",
            format_html('<span class="second-line">{}</span>', "default bot")
            if bot.is_default
            else "",
        )

    @admin.display(description="voice", ordering="tts_voice")
    def voice(self, bot: Bot) -> str:
        """The voice, and below it the language."""
        language = '{}<span class="second-line">{}</span>'
        return format_html(language, bot.tts_voice, bot.language)

    @admin.display(description="calls in 7 days", ordering="week")
    def calls_this_week(self, bot: Bot) -> str:
        """How many calls it took within a week, leading to them."""
        address = reverse("admin:calls_call_changelist")
        count: int = bot.week  # type: ignore[attr-defined]  # annotated above
        start = timezone.localtime() - WEEK
        query = urlencode({"bot__id__exact": bot.pk, "started_at__gte": start})
        link = '<a href="{}?{}">{}</a>'
        return format_html(link, address, query, count) if count else "0"

    @admin.display(description="numbers")
    def answers(self, bot: Bot) -> str:
        """List the first few numbers that lead to the bot."""
        numbers = [number.number for number in bot.numbers.all()]
        more = len(numbers) - NUMBERS_SHOWN
        shown = ", ".join(numbers[:NUMBERS_SHOWN])
        return f"{shown} and {more} more" if more > 0 else shown or "-"


def _place(field: str, form: QueryDict) -> str:
    """What an operator calls a field of the bot's page.

    A row goes by its name: the second row may well be for key 1.
    """
    listed, _, rest = field.partition("-")
    part = next((each for each in PARTS if each.prefix() == listed), None)
    if part is None:
        return str(label_for_field(field, Bot))
    number, _, name = rest.partition("-")
    label = label_for_field(name, part.model)
    row = form.get(f"{listed}-{number}-{part.named}")
    return f"{part.verbose_name} {row or int(number) + 1}, {label}"


def _left_behind(bot: Bot) -> dict[str, Any]:
    """What a bot answers, and who would answer instead: nobody, if there is none."""
    numbers = bot.numbers.filter(is_active=True)
    others = Bot.objects.filter(is_default=True, is_active=True).exclude(pk=bot.pk)
    shown = list(numbers[:NUMBERS_LISTED])
    return {
        "numbers": shown,
        "more_numbers": numbers.count() - len(shown),
        "default_bot": others.first(),
    }


def _calls_since(start: Any) -> Coalesce:
    # In one filter, which is one join.
    found = Bot.objects.filter(
        pk=OuterRef("pk"), calls__started_at__gte=start, calls__is_test=False
    )
    grouped = found.order_by().values("pk")
    counted = grouped.annotate(number=Count("calls")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))
