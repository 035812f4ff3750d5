"""Files of many calls in the database: asked for, claimed, written, read, deleted.

Each has its own person. Of several processes one makes it: a claim moves `due_at` into
the future, and each part that is written moves it on. If the process dies, another one
goes on with the next call. All times compared are the database's own.
"""

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from bots.access.numbers import VIEW, may_see_numbers
from bots.access.scope import Scope, scope_of
from calls.models import Call, ExportFile, ExportPiece
from calls.review.export import (
    columns_of,
    file_start,
    ids_of,
    lines,
    pieces,
    records_of,
)

State = ExportFile.State

# More calls than this are exported into a file; up to so many are sent at once.
MAX_DIRECT = 1_000
# Files that one person has at a time, and the largest one. Calls compress to a tenth.
MAX_FILES = 5
MAX_BYTES = 1_000_000_000
KEPT = timedelta(hours=24)
# Calls written at a time, and characters in a piece.
STEP = 50
PIECE_CHARACTERS = 512 * 1024
# For how long a claim keeps other processes away. A step takes less than a second.
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 10

TOO_LARGE = "The file would be larger than 1 GB. Choose fewer calls with a filter."
GIVEN_UP = "The server could not make this file. Its log says why."


@dataclass(slots=True)
class Claimed:
    """A file that only this process makes now."""

    pk: int
    attempt: int
    form: str
    columns: list[str]
    hide: bool
    call_ids: "array[int]"
    written: int
    pieces: int
    size: int
    is_mine: bool = True

    @property
    def is_complete(self) -> bool:
        return self.written >= len(self.call_ids)


# For pages


def is_large(chosen: QuerySet[Call]) -> bool:
    """True if these calls are exported into a file."""
    return chosen[: MAX_DIRECT + 1].count() > MAX_DIRECT


def files_of(user: Any) -> QuerySet[ExportFile]:
    """The files of a person, the newest first."""
    return ExportFile.objects.filter(user=user).defer("call_ids")


def ask(user: Any, chosen: QuerySet[Call], form: str, name: str) -> bool:
    """Have a file made, with this person's rights; False if they have too many."""
    if files_of(user).count() >= MAX_FILES:
        return False
    ids = ids_of(chosen)
    ExportFile.objects.create(
        user=user,
        name=name,
        form=form,
        columns=columns_of(chosen, form),
        call_ids=packed(ids),
        call_count=len(ids),
        hides_numbers=not may_see_numbers(user),
        bots=_listed(scope_of(user, VIEW)),
    )
    return True


def may_fetch(user: Any, file: ExportFile) -> bool:
    """True if the user may still see all that a file of theirs may have."""
    bots = Scope(None if file.bots is None else frozenset(file.bots))
    may_see = file.hides_numbers or may_see_numbers(user)
    return may_see and scope_of(user, VIEW).covers(bots)


def _listed(scope: Scope) -> list[int] | None:
    return None if scope.bots is None else sorted(scope.bots)


def packed(ids: "array[int]") -> bytes:
    """The keys of calls as `call_ids` has them."""
    return zlib.compress(ids.tobytes())


def content(file: ExportFile) -> Iterator[bytes]:
    """The file in pieces; between two of them no query is open."""
    for index in count():
        same = ExportPiece.objects.filter(file=file, index=index)
        data = same.values_list("data", flat=True).first()
        if data is None:
            return
        yield zlib.decompress(data)


# By the worker


def claim(waited: timedelta = timedelta()) -> Claimed | None:
    """The next file to make, of those that have been due for so long."""
    due = ExportFile.objects.filter(state=State.MAKING, due_at__lte=Now() - waited)
    for file in due.order_by("due_at")[:5]:
        attempt = file.attempts + 1
        same = due.filter(pk=file.pk, attempts=file.attempts)
        if attempt > MAX_ATTEMPTS:
            same.update(state=State.FAILED, problem=GIVEN_UP)
        # The database lets one of several processes update the row.
        elif same.update(attempts=attempt, due_at=Now() + LEASE):
            return _claimed(file, attempt)
    return None


def _claimed(file: ExportFile, attempt: int) -> Claimed:
    return Claimed(
        pk=file.pk,
        attempt=attempt,
        form=file.form,
        columns=file.columns,
        hide=file.hides_numbers,
        call_ids=array("q", zlib.decompress(file.call_ids)),
        written=file.written,
        pieces=file.pieces.count(),
        size=file.size,
    )


def write_some(claimed: Claimed) -> None:
    """Write the next calls, unless the file was deleted or another process has it."""
    begin = claimed.written
    ids = claimed.call_ids[begin : begin + STEP]
    found = records_of(ids, hide=claimed.hide)
    below = lines(claimed.form, found, claimed.columns)
    parts, size = list[bytes](), claimed.size
    for text in pieces(_begun(claimed, below), PIECE_CHARACTERS):
        data = text.encode()
        size += len(data)
        parts.append(zlib.compress(data))
    _save(claimed, parts, size, begin + len(ids))


def _begun(claimed: Claimed, below: Iterator[str]) -> Iterator[str]:
    if not claimed.pieces:
        yield file_start(claimed.form, claimed.columns)
    yield from below


@transaction.atomic
def _save(claimed: Claimed, parts: list[bytes], size: int, written: int) -> None:
    mine = ExportFile.objects.filter(
        pk=claimed.pk, attempts=claimed.attempt, state=State.MAKING
    )
    if size > MAX_BYTES:
        mine.update(state=State.FAILED, problem=TOO_LARGE)
        ExportPiece.objects.filter(file=claimed.pk).delete()
        claimed.is_mine = False
        return
    state = State.READY if written >= len(claimed.call_ids) else State.MAKING
    progress = {"size": size, "written": written, "state": state}
    claimed.is_mine = bool(mine.update(due_at=Now() + LEASE, **progress))
    if not claimed.is_mine:
        return
    ExportPiece.objects.bulk_create(
        ExportPiece(file_id=claimed.pk, index=index, data=data)
        for index, data in enumerate(parts, claimed.pieces)
    )
    claimed.pieces += len(parts)
    claimed.size, claimed.written = size, written


def release(claimed: Claimed) -> None:
    """Let another process go on at once."""
    mine = ExportFile.objects.filter(pk=claimed.pk, attempts=claimed.attempt)
    mine.filter(state=State.MAKING).update(due_at=Now())


def delete_expired() -> None:
    """Delete files past their time, also those that were never finished."""
    ExportFile.objects.filter(created_at__lt=Now() - KEPT).delete()
