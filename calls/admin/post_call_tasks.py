"""The admin of after-call tasks: their attempts, and repeating them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_POST

from bots.access.numbers import may_see_numbers_of
from bots.access.scope import visible
from bots.admin.changelist import ConsoleAdmin, ConsoleChangeList
from bots.phone_numbers.masking import NumberMask
from bots.site_settings.current import moment
from calls.admin import filters
from calls.admin.read_only import ReadOnlyMixin
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind, State
from calls.post_call.queue import available_kinds, retry_now

# Users who may control calls may repeat their after-call tasks.
MAY_REPEAT = "calls.change_call"
BUTTONS = {
    Kind.SUMMARY: ("Summarise", "Summarise again"),
    Kind.WEBHOOK: ("Send to the webhook", "Send to the webhook again"),
}
STARTED = {
    Kind.SUMMARY: "The call is being summarised.",
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
class TaskView:
    """A task, done or possible, as the call's page shows it."""

    kind: str
    label: str
    state: str
    description: str
    button: str
    link: str


class RetriesPostCallTasks(ConsoleAdmin[Call]):
    """Shows after-call tasks on a call's page, and repeats them."""

    def get_urls(self) -> list[URLPattern]:
        """Add the target of the call page's form."""
        view = self.admin_site.admin_view(require_POST(self.again_view))
        address = "<int:call_id>/again/<slug:kind>/"
        return [path(address, view, name="calls_call_again"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the tasks, with buttons to repeat them."""
        call = context.get("original")
        if isinstance(call, Call):
            context["tasks"] = list(task_views(call, request.user))
        return super().render_change_form(request, context, *args, **kwargs)

    def again_view(self, request: HttpRequest, call_id: int, kind: str) -> HttpResponse:
        """Repeat a task of one call."""
        if not request.user.has_perm(MAY_REPEAT):
            raise PermissionDenied
        calls = visible(Call.objects.select_related("bot"), request.user, MAY_REPEAT)
        call = get_object_or_404(calls, pk=call_id)
        if kind not in available_kinds(call):
            raise Http404("The bot asks for no such thing after this call.")
        retry_now(call, Kind(kind))
        self.log_change(request, call, BUTTONS[Kind(kind)][1])
        messages.success(request, STARTED[Kind(kind)])
        return redirect("admin:calls_call_change", call_id)


def task_views(call: Call, user: Any) -> Iterator[TaskView]:
    """Tasks of a call that exist or are possible."""
    found = call.post_call_tasks.all()
    tasks = {task.kind: _visible(task, user) for task in found}
    repeatable = available_kinds(call) if user.has_perm(MAY_REPEAT, call) else []
    may_view = user.has_perm("calls.view_postcalltask")
    for kind in Kind:
        task = tasks.get(kind)
        if task or kind in repeatable:
            yield TaskView(
                kind=kind,
                label=kind.label,
                state=task.state if task else "",
                description=describe(task) if task else "Not done",
                button=BUTTONS[kind][bool(task)] if kind in repeatable else "",
                link=_page(task) if task and may_view else "",
            )


def describe(task: PostCallTask) -> str:
    """The state of a task, with the reason of a failure."""
    state = task.get_state_display()
    if task.state == State.WAITING and task.attempts:
        state = f"{state}, tried {task.attempts} time{pluralize(task.attempts)}"
    reason = task.log[-1].get("words", "") if task.log else ""
    return f"{state}. {reason}" if reason and task.state != State.DONE else state


def _visible(task: PostCallTask, user: Any) -> PostCallTask:
    """The task, without phone numbers in its log if the user may not see them."""
    if not may_see_numbers_of(user, task.call.bot_id):
        mask = NumberMask([task.call.caller])
        for entry in task.log:
            entry["words"] = mask.made(entry.get("words", ""))
    return task


class TaskChangeList(ConsoleChangeList):
    """A page of tasks."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's tasks as the user may see them."""
        super().get_results(request)
        self.result_list = [_visible(task, request.user) for task in self.result_list]


@admin.register(PostCallTask)
class PostCallTaskAdmin(ReadOnlyMixin, ConsoleAdmin[PostCallTask]):
    """Every summary and webhook delivery, with all attempts."""

    list_display = ["of_call", "kind", "state_text", "attempts", "answer", "next_try"]
    list_display_links = ["kind"]
    list_filter = ["state", "kind", ("call__bot", filters.BotFilter), "created_at"]
    list_select_related = ["call"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["call__call_sid__startswith"]
    search_help_text = "Twilio's name of the call (SID)."
    actions = ["again"]
    fields = ["of_call", "kind", "state_text", "next_try", "attempt_log"]
    readonly_fields = ["of_call", "state_text", "next_try", "attempt_log"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostCallTask]:
        """Without the long fields of the calls."""
        tasks: QuerySet[PostCallTask] = super().get_queryset(request)
        fields = [f"call__{name}" for name in UNLOADED]
        return tasks.select_related("call").defer(*fields)

    def get_changelist(
        self, request: HttpRequest, **options: Any
    ) -> type[TaskChangeList]:
        return TaskChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> PostCallTask | None:
        """The task as the user may see it."""
        task = super().get_object(request, object_id, from_field)
        return _visible(task, request.user) if task else None

    def has_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_REPEAT)

    @admin.action(description="Repeat the selected tasks", permissions=["again"])
    def again(self, request: HttpRequest, queryset: QuerySet[PostCallTask]) -> None:
        """Repeat tasks that their bots still ask for."""
        chosen = queryset.select_related("call__bot").defer(None)
        tasks = list(visible(chosen, request.user, MAY_REPEAT))
        repeatable = [task for task in tasks if task.kind in available_kinds(task.call)]
        for task in repeatable:
            retry_now(task.call, Kind(task.kind))
        if repeatable:
            messages.success(request, f"Will be repeated now: {len(repeatable)}.")
        if skipped := len(tasks) - len(repeatable):
            reason = "The bot no longer asks for it."
            messages.warning(request, f"Not repeated: {skipped}. {reason}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the button of the call's page."""
        task = context.get("original")
        if isinstance(task, PostCallTask):
            for view in task_views(task.call, request.user):
                if view.kind == task.kind:
                    context["task"] = view
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="call", ordering="call__started_at")
    def of_call(self, task: PostCallTask) -> str:
        """The start of the call, linked to its page."""
        start = localtime(task.call.started_at)
        page = reverse("admin:calls_call_change", args=[task.call_id])
        link = '<a href="{}">{}</a><span class="second-line">{}</span>'
        return format_html(link, page, moment(start, seconds=True), task.call.bot_name)

    @admin.display(description="state", ordering="state")
    def state_text(self, task: PostCallTask) -> str:
        return describe(task)

    @admin.display(description="last answer")
    def answer(self, task: PostCallTask) -> str:
        """The HTTP status of the latest attempt."""
        return str(task.log[-1].get("status") or "-") if task.log else "-"

    @admin.display(description="next try", ordering="due_at")
    def next_try(self, task: PostCallTask) -> str:
        if task.state != State.WAITING:
            return "-"
        due = localtime(task.due_at)
        return "now" if task.due_at <= now() else moment(due)

    @admin.display(description="attempts")
    def attempt_log(self, task: PostCallTask) -> str:
        """Time, result and duration of each attempt."""
        if not task.log:
            return "None yet"
        lines = ((_time(entry), _result(entry)) for entry in task.log)
        return format_html(
            "<ol>{}</ol>", format_html_join("", "<li>{}: {}</li>", lines)
        )


def _page(task: PostCallTask) -> str:
    return reverse("admin:calls_postcalltask_change", args=[task.pk])


def _time(entry: dict[str, Any]) -> str:
    time: datetime | None = parse_datetime(str(entry.get("at", "")))
    return moment(time, seconds=True) if time else "-"


def _result(entry: dict[str, Any]) -> str:
    text = "Done." if entry.get("done") else entry.get("words") or "Failed."
    status = f" HTTP {entry['status']}," if entry.get("status") else ""
    return f"{text}{status} {entry.get('ms', 0):,} ms"
