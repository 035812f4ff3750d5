"""The places in calls where the words of a search were found."""

import re
from collections.abc import Iterable

from django.db.models import Q

from bots.phone_numbers.masking import NumberMask
from calls.models import Call, Turn
from calls.models.folding import fold, fold_with_places
from calls.review.search import has_digit, words_of
from calls.review.visibility import mask_of

# Characters shown before and after a word that was found.
MARGIN = 40

# The text before a word that was found, the word, and the text after it.
Excerpt = tuple[str, str, str]


def searched_words(query: str, *, hide: bool = False) -> list[str]:
    """The folded words of a search whose places may be shown."""
    return [fold(word) for word in words_of(query) if not (hide and has_digit(word))]


def excerpts(
    calls: list[Call], words: list[str], *, hide: bool = False
) -> dict[int, Excerpt]:
    """The first place in each call where a word was found, by call id.

    That is a turn, or else the summary, a detail, a note or a tag.
    """
    if not words:
        return {}
    masks = {call.pk: mask_of(call) for call in calls} if hide else {}
    found = _in_turns(calls, words, masks)
    for call in calls:
        if call.pk not in found and (excerpt := _in_texts(call, words, masks)):
            found[call.pk] = excerpt
    return found


def _in_turns(
    calls: Iterable[Call], words: list[str], masks: dict[int, NumberMask]
) -> dict[int, Excerpt]:
    has_word = Q()
    for word in words:
        has_word |= Q(folded_text__contains=word)
    turns = Turn.objects.filter(has_word, call__in=[call.pk for call in calls])
    found: dict[int, Excerpt] = {}
    for call_id, text in turns.order_by("call", "index").values_list("call", "text"):
        if call_id in found:
            continue
        text = masks[call_id].said(text) if call_id in masks else text
        if excerpt := excerpt_of(text, words):
            found[call_id] = excerpt
    return found


def _in_texts(
    call: Call, words: list[str], masks: dict[int, NumberMask]
) -> Excerpt | None:
    for text in call.searched_texts():
        text = masks[call.pk].made(text) if call.pk in masks else text
        if excerpt := excerpt_of(text, words):
            return excerpt
    return None


def excerpt_of(text: str, words: list[str], margin: int = MARGIN) -> Excerpt | None:
    """The text around the first of the folded words that occurs in it."""
    if not words:
        return None
    folded, places = fold_with_places(text)
    pattern = "|".join(re.escape(word) for word in words)
    # The index finds beginnings of words.
    match = re.search(rf"(?<!\w)(?:{pattern})", folded) or re.search(pattern, folded)
    if match is None:
        return None
    start, end = places[match.start()], places[match.end() - 1] + 1
    while end < len(text) and not fold(text[end]):  # accents of the last letter
        end += 1
    before, after = text[:start], text[end:]
    if len(before) > margin:
        before = f"…{before[-margin:]}"
    if len(after) > margin:
        after = f"{after[:margin]}…"
    return before, text[start:end], after
