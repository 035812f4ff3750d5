"""The form of a bot as a browser sends it."""

from typing import Any

LISTS = ("numbers", "targets", "menu_keys", "languages")
NO_ROWS: dict[str, Any] = {
    f"{listed}-{count}_FORMS": "0" for listed in LISTS for count in ("TOTAL", "INITIAL")
}


def rows(listed: str, *added: dict[str, Any]) -> dict[str, Any]:
    """Rows that are added to a list, or changed where they have an id."""
    fields = {
        f"{listed}-{place}-{name}": value
        for place, row in enumerate(added)
        for name, value in row.items()
    }
    known = sum("id" in row for row in added)
    counts = {"TOTAL": str(len(added)), "INITIAL": str(known)}
    return fields | {f"{listed}-{name}_FORMS": n for name, n in counts.items()}
