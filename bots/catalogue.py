"""What Inworld offers: read from its lists, kept in the database, told as of when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from bots.inworld.catalogue_records import LanguageModel, Offered, Voice, described
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, StreamFailed
from bots.inworld.one_shot import ask, in_words
from bots.models import Catalogue

FRESH_FOR = timedelta(hours=1)
LISTING_SECONDS = 15.0
# A restart may have brought another key, or a real Inworld instead of the sandbox.
STARTED = timezone.now()
Question = Callable[[Inworld], Awaitable[list[dict[str, Any]]]]
KINDS: dict[str, tuple[Offered, Question]] = {
    Catalogue.Kind.VOICES: (Voice, Inworld.voices),
    Catalogue.Kind.MODELS: (LanguageModel, Inworld.models),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it was at `read_at`; `trouble` says why it could not be read anew."""

    entries: list[dict[str, Any]]
    read_at: datetime | None
    trouble: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether it is time to ask Inworld again."""
        if self.read_at is None:
            return True
        return self.read_at < max(STARTED, timezone.now() - FRESH_FOR)


def kept(kind: str) -> Listing:
    """The list as it was last read; without asking Inworld."""
    found = Catalogue.objects.filter(kind=kind).first()
    return Listing(found.entries, found.read_at) if found else Listing([], None)


def voices() -> list[Voice]:
    """The voices as last read."""
    return [Voice.stored(entry) for entry in kept(Catalogue.Kind.VOICES).entries]


def models() -> list[LanguageModel]:
    """The language models as last read, with those that are no longer supported."""
    listed = kept(Catalogue.Kind.MODELS).entries
    return [LanguageModel.stored(entry) for entry in listed]


def refreshed(kind: str) -> Listing:
    """Ask Inworld for the list and keep it; the last one, with the trouble, if away."""
    offered, question = KINDS[kind]
    try:
        entries = described(offered, ask(question, LISTING_SECONDS))
        if not entries:
            raise StreamFailed(f"its list of {kind} is empty")
    except InworldError as error:
        last = kept(kind)
        return Listing(last.entries, last.read_at, in_words(error))
    read = {"entries": entries, "read_at": timezone.now()}
    found, _ = Catalogue.objects.update_or_create(kind=kind, defaults=read)
    return Listing(found.entries, found.read_at)
