"""A process whose callers call one after the other until a budget turns them away.

Their calls last three, two or one minute by Twilio's report, and end at once. They
begin when a line comes on stdin.
"""

import asyncio
import json
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from asgiref.sync import sync_to_async  # noqa: E402
from django.utils import timezone  # noqa: E402

from calls.costs.settling import settle_some  # noqa: E402
from calls.models import Call, CallCost, CallUsage  # noqa: E402
from calls.prices.usage import REPORT, Kind, Usage  # noqa: E402
from calls.transcripts.closing import close_calls  # noqa: E402
from tests.calls.webhooks.test_incoming import ring  # noqa: E402

CALLERS, MOST_CALLS = 8, 30


def end(call_sid: str, minutes: int) -> None:
    """End a call, and have its cost calculated at once."""
    calls = Call.objects.filter(call_sid=call_sid)
    close_calls(calls, Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP)
    usage = Usage(Kind.LINE_IN, quantity=60 * minutes)
    row = CallUsage(call=calls.get(), source=REPORT, entries=[usage.to_json()])
    CallUsage.write([row])
    CallCost.objects.filter(call__call_sid=call_sid).update(due_at=timezone.now())
    settle_some()


async def caller(name: str) -> int:
    """Call until the budget is spent; returns the number of calls with the bot."""
    for number in range(MOST_CALLS):
        call_sid = f"CA{name}-{number}"
        document = await ring(CallSid=call_sid, From=f"+1500555{number:04}")
        if document.find("Connect") is None:
            return number
        await sync_to_async(end, thread_sensitive=False)(call_sid, 3 - number % 3)
    return MOST_CALLS


async def main(name: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    counts = await asyncio.gather(*(caller(f"{name}{n}") for n in range(CALLERS)))
    sys.stdout.write(json.dumps(sum(counts)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
