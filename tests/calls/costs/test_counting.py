"""Usage as it is counted: in the requests to Inworld, and in Twilio's reports."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from asgiref.sync import sync_to_async

from bots.config_builder import config_of
from bots.inworld.client import Inworld
from bots.models import Bot, PhoneNumber
from calls.clips.call_streaming import CallStreaming
from calls.clips.clip_store import MemoryClips
from calls.clips.head_start import HeadStart
from calls.clips.streaming_policy import FixedPolicy
from calls.conversation.actions import SpeakText, StartReply
from calls.conversation.events import ClipReady, Event
from calls.logs import CallLog
from calls.models import Call, CallUsage
from calls.prices.usage import Kind, Usage, stored
from calls.session.services import services
from calls.speech.first_tokens import FirstTokens
from calls.speech.phrase_cache import PhraseCache
from calls.speech.segment_end import SpeakingRate
from calls.speech.speaker import Speaker
from tests.calls.webhooks.test_incoming import RINGING, post, ring
from tests.calls.webhooks.transfer_callbacks import (
    NO_ANSWER,
    SALES,
    TALKED,
    transferred_call,
)
from tests.conftest import numbered
from tests.support.inworld.replies import KEY
from tests.support.inworld.script import event
from tests.support.inworld.server import (
    DONE,
    FakeInworld,
    Pause,
    Status,
    finish,
    speech,
    usage,
)
from tests.support.process import clear_process_state

MODEL, VOICE = "openai/gpt-4.1-mini", "inworld-tts-2"
HI = [{"role": "user", "content": "Hi"}]


@dataclass
class Spoken:
    """A speaker at a fake Inworld, and its reports."""

    speaker: Speaker
    fake: FakeInworld
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # something sounds
    replies: int = 0

    async def reply(self, *, model: str = "") -> list[Usage]:
        """Ask for a reply; return all usage so far."""
        self.replies += 1
        self.speaker.reply(StartReply(self.replies, HI, model))
        await self.speaker.running[self.replies]
        return self.usages

    @property
    def usages(self) -> list[Usage]:
        return self.speaker.meter.usages


@asynccontextmanager
async def spoken() -> AsyncIterator[Spoken]:
    async with FakeInworld() as fake:
        inworld, clips = Inworld(fake.url, KEY), MemoryClips(max_bytes=10**7)
        phrases, begun = PhraseCache(inworld, clips), asyncio.Event()

        async def emit(event: Event) -> None:
            if isinstance(event, ClipReady):
                begun.set()

        speaker = Speaker(
            config_of(Bot()),
            inworld,
            clips,
            phrases,
            first_tokens=FirstTokens(),
            rate=SpeakingRate(),
            streaming=CallStreaming(FixedPolicy(is_on=False), HeadStart(), "CA1"),
            emit=emit,
            queued_seconds=lambda: 0.0,
            log=CallLog(logging.getLogger("calls"), "CA1"),
        )
        yield Spoken(speaker, fake, begun)
        await speaker.aclose()
        await phrases.aclose()
        await inworld.aclose()


def tokens(read: int, written: int) -> list[Usage]:
    return [
        Usage(Kind.TOKENS_READ, MODEL, read),
        Usage(Kind.TOKENS_WRITTEN, MODEL, written),
    ]


async def test_an_answer_takes_its_tokens_and_the_characters_of_its_speech() -> None:
    async with spoken() as call:
        call.fake.answers([*speech("We are open."), finish(), usage(120, 7), DONE])
        used = await call.reply()
        assert used == [*tokens(120, 7), Usage(Kind.SPEECH, VOICE, 12)]


async def test_cached_tokens_are_counted_apart() -> None:
    used_up = {
        "prompt_tokens": 120,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 100},
    }
    async with spoken() as call:
        last = event({"choices": [], "usage": used_up})
        call.fake.answers([*speech("Yes."), finish(), last, DONE])
        used = {usage.kind: usage.quantity for usage in await call.reply()}
    assert (used[Kind.TOKENS_READ], used[Kind.TOKENS_CACHED]) == (20, 100)


async def test_a_reply_that_is_interrupted_is_not_measured() -> None:
    async with spoken() as call:
        call.fake.answers([*speech("We are open."), Pause(), finish(), usage(), DONE])
        call.speaker.reply(StartReply(1, HI))
        task = call.speaker.running[1]
        await call.begun.wait()
        call.speaker.stop(1)
        await asyncio.wait({task})
        unknown = {usage.kind for usage in call.usages if usage.quantity is None}
        assert unknown == {Kind.TOKENS_READ, Kind.TOKENS_WRITTEN}
        call.fake.resume()


async def test_a_request_that_inworld_refuses_costs_nothing() -> None:
    async with spoken() as call:
        call.fake.answers([Status(429)])
        assert await call.reply() == []


async def test_two_models_that_were_asked_both_count() -> None:
    async with spoken() as call:
        for model in ("", "other/gpt-4.1-mini"):
            call.fake.answers([*speech("Hi."), finish(), usage(5, 2), DONE])
            used = await call.reply(model=model)
    names = {usage.item for usage in used if usage.kind is Kind.TOKENS_READ}
    assert names == {MODEL, "other/gpt-4.1-mini"}


async def test_fixed_sentences_cost_once_and_nothing_from_the_cache() -> None:
    async with spoken() as call:
        for number in (1, 2):
            call.speaker.speak(SpeakText(number, "Hello there.", 5))
            await call.speaker.running[number]
        assert call.usages == [Usage(Kind.SPEECH, VOICE, 12)]
        call.speaker.speak(SpeakText(3, "Only once.", 5, is_cacheable=False))
        await call.speaker.running[3]
        assert call.usages == [Usage(Kind.SPEECH, VOICE, 22)]


@pytest.fixture
def fresh_process(transactional_db: None) -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


async def sources() -> dict[str, list[Usage]]:
    await services().transcripts.flush(5)
    rows = CallUsage.objects.values_list("source", "entries")
    return {source: stored(entries) async for source, entries in rows}


async def test_twilio_reports_the_seconds_of_sessions_and_of_the_call(
    fresh_process: None,
) -> None:
    await Bot.objects.acreate(name="Shop", is_default=True)
    await ring()
    session = {"SessionId": "VX1", "SessionStatus": "completed"}
    call = {"CallSid": "CA1", "CallStatus": "completed"}
    for _ in range(2):
        await post("/voice/action", **call, **session, SessionDuration="12")
        await post("/voice/status", **{**RINGING, **call}, CallDuration="14")
    assert await sources() == {
        "session VX1": [Usage(Kind.RELAY, quantity=12)],
        "report": [Usage(Kind.LINE_IN, quantity=14)],
    }


@pytest.mark.parametrize("seconds", ["", "-3", "9999999", "1.5", "²", "x"])
async def test_absurd_durations_are_left_out(fresh_process: None, seconds: str) -> None:
    await Bot.objects.acreate(name="Shop", is_default=True)
    await ring()
    form = {**RINGING, "CallStatus": "completed", "CallDuration": seconds}
    await post("/voice/status", **form)
    assert await sources() == {}
    assert (await Call.objects.aget()).status == "completed"


async def test_a_transfer_that_nobody_takes_costs_nothing(
    fresh_process: None,
) -> None:
    await sync_to_async(numbered)(RINGING["To"], transfer_number=SALES["number"])
    await transferred_call(announce=False)
    await post("/voice/dial/0", **NO_ANSWER)
    assert "dialled 0" not in await sources()


async def test_a_transfer_that_was_taken_is_counted(fresh_process: None) -> None:
    await sync_to_async(numbered)(RINGING["To"], transfer_number=SALES["number"])
    await transferred_call(announce=False)
    await post("/voice/dial/0", **TALKED)
    (usage,) = (await sources())["dialled 0"]
    assert (usage.kind, usage.quantity) == (Kind.LINE_OUT, 62)


async def test_a_closed_number_that_transfers_has_an_unknown_part(
    fresh_process: None,
) -> None:
    await sync_to_async(numbered)(RINGING["To"])
    await PhoneNumber.objects.aupdate(
        special_days="2020-01-01 to 2099-12-31: closed",
        when_closed="transfer",
        transfer_number="+14155550123",
    )
    await ring()
    assert (await sources())["transfer"] == [Usage(Kind.LINE_OUT, "US local")]


@pytest.mark.parametrize(
    ("report", "seconds"), [(TALKED, [62]), (NO_ANSWER, []), ({}, [None])]
)
async def test_the_unknown_part_is_known_when_twilio_reports(
    report: dict[str, str], seconds: list[int | None], fresh_process: None
) -> None:
    await test_a_closed_number_that_transfers_has_an_unknown_part(fresh_process)
    for _ in range(2):
        await post("/voice/transferred", **report)
    counted = (await sources())["transfer"]
    assert counted == [Usage(Kind.LINE_OUT, "US local", each) for each in seconds]
