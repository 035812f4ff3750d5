"""What Inworld offers: read from its lists, kept in the database, told as of when."""

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

FRESH_FOR = timedelta(hours=1)
LISTING_SECONDS = 15.0
# A restart may have brought another key, or a real Inworld instead of the sandbox.
STARTED = timezone.now()
Question = Callable[[Inworld], Awaitable[list[dict[str, Any]]]]
KINDS: dict[str, tuple[RecordType, Question]] = {
    InworldCatalogue.Kind.VOICES: (Voice, Inworld.voices),
    InworldCatalogue.Kind.MODELS: (LanguageModel, Inworld.models),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it was at `fetched_at`; `trouble` says why it could not be read anew."""

    entries: list[dict[str, Any]]
    fetched_at: datetime | None
    problem: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether it is time to ask Inworld again."""
        if self.fetched_at is None:
            return True
        return self.fetched_at < max(STARTED, timezone.now() - FRESH_FOR)


def stored(kind: str) -> Listing:
    """The list as it was last read; without asking Inworld."""
    found = InworldCatalogue.objects.filter(kind=kind).first()
    return Listing(found.entries, found.fetched_at) if found else Listing([], None)


def voices() -> list[Voice]:
    """The voices as last read."""
    return [
        Voice.stored(entry) for entry in stored(InworldCatalogue.Kind.VOICES).entries
    ]


def models() -> list[LanguageModel]:
    """The language models as last read, with those that are no longer supported."""
    listed = stored(InworldCatalogue.Kind.MODELS).entries
    return [LanguageModel.stored(entry) for entry in listed]


def refreshed(kind: str) -> Listing:
    """Ask Inworld for the list and keep it; the last one, with the trouble, if away."""
    offered, question = KINDS[kind]
    try:
        entries = from_inworld(offered, ask_once(question, LISTING_SECONDS))
        if not entries:
            raise StreamFailed(f"its list of {kind} is empty")
    except InworldError as error:
        last = stored(kind)
        return Listing(last.entries, last.fetched_at, operator_message(error))
    read = {"entries": entries, "fetched_at": timezone.now()}
    found, _ = InworldCatalogue.objects.update_or_create(kind=kind, defaults=read)
    return Listing(found.entries, found.fetched_at)
