"""The output of `manage.py call`: in order, and with the words of each sound."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django import db

from calls.models import Turn
from calls.simulator import Heard
from calls.turns.clip import CHARACTERS_PER_SECOND
from calls.turns.heard_text import split_at_heard
from calls.turns.word_timing import words_within

# The server writes a turn within a tenth of a second. A sound without words waits so
# long for them (s).
LOOKUP_SECONDS = 1.0
LOOKUP_PAUSE = 0.1
# The latest turns of a call, among which a sound is looked up.
MAX_TURNS = 4
SENTENCE = re.compile(r".*?[.!?…。！？]+[\"'”’)]*(?:\s+|$)|.+$", re.DOTALL)  # noqa: RUF001

# A turn in the database: its index, its text so far, and its clips so far.
TurnRow = tuple[int, str, list[str]]


@dataclass(slots=True)
class Entry:
    """A line of the output. Lines behind it wait until it is complete."""

    line: str
    is_complete: bool = False


class OrderedOutput:
    """Writes lines in the order in which things happened."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._entries: list[Entry] = []

    def put(self, line: str) -> None:
        """Write a line after those before it."""
        self.complete(self.begin(line), line)

    def begin(self, line: str) -> Entry:
        """Keep a place for a line, which is `line` unless more becomes known."""
        self._entries.append(Entry(line))
        return self._entries[-1]

    def complete(self, entry: Entry, line: str) -> None:
        """Write a line in its place."""
        entry.line, entry.is_complete = line, True
        while self._entries and self._entries[0].is_complete:
            self._write(self._entries.pop(0).line)

    def finish(self) -> None:
        """Write what is left, as far as it is known."""
        for entry in list(self._entries):
            self.complete(entry, entry.line)


@dataclass(slots=True)
class ClipTexts:
    """Looks up the words of clips in the transcript that the server writes.

    A turn has one text for all its clips. The clips that came before tell where the
    words of the next one begin, and its length about where they end.
    """

    call_sid: str
    is_available: bool = True  # the server uses this database
    said: dict[int, str] = field(default_factory=dict)  # by the index of the turn
    rate: float = CHARACTERS_PER_SECOND

    async def text_of(self, heard: Heard) -> str:
        """The words of a sound that begins; empty if they are not known in time."""
        clip = urlsplit(heard.source).path.rpartition("/")[2]
        if not (clip and self.is_available):
            return ""
        for _ in range(round(LOOKUP_SECONDS / LOOKUP_PAUSE)):
            rows = await asyncio.to_thread(self._latest_turns)
            for row in rows:
                if clip in row[2]:
                    return self.piece(row, clip, heard)
            await asyncio.sleep(LOOKUP_PAUSE)
        self.is_available = bool(rows)
        return ""

    def piece(self, row: TurnRow, clip: str, heard: Heard) -> str:
        """The words of one of the turn's clips."""
        index, text, clips = row
        said = self.said.get(index, "")
        rest = split_at_heard(text, said)[1].strip() if said else text.strip()
        later = len(clips) - 1 - clips.index(clip)
        if later:
            piece = first_words(rest, later, heard.seconds * self.rate)
        else:
            piece = rest
            if piece and heard.seconds > 1:
                self.rate = (self.rate + len(piece) / heard.seconds) / 2
        self.said[index] = f"{said} {piece}".strip()
        return piece

    def _latest_turns(self) -> Sequence[TurnRow]:
        turns = Turn.objects.filter(call__call_sid=self.call_sid).exclude(clip_ids=[])
        rows = turns.order_by("-index").values_list("index", "text", "clip_ids")
        try:
            return list(rows[:MAX_TURNS])
        except db.Error:
            return []
        finally:
            db.connection.close()  # of this thread


def first_words(text: str, later: int, letters: float) -> str:
    """The beginning of a text, about so long, that leaves words for `later` clips."""
    sentences: list[str] = SENTENCE.findall(text)
    if len(sentences) <= later:
        return words_within(text, letters, max(len(text), 1))
    taken = sentences[0]
    for sentence in sentences[1 : len(sentences) - later]:
        if abs(len(taken) - letters) <= abs(len(taken) + len(sentence) - letters):
            break
        taken += sentence
    return taken.strip()
