"""The standard sentences and phrases of a bot, per language: one file each.

Another language is another file; its name is the language tag.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bots.config.language_tags import lookup_tags


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The sentences of a language, and its comma-separated phrase lists."""

    idle_prompt: str
    time_limit_message: str
    goodbye_message: str
    apology_message: str
    transfer_notice: str
    reconnected: str
    line_lost: str
    busy_message: str
    closed_message: str
    take_message_prompt: str
    fillers: str  # one a line
    backchannels: str  # comma-separated
    goodbye_phrases: str  # comma-separated
    screening_prompt: str  # spoken to a transfer target, with {{summary}}
    screening_prompt_without_summary: str
    screening_accepted: str
    screening_declined: str


def _load(path: Path) -> Phrasebook:
    book = tomllib.loads(path.read_text(encoding="utf-8"))
    return Phrasebook(**{**book, "fillers": "\n".join(book["fillers"])})


PHRASEBOOKS = {path.stem: _load(path) for path in Path(__file__).parent.glob("*.toml")}
NAMES = tuple(field.name for field in fields(Phrasebook))


def find_phrasebook(language: str) -> Phrasebook | None:
    """The sentences for a tag such as de-AT; None for a language without any."""
    books = (PHRASEBOOKS.get(tag) for tag in lookup_tags(language))
    return next(filter(None, books), None)


def phrasebook(language: str) -> Phrasebook:
    """The sentences for a tag such as de-AT; English for a language without any."""
    return find_phrasebook(language) or PHRASEBOOKS["en"]


def resolved(language: str, own: Mapping[str, str]) -> dict[str, Any]:
    """An operator's own sentences, with the standard ones in place of empty ones."""
    book = phrasebook(language)
    texts = {name: own.get(name, "").strip() or getattr(book, name) for name in NAMES}
    lines = tuple(filter(None, map(str.strip, texts["fillers"].splitlines())))
    return {**texts, "fillers": lines}
