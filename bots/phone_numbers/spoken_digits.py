"""Digits in texts: figures, and the words with which people dictate numbers. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# The words for 0 to 9 in the languages in which speech recognition writes them out.
_WORDS = (
    "zero oh nought null nul zéro cero",
    "one eins een één un uno um jeden",
    "two zwei zwo twee deux dos due dois dwa",
    "three drei drie trois tres tre três trzy",
    "four vier quatre cuatro quattro quatro cztery",
    "five fünf vijf cinq cinco cinque pięć",
    "six sechs zes seis sei sześć",
    "seven sieben zeven sept siete sette sete siedem",
    "eight acht huit ocho otto oito osiem",
    "nine neun negen neuf nueve nove dziewięć",
)
_VALUES = {
    word: str(digit) for digit, words in enumerate(_WORDS) for word in words.split()
}
_TIMES = {"double": 2, "triple": 3}
_WORD = rf"(?<!\w)(?:{'|'.join(_VALUES)})(?!\w)"
_REPEATED = rf"(?:(?<!\w)(?P<times>{'|'.join(_TIMES)})\W{{1,3}})?"
DIGIT = re.compile(rf"{_REPEATED}(?P<digit>\d|{_WORD})", re.IGNORECASE)

_UNNAMED = DIGIT.pattern.replace("?P<times>", "?:").replace("?P<digit>", "?:")
# Digits with at most a few signs between them, and the signs before a number.
RUN = re.compile(rf"[+(]{{0,2}}{_UNNAMED}(?:[\W_]{{0,4}}{_UNNAMED})*", re.IGNORECASE)
# A dictated number, or an address with its user: for the regular expressions of all
# databases. Three digits in a row of which one is a word are enough.
_ANY_WORD = f"({'|'.join(_VALUES)})"
_ANY, _GAP = f"({_ANY_WORD}|[0-9])", "[^a-z0-9]{0,4}"
DICTATED = "|".join(
    _GAP.join(_ANY_WORD if place == word else _ANY for place in range(3))
    for word in range(3)
)


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit from 0 to 9, and its place in a text."""

    value: str
    start: int
    end: int


def digits_in(text: str) -> Iterator[Digit]:
    """The digits of a text in order; “double five” is two at the same place."""
    for match in DIGIT.finditer(text):
        written = match["digit"].lower()
        value = _VALUES.get(written) or str(int(written))
        for _ in range(_TIMES.get((match["times"] or "").lower(), 1)):
            yield Digit(value, match.start(), match.end())
