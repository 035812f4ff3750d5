"""Creates the tasks that follow a call: its summary, and the webhook to send."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models.functions import Now

from bots.config.bot_config import BotConfig
from bots.config.summary_spec import SummarySpec
from bots.config_builder import config_from_json
from bots.models import Bot
from calls.models import Call, PostCallTask, Turn
from calls.models.post_call_task import Kind

# A call's last turns are written a moment after its end.
SETTLE = timedelta(seconds=1)


def create_tasks(call_ids: Iterable[int]) -> None:
    """Create the tasks of calls that have just ended, once for each call and kind.

    Belongs into the transaction that closes the calls.
    """
    ended = Call.objects.filter(pk__in=call_ids, status__in=Call.OVER)
    ended = ended.exclude(status=Call.Status.REFUSED)  # no bot took these
    tasks = [
        PostCallTask(call=call, kind=kind, due_at=Now() + SETTLE)
        for call in ended.only("is_test", "settings")
        for kind in task_kinds(call, config_from_json(call.settings))
    ]
    if tasks:
        PostCallTask.objects.bulk_create(tasks, ignore_conflicts=True)


def task_kinds(call: Call, bot: Bot | BotConfig) -> list[Kind]:
    """The kinds of tasks that a bot asks for. No webhook is sent for a test call."""
    kinds = [Kind.SUMMARY] if summary_spec(bot) and _has_caller_text(call) else []
    return [*kinds, Kind.WEBHOOK] if bot.webhook_url and not call.is_test else kinds


def summary_spec(bot: Bot | BotConfig) -> SummarySpec:
    """The summary that the bot's operator asks for."""
    return SummarySpec.of(bot.summary_prompt, bot.outcomes, bot.summary_fields)


def _has_caller_text(call: Call) -> bool:
    """True if the caller said or typed anything; a silent call gets no summary."""
    turns = Turn.objects.filter(call=call, role=Turn.Role.CALLER)
    return turns.exclude(text="").exists()
