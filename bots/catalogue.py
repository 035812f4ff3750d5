"""Inworld's lists of voices and models, stored in the database."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from bots.inworld.catalogue_records import (
    LanguageModel,
    RecordType,
    Voice,
    from_inworld,
)
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, StreamFailed
from bots.inworld.one_shot import ask_once, operator_message
from bots.models import InworldCatalogue
from bots.responses import PAGE_SECONDS

FRESH_FOR = timedelta(hours=1)
# A restart may bring another key, or the real Inworld instead of the sandbox.
STARTED_AT = timezone.now()
Question = Callable[[Inworld], Awaitable[list[dict[str, Any]]]]
KINDS: dict[str, tuple[RecordType, Question]] = {
    InworldCatalogue.Kind.VOICES: (Voice, Inworld.voices),
    InworldCatalogue.Kind.MODELS: (LanguageModel, Inworld.models),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list fetched at `fetched_at`. `problem` says why a new fetch failed."""

    entries: list[dict[str, Any]]
    fetched_at: datetime | None
    problem: str = ""

    @property
    def is_stale(self) -> bool:
        """True if the list should be fetched again."""
        if self.fetched_at is None:
            return True
        return self.fetched_at < max(STARTED_AT, timezone.now() - FRESH_FOR)


def stored(kind: str) -> Listing:
    """The stored list, without a request to Inworld."""
    row = InworldCatalogue.objects.filter(kind=kind).first()
    return Listing(row.entries, row.fetched_at) if row else Listing([], None)


def voices() -> list[Voice]:
    """The stored voices."""
    entries = stored(InworldCatalogue.Kind.VOICES).entries
    return [Voice.stored(entry) for entry in entries]


def models() -> list[LanguageModel]:
    """The stored language models, including those no longer supported."""
    entries = stored(InworldCatalogue.Kind.MODELS).entries
    return [LanguageModel.stored(entry) for entry in entries]


def refreshed(kind: str) -> Listing:
    """Fetch and store a list. If that fails, return the stored one and the problem."""
    record_type, question = KINDS[kind]
    try:
        entries = from_inworld(record_type, ask_once(question, PAGE_SECONDS))
        if not entries:
            raise StreamFailed(f"its list of {kind} is empty")
    except InworldError as error:
        last = stored(kind)
        return Listing(last.entries, last.fetched_at, operator_message(error))
    values = {"entries": entries, "fetched_at": timezone.now()}
    row, _ = InworldCatalogue.objects.update_or_create(kind=kind, defaults=values)
    return Listing(row.entries, row.fetched_at)
