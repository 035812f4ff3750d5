"""Versions that contain the rows of an object's lists: a bot's people, keys, tools."""

from typing import Any

from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

DELETED = "-"

# The rows of each list: names of shared objects, or the values of rows of its own.
Rows = dict[str, list[Any]]


class RecordedRows(models.Model):
    """The rows of the lists that the object's class names in `row_lists`."""

    rows = models.JSONField(default=dict)

    class Meta:
        abstract = True


class RecordsWithRows(HistoricalRecords):  # type: ignore[misc]  # untyped package
    """Creates versions with rows. A list saved later calls `record_rows`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(bases=(RecordedRows,), **options)

    def create_historical_record(
        self, instance: Any, history_type: str, using: Any = None
    ) -> None:
        """Add the rows; those of a deleted object are already gone."""
        super().create_historical_record(instance, history_type, using)
        if history_type != DELETED:
            record_rows(instance)
        elif before := instance.history.exclude(history_type=DELETED).first():
            _write(instance, before.rows)


def record_rows(instance: Any) -> None:
    """Write the rows as they are now into the latest version, which ends with them."""
    _write(instance, rows_of(instance))


def _write(instance: Any, rows: Rows) -> None:
    latest = instance.history.order_by("-history_id").first()
    latest.rows, latest.history_date = rows, timezone.now()
    latest.save(update_fields=["rows", "history_date"])


def rows_of(instance: Any) -> Rows:
    """The rows of all lists as they are now, as plain data."""
    return {name: _list_of(instance, name) for name in instance.row_lists}


def _list_of(instance: Any, name: str) -> list[Any]:
    rows = getattr(instance, name)
    if isinstance(instance._meta.get_field(name), models.ManyToManyField):
        return [str(row) for row in rows.order_by("name")]
    owner = instance._meta.get_field(name).remote_field.name
    # Ordered anew: a list that was fetched before may be out of date.
    ordered = rows.order_by(*rows.model._meta.ordering)
    return [row_values(row, owner) for row in ordered.select_related()]


def row_values(row: Any, owner: str) -> dict[str, Any]:
    """The values of a row; an object that it names is given by its name."""
    values = {}
    for field in row._meta.concrete_fields:
        if field.primary_key or field.name == owner:
            continue
        value = getattr(row, field.name)
        values[field.name] = str(value) if isinstance(value, models.Model) else value
    return values
