"""The cells of the list of calls."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.template.defaultfilters import pluralize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from bots.site_settings.current import day, moment
from calls.models import Call, CallCost
from calls.prices.money import cost_text
from calls.review import call_page, visibility

LENGTH = (F("ended_at") - F("started_at")).asc(nulls_first=True)
BADGES = {
    "was_interrupted": "interrupted",
    "had_error": "error",
    "caller_was_silent": "silent",
    "is_test": "test",
}
# An answer that takes longer is worth a flag (milliseconds).
SLOW = 2000


class CallCells:
    """The columns of the list; each call has a `row` (see `calls.review.call_rows`)."""

    @admin.display(description="started", ordering="started_at")
    def started(self, call: Call) -> str:
        """The day, and below it the time."""
        time = localtime(call.started_at)
        return _two_lines(day(time), time.strftime("%H:%M"))

    @admin.display(description="call")
    def about(self, call: Any) -> str:
        """The summary or the caller's first words; below them tags and notes."""
        row = call.row
        kind = "summary" if row.is_summary else "quote" if any(row.parts) else "nothing"
        tags = ((tag,) for tag in row.tags)
        return format_html(
            '<span class="about {}" dir="auto">{}</span>{}{}{}',
            kind,
            _marked(row.parts) if any(row.parts) else "Nothing was said",
            _excerpt(row.excerpt),
            format_html_join("", '<span class="tag" dir="auto">{}</span>', tags),
            _note_count(row.notes),
        )

    @admin.display(description="caller and number", ordering="from_number")
    def numbers(self, call: Any) -> str:
        """The caller, and below them the label of the number that they called."""
        caller, called = visibility.for_list(call)
        if call.is_outbound:
            return _two_lines(f"to {called or '-'}", call.row.label or caller or "-")
        return _two_lines(caller or "-", f"→ {call.row.label or called or '-'}")

    @admin.display(description="outcome", ordering="status")
    def result(self, call: Any) -> str:
        """Outcome, status, end reason, flags, and whether the call is handled."""
        outcome = '<span class="badge outcome">{}</span> '
        return format_html(
            '{}<span class="call-status {}">{}</span>'
            '<span class="second-line">{}</span>{} {}',
            format_html(outcome, call.outcome) if call.outcome else "",
            call.status,
            call.display_status,
            call.get_end_reason_display() if call.end_reason else "",
            badges(call),
            handled_badge(call),
        )

    @admin.display(description="bot", ordering="bot_name")
    def bot_of_call(self, call: Call) -> str:
        return call.bot_name or "-"

    @admin.display(description="length", ordering=LENGTH)
    def length(self, call: Call) -> str:
        """Minutes and seconds, and below them the number of turns and the cost."""
        if call.duration is None:
            return "-"
        about = f"{call.turn_count} turn{pluralize(call.turn_count)}"
        row: CallCost | None = getattr(call, "cost", None)
        if row and row.cost:
            cost = cost_text(row.cost, row.currency)
            about += f" · cost {cost}" if row.cost.is_unknown else f" · {cost}"
        return _two_lines(call_page.format_offset(call.duration), about)


def badges(call: Call) -> SafeString:
    """The flags of a call."""
    flags = [label for name, label in BADGES.items() if getattr(call, name)]
    wait = call.slowest_response_ms or 0
    slow = [("slow", f"waited {wait / 1000:.1f} s")] if wait >= SLOW else []
    badge = '<span class="badge {}">{}</span>'
    return format_html_join(" ", badge, [*((flag, flag) for flag in flags), *slow])


def handled_badge(call: Call) -> SafeString | str:
    """The user who has handled a call, and when."""
    if not call.handled_at:
        return ""
    when = moment(call.handled_at)
    name = call.handled_by.get_username() if call.handled_by else "somebody"
    badge = '<span class="badge handled" title="{}">✓ handled by {}</span>'
    return format_html(badge, when, name)


def _marked(parts: tuple[str, str, str]) -> SafeString | str:
    """A text with the word that a search found in the middle, if it found one."""
    before, found, after = parts
    if not found:
        return before
    return format_html("{}<mark>{}</mark>{}", before, found, after)


def _excerpt(excerpt: Any) -> SafeString | str:
    if not excerpt:
        return ""
    found = '<span class="excerpt" dir="auto">{}</span>'
    return format_html(found, _marked(excerpt))


def _note_count(count: int) -> SafeString | str:
    if not count:
        return ""
    words = f"{count} note{pluralize(count)}"
    return format_html('<span class="notes">{}</span>', words)


def _two_lines(first: str, second: str) -> SafeString:
    return format_html('{}<span class="second-line">{}</span>', first, second)
