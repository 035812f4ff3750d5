"""The admin of calls: the list, a call's page, and exports. Read-only."""

from collections.abc import Container
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localdate, localtime, now

from bots.access.numbers import may_see_numbers, may_see_numbers_of
from bots.access.scope import visible
from calls.admin import clip_audio, date_drilldown, filters
from calls.admin.blocked_callers import BlocksCallers
from calls.admin.changelist import MAX_COUNTED, CallChangeList, CappedPaginator
from calls.admin.downloads import download
from calls.admin.post_call_tasks import RetriesPostCallTasks
from calls.admin.read_only import ReadOnlyMixin
from calls.export_files.sending import TYPES, send_file
from calls.models import Call
from calls.review import call_page, search, visibility
from calls.review.export import FORMS
from calls.trace import files as traces

LENGTH = (F("ended_at") - F("started_at")).asc(nulls_first=True)
BADGES = {
    "was_interrupted": "interrupted",
    "had_error": "error",
    "caller_was_silent": "silent",
    "is_test": "test",
}


@admin.register(Call)
class CallAdmin(ReadOnlyMixin, RetriesPostCallTasks, BlocksCallers):
    """Calls as a list, and each as a conversation."""

    list_display = [
        "started",
        "bot_and_excerpt",
        "numbers",
        "status_and_end",
        "length",
        "slowest",
    ]
    list_filter = [
        "started_at",
        ("bot", filters.BotFilter),
        filters.NumberFilter,
        "status",
        "end_reason",
        filters.OutcomeFilter,
        "was_interrupted",
        "had_error",
        "caller_was_silent",
        filters.SlowResponseFilter,
        filters.TestCallFilter,
        "direction",
    ]
    date_hierarchy = "started_at"
    # Links of the dashboard
    link_parameters = frozenset(
        ["answered_at__isnull", "bot_name__exact", "started_at__hour", "status__in"]
    )
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # it would count every filter's calls
    actions = ["export_csv", "export_json", "block_callers"]
    search_fields = ["call_sid"]  # `get_search_results` does more
    search_help_text = "Words from the call, a number, a call SID or a bot's name."

    def get_urls(self) -> list[URLPattern]:
        """Add exports and clips."""
        view, file = self.admin_site.admin_view, "export.<slug:form>"
        trace = "<int:call_id>/trace.jsonl"
        clip = "<int:call_id>/turns/<int:index>/<int:position>.wav"
        return [
            path(file, view(self.export_all), name="calls_call_export"),
            path(
                f"<int:call_id>/{file}", view(self.export_one), name="calls_call_file"
            ),
            path(trace, view(self.download_trace), name="calls_call_trace"),
            path(clip, clip_audio.clip, name="calls_call_clip"),
            *super().get_urls(),
        ]

    # The list

    def get_changelist(
        self, request: HttpRequest, **options: Any
    ) -> type[CallChangeList]:
        return CallChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """Search words, numbers, SIDs and bots; yields no duplicates."""
        hide = not may_see_numbers(request.user)
        return search.matching(queryset, search_term, hide=hide), False

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """The order of numbers would tell them to users who may not see them."""
        columns = super().get_sortable_by(request)
        if may_see_numbers(request.user):
            return columns
        return [column for column in columns if column != "numbers"]

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Call], per_page: int, *args: Any
    ) -> "Paginator[Call]":
        """Count all calls of a filter, but those of a search only up to a limit."""
        is_search = request.GET.get("q", "").strip()
        paginator = CappedPaginator if is_search else Paginator
        return paginator(queryset, per_page, *args)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with links to dates above it."""
        calls = visible(Call.objects.all(), request.user)
        span = calls.aggregate(first=Min("started_at"), last=Max("started_at"))
        dates = None
        if span["first"]:
            days = (localdate(span[name]) for name in ("first", "last"))
            dates = date_drilldown.drill(request.GET.dict(), "started_at", *days)
        extra = {
            "title": "Calls",
            "dates": dates,
            "most_counted": MAX_COUNTED,
            "query_string": request.GET.urlencode(),
        }
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    @admin.display(description="started", ordering="started_at")
    def started(self, call: Call) -> str:
        """The day, and below it the time."""
        time = localtime(call.started_at)
        return _two_lines(time.strftime("%d %b %Y"), time.strftime("%H:%M:%S"))

    @admin.display(description="bot", ordering="bot_name")
    def bot_and_excerpt(self, call: Any) -> str:
        """The bot, and below it the words that a search found."""
        name = call.bot_name or "-"
        if call.excerpt is None:
            return name
        found = '{}<span class="excerpt" dir="auto">{}<mark>{}</mark>{}</span>'
        return format_html(found, name, *call.excerpt)

    @admin.display(description="from and to", ordering="from_number")
    def numbers(self, call: Call) -> str:
        """The caller's number, and below it the number called."""
        caller, called = visibility.for_list(call)
        return _two_lines(caller or "-", f"→ {called or '-'}")

    @admin.display(description="status and end", ordering="status")
    def status_and_end(self, call: Call) -> str:
        """Status, end reason, outcome and flags."""
        status = '<span class="call-status {}">{}</span>'
        outcome = '<span class="badge outcome">{}</span> '
        return format_html(
            f'{status}<span class="second-line">{{}}</span>{{}}{{}}',
            call.status,
            call.display_status,
            call.get_end_reason_display() if call.end_reason else "",
            format_html(outcome, call.outcome) if call.outcome else "",
            _badges(call),
        )

    @admin.display(description="length", ordering=LENGTH)
    def length(self, call: Call) -> str:
        """Minutes and seconds, and below them the number of turns."""
        if call.duration is None:
            return "-"
        turns = f"{call.turn_count} turn{pluralize(call.turn_count)}"
        return _two_lines(call_page.format_offset(call.duration), turns)

    @admin.display(
        description="slowest",
        ordering=F("slowest_response_ms").asc(nulls_first=True),
    )
    def slowest(self, call: Call) -> str:
        """The longest wait for an answer, in seconds."""
        wait = call.slowest_response_ms
        return "-" if wait is None else f"{wait / 1000:.1f} s"

    # Files

    @admin.action(description="Export the selected calls as CSV", permissions=["view"])
    def export_csv(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> HttpResponseBase:
        """One row per turn, for spreadsheets."""
        return download(request, queryset, "csv", _file_name())

    @admin.action(description="Export the selected calls as JSON", permissions=["view"])
    def export_json(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> HttpResponseBase:
        """One call per line, for other programs."""
        return download(request, queryset, "jsonl", _file_name())

    def export_all(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Every call of the list, filtered and sorted like the list."""
        self._check(request, form, FORMS)
        try:
            calls = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise Http404("There is no such filter.") from error
        return download(request, calls, form, _file_name())

    def export_one(
        self, request: HttpRequest, call_id: int, form: str
    ) -> HttpResponseBase:
        self._check(request, form, TYPES)
        calls = visible(Call.objects.filter(pk=call_id), request.user)
        call = get_object_or_404(calls)
        return download(request, calls, form, f"call-{call.call_sid}")

    def download_trace(self, request: HttpRequest, call_id: int) -> HttpResponseBase:
        """The trace of a call, if it has one. Its words have not been masked."""
        self._check(request, "jsonl", TYPES)
        call = visible(Call.objects.filter(pk=call_id), request.user).first()
        may_read = call and may_see_numbers_of(request.user, call.bot_id)
        trace = traces.read(call.call_sid) if call and may_read else None
        if call is None or trace is None:
            raise Http404("The call has no trace.")
        return send_file(request, iter([trace]), f"trace-{call.call_sid}.jsonl")

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The operators' actions, among them the words that the bot had to say."""
        response = super().history_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None)
        call: Call | None = context["object"] if context else None
        if context and call and not may_see_numbers_of(request.user, call.bot_id):
            mask = visibility.mask_of(call)
            entries = context["action_list"]
            entries.object_list = list(entries.object_list)
            for entry in entries.object_list:
                entry.change_message = mask.made(entry.change_message)
        return response

    def _check(self, request: HttpRequest, form: str, forms: Container[str]) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in forms:
            raise Http404("Calls are exported as CSV or JSON.")

    # The call

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Call | None = None,
    ) -> HttpResponse:
        """Show the call as a conversation instead of a form."""
        if obj is not None:
            hide = not may_see_numbers_of(request.user, obj.bot_id)
            others = visible(Call.objects.all(), request.user)
            context |= call_page.call_context(obj, now(), hide=hide, others=others)
            context["badges"] = _badges(obj)
            context["has_trace"] = not hide and traces.exists(obj.call_sid)
            numbers = visibility.shown_numbers(obj, hide=hide)
            context["caller"], context["called"] = numbers
        return super().render_change_form(request, context, add, change, form_url, obj)


def _two_lines(first: str, second: str) -> str:
    return format_html('{}<span class="second-line">{}</span>', first, second)


def _badges(call: Call) -> str:
    flags = [label for name, label in BADGES.items() if getattr(call, name)]
    badge = '<span class="badge {}">{}</span>'
    return format_html_join(" ", badge, zip(flags, flags, strict=True))


def _file_name() -> str:
    return f"calls-{localdate():%Y-%m-%d}"
