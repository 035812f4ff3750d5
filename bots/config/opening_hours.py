"""Parses opening hours such as "Mon-Fri 9:00-12:00, 13:00-17:00". Pure.

People write them in many ways, so a text is read word by word: days, then the times of
these days. Times without days after them belong to the days before. Times alone are
those of every day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ENGLISH = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)
GERMAN = (
    *("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
)
# Words for several days, and short forms that are no beginning of a name.
GROUPS = {
    **dict.fromkeys(["daily", "everyday", "täglich", "taeglich"], range(7)),
    **dict.fromkeys(["weekday", "workday"], range(5)),
    **dict.fromkeys(["weekend", "wochenende"], range(5, 7)),
    "wed": range(2, 3),  # also Weds
    "sonnabend": range(5, 6),
    "m": range(1),  # M-F
    "w": range(2, 3),
    "f": range(4, 5),
}
# Words for times, as minutes of the day and am or pm.
TIMES = {"noon": (720, "p"), "midday": (720, "p"), "midnight": (0, "a")}
CLOSED = frozenset({"closed", "off", "geschlossen"})
FILLERS = frozenset({"from", "von", "open", "uhr", "and", "und", "u", "hours", "hrs"})
DASHES = "-‐‑‒–—−~"  # noqa: RUF001
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
EXAMPLE = "Mon-Fri 9:00-12:00, 13:00-17:30, Sat 10:00-14:00"
HOW = f"Write it like {EXAMPLE}."

_TIME = r"(\d{1,2})(?:[:.h]?(\d{2}))?(?!\d)\s*(?:h\b|([ap])\.?m\b\.?)?"
_TOKEN = re.compile(
    rf"(?P<always>24\s*/\s*7|24\s*h(?:ours|rs)?\b|all\s+day\b|always\b)"
    rf"|(?P<time>{_TIME})"
    rf"|(?P<dash>[{DASHES}]|\b(?:to|till|until|bis|through|thru)\b)"
    r"|(?P<word>every\s+day|[^\W\d_]+)"
    r"|(?P<pause>[\s.,;:/&+()|]+)",
    re.IGNORECASE,
)

Span = tuple[int, int]  # minutes since Monday 0:00; may end in the next week


class BadHours(ValueError):
    """Opening hours that cannot be parsed; the message names the part."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "days", "time", "dash", "closed" or "always"
    text: str
    days: range = range(0)
    minute: int = 0
    meridiem: str = ""


@dataclass(slots=True)
class _Entry:
    """Days, and the times of each of them as minutes of the day."""

    days: list[int] = field(default_factory=list)
    times: list[Span] = field(default_factory=list)
    is_closed: bool = False

    @property
    def is_complete(self) -> bool:
        return bool(self.times) or self.is_closed


def parse_spans(text: str) -> list[Span]:
    """Return the spans of time; an empty text has none. Raises `BadHours`."""
    tokens = list(_tokens(text))
    if tokens and not any(token.kind == "days" for token in tokens):
        tokens.insert(0, _Token("days", "daily", range(7)))
    entries = _entries(tokens)
    closed = {day for entry in entries if entry.is_closed for day in entry.days}
    spans = [
        (day * DAY_MINUTES + opens, day * DAY_MINUTES + closes)
        for entry in entries
        for day in entry.days
        if day not in closed
        for opens, closes in entry.times
    ]
    if entries and not spans:
        raise BadHours(f"“{text.strip()}” does not say when it is open. {HOW}")
    return spans


def week_of(text: str) -> list[list[Span]]:
    """The spans of each day, in minutes of that day; a span may end in the next day.

    An empty text has none. Raises `BadHours`.
    """
    days: list[list[Span]] = [[] for _ in DAYS]
    for start, end in sorted(parse_spans(text)):
        day = start // DAY_MINUTES
        days[day].append((start - day * DAY_MINUTES, end - day * DAY_MINUTES))
    return days if any(days) else []


def is_open(text: str, minute: int) -> bool:
    """True if it is open at a minute of the week; an empty text is always open.

    Raises `BadHours`.
    """
    spans = parse_spans(text)
    return not spans or any(
        (minute - start) % WEEK_MINUTES < end - start for start, end in spans
    )


def is_open_or_unreadable(text: str, minute: int) -> bool:
    """`is_open`, with hours that cannot be read taken for always open."""
    try:
        return is_open(text, minute)
    except BadHours:
        return True


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise BadHours(f"“{text[position:].strip()}” is not understood. {HOW}")
        position = match.end()
        kind, shown = match.lastgroup or "", match[0].strip()
        if match["time"]:
            yield _time(shown, *match.group(3, 4, 5))
        elif match["word"]:
            yield from _word(shown)
        elif kind in ("always", "dash"):
            yield _Token(kind, shown)


def _time(text: str, hour: str, minute: str | None, half: str | None) -> _Token:
    meridiem = (half or "").lower()
    hours, minutes = int(hour), int(minute or 0)
    if meridiem and not 1 <= hours <= 12:
        hours = 99
    total = (hours % 12 if meridiem else hours) * 60 + minutes
    total += 12 * 60 if meridiem == "p" else 0
    if hours > 24 or total > DAY_MINUTES or minutes > 59:
        raise BadHours(f"“{text}” is a time of day that does not exist.")
    return _Token("time", text, minute=total, meridiem=meridiem)


def _word(text: str) -> Iterator[_Token]:
    word = " ".join(text.lower().split()).replace("every day", "daily")
    singular = word.removesuffix("s")
    if word in CLOSED:
        yield _Token("closed", text)
    elif word in TIMES:
        minute, meridiem = TIMES[word]
        yield _Token("time", text, minute=minute, meridiem=meridiem)
    elif days := GROUPS.get(word) or GROUPS.get(singular) or _day(singular):
        yield _Token("days", text, days)
    elif word not in FILLERS:
        raise BadHours(f"“{text}” is not understood. {HOW}")


def _day(word: str) -> range | None:
    """The day whose English or German name a word of two letters or more begins."""
    for names in (ENGLISH, GERMAN):
        for day, name in enumerate(names):
            if len(word) >= 2 and name.startswith(word):
                return range(day, day + 1)
    return None


def _entries(tokens: list[_Token]) -> list[_Entry]:
    entries: list[_Entry] = []
    while tokens:
        token = tokens.pop(0)
        if token.kind == "days":
            if not entries or entries[-1].is_complete:
                entries.append(_Entry())
            entries[-1].days += _day_range(token, tokens)
        elif entries:
            _add(entries[-1], token, tokens)
        else:
            raise BadHours(f"There is no day before “{token.text}”. {HOW}")
    if entries and not entries[-1].is_complete:
        day = DAYS[entries[-1].days[-1]].capitalize()
        raise BadHours(f"There are no times after “{day}”. {HOW}")
    return entries


def _add(entry: _Entry, token: _Token, rest: list[_Token]) -> None:
    """Add what is said about the days of an entry."""
    if token.kind == "time":
        entry.times.append(_span(token, rest, entry.times))
    elif token.kind == "always":
        entry.times.append((0, DAY_MINUTES))
    elif token.kind == "closed":
        entry.is_closed = True
    else:
        raise BadHours(f"There is no time before “{token.text}”. {HOW}")
    if entry.times and entry.is_closed:
        raise BadHours(f"Write the days before “{token.text}”: Sun closed.")


def _day_range(first: _Token, rest: list[_Token]) -> list[int]:
    """The days from one to another; consumes the dash and the last day."""
    if len(rest) > 1 and (rest[0].kind, rest[1].kind) == ("dash", "days"):
        last = rest[1]
        del rest[:2]
        begin, end = first.days[0], last.days[-1]
        return [day % 7 for day in range(begin, begin + (end - begin) % 7 + 1)]
    return list(first.days)


def _span(opens: _Token, rest: list[_Token], earlier: list[Span]) -> Span:
    """The span from one time to another; consumes the dash and the second time."""
    if len(rest) > 1 and rest[1].kind == "always":  # 0-24h
        rest[1] = _Token("time", rest[1].text, minute=DAY_MINUTES)
    if len(rest) < 2 or (rest[0].kind, rest[1].kind) != ("dash", "time"):
        raise BadHours(f"“{opens.text}” has no second time. {HOW}")
    closes = rest[1]
    del rest[:2]
    begin, end = _with_meridiem(opens, closes)
    shown = f"{opens.text}-{closes.text}"
    is_late = bool(earlier) and begin < earlier[-1][1]
    is_unclear = is_late or (end <= begin and begin > 0)
    has_meridiem = opens.meridiem or closes.meridiem
    if is_unclear and not has_meridiem and max(begin, end) <= 12 * 60:
        raise BadHours(
            f"“{shown}” may mean the morning or the afternoon. Write 13:00 or 1pm for "
            "times after noon."
        )
    if is_late:
        raise BadHours(f"“{shown}” begins before the time before it ends.")
    return begin, end if end > begin else end + DAY_MINUTES  # past midnight


def _with_meridiem(opens: _Token, closes: _Token) -> Span:
    """Both times, with am or pm from the other one if only that has it: 9-5pm."""
    begin, end, half = opens.minute, closes.minute, DAY_MINUTES // 2
    if closes.meridiem and not opens.meridiem and begin <= half:
        candidates = (begin % half + half, begin % half)
        begin = next((time for time in candidates if time < end), begin)
    elif opens.meridiem and not closes.meridiem and end <= half:
        candidates = (end % half, end % half + half)
        end = next((time for time in candidates if time > begin), end)
    return begin, end
