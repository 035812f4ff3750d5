"""Calls are found by an index, on PostgreSQL: by words said in them, and by number."""

from django.db import migrations

INDEXES = {
    # `left` because PostgreSQL refuses to index a text of more than a megabyte.
    # Searches must write the same expression (calls/review/search.py).
    "calls_turn_words": """calls_turn
        USING gin (to_tsvector('simple'::regconfig, left(text, 100000)))""",
    # All that a search for a part of a number reads, at a tenth of the table's size.
    "calls_call_numbers": "calls_call (from_number, to_number, id)",
}


def create(apps, schema_editor):
    drop(apps, schema_editor)  # what an attempt left that was broken off
    if schema_editor.connection.vendor == "postgresql":
        for name, on in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: turns go on being written meanwhile

    dependencies = [("calls", "0003_fill_what_the_desk_lists")]
    operations = [migrations.RunPython(create, drop)]
