"""What the doctor finds of webhooks and summaries."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from bots.models import Bot
from bots.models.secret import SecretUnreadable
from calls.diagnostics.findings import Finding, ok, warning
from calls.models import PostCallTask
from calls.models.post_call_task import State

LATELY = timedelta(days=1)


def probe_post_call_tasks() -> Iterator[Finding]:
    """Whether what is owed after calls can be done, and was."""
    found = [*_unsigned(), *_given_up()]
    for words in found:
        yield warning("After calls", words)
    if not found:
        yield ok("After calls", "No summary and no webhook was given up lately.")


def _unsigned() -> Iterator[str]:
    """Bots whose webhook gets nothing, because nothing can sign it."""
    telling = Bot.objects.filter(is_active=True).exclude(webhook_url="")
    for bot in telling.select_related("webhook_secret").order_by("name"):
        if bot.webhook_secret is None:
            yield f"{bot}: its webhook has no secret. Choose one at the bot."
            continue
        try:
            bot.webhook_secret.get_value()
        except SecretUnreadable as error:
            yield f"{bot}: its webhook is not told of calls. {error}"


def _given_up() -> Iterator[str]:
    lately = timezone.now() - LATELY
    rows = PostCallTask.objects.filter(state=State.FAILED, created_at__gte=lately)
    counted = rows.order_by("kind").values_list("kind").annotate(Count("pk"))
    for kind, count in counted:
        yield (
            f"Given up of the last day's calls: {count} x {kind}. The desk's list of "
            "followups says why, and does them again."
        )
