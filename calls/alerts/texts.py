"""The text of a message: what happened, counted and grouped, with links. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from bots.config.text import one_line

MAX_LINES = 10
MAX_SUBJECT_LENGTH = 150
# One thing, and several things, by event. The outcome stands in place of {}.
TITLES = {
    "call-failed": ("A call failed", "{n} calls failed"),
    "transfer-missed": ("Nobody took a transfer", "Nobody took {n} transfers"),
    "asked-for-person": (
        "A caller asked for a person",
        "{n} callers asked for a person",
    ),
    "outcome": ("A call had the outcome “{}”", "{n} calls had the outcome “{}”"),
    "slow-answers": ("Answers are slow", "Answers were slow {n} times"),
    "errors": ("Many calls have errors", "Many calls had errors, {n} times"),
    "budget": (
        "A budget is nearly or fully spent",
        "Budgets are nearly or fully spent: {n}",
    ),
    "server-trouble": (
        "The server is in trouble",
        "The server was in trouble {n} times",
    ),
}
OVER = {
    "slow-answers": ("Answers are fast again", "Answers became fast again {n} times"),
    "errors": ("Calls have few errors again", "Calls had few errors again {n} times"),
    "server-trouble": (
        "A trouble of the server is over",
        "{n} troubles of the server are over",
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing as a message tells it. `thing` is the same for the same thing.

    `at` is a day and time in words; `caller` is masked if the settings say so.
    """

    thing: str
    event: str
    at: str
    bot: str = ""
    detail: str = ""
    caller: str = ""
    link: str = ""
    is_over: bool = False

    @property
    def line(self) -> str:
        """The thing in one line."""
        detail = "" if self.event == "outcome" else self.detail
        return " · ".join(
            one_line(part) for part in (self.at, detail, self.caller) if part
        )

    @property
    def title_key(self) -> tuple[str, str, bool, str]:
        """Things with the same key are counted together."""
        outcome = self.detail if self.event == "outcome" else ""
        return self.event, self.bot, self.is_over, outcome


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message, with the address of a page about it."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Things of one kind: how many there were, and the first of them."""

    title: str
    lines: tuple[Line, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A message. `page` is the address at which the console shows all of it."""

    subject: str
    intro: str
    sections: tuple[Section, ...]
    page: str

    @property
    def is_one_thing(self) -> bool:
        return len(self.sections) == 1 and len(self.sections[0].lines) == 1


def compose(
    things: Iterable[Told], intro: str, page: str, most: int = MAX_LINES
) -> Text:
    """The text about some things, with `most` lines for each kind.

    What several rules tell is told once.
    """
    once = {(told.event, told.thing): told for told in things}.values()
    ordered = sorted(once, key=lambda told: told.title_key)
    groups = [list(found) for _, found in groupby(ordered, lambda told: told.title_key)]
    groups.sort(key=len, reverse=True)
    sections = tuple(_section(group, most) for group in groups)
    subject = "; ".join(section.title for section in sections)
    return Text(one_line(subject, MAX_SUBJECT_LENGTH), intro, sections, page)


def _section(things: list[Told], most: int) -> Section:
    shown = tuple(Line(told.line, told.link) for told in things[:most])
    return Section(_title(things), shown, len(things) - len(shown))


def _title(things: list[Told]) -> str:
    event, bot, is_over, outcome = things[0].title_key
    one, several = (OVER if is_over else TITLES)[event]
    title = one if len(things) == 1 else several.replace("{n}", f"{len(things):,}")
    named = title.replace("{}", one_line(outcome))
    return f"{named} ({one_line(bot)})" if bot else named
