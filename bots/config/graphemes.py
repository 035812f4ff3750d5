"""Splits text into grapheme clusters: what readers take for one character. Pure.

Follows UAX 29 without its tables: a mark, a joined emoji or a subscript letter belongs
to the character before it. Two rules go further, because half of a syllable can be
neither read nor spoken: a virama joins the next letter in every script, and a vowel
that Thai, Lao and their relatives write before its consonant joins that.
"""

import re
from collections.abc import Iterator
from unicodedata import category, combining

# Scripts without spaces between words: each of their characters counts as a word.
SOUTH_EAST_ASIAN = (  # Thai, Lao, Tibetan, Burmese, Khmer, Tai, Balinese, Javanese
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a00-\u1aaf"
    "\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaadf"
)
HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3040-\u312f\u31a0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"
CJK = f"{HAN}{KANA}\ua000-\ua4cf"
UNSPACED = re.compile(f"[{SOUTH_EAST_ASIAN}{CJK}]")

ZWNJ, _ZWJ = "\u200c", "\u200d"
# Continue a cluster, besides marks: joiners, the vowel "am" of Thai and of Lao, and the
# half-width voicing marks of Japanese.
_CONTINUES = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")
# Vowels that are written before their consonant (the property Logical_Order_Exception).
_WRITTEN_BEFORE = frozenset(
    "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
    "\u19b5\u19b6\u19b7\u19ba\uaab5\uaab6\uaab9\uaabb\uaabc"
)
_VIRAMA = 9  # the combining class of viramas
_VISIBLE_VIRAMAS = frozenset("\u0e3a\u103a")  # of Thai and of Burmese: end a syllable
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
# Vowels and finals of Korean, skin tones, and letters that spell the flags of regions.
_CONTINUING_CODES = (
    range(0x1160, 0x1200),
    range(0x1F3FB, 0x1F400),
    range(0xE0020, 0xE0080),
)


def is_mark(sign: str) -> bool:
    """True for an accent, or a vowel written at its consonant."""
    return category(sign)[0] == "M"


def is_unspaced(text: str) -> bool:
    """True if a text begins in a script without spaces between words."""
    return bool(UNSPACED.match(text))


def clusters(text: str) -> Iterator[str]:
    """Yield the grapheme clusters of a text, in order; joined they are the text."""
    start = flags = 0
    for at in range(1, len(text)):
        flags = flags + 1 if ord(text[at - 1]) in _FLAG_LETTERS else 0
        if not _belongs(text[at - 1], text[at], flags):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _belongs(before: str, sign: str, flags: int) -> bool:
    """True if a sign continues the cluster; `flags` counts the flag letters before."""
    if before == "\r" and sign == "\n":
        return True
    if category(before) in ("Cc", "Zl", "Zp"):
        return False
    if is_mark(sign) or sign in _CONTINUES:
        return True
    code = ord(sign)
    if any(code in codes for codes in _CONTINUING_CODES):
        return True
    if before in _WRITTEN_BEFORE or _joins_next(before):
        return category(sign)[0] == "L"
    if before == _ZWJ:
        return category(sign) in ("So", "Lo")
    return code in _FLAG_LETTERS and flags % 2 == 1


def _joins_next(sign: str) -> bool:
    return combining(sign) == _VIRAMA and sign not in _VISIBLE_VIRAMAS
