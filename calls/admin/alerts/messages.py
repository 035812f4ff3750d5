"""The log of alerts: what was told, where, and why something was not sent."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_POST

from bots.admin.changelist import ConsoleAdmin, moment_column
from bots.site_settings.current import moment
from calls.admin.read_only import ReadOnlyMixin
from calls.alerts.attempt import Result
from calls.alerts.envelopes import things_of
from calls.alerts.queue import send_again
from calls.alerts.texts import compose
from calls.models import AlertMessage
from calls.models.alert import Delivery, State

MAY_SEND = "calls.change_alertrule"
RESULTS = {
    Result.SENT: "Sent.",
    Result.LATER: "Not sent, and tried again.",
    Result.REFUSED: "Not sent.",
    Result.UNKNOWN: "Perhaps sent.",
    Result.DELIVERED: "Delivered.",
    Result.LOST: "Not delivered.",
}
SENT_AGAIN = "It is sent again now."
NOT_AGAIN = "It was sent, or its channel was deleted, so it is not sent again."
MAX_SHOWN = 500


@admin.register(AlertMessage)
class AlertMessageAdmin(ReadOnlyMixin, ConsoleAdmin[AlertMessage]):
    """A list that nobody edits. Messages are deleted after half a year."""

    list_display = ["time", "told", "channel_name", "soon", "state_text"]
    list_display_links = ["time"]
    list_filter = ["state", "channel", "created_at"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["told", "channel_name", "soon", "state_text", "planned", "attempt_log"]
    readonly_fields = ["told", "soon", "state_text", "planned", "attempt_log"]
    time = moment_column("created_at", "since", seconds=True)

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertMessage]:
        rows: QuerySet[AlertMessage] = super().get_queryset(request)
        return rows.select_related("sent_by")

    def get_urls(self) -> list[URLPattern]:
        """Add the target of the button that sends a message again."""
        view = self.admin_site.admin_view(require_POST(self.again_view))
        again = path("<int:pk>/again/", view, name="calls_alertmessage_again")
        return [again, *super().get_urls()]

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a message that failed, or of which nobody knows."""
        if not request.user.has_perm(MAY_SEND):
            raise PermissionDenied
        if send_again(pk):
            messages.success(request, SENT_AGAIN)
        else:
            messages.warning(request, NOT_AGAIN)
        return redirect("admin:calls_alertmessage_change", pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show everything that the message tells, as it is masked in it."""
        message = context.get("original")
        if isinstance(message, AlertMessage):
            things = things_of(message)
            context["sections"] = compose(
                things[:MAX_SHOWN], "", "", MAX_SHOWN
            ).sections
            context["left_out"] = max(message.alert_count - MAX_SHOWN, 0)
            may_send = request.user.has_perm(MAY_SEND) and not message.is_test
            may_send &= message.state in AlertMessage.MISSED
            context["may_send"] = may_send and message.channel_id is not None
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="what")
    def told(self, message: AlertMessage) -> str:
        """The subject as it was sent, or how much waits."""
        if message.subject:
            return message.subject
        count = message.alert_count
        return f"{count:,} thing{pluralize(count)}, not sent yet"

    @admin.display(description="how soon", ordering="delivery")
    def soon(self, message: AlertMessage) -> str:
        if message.is_test:
            by = message.sent_by.get_username() if message.sent_by else "somebody"
            return f"Test by {by}"
        if message.was_held:
            return "Held back by the limit of messages an hour"
        return str(Delivery(message.delivery).label)

    @admin.display(description="state", ordering="state")
    def state_text(self, message: AlertMessage) -> str:
        """The state, with the reason of a failure."""
        state = message.get_state_display()
        if message.state == State.WAITING:
            due = (
                "now" if message.due_at <= now() else moment(localtime(message.due_at))
            )
            state = f"{state}, next try {due}"
        last = message.log[-1] if message.log else {}
        if message.state == State.SENT:
            arrived = ", delivered" if last.get("result") == Result.DELIVERED else ""
            time = moment(localtime(message.sent_at), seconds=True)
            return f"{state} {time}{arrived}"
        words = last.get("words", "")
        return f"{state}. {words}" if words else state

    @admin.display(description="planned for")
    def planned(self, message: AlertMessage) -> str:
        return moment(localtime(message.planned_at), seconds=True)

    @admin.display(description="attempts")
    def attempt_log(self, message: AlertMessage) -> str:
        """Time, result and answer of each attempt."""
        if not message.log:
            return "None yet"
        lines = (_attempt(entry) for entry in message.log)
        return format_html(
            "<ol>{}</ol>", format_html_join("", "<li>{}: {}</li>", lines)
        )


def _attempt(entry: dict[str, Any]) -> tuple[str, str]:
    time = parse_datetime(str(entry.get("at", "")))
    parts = [RESULTS.get(entry.get("result", ""), ""), entry.get("words", "")]
    if status := entry.get("status"):
        parts.append(f"Status {status}.")
    if answer := entry.get("answer"):
        parts.append(f"Answer: {answer}")
    return moment(localtime(time), seconds=True) if time else "-", " ".join(
        filter(None, parts)
    )
