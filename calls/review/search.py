"""Finds calls by what was said in them, by number, SID or bot."""

import re
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Q, QuerySet, TextField, Value
from django.db.models.lookups import IContains

from bots.models import Bot
from calls.models import Call, Turn

# More words narrow nothing down any further.
MAX_WORDS = 8
# PostgreSQL refuses words of 2 KB, and nobody says one that begins like that.
MAX_WORD_LENGTH = 200
# How much of a text stands around a word that was looked for, in characters.
AROUND = 40
# A number as people write it, with what they put between the digits.
NUMBER = re.compile(r"\+?[\d\s().\-/]{4,}")

WORDS = (
    "to_tsvector('simple'::regconfig, left({}, 100000))"
    " @@ to_tsquery('simple'::regconfig, %s)"
)
COUNT = f"(SELECT count(*) FROM calls_turn WHERE {WORDS.format('text')})"  # noqa: S608
# A word is said often that is in more turns than this.
OFTEN = 35_000

# What stands before a word that was found, the word, and what comes after.
Excerpt = tuple[str, str, str]


@TextField.register_lookup
class MatchesText(IContains):
    """Has a word that begins like this; elsewhere than in PostgreSQL, contains it."""

    lookup_name = "says"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Any occurrence."""
        return IContains(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """The very expression that is indexed (see migrations), so that it is used."""
        text, params = compiler.compile(self.lhs)
        return WORDS.format(text), [*params, prefix(str(self.rhs))]


def prefix(word: str) -> str:
    """A word as PostgreSQL's search looks for its beginning, whatever is in it."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


def words_of(query: str) -> list[str]:
    """What to look for: all of it must be found in a call, anywhere in it."""
    if NUMBER.fullmatch(query.strip()) and any(map(str.isdigit, query)):
        return [re.sub(r"[^\d+]", "", query)[:MAX_WORD_LENGTH]]
    words = (word[:MAX_WORD_LENGTH] for word in query.split())
    return list(dict.fromkeys(words))[:MAX_WORDS]


def matching(
    calls: QuerySet[Call], query: str, *, parts: bool = True
) -> QuerySet[Call]:
    """Those of the calls in which every word was found.

    Without `parts` a number is found as a whole only.
    """
    words = words_of(query)
    names = _names_of_bots() if words else {}
    often = _is_frequent(words)
    for word in words:
        named = [name for name in names if word.casefold() in name.casefold()]
        found = Q(pk__in=_said_or_dialled(word, often=word in often, parts=parts))
        if named:
            present = [names[name] for name in named if names[name]]
            found |= Q(bot__in=present) | Q(bot=None, bot_name__in=named)
        calls = calls.filter(found)
    return calls


def _names_of_bots() -> dict[str, int | None]:
    """Every bot's id by name; deleted ones have none any more."""
    nobody = Value(None, output_field=BigIntegerField())
    gone = Bot.history.order_by().filter(history_type="-")
    present = Bot.objects.order_by().values_list("name", "pk")
    known = present.union(gone.values_list("name", nobody))
    return dict(sorted(known, key=lambda bot: bot[1] is not None))


def _is_frequent(words: list[str]) -> set[str]:
    """Words that so much was said with that PostgreSQL had better not collect it."""
    if connection.vendor != "postgresql" or not words:
        return set()
    counts = ", ".join(COUNT for _ in words)
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (FORMAT JSON) SELECT {counts}", list(map(prefix, words))
        )
        plans = cursor.fetchone()[0][0]["Plan"]["Plans"]
    expected = zip(words, map(_most_rows, plans), strict=True)
    return {word for word, rows in expected if rows > OFTEN}


def _most_rows(plan: dict[str, Any]) -> int:
    """How many rows the planner expects where it expects most."""
    return max(int(plan["Plan Rows"]), *map(_most_rows, plan.get("Plans", [])), 0)


def _said_or_dialled(word: str, *, often: bool, parts: bool) -> QuerySet[Any, Any]:
    """Ids of calls with this word; each part of the union has an index of its own.

    What is said often is not collected: PostgreSQL then looks into call after call,
    the newest first, and soon has a page. `distinct` keeps it from that otherwise.
    """
    said = Turn.objects.order_by().filter(text__says=word).values("call_id")
    if word.isalpha():
        return said if often else said.distinct()
    calls = Call.objects.order_by().values("pk")
    has = "contains" if parts else "exact"
    numbers = Q((f"from_number__{has}", word)) | Q((f"to_number__{has}", word))
    sids = calls.filter(call_sid__startswith=word)
    return said.union(calls.filter(numbers), sids, all=True)


def excerpts(calls: Iterable[Call], query: str) -> dict[int, Excerpt]:
    """Why calls were found: the first place where a word was said, by call id."""
    words = words_of(query)
    if not words:
        return {}
    said = Q()
    for word in words:
        said |= Q(text__icontains=word)
    turns = Turn.objects.filter(said, call__in=[call.pk for call in calls])
    found: dict[int, Excerpt] = {}
    for call_id, text in turns.order_by("call", "index").values_list("call", "text"):
        if call_id not in found and (excerpt := excerpt_of(text, words)):
            found[call_id] = excerpt
    return found


def excerpt_of(text: str, words: list[str]) -> Excerpt | None:
    """A text around the first of the words that occurs in it."""
    pattern = "|".join(re.escape(word) for word in words)
    # The beginning of a word is what the index finds.
    hit = re.search(rf"(?<!\w)(?:{pattern})", text, re.IGNORECASE)
    hit = hit or re.search(pattern, text, re.IGNORECASE)
    if hit is None:
        return None
    before, after = text[: hit.start()], text[hit.end() :]
    before = f"…{before[-AROUND:]}" if len(before) > AROUND else before
    after = f"{after[:AROUND]}…" if len(after) > AROUND else after
    return before, hit.group(), after
