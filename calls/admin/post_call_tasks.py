"""What is done after calls, at the desk: the log of it, and doing it once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_POST

from calls.admin import filters
from calls.admin.read_only import ReadOnlyMixin
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind, State
from calls.post_call.queue import available_kinds, retry_now

# Whoever may take part in calls may have others told of them once more.
MAY_REPEAT = "calls.change_call"
AGAIN = {
    Kind.SUMMARY: ("Sum up", "Sum up again"),
    Kind.WEBHOOK: ("Send to the webhook", "Send to the webhook again"),
}
WILL_BE = {
    Kind.SUMMARY: "The call is being summed up.",
    Kind.WEBHOOK: "The call is being sent to the webhook.",
}
UNLOADED = [
    "settings",
    "variables",
    "transfer",
    "summary",
    "extracted_fields",
    "failed_relay_sessions",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done after a call, or that could be, as its page shows it."""

    kind: str
    label: str
    state: str
    told: str
    button: str
    link: str


class RetriesPostCallTasks(admin.ModelAdmin[Call]):
    """Shows on a call's page what came after the call, and does it again."""

    def get_urls(self) -> list[URLPattern]:
        """Where a call's page sends its form."""
        view = self.admin_site.admin_view(require_POST(self.again_view))
        address = "<int:call_id>/again/<slug:kind>/"
        return [path(address, view, name="calls_call_again"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Tell what was done after the call, and offer to do it again."""
        call = context.get("original")
        if isinstance(call, Call):
            context["steps"] = list(steps(call, request.user))
        return super().render_change_form(request, context, *args, **kwargs)

    def again_view(self, request: HttpRequest, call_id: int, kind: str) -> HttpResponse:
        """Sum up a call, or tell of it, once more."""
        if not request.user.has_perm(MAY_REPEAT):
            raise PermissionDenied
        call = Call.objects.select_related("bot").filter(pk=call_id).first()
        if call is None or kind not in available_kinds(call):
            raise Http404("The bot asks for no such thing after this call.")
        retry_now(call, Kind(kind))
        self.log_change(request, call, AGAIN[Kind(kind)][1])
        messages.success(request, WILL_BE[Kind(kind)])
        return redirect("admin:calls_call_change", call_id)


def steps(call: Call, user: Any) -> Iterator[Step]:
    """What was, is or could be done after a call."""
    rows = {row.kind: row for row in call.post_call_tasks.all()}
    offered = available_kinds(call) if user.has_perm(MAY_REPEAT) else []
    may_look = user.has_perm("calls.view_postcalltask")
    for kind in Kind:
        row = rows.get(kind)
        if row or kind in offered:
            yield Step(
                kind=kind,
                label=kind.label,
                state=row.state if row else "",
                told=told(row) if row else "Not done",
                button=AGAIN[kind][bool(row)] if kind in offered else "",
                link=_page(row) if row and may_look else "",
            )


def told(row: PostCallTask) -> str:
    """How something stands, in a few words."""
    words = row.get_state_display()
    if row.state == State.WAITING and row.attempts:
        words = (
            f"{words}, tried {row.attempts} {'time' if row.attempts == 1 else 'times'}"
        )
    why = row.log[-1].get("words", "") if row.log else ""
    return f"{words}. {why}" if why and row.state != State.DONE else words


@admin.register(PostCallTask)
class PostCallTaskAdmin(ReadOnlyMixin, admin.ModelAdmin[PostCallTask]):
    """Every summary and every delivery, with all its attempts."""

    list_display = ["of_call", "kind", "state_told", "attempts", "answer", "next_try"]
    list_display_links = ["kind"]
    list_filter = ["state", "kind", ("call__bot", filters.BotFilter), "created_at"]
    list_select_related = ["call"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["call__call_sid__startswith"]
    search_help_text = "A call SID."
    actions = ["again"]
    fields = ["of_call", "kind", "state_told", "next_try", "attempts_told"]
    readonly_fields = ["of_call", "state_told", "next_try", "attempts_told"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostCallTask]:
        """Without what only a call's own page shows."""
        rows: QuerySet[PostCallTask] = super().get_queryset(request)
        unloaded = [f"call__{name}" for name in UNLOADED]
        return rows.select_related("call").defer(*unloaded)

    def has_again_permission(self, request: HttpRequest) -> bool:
        """Whoever may do so from a call's page."""
        return request.user.has_perm(MAY_REPEAT)

    @admin.action(description="Do it again: sum up, or send", permissions=["again"])
    def again(self, request: HttpRequest, queryset: QuerySet[PostCallTask]) -> None:
        """Do each of them once more, as far as its bot still asks for it."""
        rows = list(queryset.select_related("call__bot").defer(None))
        wanted = [row for row in rows if row.kind in available_kinds(row.call)]
        for row in wanted:
            retry_now(row.call, Kind(row.kind))
        if wanted:
            messages.success(request, f"To be done again in a moment: {len(wanted)}.")
        if left := len(rows) - len(wanted):
            why = "The bot asks for it no more."
            messages.warning(request, f"Left alone: {left}. {why}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer to do it again where its call's page does."""
        row = context.get("original")
        if isinstance(row, PostCallTask):
            found = steps(row.call, request.user)
            context["step"] = next(step for step in found if step.kind == row.kind)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="call", ordering="call__started_at")
    def of_call(self, row: PostCallTask) -> str:
        """The call it belongs to."""
        began = localtime(row.call.started_at)
        page = reverse("admin:calls_call_change", args=[row.call_id])
        link = '<a href="{}">{}</a><span class="second-line">{}</span>'
        return format_html(link, page, f"{began:%d %b %Y %H:%M:%S}", row.call.bot_name)

    @admin.display(description="state", ordering="state")
    def state_told(self, row: PostCallTask) -> str:
        """How it stands, and why where it failed."""
        return told(row)

    @admin.display(description="last answer")
    def answer(self, row: PostCallTask) -> str:
        """The HTTP status of the latest attempt."""
        return str(row.log[-1].get("status") or "-") if row.log else "-"

    @admin.display(description="next try", ordering="due_at")
    def next_try(self, row: PostCallTask) -> str:
        """When it is tried next."""
        if row.state != State.WAITING:
            return "-"
        due = localtime(row.due_at)
        return "now" if row.due_at <= now() else f"{due:%d %b %H:%M:%S}"

    @admin.display(description="attempts")
    def attempts_told(self, row: PostCallTask) -> str:
        """When each was, what came of it and how long it took."""
        if not row.log:
            return "None yet"
        lines = ((_moment(entry), _came_of(entry)) for entry in row.log)
        return format_html(
            "<ol>{}</ol>", format_html_join("", "<li>{}: {}</li>", lines)
        )


def _page(row: PostCallTask) -> str:
    return reverse("admin:calls_postcalltask_change", args=[row.pk])


def _moment(entry: dict[str, Any]) -> str:
    at: datetime | None = parse_datetime(str(entry.get("at", "")))
    return f"{localtime(at):%d %b %Y, %H:%M:%S}" if at else "-"


def _came_of(entry: dict[str, Any]) -> str:
    words = "Done." if entry.get("done") else entry.get("words") or "Failed."
    status = f" HTTP {entry['status']}," if entry.get("status") else ""
    return f"{words}{status} {entry.get('ms', 0):,} ms"
