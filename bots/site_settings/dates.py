"""Dates as pages show them, in the style that the settings choose."""

from datetime import date, datetime

from django.db.models import TextChoices
from django.utils import dateformat
from django.utils.timezone import localtime


class DateStyle(TextChoices):
    """The styles, each by the same day."""

    SHORT = "short", "30 Nov 2026"
    DOTS = "dots", "30.11.2026"
    SLASHES = "slashes", "30/11/2026"
    US = "us", "Nov 30, 2026"
    ISO = "iso", "2026-11-30"


FORMATS = {
    DateStyle.SHORT: "j M Y",
    DateStyle.DOTS: "d.m.Y",
    DateStyle.SLASHES: "d/m/Y",
    DateStyle.US: "M j, Y",
    DateStyle.ISO: "Y-m-d",
}


# Without the year, after the day of the week: the columns of a chart.
FORMATS_OF_COLUMNS = {
    DateStyle.SHORT: "D j M",
    DateStyle.DOTS: "D d.m.",
    DateStyle.SLASHES: "D d/m",
    DateStyle.US: "D M j",
    DateStyle.ISO: "D m-d",
}


def day_text(day: date, style: str) -> str:
    """A day, of the local clock if it has a time."""
    local = localtime(day) if isinstance(day, datetime) else day
    return str(dateformat.format(local, FORMATS[DateStyle(style)]))


def column_text(day: date, style: str) -> str:
    """A day of the current weeks."""
    return str(dateformat.format(day, FORMATS_OF_COLUMNS[DateStyle(style)]))


def time_text(time: datetime, *, seconds: bool = False) -> str:
    """A time of the local clock."""
    return str(dateformat.format(localtime(time), "H:i:s" if seconds else "H:i"))
