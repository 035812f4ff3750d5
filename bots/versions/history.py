"""Versions of bots, phone numbers and tools: list and compare."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignKey, Model, QuerySet

from bots.models import Bot, PhoneNumber, Tool
from bots.models.bot_actions import BotActions
from bots.models.bot_turn_taking import BotTurnTaking
from bots.models.version_rows import rows_of
from bots.phone_numbers.masking import masked
from bots.versions.change import SEPARATOR, Change, label_of, text_of
from bots.versions.numbers import numbers_of
from bots.versions.row_changes import names_changed, row_changes, row_settings

MODELS: tuple[type[Model], ...] = (Bot, PhoneNumber, Tool)
SERVER = "the server"
# The one setting with the number of a person.
TRANSFER_FIELD = "transfer_number"
FIRST_VERSION = "First recorded version"
NUMBERS_CHANGED = "Its numbers changed"

INHERITED = {
    field.name
    for base in (BotTurnTaking, BotActions)
    for field in base._meta.local_fields
}

# A row of a history table. simple_history creates the classes, so they have no types.
Version = Any


def versions(model: type[Model], pk: int) -> "QuerySet[Any]":
    """All versions of one bot or number, latest first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    related = [field.name for field in tracked(history.model) if _is_link(field)]
    rows = history.filter(id=pk).select_related("history_user", *related)
    ordered: QuerySet[Any] = rows.order_by("-history_id")
    return ordered


def previous(version: Version) -> Version | None:
    """The version before this one."""
    earlier = versions(version.instance_type, version.id)
    return earlier.filter(history_id__lt=version.history_id).first()


def author(version: Version) -> str:
    """The name of the user who saved the version, or the server."""
    user = version.history_user
    return (user.get_full_name() or user.get_username()) if user else SERVER


def changes(old: Version, new: Version, *, hide: bool = False) -> list[Change]:
    """The settings that differ between two versions; `hide` masks people's numbers."""
    changed = new.diff_against(old).changed_fields
    fields = [field for field in tracked(new) if field.name in changed]
    # Compared in full: two numbers may look the same when they are masked.
    found = [
        Change(label_of(field), *(_text(row, field, hide=hide) for row in (old, new)))
        for field in fields
        if _text(old, field, hide=False) != _text(new, field, hide=False)
    ]
    if has_rows(new):
        found += row_changes(old.rows, new.rows, hide=hide)
    if new.instance_type is Bot:
        found += names_changed("Numbers", numbers_of(old), numbers_of(new))
    return found


def settings(version: Version, *, hide: bool = False) -> list[tuple[str, str]]:
    """All settings of a version, as labels and texts; `hide` masks people's numbers."""
    fields = tracked(version)[1:]
    found = [(label_of(field), _text(version, field, hide=hide)) for field in fields]
    if has_rows(version):
        found += row_settings(version.rows, hide=hide)
    if version.instance_type is Bot:
        found.append(("Numbers", SEPARATOR.join(numbers_of(version))))
    return found


def has_rows(version: Version) -> bool:
    """True if versions of this kind contain lists."""
    return hasattr(version.instance_type, "row_lists")


def deleted(model: type[Model], limit: int = 200) -> list[Version]:
    """The last version of each deleted object, latest deletion first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    present = model._default_manager.values("pk")
    rows = history.filter(history_type="-").exclude(id__in=present)
    latest: dict[int, Version] = {}
    for row in rows.select_related("history_user").order_by("-history_id")[:limit]:
        latest.setdefault(row.id, row)
    return list(latest.values())


def first_version() -> None:
    """Create a first version for bots, numbers and tools without any."""
    for model in MODELS:
        history: Any = model.history  # type: ignore[attr-defined]
        for instance in model._default_manager.exclude(pk__in=history.values("id")):
            lists = hasattr(model, "row_lists")
            history.bulk_history_create(
                [instance],
                default_change_reason=FIRST_VERSION,
                custom_historical_attrs={"rows": rows_of(instance)} if lists else None,
            )


def record_change(bot_ids: Iterable[int | None], reason: str) -> None:
    """Create a version of bots whose numbers or tools have changed on other pages."""
    for bot in Bot.objects.filter(pk__in={pk for pk in bot_ids if pk}):
        bot._change_reason = reason  # type: ignore[attr-defined]
        bot.save(update_fields=["updated_at"])


def tracked(version: Version) -> "list[Field[Any, Any]]":
    """The recorded fields, a bot's own before those of its abstract bases.

    Django puts inherited fields first, which is not the order of the editor.
    """
    fields: list[Field[Any, Any]] = version.tracked_fields
    return sorted(fields, key=lambda field: field.name in INHERITED)


def _is_link(field: "Field[Any, Any]") -> bool:
    return isinstance(field, ForeignKey)


def _text(version: Version, field: "Field[Any, Any]", *, hide: bool) -> str:
    """A value as the editor shows it; empty if there is none."""
    value = getattr(version, field.attname)
    if value and hide and field.name == TRANSFER_FIELD:
        return masked(value)
    if value is not None and _is_link(field):
        noun = field.related_model._meta.verbose_name  # type: ignore[union-attr]
        return str(getattr(version, field.name) or f"a deleted {noun}")
    return text_of(field, value)
