"""Empties the database after a test that commits, but keeps the rows of migrations.

Django's own flush also deletes content types, permissions and groups, and creates them
again after each test: 80 ms, which is most of the time of a small test.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

PERMISSIONS_OF_GROUPS = Group.permissions.through
PERMANENT_TABLES = {
    model._meta.db_table
    for model in (ContentType, Permission, Group, PERMISSIONS_OF_GROUPS)
}
_django_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def permanent_rows() -> tuple[set[object], ...]:
    """Return the rows that a test must leave unchanged."""
    return (
        set(Group.objects.values_list("pk", "name")),
        set(Permission.objects.values_list("pk", "codename")),
        set(PERMISSIONS_OF_GROUPS.objects.values_list("group", "permission")),
    )


@contextmanager
def postponed() -> Iterator[None]:
    """Empty the database at the end of this block, and not after each test in it."""
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = lambda case: None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]
        flush(TransactionTestCase())


def install() -> None:
    """Replace Django's flush; the database must be as its migrations left it."""
    expected = permanent_rows()
    names = connection.introspection.django_table_names(include_views=False)
    tables = [name for name in names if name not in PERMANENT_TABLES]

    def flush(case: TransactionTestCase) -> None:
        nonlocal expected
        operations = connection.ops
        operations.execute_sql_flush(operations.sql_flush(no_style(), tables))
        if permanent_rows() != expected:
            _django_flush(case)
            expected = permanent_rows()  # the same rows with other keys

    TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]
