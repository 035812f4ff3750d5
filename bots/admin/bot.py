"""The admin of bots: the list, and the editor with its warnings after saving."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.db.models import (
    Count,
    Exists,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from bots.access.scope import scope_of, visible
from bots.admin import tool  # noqa: F401  (registers tools and secrets)
from bots.admin.bot_files.pages import BotFilesMixin
from bots.admin.editor import api, new_bot
from bots.admin.editor.inlines import BOT_INLINES
from bots.admin.editor.tabs import NEW_BOT, NUMBERS, SECTIONS, tabs_of
from bots.admin.forms import BotForm
from bots.config import backup_voices
from bots.models import Bot, TransferTarget
from bots.models.choices import DEFAULT_LLM_MODEL
from bots.phone_numbers.masking import masked

NUMBERS_IN_LIST = 3
NUMBERS_ON_PAGE = 10
NUMBER_URL = "admin:bots_phonenumber"
NUMBERS_BEFORE_DELETE = 20
MAX_WARNINGS = 3
WEEK = timedelta(days=7)


@admin.register(Bot)
class BotAdmin(BotFilesMixin):
    """The list of bots, a short form for a new one, and the editor with its tabs."""

    list_display = [
        *("name", "state", "phone_numbers", "calls_this_week", "voice", "llm_model"),
        "test_call",
    ]
    list_filter = ["is_active"]
    search_fields = ["name", "system_prompt", "numbers__number", "numbers__label"]
    form = BotForm
    inlines = tuple(BOT_INLINES)
    readonly_fields = ["numbers_of_bot"]
    fieldsets = SECTIONS
    actions = ["duplicate_selected", "trace_next_call"]

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs that the open editor asks."""
        return [*api.urls(self.admin_site.admin_view), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask little for a new bot; show its numbers to users who may see them."""
        if obj is None:
            return NEW_BOT
        may_see = request.user.has_perm("bots.view_phonenumber")
        return [part for part in SECTIONS if may_see or part is not NUMBERS]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """A new bot has no lists yet."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The default bot answers for all others, so who has all of them chooses it."""
        is_bound = not scope_of(request.user, "bots.change_bot", "bots.add_bot").is_all
        return [*self.readonly_fields, *(["is_default"] if is_bound else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bot]:
        """Prefetch numbers and count the calls of the last seven days."""
        bots: QuerySet[Bot] = super().get_queryset(request)
        bots = bots.prefetch_related("numbers")
        here = Bot.objects.filter(pk=OuterRef("pk"))
        return bots.annotate(
            week=_calls_since(timezone.now() - WEEK),
            may_call=Exists(visible(here, request.user, "bots.change_bot")),
        )

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Show tools as checkboxes without the admin's popup to add one."""
        if db_field.name == "tools":
            field: Any = self.formfield_for_manytomany(db_field, request, **kwargs)
            field.widget.may_open = request.user.has_perm("bots.view_tool")
            field.widget.may_add = request.user.has_perm("bots.add_tool")
            return field
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Bot, form: Any, change: bool
    ) -> None:
        """Save; a new default bot takes the place of the one before."""
        if not change:
            obj.language = new_bot.language_for(obj.tts_voice, obj.language)
        if obj.is_default:
            for other in Bot.objects.filter(is_default=True).exclude(pk=obj.pk):
                other.is_default = False
                other.save()
                text = f"“{other}” is no longer the default bot."
                self.message_user(request, text, messages.WARNING)
        super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save the inlines, then show the most important warnings."""
        super().save_related(request, form, formsets, change)
        remarks = api.remarks_on(request)
        warnings = [remark for remark in remarks if remark.level == "warning"]
        for warning in warnings[:MAX_WARNINGS]:
            text = f"{_field_label(warning.field, request.POST)}: {warning.text}"
            self.message_user(request, capfirst(text), messages.WARNING)
        if (more := len(warnings) - MAX_WARNINGS) > 0:
            text = f"{more} more warning{pluralize(more)} beside the fields of the bot."
            self.message_user(request, text, messages.WARNING)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Bot | None = None,
    ) -> HttpResponse:
        """Mask the numbers of people for users who may neither see nor edit them."""
        if obj and self._hides_numbers(request, obj):
            obj.transfer_number = masked(obj.transfer_number)
            for inline in context["inline_admin_formsets"]:
                for form in inline.formset.forms:
                    if isinstance(form.instance, TransferTarget):
                        form.instance.number = masked(form.instance.number)
        if obj:
            lists = context["inline_admin_formsets"]
            context["tabs"] = tabs_of(context["adminform"], lists)
            context["language_tags"] = backup_voices.known_tags()
            context["recommended_model"] = DEFAULT_LLM_MODEL
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_add(
        self, request: HttpRequest, obj: Bot, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go on to a test call of the new bot, for users who may make one."""
        if not new_bot.leads_to_test_call(request, obj):
            return super().response_add(request, obj, post_url_continue)
        text = f"“{obj}” is ready. Talk to it here, then adapt it in its settings."
        if obj.language != Bot().language:
            text += f" It speaks {obj.language}, the language of its voice."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:test-call", args=[obj.pk]))

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Tell before deletion what callers of the bot's numbers will hear."""
        bot = self.get_object(request, object_id)
        context = (extra_context or {}) | (_delete_context(bot) if bot else {})
        return super().delete_view(request, object_id, context)

    @admin.action(
        description="Record the next call in a file (trace)", permissions=["change"]
    )
    def trace_next_call(self, request: HttpRequest, queryset: QuerySet[Bot]) -> None:
        """Switch the trace on; the next call of each bot switches it off again."""
        for bot in visible(queryset, request.user, "bots.change_bot"):
            Bot.objects.filter(pk=bot.pk).update(trace_next_call=True)
            self.log_change(request, bot, "Switched on: the next call is recorded.")
            message = (
                f"The next call of {bot} is recorded in a file: everything that caller "
                "and bot say, and all that Twilio sends. Tell the caller. Afterwards, "
                "download the trace on the call's page."
            )
            self.message_user(request, message, messages.WARNING)

    @admin.display(description="state", ordering="is_active")
    def state(self, bot: Bot) -> str:
        """Show if the bot answers calls, is the default bot, and is traced."""
        kind, text = _state_of(bot)
        return format_html(
            '<span class="bot-state {}">{}</span>{}{}',
            kind,
            text,
            format_html('<span class="second-line">{}</span>', "default bot")
            if bot.is_default
            else "",
            format_html('<span class="second-line">{}</span>', "next call is recorded")
            if bot.trace_next_call
            else "",
        )

    @admin.display(description="voice", ordering="tts_voice")
    def voice(self, bot: Bot) -> str:
        """Show the voice, with the language below it."""
        html = '{}<span class="second-line">{}</span>'
        return format_html(html, bot.tts_voice, bot.language)

    @admin.display(description="calls in 7 days", ordering="week")
    def calls_this_week(self, bot: Bot) -> str:
        """Count the calls of the last seven days, with a link to them."""
        url = reverse("admin:calls_call_changelist")
        count: int = bot.week  # type: ignore[attr-defined]  # annotated above
        start = timezone.localtime() - WEEK
        query = urlencode({"bot__id__exact": bot.pk, "started_at__gte": start})
        link = '<a href="{}?{}">{}</a>'
        return format_html(link, url, query, count) if count else "0"

    @admin.display(description="test call")
    def test_call(self, bot: Bot) -> str:
        """A link to talk to the bot in the browser, for users who may."""
        if not bot.may_call:  # type: ignore[attr-defined]  # annotated
            return "-"
        link = '<a class="button" href="{}">Test call</a>'
        return format_html(link, reverse("admin:test-call", args=[bot.pk]))

    @admin.display(description="numbers of this bot")
    def numbers_of_bot(self, bot: Bot) -> str:
        """The first numbers, with links to all of them and to add one."""
        count, changelist = bot.numbers.count(), reverse(f"{NUMBER_URL}_changelist")
        listed = list(bot.numbers.all()[:NUMBERS_ON_PAGE])
        return render_to_string(
            "admin/bots/bot/numbers.html",
            {
                "bot": bot,
                "numbers": listed,
                "more": count - len(listed),
                "all_of_bot": f"{changelist}?bot__id__exact={bot.pk}",
                "all": changelist,
                "add": f"{reverse(f'{NUMBER_URL}_add')}?bot={bot.pk}",
            },
        )

    @admin.display(description="numbers")
    def phone_numbers(self, bot: Bot) -> str:
        """List the first few numbers of the bot."""
        numbers = [number.number for number in bot.numbers.all()]
        more = len(numbers) - NUMBERS_IN_LIST
        first = ", ".join(numbers[:NUMBERS_IN_LIST])
        return f"{first} and {more} more" if more > 0 else first or "-"


def _field_label(field: str, form: QueryDict) -> str:
    """The label of a form field; a field of a row is preceded by the row's name."""
    prefix, _, rest = field.partition("-")
    inline = next((inline for inline in BOT_INLINES if inline.prefix() == prefix), None)
    if inline is None:
        return str(label_for_field(field, Bot))
    index, _, name = rest.partition("-")
    label = label_for_field(name, inline.model)
    row_name = form.get(f"{prefix}-{index}-{inline.name_field}") or int(index) + 1
    return f"{inline.verbose_name} {row_name}, {label}"


def _state_of(bot: Bot) -> tuple[str, str]:
    """The bot's state as a CSS class and in words; without a number nobody calls it."""
    if not bot.is_active:
        return "off", "Switched off"
    if bot.is_default or any(number.is_active for number in bot.numbers.all()):
        return "on", "Answers calls"
    return "unreachable", "No number yet"


def _delete_context(bot: Bot) -> dict[str, Any]:
    """The numbers of a bot, and the default bot that will answer them, if any."""
    numbers = bot.numbers.filter(is_active=True)
    defaults = Bot.objects.filter(is_default=True, is_active=True).exclude(pk=bot.pk)
    listed = list(numbers[:NUMBERS_BEFORE_DELETE])
    return {
        "numbers": listed,
        "more_numbers": numbers.count() - len(listed),
        "default_bot": defaults.first(),
    }


def _calls_since(start: Any) -> Coalesce:
    # One filter for both conditions, so that they apply to the same call.
    bots = Bot.objects.filter(
        pk=OuterRef("pk"), calls__started_at__gte=start, calls__is_test=False
    )
    grouped = bots.order_by().values("pk")
    counts = grouped.annotate(number=Count("calls")).values("number")
    return Coalesce(Subquery(counts, output_field=IntegerField()), Value(0))
