"""The operator's desk: what was said on the phone. Nobody edits it."""

from collections.abc import Container
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localdate, localtime, now

from calls.admin import clip_audio, date_drilldown, filters
from calls.admin.blocked_callers import BlocksCallers
from calls.admin.changelist import MAX_COUNTED, CallChangeList, CappedPaginator
from calls.admin.downloads import TYPES, download
from calls.admin.post_call_tasks import RetriesPostCallTasks
from calls.admin.read_only import ReadOnlyMixin
from calls.models import Call
from calls.review import call_page, search, visibility
from calls.review.export import FORMS
from calls.review.status import display_status

LENGTH = (F("ended_at") - F("started_at")).asc(nulls_first=True)
BADGES = {
    "was_interrupted": "interrupted",
    "had_error": "error",
    "caller_was_silent": "silent",
    "is_test": "test",
}


# What a call keeps besides, in which numbers may stand.
TOLD = ("variables", "transfer", "settings")


@admin.register(Call)
class CallAdmin(ReadOnlyMixin, RetriesPostCallTasks, BlocksCallers):
    """Calls as a list to scan and a conversation to read."""

    list_display = [
        "started",
        "bot_told",
        "numbers",
        "end_told",
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
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # it would count every filter's calls
    actions = ["export_csv", "export_json", "block_callers"]
    search_fields = ["call_sid"]  # `get_search_results` does more
    search_help_text = "Words from the call, a number, a call SID or a bot's name."

    def get_urls(self) -> list[URLPattern]:
        """Files to download and sound to hear, beside the usual pages."""
        view, file = self.admin_site.admin_view, "export.<slug:form>"
        sound = "<int:call_id>/turns/<int:index>/<int:position>.wav"
        return [
            path(file, view(self.export_all), name="calls_call_export"),
            path(
                f"<int:call_id>/{file}", view(self.export_one), name="calls_call_file"
            ),
            path(sound, clip_audio.clip, name="calls_call_clip"),
            *super().get_urls(),
        ]

    # The list

    def get_changelist(
        self, request: HttpRequest, **options: Any
    ) -> type[CallChangeList]:
        """The list that tells why a call was found."""
        return CallChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """Calls in which every word occurs; none of them twice."""
        in_part = visibility.may_see_numbers(request.user)
        return search.matching(queryset, search_term, parts=in_part), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Numbers cannot be guessed digit by digit by those who may not see them."""
        told = lookup.startswith(("from_number", "to_number__", *TOLD))
        if told and not lookup.endswith("__exact"):
            return visibility.may_see_numbers(request.user)
        return super().lookup_allowed(lookup, value, request)

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Call], per_page: int, *args: Any
    ) -> "Paginator[Call]":
        """A filter's calls are counted, those of a search up to a limit."""
        searched = request.GET.get("q", "").strip()
        kind = CappedPaginator if searched else Paginator
        return kind(queryset, per_page, *args)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below a way to its dates."""
        span = Call.objects.aggregate(first=Min("started_at"), last=Max("started_at"))
        drill = None
        if span["first"]:
            days = (localdate(span[name]) for name in ("first", "last"))
            drill = date_drilldown.drill(request.GET.dict(), "started_at", *days)
        extra = {
            "title": "Calls",
            "dates": drill,
            "most_counted": MAX_COUNTED,
            "query_string": request.GET.urlencode(),
        }
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    @admin.display(description="started", ordering="started_at")
    def started(self, call: Call) -> str:
        """The day, and below it the time."""
        moment = localtime(call.started_at)
        return _two_lines(moment.strftime("%d %b %Y"), moment.strftime("%H:%M:%S"))

    @admin.display(description="bot", ordering="bot_name")
    def bot_told(self, call: Any) -> str:
        """Who answered, and below it the words that a search found."""
        name = call.bot_name or "-"
        if call.excerpt is None:
            return name
        found = '{}<span class="excerpt" dir="auto">{}<mark>{}</mark>{}</span>'
        return format_html(found, name, *call.excerpt)

    @admin.display(description="from and to", ordering="from_number")
    def numbers(self, call: Call) -> str:
        """Who called, and below it the number that was dialled."""
        caller, called = visibility.for_list(call)
        return _two_lines(caller or "-", f"→ {called or '-'}")

    @admin.display(description="status and end", ordering="status")
    def end_told(self, call: Call) -> str:
        """How the call stands, why it ended, what it came to, what sets it apart."""
        status = '<span class="call-status {}">{}</span>'
        came_to = '<span class="badge outcome">{}</span> '
        return format_html(
            f'{status}<span class="second-line">{{}}</span>{{}}{{}}',
            call.status,
            display_status(call),
            call.get_end_reason_display() if call.end_reason else "",
            format_html(came_to, call.outcome) if call.outcome else "",
            _badges(call),
        )

    @admin.display(description="length", ordering=LENGTH)
    def length(self, call: Call) -> str:
        """Minutes and seconds, and below it how much was said, once that is known."""
        if call.duration is None:
            return "-"
        return _two_lines(
            call_page.format_offset(call.duration), f"{call.turn_count} turns"
        )

    @admin.display(
        description="slowest",
        ordering=F("slowest_response_ms").asc(nulls_first=True),
    )
    def slowest(self, call: Call) -> str:
        """How long the caller waited at most, in seconds."""
        wait = call.slowest_response_ms
        return "-" if wait is None else f"{wait / 1000:.1f} s"

    # Files

    @admin.action(description="Export the selected calls as CSV", permissions=["view"])
    def export_csv(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> StreamingHttpResponse:
        """A row a turn, for a spreadsheet."""
        return download(request, queryset, "csv", _file_name())

    @admin.action(description="Export the selected calls as JSON", permissions=["view"])
    def export_json(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> StreamingHttpResponse:
        """A call a line, for other programs."""
        return download(request, queryset, "jsonl", _file_name())

    def export_all(self, request: HttpRequest, form: str) -> StreamingHttpResponse:
        """Every call of the list as it is filtered and sorted."""
        self._check(request, form, FORMS)
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise Http404("There is no such filter.") from error
        return download(request, found, form, _file_name())

    def export_one(
        self, request: HttpRequest, call_id: int, form: str
    ) -> StreamingHttpResponse:
        """One call."""
        self._check(request, form, TYPES)
        calls = Call.objects.filter(pk=call_id)
        if (call := calls.first()) is None:
            raise Http404("There is no such call.")
        return download(request, calls, form, f"call-{call.call_sid}")

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
            hide = not visibility.may_see_numbers(request.user)
            context |= call_page.call_context(obj, now(), hide=hide)
            context["badges"] = _badges(obj)
            context["caller"], context["called"] = visibility.for_user(
                request.user, obj
            )
        return super().render_change_form(request, context, add, change, form_url, obj)


def _two_lines(first: str, second: str) -> str:
    return format_html('{}<span class="second-line">{}</span>', first, second)


def _badges(call: Call) -> str:
    """A word for each thing that sets a call apart."""
    flags = [label for name, label in BADGES.items() if getattr(call, name)]
    badge = '<span class="badge {}">{}</span>'
    return format_html_join(" ", badge, zip(flags, flags, strict=True))


def _file_name() -> str:
    return f"calls-{localdate():%Y-%m-%d}"
