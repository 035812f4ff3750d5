"""A copy of a bot, with its people, keys, languages and tools."""

from django.db import transaction

from bots.models import Bot
from bots.models.version_rows import record_rows, rows_of
from bots.versions.restored_rows import replace_rows

MAX_NAME_LENGTH = 80


@transaction.atomic
def duplicate(bot: Bot) -> Bot:
    """Save a copy, which answers no number and is not the default bot.

    Raises ValidationError for a row that is not valid any more.
    """
    rows = rows_of(bot)
    copy = Bot.objects.get(pk=bot.pk)
    copy.pk, copy._state.adding = None, True
    copy.name = _free_name(bot.name)
    copy.is_default = copy.trace_next_call = False
    copy._change_reason = f"Copied from “{bot.name}”"  # type: ignore[attr-defined]
    copy.save()
    replace_rows(copy, rows)
    record_rows(copy)
    return copy


def _free_name(name: str) -> str:
    """The name with “(copy)” or “(copy 2)” behind it, whichever is free."""
    count = 1
    while True:
        ending = " (copy)" if count == 1 else f" (copy {count})"
        free = name[: MAX_NAME_LENGTH - len(ending)] + ending
        if not Bot.objects.filter(name=free).exists():
            return free
        count += 1
