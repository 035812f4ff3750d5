"""Texts as a search compares them: without case, accents and spellings. Pure.

“gunther” and “GÜNTHER” find “Günther”, “strasse” finds “Straße”, “istanbul” finds
“İstanbul”.
"""

import unicodedata
from functools import lru_cache

# Letters that Unicode does not take apart, and others that people write instead.
_OTHERS = str.maketrans(
    {
        **dict(zip("đðøłıħŧ", "ddoliht", strict=True)),
        **dict(zip("ىیکة", "ييكه", strict=True)),
        **dict.fromkeys("’ʼ`", "'"),  # noqa: RUF001
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ـ": "",
    }
)
# Classes of combining marks that are accents: those of Latin, Greek and Cyrillic
# letters, vowel signs of Arabic and Hebrew, and voicing marks of Japanese. Vowel signs
# of other scripts are letters.
_ACCENTS = {7, 8, *range(10, 37), *range(200, 241)}


def fold(text: str) -> str:
    """The text as it is stored for searches, and as a searched word is compared."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


def fold_with_places(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place in the text."""
    folded = [_folded(character) for character in text]
    places = [place for place, part in enumerate(folded) for _ in part]
    return "".join(folded), places


@lru_cache(maxsize=8192)
def _folded(character: str) -> str:
    apart = unicodedata.normalize("NFKD", character.casefold()).casefold()
    return "".join(map(_plain, apart)).translate(_OTHERS)


def _plain(character: str) -> str:
    """A digit in figures, nothing for an accent or an invisible sign, or the same."""
    if unicodedata.combining(character) in _ACCENTS:
        return ""
    if unicodedata.category(character) == "Cf":
        return ""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
