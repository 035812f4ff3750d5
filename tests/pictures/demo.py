"""Two weeks of made-up calls, the same at every run, for pictures of the desk."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.models import Call, Turn
from calls.transcripts.closing import complete
from tests.pictures.words import BOTS, EXCHANGES, NUMBERS, TROUBLE, Exchange

CALLS = 300
DAYS = 14
# How many calls there are in each hour of a day, in proportion.
BUSY_HOURS = [0, 0, 0, 0, 0, 0, 1, 3, 9, 14, 13, 10, 12, 9, 8, 9, 11, 14, 12, 7, 4, 2]
WORDS_A_SECOND = 2.6
END = Call.EndReason
ENDS = {END.CALLER_HUNG_UP: 70, END.BOT_HUNG_UP: 22, END.TRANSFERRED: 3}


def make_bots() -> None:
    """The bots and their numbers."""
    for values in BOTS:
        Bot.objects.create(**values)
    for number, (label, bot) in NUMBERS.items():
        PhoneNumber.objects.create(
            number=number, label=label, bot=Bot.objects.get(name=bot)
        )


def make_calls(until: datetime) -> None:
    """Calls of the two weeks up to that moment, and one to look at closely."""
    chance = Random(5)
    calls = [_answered(chance, begun) for begun in _moments(chance, until)]
    calls += [_missed(chance, until - timedelta(hours=7 * day)) for day in range(1, 9)]
    calls.append(_to_look_at(until - timedelta(minutes=12)))
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


def _answered(chance: Random, begun: datetime) -> Call:
    number = chance.choices(list(NUMBERS), [12, 3, 8, 5])[0]
    bot = Bot.objects.get(name=NUMBERS[number][1])
    told = Script(_call(chance, begun, number, bot), chance)
    told.greet(bot.greeting)
    everything = EXCHANGES[bot.name]
    silent = chance.random() < 0.03
    for exchange in [] if silent else everything[: chance.randint(1, len(everything))]:
        told.exchange(exchange, cut=chance.random() < 0.08)
    if chance.random() < 0.03:
        told.fail()
    told.end(END.CALLER_SILENT if silent else _end(chance, told))
    return told.call


def _end(chance: Random, told: "Script") -> str:
    if told.failed and chance.random() < 0.5:
        return END.BOT_FAILED
    return chance.choices(list(ENDS), list(ENDS.values()))[0]


def _missed(chance: Random, begun: datetime) -> Call:
    call = _call(chance, begun, next(iter(NUMBERS)), None)
    call.status, call.answered_at, call.ended_at = Call.Status.REFUSED, None, begun
    call.end_reason = chance.choice([END.BUSY, END.NOT_IN_SERVICE])
    call.save()
    return call


def _to_look_at(begun: datetime) -> Call:
    """A call with an interruption, a key and a question, long enough to read."""
    number = next(iter(NUMBERS))
    bot = Bot.objects.get(name=NUMBERS[number][1])
    told = Script(_call(Random(1), begun, number, bot), Random(3))
    told.greet(bot.greeting)
    first, second, third, last, _ = EXCHANGES[bot.name]
    told.exchange(first)
    told.exchange(second, cut=True)
    told.exchange(third)
    told.exchange(last)
    told.end(END.CALLER_HUNG_UP)
    return told.call


def _call(chance: Random, begun: datetime, number: str, bot: Bot | None) -> Call:
    return Call.objects.create(
        call_sid=f"CA{chance.getrandbits(128):032x}",
        bot=bot,
        bot_name=bot.name if bot else "",
        from_number=f"+1500555{chance.randrange(2000, 2060)}",
        to_number=number,
        settings=config_of(bot).to_json() if bot else {},
        status=Call.Status.COMPLETED,
        started_at=begun,
        answered_at=begun + timedelta(milliseconds=300),
    )


class Script:
    """Writes a call's turns down one after the other, as long as they take to say."""

    def __init__(self, call: Call, chance: Random) -> None:
        self.call = call
        self.chance = chance
        self.now = call.started_at + timedelta(seconds=0.5)
        self.turns: list[Turn] = []
        self.failed = False

    def greet(self, words: str) -> None:
        """The bot picks up."""
        self._turn("bot", words, words)

    def exchange(self, said: Exchange, *, cut: bool = False) -> None:
        """A question and its answer, cut short where the caller speaks up."""
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
        """An answer that could not be had."""
        self.failed = True
        self._turn("caller", "Hello? Are you there?", "Hello? Are you there?")
        self._turn("bot", "", "", error=TROUBLE, latency_ms={"request_sent": 4})

    def use(self, name: str, arguments: dict[str, str], result: str) -> None:
        """The bot does something besides speaking."""
        kept: dict[str, Any] = {
            "call_id": name,
            "name": name,
            "arguments": json.dumps(arguments),
        }
        kept |= {"batch": 1, "result": result, "failed": False}
        took = self.chance.randint(200, 1400)
        self._turn("tool", name, "", tool_call=kept, latency_ms={"tool": took})

    def end(self, reason: str) -> None:
        """Hang up, and keep what was said."""
        self.call.end_reason = reason
        if reason == END.BOT_FAILED:
            self.call.status = Call.Status.FAILED
        self.call.ended_at = self.now + timedelta(seconds=1)
        self.call.save()
        Turn.objects.bulk_create(self.turns)

    def _turn(self, role: str, text: str, heard: str, **about: Any) -> None:
        begun = self.now
        self.now += timedelta(seconds=(len(heard.split()) + 1) / WORDS_A_SECOND)
        self.turns.append(
            Turn(
                call=self.call,
                index=len(self.turns),
                role=role,
                text=text,
                heard_text=heard,
                started_at=begun,
                ended_at=self.now,
                **about,
            )
        )


def _latency(chance: Random) -> dict[str, int]:
    """Milliseconds from the caller's last word: most answers quick, a few slow."""
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
