"""Calls and turns read from the server's database."""

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from itertools import pairwise
from typing import Any

import psycopg

SAID = (
    'SELECT c.call_sid, t."index", t.role, t.text FROM calls_turn t'
    ' JOIN calls_call c ON c.id = t.call_id ORDER BY c.call_sid, t."index"'
)
ENDS = "SELECT call_sid, status, end_reason FROM calls_call"
TIMES = "SELECT call_sid, answered_at, ended_at FROM calls_call"


class StoredCalls:
    """Reads transcripts by call SID; empty while the database is down."""

    def __init__(self, url: str) -> None:
        self.url = url

    def said(self) -> dict[str, list[tuple[int, str, str]]]:
        """Return index, role and text of every turn, by call."""
        turns: dict[str, list[tuple[int, str, str]]] = {}
        for sid, *turn in self._rows(SAID):
            turns.setdefault(sid, []).append((turn[0], turn[1], turn[2]))
        return turns

    def ends(self) -> dict[str, tuple[str, str]]:
        """Return status and end reason, by call."""
        return {sid: (status, reason) for sid, status, reason in self._rows(ENDS)}

    def lasted(self, sid: str) -> float | None:
        """Return the seconds a call lasted; None before its end. SQLite only."""
        times = {sid: times for sid, *times in self._rows(TIMES)}.get(sid, [None, None])
        if None in times:
            return None
        answered_at, ended_at = map(datetime.fromisoformat, times)
        return (ended_at - answered_at).total_seconds()

    def has(self, questions: dict[str, list[str]]) -> bool:
        """True when all these questions are stored, in this order."""
        said = self.said()
        return all(
            _of_caller(said.get(sid, []))[: len(words)] == words
            for sid, words in questions.items()
        )

    def faults(self, questions: dict[str, list[str]]) -> list[str]:
        """Return missing, misplaced or unanswered turns in transcripts."""
        said, ends = self.said(), self.ends()
        return [
            f"{sid}: {fault}"
            for sid, words in questions.items()
            if (fault := _fault(said.get(sid, []), words, ends.get(sid, ("", ""))))
        ]

    def _rows(self, query: str) -> list[Any]:
        if self.url.startswith("sqlite"):
            path = self.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
                return file.execute(query).fetchall()
        # Give up on a lock soon; the caller asks again.
        options = {"options": "-c lock_timeout=200", "connect_timeout": 2}
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.url, **options) as server,  # type: ignore[arg-type]
        ):
            return server.execute(query).fetchall()
        return []


def _of_caller(turns: list[tuple[int, str, str]]) -> list[str]:
    return [text for _, role, text in turns if role == "caller"]


def _fault(
    turns: list[tuple[int, str, str]], questions: list[str], end: tuple[str, str]
) -> str:
    if [index for index, _, _ in turns] != list(range(len(turns))):
        return f"indexes {[index for index, _, _ in turns]}"
    if _of_caller(turns) != questions:
        return f"asked {questions}, stored {_of_caller(turns)}"
    for (_, role, text), (_, after, answer) in pairwise(turns):
        if role == "caller" and (after != "bot" or text.rstrip("?") not in answer):
            return f"{text!r} is followed by {answer!r} of the {after}"
    if end != ("completed", "caller-hung-up"):
        return f"it ended as {end}"
    return ""
