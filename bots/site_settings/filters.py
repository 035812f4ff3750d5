"""Template filters for dates in the style of the settings; built into all templates."""

from datetime import date, datetime

from django import template

from bots.site_settings import current

register = template.Library()


@register.filter
def day(value: date | None) -> str:
    return current.day(value)


@register.filter
def moment(value: datetime | None) -> str:
    return current.moment(value)


@register.filter
def exact_moment(value: datetime | None) -> str:
    return current.moment(value, seconds=True)
