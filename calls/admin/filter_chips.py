"""The filters of the list of calls as chips, and as a menu that adds one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import ChangeList
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.timezone import is_aware, make_aware

from bots.site_settings.current import moment
from calls.admin.started_filter import StartedFilter
from calls.models import Call


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on; the link `remove` takes it away."""

    title: str
    value: str
    remove: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter and its choices; with `has_days` two days can be typed as well."""

    title: str
    choices: list[Any]
    has_days: bool


def menus(changelist: ChangeList) -> list[Menu]:
    """The filters to choose from. The first choice of each takes it away."""
    found = []
    for spec in changelist.filter_specs:
        choices = list(spec.choices(changelist))
        if len(choices) > 1:
            has_days = isinstance(spec, StartedFilter)
            found.append(Menu(capfirst(str(spec.title)), choices, has_days))
    return found


def chips(changelist: ChangeList) -> Iterator[Chip]:
    """The filters that are on, also those that a link has and no filter offers."""
    model_admin: Any = changelist.model_admin
    for spec in changelist.filter_specs:
        offered: Any = spec.choices(changelist)
        default, *others = offered
        title = capfirst(str(spec.title))
        chosen = next((choice for choice in others if choice["selected"]), None)
        if chosen:
            yield Chip(title, str(chosen["display"]), default["query_string"])
        if text := _other_value(spec, bool(chosen or default["selected"])):
            yield Chip(title, text, default["query_string"])
    for name, value in changelist.params.items():
        if name in model_admin.link_parameters:
            title, text = _link_texts(name, str(value))
            yield Chip(title, text, changelist.get_query_string(remove=[name]))


def _other_value(spec: ListFilter, is_offered: bool) -> str:
    """The value of a filter that is none of its choices."""
    if isinstance(spec, StartedFilter):
        return spec.days_text
    values = [] if is_offered else [*spec.used_parameters.values()]
    texts = (_flat(value) for value in values)
    return ", ".join(filter(None, texts))


def _flat(value: Any) -> str:
    """The text of a parameter, which may be a list of lists."""
    is_list = isinstance(value, list | tuple)
    return ", ".join(map(_flat, value)) if is_list else str(value)


def _link_texts(name: str, value: str) -> tuple[str, str]:
    """The title and the value of a lookup that the dashboard links to."""
    match name:
        case "answered_at__isnull":
            return "Answered", "No" if value.lower() in ("true", "1") else "Yes"
        case "bot_name__exact":
            return "Bot", value
        case "started_at__hour":
            return "Hour", f"{value}:00 to {value}:59"
        case "started_at__gte" | "started_at__lt":
            return (
                "Started",
                f"{'from' if name.endswith('gte') else 'before'} {_time(value)}",
            )
        case "status__in":
            labels = dict(Call.Status.choices)
            return "Status", " or ".join(labels.get(s, s) for s in value.split(","))
    return name, value


def _time(value: str) -> str:
    """A time of the address in the console's style."""
    try:
        time = parse_datetime(value)
    except ValueError:
        time = None
    if time is None:
        return value
    return moment(time if is_aware(time) else make_aware(time))
