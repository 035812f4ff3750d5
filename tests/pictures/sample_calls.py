"""Two weeks of sample calls for screenshots of the console; the same in every run."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.models import Call, Turn
from calls.transcripts.closing import complete
from tests.pictures.sample_texts import BOTS, ERROR, EXCHANGES, NUMBERS, Exchange
from tests.support.recordings import record_turns

CALLS = 300
DAYS = 14
# The relative number of calls in each hour of a day.
BUSY_HOURS = [0, 0, 0, 0, 0, 0, 1, 3, 9, 14, 13, 10, 12, 9, 8, 9, 11, 14, 12, 7, 4, 2]
WORDS_A_SECOND = 2.6
END = Call.EndReason
ENDS = {END.CALLER_HUNG_UP: 70, END.BOT_HUNG_UP: 22, END.TRANSFERRED: 3}


def make_bots() -> None:
    """Create the bots and their numbers."""
    for values in BOTS:
        Bot.objects.create(**values)
    for number, (label, bot) in NUMBERS.items():
        PhoneNumber.objects.create(
            number=number, label=label, bot=Bot.objects.get(name=bot)
        )


def make_calls(until: datetime) -> None:
    """Create the calls of the two weeks before `until`, and one for the call page."""
    chance = Random(5)
    calls = [_answered(chance, start) for start in _moments(chance, until)]
    calls += [_refused(chance, until - timedelta(hours=7 * day)) for day in range(1, 9)]
    calls.append(_sample_call(until - timedelta(minutes=12)))
    complete([call.pk for call in calls])


def _moments(chance: Random, until: datetime) -> list[datetime]:
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = chance.choices(range(len(BUSY_HOURS)), BUSY_HOURS, k=2 * CALLS)
    moments = [
        midnight
        - timedelta(days=chance.randrange(DAYS))
        + timedelta(hours=hour, seconds=chance.randrange(3600))
        for hour in hours
    ]
    past = [moment for moment in moments if moment < until - timedelta(minutes=15)]
    return sorted(past[:CALLS])


def _answered(chance: Random, start: datetime) -> Call:
    number = chance.choices(list(NUMBERS), [12, 3, 8, 5])[0]
    bot = Bot.objects.get(name=NUMBERS[number][1])
    script = Script(_call(chance, start, number, bot), chance)
    script.greet(bot.greeting)
    exchanges = EXCHANGES[bot.name]
    silent = chance.random() < 0.03
    for exchange in [] if silent else exchanges[: chance.randint(1, len(exchanges))]:
        script.exchange(exchange, cut=chance.random() < 0.08)
    if chance.random() < 0.03:
        script.fail()
    script.end(END.CALLER_SILENT if silent else _end(chance, script))
    return script.call


def _end(chance: Random, script: "Script") -> str:
    if script.failed and chance.random() < 0.5:
        return END.BOT_FAILED
    return chance.choices(list(ENDS), list(ENDS.values()))[0]


def _refused(chance: Random, start: datetime) -> Call:
    call = _call(chance, start, next(iter(NUMBERS)), None)
    call.status, call.answered_at, call.ended_at = Call.Status.REFUSED, None, start
    call.end_reason = chance.choice([END.BUSY, END.NOT_IN_SERVICE])
    call.save()
    return call


def _sample_call(start: datetime) -> Call:
    """Create a call with an interruption, long enough to show on the call page."""
    number = next(iter(NUMBERS))
    bot = Bot.objects.get(name=NUMBERS[number][1])
    script = Script(_call(Random(1), start, number, bot), Random(3))
    script.greet(bot.greeting)
    first, second, third, last, _ = EXCHANGES[bot.name]
    script.exchange(first)
    script.exchange(second, cut=True)
    script.exchange(third)
    script.exchange(last)
    script.end(END.CALLER_HUNG_UP)
    record_turns(script.call)
    return script.call


def _call(chance: Random, start: datetime, number: str, bot: Bot | None) -> Call:
    return Call.objects.create(
        call_sid=f"CA{chance.getrandbits(128):032x}",
        bot=bot,
        bot_name=bot.name if bot else "",
        from_number=f"+1500555{chance.randrange(2000, 2060)}",
        to_number=number,
        settings=config_of(bot).to_json() if bot else {},
        status=Call.Status.COMPLETED,
        started_at=start,
        answered_at=start + timedelta(milliseconds=300),
    )


class Script:
    """Creates the turns of a call in order, with times as long as speech takes."""

    def __init__(self, call: Call, chance: Random) -> None:
        self.call = call
        self.chance = chance
        self.now = call.started_at + timedelta(seconds=0.5)
        self.turns: list[Turn] = []
        self.failed = False

    def greet(self, words: str) -> None:
        """Add the bot's greeting."""
        self._turn("bot", words, words)

    def exchange(self, said: Exchange, *, cut: bool = False) -> None:
        """Add a question and its answer; `cut` interrupts the answer."""
        question, answer = said
        self.now += timedelta(seconds=self.chance.uniform(0.6, 1.8))
        self._turn("caller", question, question)
        latency = _latency(self.chance)
        self.now += timedelta(milliseconds=latency["playback_started"])
        words = answer.split()
        heard = " ".join(words[: len(words) * 2 // 5]) if cut else answer
        self._turn(
            "bot",
            answer,
            heard,
            interrupted=cut,
            latency_ms=latency,
            model="openai/gpt-4.1-mini",
            prompt_tokens=180 + 40 * len(self.turns),
            completion_tokens=len(words) * 4 // 3,
        )

    def fail(self) -> None:
        """Add a question whose answer failed."""
        self.failed = True
        self._turn("caller", "Hello? Are you there?", "Hello? Are you there?")
        self._turn("bot", "", "", error=ERROR, latency_ms={"request_sent": 4})

    def use(self, name: str, arguments: dict[str, str], result: str) -> None:
        """Add a tool call."""
        fields: dict[str, Any] = {
            "call_id": name,
            "name": name,
            "arguments": json.dumps(arguments),
        }
        fields |= {"batch": 1, "result": result, "failed": False}
        took = self.chance.randint(200, 1400)
        self._turn("tool", name, "", tool_call=fields, latency_ms={"tool": took})

    def end(self, reason: str) -> None:
        """End the call and save its turns."""
        self.call.end_reason = reason
        if reason == END.BOT_FAILED:
            self.call.status = Call.Status.FAILED
        self.call.ended_at = self.now + timedelta(seconds=1)
        self.call.save()
        Turn.objects.bulk_create(self.turns)

    def _turn(self, role: str, text: str, heard: str, **fields: Any) -> None:
        start = self.now
        self.now += timedelta(seconds=(len(heard.split()) + 1) / WORDS_A_SECOND)
        self.turns.append(
            Turn(
                call=self.call,
                index=len(self.turns),
                role=role,
                text=text,
                heard_text=heard,
                started_at=start,
                ended_at=self.now,
                **fields,
            )
        )


def _latency(chance: Random) -> dict[str, int]:
    """Return the stages of an answer in ms: most answers are fast, a few slow."""
    pace = chance.lognormvariate(0, 0.28) * (3 if chance.random() < 0.02 else 1)
    steps = {
        "request_sent": 3,
        "first_token": 310 * pace,
        "first_audio": 180 * pace,
        "first_clip": 290 * pace,
        "play_sent": 2,
        "clip_fetched": 70,
        "playback_started": 45,
    }
    reached, latency = 0.0, {}
    for stage, took in steps.items():
        reached += took
        latency[stage] = round(reached)
    return latency
