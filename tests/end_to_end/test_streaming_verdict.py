"""`STREAM_CLIPS=auto` against a real server: each carrier found out and acted on.

Each carrier has an account of its own, so all are found out at the same time.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from bots.models import Bot
from calls.clips.carrier_evidence import START_SECONDS
from calls.clips.carrier_verdict import MAX_TRIAL_CALLS, digest
from calls.clips.clip_format import format_of
from calls.models import CarrierVerdict
from calls.operations.stream_trials import MAX_CALLS_AT_ONCE
from calls.simulator import Carrier, Heard
from calls.simulator.call import SimulatedCall
from tests.conftest import INWORLD_PORT
from tests.end_to_end.streaming import bot as bot
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.support.inworld.script import (
    DONE,
    ROLE,
    Repeat,
    Step,
    audio,
    content,
    finish,
    tone,
    transcript,
)
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, serving
from tests.support.preloaded import SHORTENED

# On a busy machine calls are slow, and some show nothing: then it takes more of them.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

SENTENCE = "We are open every day of the week."
SECOND = " Come in whenever you like."
PIECE_SECONDS, SECOND_SECONDS = 0.12, 0.6
# Pieces come so fast that a server does not wait for more before it streams.
BETWEEN_PIECES = 0.04
# On a busy machine the voice is slow and stands still: it is streamed all the same.
ANY_VOICE = {
    "calls.clips.head_start.MIN_PACE": 0.0,
    "calls.clips.head_start.MARGIN": 0.0,
}
# A carrier that waits shows it if it has not begun so long before the end (s).
CLEARLY_WAITS = START_SECONDS + 0.2
# The next sentence is fetched clearly before or after the end of the first (s).
CLEARLY_APART = 1.0


def spoken(sounds: Repeat, *more: str) -> list[Step]:
    """A reply whose first sentence comes slowly; what follows comes at once."""
    steps: list[Step] = [ROLE, content(SENTENCE), transcript(SENTENCE), sounds]
    for sentence in more:
        steps += [content(sentence), transcript(sentence)]
        steps.append(audio(tone(SECOND_SECONDS)))
    return [*steps, finish(), DONE]


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[LiveServer]:
    with serving(
        DATABASE_URL=database_url,
        INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}",
        STREAM_CLIPS="auto",
        **{SHORTENED: json.dumps(ANY_VOICE)},
    ) as live:
        yield live


@dataclass(slots=True)
class Account:
    """An account of Twilio, whose verdict no other has."""

    server: LiveServer
    inworld: FakeInworld
    number: int
    reports: bool = True
    latest: str = ""  # the SID of its latest call

    @property
    def sid(self) -> str:
        return f"AC{self.number:032x}"

    async def answer(
        self, carrier: Carrier, *more: str, streams: bool = True
    ) -> list[Heard]:
        """One call with one question; the sounds of its answer, heard in full."""
        sounds = Repeat(audio(tone(PIECE_SECONDS)), BETWEEN_PIECES)
        words = f"Are you open, {self.sid}?"
        self.inworld.answers_to[words] = spoken(sounds, *more)
        said = "".join((SENTENCE, *more))
        # A fast clock has no real time between the starts of two clips.
        async with dial(
            self.server,
            fast=not more,
            pause=0.3,
            account_sid=self.sid,
            carrier=carrier,
            speaker_events=None if self.reports else False,
        ) as call:
            await call.reply()
            await call.say(words)
            if streams:
                await self._has_shown_how_it_plays(call, carrier)
            else:
                await asyncio.sleep(CLEARLY_WAITS)
            sounds.enough.set()
            heard = await self._whole_answer(call, sounds, len(more))
            # Without reports, the server knows it a little later.
            await written(
                call.call_sid, lambda rows: said in [row.heard_text for row in rows]
            )
        self.latest = call.call_sid
        assert call.errors == []
        assert [sound.kind for sound in heard] == ["clip"] * len(heard)
        latest = (await turns(await closed(call.call_sid)))[-1]
        assert (latest.text, latest.heard_text, latest.error) == (said, said, "")
        return heard

    async def _whole_answer(
        self, call: SimulatedCall, sounds: Repeat, more: int
    ) -> list[Heard]:
        """Wait until it was heard; a sentence that stood still has two clips."""
        heard, about = await call.hears(1 + more), 0.15 * (1 + more)

        def missing() -> float:
            seconds = PIECE_SECONDS * sounds.count + SECOND_SECONDS * more
            return seconds - sum(sound.played_seconds for sound in heard)

        while missing() > about:
            heard = await call.hears(len(heard) + 1)
        heard = await call.reply()
        assert missing() == pytest.approx(0, abs=about)
        return heard

    async def _has_shown_how_it_plays(
        self, call: SimulatedCall, carrier: Carrier
    ) -> None:
        """Wait for that, so that a busy machine changes nothing."""
        clips = await played(call, 2)
        if carrier is Carrier.REFUSES:
            return await call.record.until(lambda: bool(call.record.refused))
        if carrier.streams(format_of(clips[1]).content_type):
            await call.record.until(lambda: len(call.heard) > 1)
        # The server has taken in what was sent to it before.
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(f"{self.server.url}/healthz")
        await asyncio.sleep(CLEARLY_WAITS if self.reports else CLEARLY_APART)
        return None

    async def is_found_out(
        self, carrier: Carrier, verdict: str, *more: str, tried: str = "wav"
    ) -> CarrierVerdict:
        """Make calls until a verdict on a format is there; it must be this one."""
        for _ in range(MAX_TRIAL_CALLS):
            known = await self.known()
            await self.answer(carrier, *more)
            row = await self.learned(known)
            if (row.verdict, row.format) != known:
                assert (row.verdict, row.format) == (verdict, tried)
                return row
        raise AssertionError(f"No verdict after {MAX_TRIAL_CALLS} calls.")

    async def known(self) -> tuple[str, str]:
        """The verdict that the database has, and on which format."""
        row = await CarrierVerdict.objects.filter(account_sid=self.sid).afirst()
        return (row.verdict, row.format) if row else ("", "wav")

    async def learned(self, before: tuple[str, str]) -> CarrierVerdict:
        """Wait until the database has what the latest call has shown."""
        rows = CarrierVerdict.objects.filter(account_sid=self.sid)
        async with asyncio.timeout(15):
            while True:
                row = await rows.afirst()
                shown = dict(row.shown) if row else {}
                if row and (
                    digest(self.latest) in shown or (row.verdict, row.format) != before
                ):
                    return row
                await asyncio.sleep(0.02)


async def played(call: SimulatedCall, count: int) -> list[str]:
    """Wait until so many clips were to be played; their IDs."""

    def clips() -> list[str]:
        sent = [frame.message for frame in call.frames if not frame.sent]
        return [m["source"].rpartition("/")[2] for m in sent if m["type"] == "play"]

    async with asyncio.timeout(15):
        await call.record.until(lambda: len(clips()) >= count)
    return clips()


@dataclass(frozen=True, slots=True)
class Trial:
    """The verdicts on a carrier by format, and the calls that the last one counts."""

    carrier: Carrier
    verdicts: dict[str, str]
    calls: int

    async def succeeds(self, account: Account) -> None:
        """The carrier is found out, and the verdict acted on."""
        for tried, verdict in self.verdicts.items():
            row = await account.is_found_out(self.carrier, verdict, tried=tried)
        assert row.calls == self.calls
        async with httpx.AsyncClient(trust_env=False) as http:
            figures = (await http.get(f"{account.server.url}/metrics")).text
        labels = f'account="{account.sid}",format="{tried}"'
        line = f'voicebot_carrier_verdict{{{labels},verdict="{verdict}"}} 1.0'
        assert line in figures
        is_streamed = verdict == "streams"
        heard = await account.answer(self.carrier, streams=is_streamed)
        assert any(sound.streamed for sound in heard) == is_streamed


TRIALS = (
    Trial(Carrier.WAITS, {"wav": "waits", "mp3": "waits"}, 6),
    Trial(Carrier.STREAMS_MP3, {"wav": "waits", "mp3": "streams"}, 3),
    Trial(Carrier.STREAMS, {"wav": "streams"}, 3),
    Trial(Carrier.REFUSES, {"wav": "refuses", "mp3": "refuses"}, 4),
)


async def test_each_carrier_is_found_out_and_the_verdict_acted_on(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    at_once = asyncio.Semaphore(MAX_CALLS_AT_ONCE)

    async def succeeds(number: int, trial: Trial) -> None:
        async with at_once:
            await trial.succeeds(Account(server, inworld, number))

    async with asyncio.TaskGroup() as trials:
        for number, trial in enumerate(TRIALS, 10):
            trials.create_task(succeeds(number, trial))


async def test_without_reports_the_request_for_the_next_sentence_tells(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async def is_found_out(number: int, carrier: Carrier) -> None:
        silent = Account(server, inworld, number, reports=False)
        await silent.is_found_out(carrier, carrier, SECOND)

    async with asyncio.TaskGroup() as trials:
        trials.create_task(is_found_out(20, Carrier.STREAMS))
        trials.create_task(is_found_out(21, Carrier.WAITS))


async def test_a_carrier_that_begins_to_refuse_is_noticed_at_once(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    changing = Account(server, inworld, 30)
    await changing.is_found_out(Carrier.STREAMS, "streams")
    heard = await changing.answer(Carrier.REFUSES)
    assert not any(sound.streamed for sound in heard)  # it was sent again, as a whole
    row = await changing.learned(("streams", "wav"))
    assert (row.verdict, row.format) == ("", "wav")
    await changing.is_found_out(Carrier.REFUSES, "refuses")
    await changing.is_found_out(Carrier.REFUSES, "refuses", tried="mp3")
    heard = await changing.answer(Carrier.STREAMS, streams=False)
    assert not any(sound.streamed for sound in heard)
