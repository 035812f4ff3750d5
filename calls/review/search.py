"""Finds calls by the words said in them, by number, SID or names.

Words are compared without case and accents. With `hide`, the search is for users who
may not see phone numbers. It finds what they see: callers by the last two digits at
most, and words outside of numbers.
"""

import json
import re
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import (
    BigIntegerField,
    Exists,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from bots.models import Bot, PhoneNumber
from bots.phone_numbers.caller_id import ANONYMOUS, canonical, number_in
from bots.phone_numbers.masking import SHOWN_DIGITS
from bots.phone_numbers.spoken_digits import DICTATED
from calls.models import Call, Turn
from calls.models.folding import fold

# More words hardly narrow the result.
MAX_WORDS = 8
# PostgreSQL refuses words of 2 KB, and no real word is longer than this.
MAX_WORD_LENGTH = 200
# A number as people write it, with what they put between the digits.
NUMBER = re.compile(r"(?:(?:whatsapp|tel|sips?|client):)?\+?[\d\s().\-/]{4,}")
# Texts with a number in letters, or an address with somebody's name.
NOT_SEARCHED = fold(rf"(sips?|client|whatsapp|tel):|{DICTATED}")
# A word is frequent if PostgreSQL expects more turns with it than this.
FREQUENT = 20_000


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
    words = (word[:MAX_WORD_LENGTH] for word in query.split() if fold(word))
    return list(dict.fromkeys(words))[:MAX_WORDS]


def has_digit(word: str) -> bool:
    """True if a word has a digit, or a sign that stands for one."""
    return any(map(str.isnumeric, word + fold(word)))


def matching(
    calls: QuerySet[Call], query: str, *, hide: bool = False
) -> QuerySet[Call]:
    """The calls in which every word of the query was found."""
    words = words_of(query)
    bots = _bot_ids_by_name() if words else {}
    labels = PhoneNumber.objects.values_list("number", "label") if words else ()
    for word in words:
        folded = fold(word)
        is_match = _has_word(word, hide=hide)
        if names := [name for name in bots if folded in fold(name)]:
            ids = [bots[name] for name in names if bots[name]]
            is_match |= Q(bot__in=ids) | Q(bot=None, bot_name__in=names)
        if ours := [number for number, label in labels if folded in fold(label)]:
            is_match |= Q(to_number__in=ours) | Q(from_number__in=ours)
        calls = calls.filter(is_match)
    return calls


def _bot_ids_by_name() -> dict[str, int | None]:
    """The id of each bot by its name; None for deleted bots."""
    no_id = Value(None, output_field=BigIntegerField())
    deleted = Bot.history.order_by().filter(history_type="-")
    existing = Bot.objects.order_by().values_list("name", "pk")
    names = existing.union(deleted.values_list("name", no_id))
    return dict(sorted(names, key=lambda bot: bot[1] is not None))


def _has_word(word: str, *, hide: bool) -> Q:
    """Calls with this word; each part of the union has its own index."""
    calls = Call.objects.order_by().values("pk")
    sids = calls.filter(call_sid__startswith=word)
    if hide and has_digit(word):
        return Q(pk__in=sids.union(calls.filter(_ends_like(word)), all=True))
    turns = _with_word(Turn.objects.order_by(), "folded_text", word, hide=hide)
    texts = _with_word(calls, "search_text", word, hide=hide)
    if word.isalpha() and _is_frequent(turns):
        # PostgreSQL would collect all these turns. So it walks the calls, the newest
        # first, and stops when the page is full.
        return Q(Exists(turns.filter(call=OuterRef("pk")))) | Q(pk__in=texts)
    others = [texts]
    if word.lower() == ANONYMOUS:  # as lists show callers with hidden numbers
        others.append(calls.filter(caller="", is_test=False))
    elif not word.isalpha():
        others += [sids] if hide else [sids, calls.filter(_has_number(word))]
    return Q(pk__in=turns.values("call_id").union(*others, all=True))


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


def _with_word(rows: Any, column: str, word: str, *, hide: bool) -> Any:
    """Rows with a word that begins so; other databases look for it anywhere."""
    if hide:
        rows = rows.exclude(**{f"{column}__regex": NOT_SEARCHED})
    if connection.vendor != "postgresql":
        return rows.filter(**{f"{column}__contains": fold(word)})
    query = SearchQuery(_prefix(fold(word)), config="simple", search_type="raw")
    return rows.alias(words=IndexedText(column)).filter(words=query)


def _prefix(word: str) -> str:
    """The query for words that begin so, with special characters quoted."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


def _is_frequent(turns: QuerySet[Turn]) -> bool:
    if connection.vendor != "postgresql":
        return False
    (plan,) = json.loads(turns.explain(format="json"))
    return int(plan["Plan"]["Plan Rows"]) > FREQUENT
