"""The operator's desk: what was said on the phone. Nobody edits it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.timezone import localtime

from calls import review
from calls.models import Call


class ReadOnlyMixin:
    """Lets operators look, and superusers delete when a caller asks for privacy."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody writes calls by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody changes what was said."""
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Only superusers make a call forgotten."""
        return bool(request.user.is_active and request.user.is_superuser)


@admin.register(Call)
class CallAdmin(ReadOnlyMixin, admin.ModelAdmin):
    """Calls as a list to scan and a conversation to read."""

    list_display = [
        "started",
        "bot_name",
        "numbers",
        "outcome",
        "length",
        "turn_count",
    ]
    list_filter = ["started_at", "status", "end_reason", "direction", "bot"]
    list_per_page = 50
    list_select_related = ["bot"]
    date_hierarchy = "started_at"
    search_fields = [
        "call_sid",
        "bot_name",
        "from_number",
        "to_number",
        "turns__text",
    ]
    search_help_text = "A number, a call SID, a bot's name or words from the call."

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
            context |= {
                "title": f"Call from {obj.from_number or 'an unknown number'}",
                "subtitle": None,
                "call": obj,
                "length": self.length(obj),
                "conversation": review.conversation(obj),
                "settings_used": review.settings_used(obj),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description="started", ordering="started_at")
    def started(self, call: Call) -> str:
        """The day, and below it the time."""
        moment = localtime(call.started_at)
        return format_html(
            '{}<span class="second-line">{}</span>',
            moment.strftime("%d %b %Y"),
            moment.strftime("%H:%M:%S"),
        )

    @admin.display(description="from and to", ordering="from_number")
    def numbers(self, call: Call) -> str:
        """Who called, and below it the number that was dialled."""
        return format_html(
            '{}<span class="second-line">→ {}</span>',
            call.from_number or "-",
            call.to_number or "-",
        )

    @admin.display(description="status and end", ordering="status")
    def outcome(self, call: Call) -> str:
        """How the call stands, and below it why it ended."""
        return format_html(
            '<span class="call-status {}">{}</span><span class="second-line">{}</span>',
            call.status,
            call.get_status_display(),
            call.get_end_reason_display() if call.end_reason else "",
        )

    @admin.display(description="duration")
    def length(self, call: Call) -> str:
        """Minutes and seconds; a dash while the call goes on."""
        duration: timedelta | None = call.duration
        return "-" if duration is None else review.clock(duration)
