"""The settings in force: those of the console's table, else those of `.env`.

They are read from the database whenever they are needed, so a change holds at once in
every process. A page reads them once.
"""

from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from bots.site_settings.dates import column_text, day_text, time_text
from bots.site_settings.model import ONLY_ROW, SiteSettings


@dataclass(frozen=True, slots=True)
class SiteValues:
    """The settings in force. `retention_days` is 0 if calls are kept for good."""

    time_zone: str
    mask_caller_numbers: bool
    retention_days: int
    date_style: str


# Of the page that is being made.
_of_page: ContextVar[list[SiteValues] | None] = ContextVar("site_values", default=None)


def env_values() -> SiteValues:
    """The first values: those of `.env`."""
    return SiteValues(
        settings.TIME_ZONE,
        settings.MASK_CALLER_NUMBERS,
        settings.CALL_RETENTION_DAYS,
        settings.DATE_STYLE,
    )


def site_values() -> SiteValues:
    """The settings in force. Reads the database, in a page only once."""
    kept = _of_page.get()
    if kept:
        return kept[0]
    values = _read()
    if kept is not None:
        kept.append(values)
    return values


def _read() -> SiteValues:
    names = [field.name for field in fields(SiteValues)]
    row = SiteSettings.objects.filter(pk=ONLY_ROW).values(*names).first() or {}
    chosen: dict[str, Any] = {
        name: value for name, value in row.items() if value not in (None, "")
    }
    return replace(env_values(), **chosen)


def day(value: date | None) -> str:
    """A day in the style of the settings."""
    return day_text(value, site_values().date_style) if value else ""


def column_day(value: date) -> str:
    """A day of the current weeks, short, in the style of the settings."""
    return column_text(value, site_values().date_style)


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    """A day and a time in the style of the settings."""
    return f"{day(value)}, {time_text(value, seconds=seconds)}" if value else ""


class PageSettings(MiddlewareMixin):
    """Reads the settings once for a page, and shows times of their time zone."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path.startswith(reverse("admin:index")):
            return
        _of_page.set([])
        timezone.activate(ZoneInfo(site_values().time_zone))

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        _of_page.set(None)
        timezone.deactivate()
        return response
