"""Masks phone numbers: their last two digits are left, to tell callers apart. Pure.

`masked` is for a value that is a number or an address. A `NumberMask` is for the texts
of a call: it finds the call's own numbers in every spelling.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from bots.phone_numbers.caller_id import E164, national_number
from bots.phone_numbers.spoken_digits import RUN, digits_in

DOTS = "•••"
SHOWN_DIGITS = 2
# Digits that are part of a number of the call: on their own, and among other digits.
MIN_PART = 3
MIN_PART_AMONG_OTHERS = 5
# Between two pieces of a text that are masked as one; no text contains it.
BREAK = "\ue000"

# What may follow the digits at the end of an unfinished text.
END = f" \n…{BREAK}"

# A number within a text, with what people write between the digits.
BETWEEN = r"[\s().\-/\u2010-\u2015\u2212]{0,3}"
NUMBER = re.compile(rf"[+(]{{0,2}}\d(?:{BETWEEN}\d){{4,}}")
# Digits as many as a phone number has. A date has as many, and is none.
_DATE = (
    r"(?:(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|[0-3]?\d[./][0-3]?\d[./](?:19|20)\d\d)"
    r"(?:[T ,]{1,2}\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
# SIP addresses and the like: the part before the @ names a person.
_SCHEME = r"(?P<scheme>sips?|client|whatsapp|tel):"
_HOST = r"(?P<host>@[^\s<>\"]*)?"
ADDRESS = re.compile(rf"{_SCHEME}[^@]*(?P<host>@\S*)?", re.IGNORECASE)
WITHIN = re.compile(rf"{_SCHEME}[^@\s<>\"]*{_HOST}|{NUMBER.pattern}", re.IGNORECASE)
SHAPED = re.compile(
    rf"(?P<date>(?<!\d){_DATE}(?!\d))|(?<!\w){_SCHEME}[^@\s<>\"]+{_HOST}"
    rf"|[+(]{{0,2}}\d(?:{BETWEEN}\d){{6,}}",
    re.IGNORECASE,
)
# The name before an address in angle brackets is the person's, too.
NAMED = re.compile(r"[^<>]*<([^<>]*)>[^<>]*")


def masked(number: str) -> str:
    """The number or address masked; texts like “anonymous” stay as they are."""
    named = NAMED.fullmatch(number)
    if address := ADDRESS.fullmatch((named[1] if named else number).strip()):
        return _mask_address(address)
    if re.fullmatch(r"[+\d\s().\-/]*", number):
        return _mask_digits(number)
    return WITHIN.sub(_mask, number)


def remove_numbers(text: str, number: str) -> str:
    """The text with every mention of this caller masked, however they are written."""
    if not number:
        return text
    if not E164.fullmatch(number):
        return re.sub(re.escape(number), masked(number), text, flags=re.IGNORECASE)
    whole, national = _spaced(number[1:]), _spaced(national_number(number))
    written = rf"(?:\+|(?:00|011){BETWEEN})?{whole}|0?{national}"
    return re.sub(rf"(?<!\d)(?:{written})(?!\d)", masked(number), text)


def numbers_in(value: Any) -> Iterator[str]:
    """Everything in JSON data that looks like a phone number."""
    match value:
        case Mapping():
            yield from numbers_in([*value, *value.values()])
        case list() | tuple():
            for inner in value:
                yield from numbers_in(inner)
        case str() | int() if not isinstance(value, bool):
            found = SHAPED.finditer(str(value))
            yield from (match[0] for match in found if not match["date"])


class NumberMask:
    """Masks the numbers of one call, given in E.164, as digits, or as addresses."""

    def __init__(self, numbers: Iterable[str] = ()) -> None:
        given = [number for number in numbers if number]
        plain = [number for number in given if re.fullmatch(r"\+?\d+", number)]
        self.addresses = [number for number in given if number not in plain]
        self.spellings = [text for number in plain for text in _spellings(number)]

    def said(self, text: str, *, is_unfinished: bool = False) -> str:
        """A text that somebody said, without the call's own numbers.

        Digits at the end of an unfinished text may become one of them.
        """
        for address in self.addresses:
            text = re.sub(
                re.escape(address), masked(address), text, flags=re.IGNORECASE
            )

        def replaced(run: re.Match[str]) -> str:
            may_go_on = is_unfinished and not text[run.end() :].strip(END)
            return DOTS if may_go_on else self._mask_run(run[0])

        return RUN.sub(replaced, text)

    def pieces(self, *texts: str, is_unfinished: bool = False) -> list[str]:
        """Consecutive pieces of one text; a number across two of them is masked."""
        whole = BREAK.join(text.replace(BREAK, "") for text in texts)
        return self.said(whole, is_unfinished=is_unfinished).split(BREAK)

    def made(self, value: Any) -> Any:
        """JSON data without the call's numbers, and without what looks like one."""
        match value:
            case str():
                return self._made_text(value)
            case Mapping():
                return {self.made(str(key)): self.made(value[key]) for key in value}
            case list() | tuple():
                return self._made_list([self.made(inner) for inner in value])
            case None | bool():
                return value
        text = str(value)
        shown = self.said(text) if isinstance(value, float) else self._made_text(text)
        return value if shown == text else shown

    def _made_list(self, values: list[Any]) -> list[Any]:
        """A list whose items may be the digits of a number, one by one."""
        texts = [str(value) for value in values if isinstance(value, str | int)]
        if not texts or len(texts) < len(values):
            return values
        shown: list[Any] = self.pieces(*texts)
        return values if shown == texts else shown

    def _made_text(self, text: str) -> str:
        if text.lstrip()[:1] in ("{", "["):
            try:
                parsed = json.loads(text)
                shown = self.made(parsed)
            except (ValueError, RecursionError):  # a text, or nested without end
                pass
            else:
                unchanged = shown == parsed
                return text if unchanged else json.dumps(shown, ensure_ascii=False)
        return SHAPED.sub(_mask, self.said(text))

    def _mask_run(self, run: str) -> str:
        """A run of digits, in which dots replace those of a number of the call."""
        digits = list(digits_in(run))
        written, parts, end = "".join(digit.value for digit in digits), [run[:0]], 0
        for first, after in self._own(written):
            start, stop = digits[first].start if first else 0, digits[after - 1].end
            breaks = BREAK * run.count(BREAK, start, stop)
            parts += [run[end:start], self._tail(written[first:after]), breaks]
            end = stop
        return "".join([*parts, run[end:]])

    def _own(self, digits: str) -> Iterator[tuple[int, int]]:
        """The digits that belong to a number of the call, as ranges."""
        if len(digits) >= MIN_PART and self._has(digits):
            yield 0, len(digits)
            return
        size, covered = MIN_PART_AMONG_OTHERS, set[int]()
        for at in range(len(digits) - size + 1):
            if self._has(digits[at : at + size]):
                covered.update(range(at, at + size))
        for is_own, places in groupby(range(len(digits)), covered.__contains__):
            if is_own:
                first, *others = places
                yield first, (others or [first])[-1] + 1

    def _has(self, digits: str) -> bool:
        return any(digits in spelling for spelling in self.spellings)

    def _tail(self, digits: str) -> str:
        """Dots, and the last digits if these are the last of the number."""
        is_end = any(spelling.endswith(digits) for spelling in self.spellings)
        return _mask_digits(digits) if is_end else DOTS


def _spellings(number: str) -> list[str]:
    """The digits of a number with all that people write before them."""
    if not E164.fullmatch(number):
        return [re.sub(r"\D", "", number)]
    whole, national = number[1:], national_number(number)
    with_zero = f"{whole.removesuffix(national)}0{national}"  # +49 (0)151…
    return [f"00{whole}", f"011{whole}", f"00{with_zero}"]


def _spaced(digits: str) -> str:
    return BETWEEN.join(digits)


def _mask(match: re.Match[str]) -> str:
    if match.groupdict().get("date"):
        return match[0]
    return _mask_address(match) if match["scheme"] else _mask_digits(match[0])


def _mask_address(match: re.Match[str]) -> str:
    return f"{match['scheme']}:{DOTS}{match['host'] or ''}"


def _mask_digits(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return f"{DOTS}{digits[-SHOWN_DIGITS:]}" if digits else text
