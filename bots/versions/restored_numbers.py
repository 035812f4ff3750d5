"""Numbers of a restored bot: it gets back those that no other bot has now."""

from dataclasses import dataclass

from django.db.models import Q
from simple_history.utils import bulk_update_with_history

from bots.models import Bot, PhoneNumber

MAX_NAMED = 3
BATCH = 500


@dataclass(frozen=True, slots=True)
class NumbersBack:
    """Numbers that the bot had in a version, by what becomes of them.

    Those of another bot stay there, and those given to this bot since stay, too:
    restoring a greeting must not lead callers elsewhere.
    """

    free: list[PhoneNumber]
    of_others: list[PhoneNumber]
    added_since: list[str]
    deleted: list[str]

    @classmethod
    def of(cls, bot: Bot, numbers: list[str]) -> "NumbersBack":
        """Look up the numbers of a version."""
        wanted = set(numbers)
        rows = PhoneNumber.objects.filter(Q(number__in=wanted) | Q(bot_id=bot.pk))
        listed = list(rows.select_related("bot"))
        return cls(
            free=[row for row in listed if row.bot_id is None],
            of_others=[row for row in listed if row.bot_id not in (None, bot.pk)],
            added_since=[row.number for row in listed if row.number not in wanted],
            deleted=sorted(wanted - {row.number for row in listed}),
        )

    def assign(self, bot: Bot) -> None:
        """Give the free numbers to the bot."""
        for number in self.free:
            number.bot = bot
        bulk_update_with_history(
            self.free,
            PhoneNumber,
            ["bot"],
            batch_size=BATCH,
            default_change_reason="Its bot was restored",
        )

    def notes(self) -> list[str]:
        """Sentences for the operator."""
        texts = []
        if self.free:
            names = _named([number.number for number in self.free])
            texts.append(f"The bot answers {names} again.")
        for number in self.of_others[:MAX_NAMED]:
            texts.append(f"{number.number} stays with “{number.bot}”.")
        if more := len(self.of_others[MAX_NAMED:]):
            texts.append(f"{more} more stay with other bots.")
        if self.added_since:
            names = _named(self.added_since)
            texts.append(f"Added since, and not taken away: {names}.")
        if self.deleted:
            names = _named(self.deleted)
            texts.append(f"No longer in the list of numbers: {names}.")
        return texts


def _named(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    first = ", ".join(names[:MAX_NAMED])
    return f"{first} and {more} more" if more > 0 else first
