"""The admin of calls: the list, a call's page, and exports. Read-only."""

from collections.abc import Container
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.timezone import localdate, now

from bots.access.numbers import may_see_numbers, may_see_numbers_of
from bots.access.scope import visible
from bots.responses import style_nonce
from calls.admin import clip_audio, filters, recording_sound
from calls.admin.blocked_callers import BlocksCallers
from calls.admin.call_cells import CallCells, badges, handled_badge
from calls.admin.changelist import MAX_COUNTED, CallChangeList, CappedPaginator
from calls.admin.downloads import download
from calls.admin.handling import HandlesCalls
from calls.admin.post_call_tasks import RetriesPostCallTasks
from calls.admin.read_only import ReadOnlyMixin
from calls.admin.saved_views import SavesViews, normalised, view_links
from calls.admin.started_filter import StartedFilter
from calls.export_files.sending import send_file
from calls.models import Call, CallCost, Recording
from calls.prices.line_text import line_texts
from calls.prices.money import cost_text
from calls.privacy.deletion import delete_calls
from calls.recordings.playback import Playback
from calls.recordings.playback import playback as playback_of
from calls.review import call_page, search, visibility
from calls.review.export import CALLS_CSV, FORMS, TURNS_CSV
from calls.trace import files as traces


@admin.register(Call)
class CallAdmin(
    ReadOnlyMixin,
    CallCells,
    SavesViews,
    HandlesCalls,
    RetriesPostCallTasks,
    BlocksCallers,
):
    """Calls as a list, and each as a conversation."""

    list_display = [
        "started",
        "about",
        "numbers",
        "result",
        "bot_of_call",
        "length",
    ]
    list_display_links = ["started", "about"]
    list_filter = [
        StartedFilter,
        filters.HandledFilter,
        filters.OutcomeFilter,
        ("bot", filters.BotFilter),
        filters.NumberFilter,
        "status",
        "end_reason",
        filters.TagFilter,
        filters.NoteFilter,
        filters.RecordingFilter,
        "was_interrupted",
        "had_error",
        "caller_was_silent",
        filters.SlowResponseFilter,
        filters.TestCallFilter,
        "direction",
    ]
    # Links of the dashboard
    link_parameters = frozenset(
        [
            *("answered_at__isnull", "bot_name__exact", "status__in"),
            *("started_at__hour", "started_at__gte", "started_at__lt"),
        ]
    )
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    actions = [
        *("mark_handled", "mark_unhandled"),
        *("export_csv", "export_turns", "export_json", "block_callers"),
    ]
    search_fields = ["call_sid"]  # `get_search_results` does more
    search_help_text = (
        "Words from the call, a note, a name, a number, or the name of the call at "
        "Twilio (SID)."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add exports and clips."""
        view, file = self.admin_site.admin_view, "export.<slug:form>"
        trace = "<int:call_id>/trace.jsonl"
        clip = "<int:call_id>/turns/<int:index>/<int:position>.wav"
        sound = "<int:call_id>/recordings/<int:pk>/sound.wav"
        return [
            path(sound, view(recording_sound.sound), name="calls_call_sound"),
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
        """The list, with saved views above it."""
        extra = {
            "title": "Calls",
            "most_counted": MAX_COUNTED,
            "query_string": request.GET.urlencode(),
            "views": view_links(request.user, request.GET.urlencode()),
            "can_save_view": bool(normalised(request.GET.urlencode())),
        }
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    # Deletion, by superusers

    def delete_model(self, request: HttpRequest, obj: Call) -> None:
        delete_calls([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        delete_calls(list(queryset.values_list("pk", flat=True)))

    # Files

    @admin.action(description="Export the selected calls as CSV", permissions=["view"])
    def export_csv(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> HttpResponseBase:
        """One row per call, for spreadsheets."""
        return download(request, queryset, CALLS_CSV, _file_name())

    @admin.action(
        description="Export the selected calls' turns as CSV", permissions=["view"]
    )
    def export_turns(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> HttpResponseBase:
        """One row per turn, for spreadsheets."""
        return download(request, queryset, TURNS_CSV, _file_name())

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
        self._check(request, form, [*FORMS, "json"])
        calls = visible(Call.objects.filter(pk=call_id), request.user)
        call = get_object_or_404(calls)
        return download(request, calls, form, f"call-{call.call_sid}")

    def download_trace(self, request: HttpRequest, call_id: int) -> HttpResponseBase:
        """The trace of a call, if it has one. Its words have not been masked."""
        self._check(request, "jsonl", FORMS)
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
            playback = self._playback(request, obj)
            context |= call_page.call_context(
                *(obj, now(), playback.stretches), hide=hide, others=others
            )
            context["playback"] = playback
            context["style_nonce"] = style_nonce(request) if playback.parts else ""
            context["badges"] = badges(obj)
            context |= _cost_of(obj)
            context["handled_badge"] = handled_badge(obj)
            context["has_trace"] = not hide and traces.exists(obj.call_sid)
            numbers = visibility.shown_numbers(obj, hide=hide)
            context["caller"], context["called"] = numbers
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _playback(self, request: HttpRequest, call: Call) -> Playback:
        rows = Recording.objects.filter(call=call)
        may_hear = bool(rows) and visible(rows, request.user).exists()
        return playback_of(call, rows, may_hear=may_hear)


def _cost_of(call: Call) -> dict[str, Any]:
    """The cost of a call with its lines; none before it was calculated."""
    row: CallCost | None = getattr(call, "cost", None)
    if row is None or row.cost is None:
        return {}
    return {
        "cost": cost_text(row.cost, row.currency),
        "cost_lines": line_texts(row.lines, row.currency),
        "cost_at": row.calculated_at,
    }


def _file_name() -> str:
    return f"calls-{localdate():%Y-%m-%d}"
