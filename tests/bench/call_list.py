"""Measures the list of calls with many calls: python -m tests.bench.call_list

Fills a PostgreSQL database once, then requests pages as an operator does.
"""

import os
import random
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlsplit

import django
import psycopg

DATABASE = "postgres://postgres@127.0.0.1:5432/voicebot_call_list"
BOTS, CALLERS, DAYS = 20, 5_000, 90
WORDS_A_TURN, VOCABULARY = 14, 20_000
BATCH = 2_000
PAGES = {
    "list": "",
    "page 3": "p=3",
    "last page": "p=last",
    "by length": "o=-6",
    "one day": "day",
    "one month": "month",
    "a bot": "bot__id__exact=1",
    "a number": "to_number__exact=%2B14155550103",
    "a status": "status__exact=failed",
    "an end": "end_reason__exact=bot-failed",
    "with an error": "had_error__exact=1",
    "slower than 5 s": "slowest_response_ms__gte=5000",
    "test calls": "is_test__exact=1",
    "handled": "handled_at__isnull=False",
    "with a tag": "tag=call+back",
    "with a note": "note=yes",
    "a rare word": "q=uccb",
    "a usual word": "q=gtaa",
    "a common word": "q=uaaa",
    "the most common word": "q=aaaa",
    "a word in summaries": "q=gunther",
    "two words": "q=ebaa+yaba",
    "a word nobody said": "q=zebras",
    "the end of a number": "q=0123",
    "a whole number": "q=%2B14155560123",
    "a SID": "q=CA00000000000000000000000000000777",
    "a bot's name": "q=Bot+7",
    "a word, an error": "q=gtaa&had_error__exact=1",
}


def main() -> None:
    """Fill the database if it has too few calls, and time the pages."""
    options = arguments()
    prepare(options.database)
    from calls.models import Call

    if Call.objects.count() < options.calls:
        fill(options.calls, options.turns)
    measure(options.repeat)


def arguments() -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=DATABASE, help="created when missing")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=10, help="turns per call")
    parser.add_argument("--repeat", type=int, default=5)
    return parser.parse_args()


def prepare(url: str) -> None:
    """Create the database and its tables, and set up Django."""
    name = urlsplit(url).path.lstrip("/")
    server = url.removesuffix(name) + "postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        exists = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if not exists:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE_URL": url,
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def fill(calls: int, turns: int) -> None:
    """Write calls of many callers over three months, with words of a usual spread."""
    from django.db import connection

    from bots.config_builder import config_of
    from bots.models import Bot
    from calls.models import Call, Turn

    chance = random.Random(5)
    bots = [Bot.objects.get_or_create(name=f"Bot {n}")[0] for n in range(BOTS)]
    configs = [config_of(bot).to_json() for bot in bots]
    words = [spelled(n) for n in range(VOCABULARY)]
    weights = [1 / (n + 2) for n in range(VOCABULARY)]
    for begin in range(0, calls, BATCH):
        calls_made = Call.objects.bulk_create(
            Call(**call(n, calls, chance, bots, configs))
            for n in range(begin, min(begin + BATCH, calls))
        )
        all_words = chance.choices(
            words, weights, k=WORDS_A_TURN * turns * len(calls_made)
        )
        spoken = (" ".join(part) for part in chunks(all_words, WORDS_A_TURN))
        Turn.objects.bulk_create(
            (
                Turn(**turn(one, index, next(spoken)))
                for one in calls_made
                for index in range(turns)
            ),
            batch_size=5_000,
        )
        print(f"\r{begin + len(calls_made):,} calls", end="", flush=True)  # noqa: T201
    print()  # noqa: T201
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE calls_call, calls_turn")


def spelled(n: int) -> str:
    """Return the n-th word: four letters, no word the beginning of another."""
    return "".join(chr(ord("a") + n // 26**digit % 26) for digit in range(4))


def call(
    n: int, calls: int, chance: random.Random, bots: list[Any], configs: list[Any]
) -> dict[str, Any]:
    """Return the fields of the n-th call."""
    from django.utils import timezone

    from calls.models.folding import fold

    number = chance.randrange(BOTS)
    failed = chance.random() < 0.03
    name = chance.choice(["Günther", "Łukasz", "Ann"])
    summary = f"{name} called about order {n}." if chance.random() < 0.5 else ""
    started = timezone.now() - timedelta(days=DAYS) * (1 - n / calls)
    return {
        "call_sid": f"CA{n:032}",
        "bot": bots[number],
        "bot_name": bots[number].name,
        "from_number": f"+1415556{chance.randrange(CALLERS):04}",
        "to_number": f"+141555501{number:02}",
        "status": "failed" if failed else "completed",
        "end_reason": "bot-failed" if failed else "caller-hung-up",
        "settings": configs[number],
        "is_test": chance.random() < 0.02,
        "summary": summary,
        "search_text": fold(summary),
        "started_at": started,
        "answered_at": started,
        "ended_at": started + timedelta(seconds=chance.randrange(5, 600)),
        "turn_count": 10,
        "slowest_response_ms": int(chance.lognormvariate(6.9, 0.5)),
        "was_interrupted": chance.random() < 0.3,
        "had_error": failed,
        "caller_was_silent": chance.random() < 0.02,
    }


def turn(call: Any, index: int, text: str) -> dict[str, Any]:
    """Return the fields of one turn."""
    at = call.started_at + timedelta(seconds=7 * index)
    return {
        "call": call,
        "index": index,
        "role": "caller" if index % 2 else "bot",
        "text": text,
        "heard_text": text,
        "started_at": at,
        "ended_at": at,
        "latency_ms": {} if index % 2 else {"request_sent": 4, "play_sent": 840},
    }


def chunks(words: list[str], size: int) -> Iterator[list[str]]:
    """Split words into lists of `size`."""
    return (words[begin : begin + size] for begin in range(0, len(words), size))


def measure(repeat: int) -> None:
    """Print the queries, the median and the slowest time of every page."""
    from django.contrib.auth.models import User
    from django.test import Client

    staff = {"is_staff": True, "is_superuser": True}
    user, _ = User.objects.get_or_create(username="bench", defaults=staff)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    heads = f"{'queries':>8}{'database':>10}{'CPU':>9}{'median':>9}{'slowest':>9}"
    print(f"{'page':24}{heads}")  # noqa: T201
    for name, query in PAGES.items():
        times, counts, database_ms, cpu_ms = timed(client, address(query), repeat)
        print(  # noqa: T201
            f"{name:24}{max(counts):8}{median(database_ms):7.0f} ms"
            f"{median(cpu_ms):6.0f} ms{median(times):6.0f} ms{max(times):6.0f} ms"
        )


def timed(
    client: Any, url: str, repeat: int
) -> tuple[list[float], list[int], list[float], list[float]]:
    """Return each request's milliseconds, queries, database time and CPU time."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times, counts, database_ms, cpu_ms = [], [], [], []
    for _ in range(repeat + 1):  # the first one warms up
        with CaptureQueriesContext(connection) as queries:
            start, cpu_start = perf_counter(), process_time()
            response = client.get(url)
            times.append(1000 * (perf_counter() - start))
            cpu_ms.append(1000 * (process_time() - cpu_start))
        assert response.status_code == 200, (url, response.status_code)
        counts.append(len(queries))
        database_ms.append(1000 * sum(float(query["time"]) for query in queries))
    return times[1:], counts[1:], database_ms[1:], cpu_ms[1:]


def address(query: str) -> str:
    """Return a page's address; days and page numbers depend on the stored calls."""
    from calls.models import Call

    day = Call.objects.latest("started_at").started_at - timedelta(days=40)
    dated = {
        "day": f"since={day:%Y-%m-%d}&until={day:%Y-%m-%d}",
        "month": f"since={day:%Y-%m}-01&until={day:%Y-%m}-28",
        "p=last": f"p={Call.objects.real().count() // 50}",
    }
    return f"/admin/calls/call/?{dated.get(query, query)}"


if __name__ == "__main__":
    main()
