"""Creates the call of a test, and closes test calls that never connected."""

from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex

from django.utils import timezone

from bots.config.placeholders import limited
from bots.models import Bot
from calls.db import run_in_db_thread
from calls.models import Call
from calls.transcripts.closing import close_calls
from calls.webhooks.open_call import config_snapshot

# A page opens its WebSocket at once.
MAX_CONNECT_TIME = timedelta(minutes=1)


async def open_test_call(
    bot: Bot, operator: str, variables: Mapping[str, str] | None = None
) -> Call:
    """Create a call with which an operator tests a bot in the browser.

    `variables` stand for the parameters that Twilio would send.
    """
    await run_in_db_thread(_close_unconnected_tests)()
    config = await run_in_db_thread(config_snapshot)(bot, "")
    return await Call.objects.acreate(
        call_sid=f"test-{token_hex(16)}",
        bot=bot,
        bot_name=bot.name,
        settings=config.to_json(),
        variables=limited(variables or {}),
        from_number=f"{operator} (browser)"[-120:],
        started_at=timezone.now(),
        is_test=True,
    )


def _close_unconnected_tests() -> None:
    """Close test calls whose page never connected: Twilio does not report on them."""
    abandoned = Call.objects.filter(
        is_test=True,
        status=Call.Status.RINGING,
        started_at__lte=timezone.now() - MAX_CONNECT_TIME,
    )
    close_calls(abandoned, Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED)
