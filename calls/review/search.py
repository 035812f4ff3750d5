"""Finds calls by the words said in them, by number, SID or bot.

With `hide`, the search is for users who may not see phone numbers. It finds what they
see: callers by the last two digits at most, and words outside of numbers.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import BigIntegerField, Func, Q, QuerySet, Value

from bots.models import Bot
from bots.phone_numbers.caller_id import ANONYMOUS, canonical, number_in
from bots.phone_numbers.masking import SHOWN_DIGITS
from bots.phone_numbers.spoken_digits import DICTATED
from calls.models import Call, Turn
from calls.review.visibility import mask_of

# More words hardly narrow the result.
MAX_WORDS = 8
# PostgreSQL refuses words of 2 KB, and no real word is longer than this.
MAX_WORD_LENGTH = 200
# Characters shown before and after a word that was found.
EXCERPT_MARGIN = 40
# A number as people write it, with what they put between the digits.
NUMBER = re.compile(r"(?:(?:whatsapp|tel|sips?|client):)?\+?[\d\s().\-/]{4,}")
# Turns with a number in letters, or an address with somebody's name.
NOT_SEARCHED = rf"(sips?|client|whatsapp|tel):|{DICTATED}"
# A word is frequent if PostgreSQL expects more turns with it than this.
FREQUENT = 20_000

# The text before a word that was found, the word, and the text after it.
Excerpt = tuple[str, str, str]


class IndexedText(Func):
    """The words of a text: exactly the expression that PostgreSQL indexes.

    The index is made in the migration. Django's `SearchVector` adds a `COALESCE`, with
    which PostgreSQL would not use it.
    """

    template = "to_tsvector('simple'::regconfig, left(%(expressions)s, 100000))"
    output_field = SearchVectorField()


def words_of(query: str) -> list[str]:
    """The words to search for. All must be found in a call, anywhere in it."""
    if NUMBER.fullmatch(query.strip()) and any(map(str.isdigit, query)):
        return [re.sub(r"[^\d+]", "", query)[:MAX_WORD_LENGTH]]
    words = (word[:MAX_WORD_LENGTH] for word in query.split())
    return list(dict.fromkeys(words))[:MAX_WORDS]


def matching(
    calls: QuerySet[Call], query: str, *, hide: bool = False
) -> QuerySet[Call]:
    """The calls in which every word of the query was found."""
    words = words_of(query)
    bots = _bot_ids_by_name() if words else {}
    for word in words:
        names = [name for name in bots if word.casefold() in name.casefold()]
        is_match = Q(pk__in=_calls_with(word, hide=hide))
        if names:
            ids = [bots[name] for name in names if bots[name]]
            is_match |= Q(bot__in=ids) | Q(bot=None, bot_name__in=names)
        calls = calls.filter(is_match)
    return calls


def _bot_ids_by_name() -> dict[str, int | None]:
    """The id of each bot by its name; None for deleted bots."""
    no_id = Value(None, output_field=BigIntegerField())
    deleted = Bot.history.order_by().filter(history_type="-")
    existing = Bot.objects.order_by().values_list("name", "pk")
    names = existing.union(deleted.values_list("name", no_id))
    return dict(sorted(names, key=lambda bot: bot[1] is not None))


def _calls_with(word: str, *, hide: bool) -> QuerySet[Any, Any]:
    """Ids of calls with this word; each part of the union has its own index."""
    calls = Call.objects.order_by().values("pk")
    sids = calls.filter(call_sid__startswith=word)
    if hide and _has_digit(word):
        return sids.union(calls.filter(_ends_like(word)), all=True)
    turns = _turns_with(word)
    if hide:
        turns = turns.exclude(text__iregex=NOT_SEARCHED)
    ids = turns.values("call_id")
    if word.lower() == ANONYMOUS:  # as lists show callers with hidden numbers
        return ids.union(calls.filter(caller="", is_test=False), all=True)
    if word.isalpha():
        # PostgreSQL collects `distinct` ids before anything else, which is quick for
        # rare words only. Otherwise it walks the calls, the newest first, and stops
        # when the page is full.
        return ids if _is_frequent(turns) else ids.distinct()
    if hide:
        return ids.union(sids, all=True)
    return ids.union(calls.filter(_has_number(word)), sids, all=True)


def _has_digit(word: str) -> bool:
    return any(map(str.isnumeric, word))


def _ends_like(word: str) -> Q:
    """Callers with the last digits of the word, and our own numbers with all of it."""
    digits = re.sub(r"\D", "", word)
    last = "".join(str(int(digit)) for digit in digits[-SHOWN_DIGITS:])
    outbound = Q(direction=Call.Direction.OUTBOUND)
    ours = (outbound & Q(from_number__contains=word)) | (
        ~outbound & Q(to_number__contains=word)
    )
    return ours | Q(caller__endswith=last, is_test=False) if last else ours


def _has_number(word: str) -> Q:
    """Calls from or to a number, however Twilio or the operator writes it."""
    number = number_in(word)
    has_number = Q(from_number__contains=word) | Q(to_number__contains=word)
    if number:
        has_number |= Q(caller=number) | Q(to_number=number)
    elif word.lstrip("0").isdecimal():  # a part, or a number without country
        has_number |= Q(caller__contains=word.lstrip("0"))
    elif key := canonical(word):
        has_number |= Q(caller=key)
    return has_number


def _turns_with(word: str) -> QuerySet[Turn]:
    """Turns with a word that begins so; other databases look for it anywhere."""
    turns = Turn.objects.order_by()
    if connection.vendor != "postgresql":
        return turns.filter(text__icontains=word)
    query = SearchQuery(_prefix(word), config="simple", search_type="raw")
    return turns.alias(words=IndexedText("text")).filter(words=query)


def _prefix(word: str) -> str:
    """The query for words that begin so, with special characters quoted."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


def _is_frequent(turns: QuerySet[Turn]) -> bool:
    if connection.vendor != "postgresql":
        return False
    (plan,) = json.loads(turns.explain(format="json"))
    return int(plan["Plan"]["Plan Rows"]) > FREQUENT


def excerpts(
    calls: Iterable[Call], query: str, *, hide: bool = False
) -> dict[int, Excerpt]:
    """The first place in each call where a word was said, by call id."""
    words = words_of(query)
    if hide:
        words = [word for word in words if not _has_digit(word)]
    masks = {call.pk: mask_of(call) for call in calls} if hide else {}
    if not words:
        return {}
    has_word = Q()
    for word in words:
        has_word |= Q(text__icontains=word)
    turns = Turn.objects.filter(has_word, call__in=[call.pk for call in calls])
    found: dict[int, Excerpt] = {}
    for call_id, text in turns.order_by("call", "index").values_list("call", "text"):
        if hide and call_id not in found:
            text = masks[call_id].said(text)
        if call_id not in found and (excerpt := excerpt_of(text, words)):
            found[call_id] = excerpt
    return found


def excerpt_of(text: str, words: list[str]) -> Excerpt | None:
    """The text around the first of the words that occurs in it."""
    pattern = "|".join(re.escape(word) for word in words)
    # The index finds beginnings of words.
    match = re.search(rf"(?<!\w)(?:{pattern})", text, re.IGNORECASE)
    match = match or re.search(pattern, text, re.IGNORECASE)
    if match is None:
        return None
    before, after = text[: match.start()], text[match.end() :]
    if len(before) > EXCERPT_MARGIN:
        before = f"…{before[-EXCERPT_MARGIN:]}"
    if len(after) > EXCERPT_MARGIN:
        after = f"{after[:EXCERPT_MARGIN]}…"
    return before, match.group(), after
