"""Clips that still grow, as each carrier plays them."""

import asyncio
from pathlib import Path

import pytest
import soundfile

from bots.audio.pcm import TELEPHONE_RATE
from calls.clips.clip_format import ClipFormat
from calls.clips.growing_formats import DELAY_SECONDS, format_writer
from calls.simulator import BotSilent, Carrier, save_recording
from calls.simulator.sound.clip_check import wav_seconds
from tests.calls.simulator.small_voicebot import (
    PUBLIC,
    Bot,
    dial,
    more,
    send,
    sent,
    unknown_length,
)
from tests.support.inworld.script import tone


class TestStreams:
    async def test_a_growing_clip_is_heard_before_its_end(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS, fast=False) as call:
            socket = await bot.answers()
            play = bot.grows(unknown_length(0.1))
            await send(socket, play, bot.records(0.05))
            await call.record.until(lambda: bool(call.heard))
            assert call.heard[0].growing
            assert sent(call)[-1] == "agentSpeaking on"
            pieces = bot.growing["/audio/growing-0"]
            pieces.put_nowait(more(0.2))
            pieces.put_nowait(None)
            reply = await call.hears(2)
        assert [heard.seconds for heard in reply] == [pytest.approx(0.3), 0.05]
        assert wav_seconds(reply[0].wav) == pytest.approx(0.3)
        assert call.errors == []

    async def test_a_stalling_body_is_a_gap(self, bot: Bot, tmp_path: Path) -> None:
        async with dial(bot, carrier=Carrier.STREAMS, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.05)))
            await call.record.until(lambda: len(call.heard) == 1)
            player = (await call._live()).player
            await call.record.until(lambda: player.starving)
            pieces = bot.growing["/audio/growing-0"]
            pieces.put_nowait(more(0.05))
            pieces.put_nowait(None)
            (heard,) = await call.hears()
        ((position, gap),) = heard.gaps
        assert position == pytest.approx(0.05)
        assert gap == heard.gap_seconds > 0
        assert heard.played_seconds == pytest.approx(0.1)
        save_recording(call.record, tmp_path / "call.wav")
        recorded = soundfile.info(tmp_path / "call.wav").duration
        assert recorded == pytest.approx(heard.at_ms / 1000 + 0.1 + gap, abs=0.01)

    async def test_a_gap_is_not_counted_on_a_fast_clock(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.05)))
            player = (await call._live()).player
            await call.record.until(lambda: player.starving)
            pieces = bot.growing["/audio/growing-0"]
            pieces.put_nowait(more(9))
            pieces.put_nowait(None)
            (heard,) = await call.hears()
        assert heard.seconds == pytest.approx(9.05)
        assert heard.gaps == []

    async def test_a_caller_interrupts_a_growing_clip(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.05)))
            player = (await call._live()).player
            await call.record.until(lambda: player.starving)
            await call.say("Stop!")
            (cut,) = call.heard
            assert cut.cut
            assert cut.played_seconds == pytest.approx(0.05)
            assert cut.gaps == []
            bot.growing["/audio/growing-0"].put_nowait(None)
        assert "interrupt" in sent(call)

    async def test_a_body_that_breaks_off_ends_the_clip(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.1), b""), bot.records(1))
            first, second = await call.hears(2)
        assert [first.seconds, second.seconds] == pytest.approx([0.1, 1])
        (error,) = call.errors
        assert error.startswith("Clip broke off: ")

    @pytest.mark.parametrize(
        ("pieces", "complaint"),
        [
            ([unknown_length(0), None], "no sound"),
            ([None], "no sound"),
            ([b"ID3" + bytes(100), None], "instead of WAV"),
            ([unknown_length(0)[:20], b""], "peer closed connection"),
        ],
    )
    @pytest.mark.parametrize("carrier", [Carrier.STREAMS, Carrier.WAITS])
    async def test_a_body_without_sound_is_no_clip(
        self, bot: Bot, pieces: list[bytes | None], complaint: str, carrier: Carrier
    ) -> None:
        async with dial(bot, carrier=carrier) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(*pieces), bot.records(1))
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [1]
        assert "Clip not played: " in call.errors[0]
        assert complaint in call.errors[0]

    async def test_hanging_up_ends_the_download(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.05)))
            await call.record.until(lambda: bool(call.heard))
        assert call.over


class TestStreamsMp3:
    async def test_a_growing_mp3_is_heard_before_its_end(
        self, bot: Bot, tmp_path: Path
    ) -> None:
        writer = format_writer(ClipFormat.MP3)
        first = writer.feed(tone(1, TELEPHONE_RATE)).file
        second = writer.feed(tone(1, TELEPHONE_RATE)).file + writer.end().file
        line = {"carrier": Carrier.STREAMS_MP3, "fast": False, "timeout": 9}
        async with dial(bot, **line) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(first, kind="audio/mpeg"), bot.records(0.05))
            await call.record.until(lambda: bool(call.heard))
            assert call.heard[0].growing
            pieces = bot.growing["/audio/growing-0"]
            pieces.put_nowait(second)
            pieces.put_nowait(None)
            reply = await call.hears(2)
        assert call.errors == []
        assert reply[0].seconds == pytest.approx(2 + DELAY_SECONDS, abs=0.08)
        assert wav_seconds(reply[0].wav) == pytest.approx(reply[0].seconds)
        loudest = max(memoryview(reply[0].wav[44:]).cast("h"))
        assert loudest == pytest.approx(2000, rel=0.2)
        save_recording(call.record, tmp_path / "call.wav")

    async def test_a_growing_wav_is_heard_after_its_end(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.STREAMS_MP3) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.1)))
            with pytest.raises(BotSilent):
                await call.hears(patience=0.05)
            bot.growing["/audio/growing-0"].put_nowait(None)
            (heard,) = await call.hears()
        assert heard.seconds == pytest.approx(0.1)

    @pytest.mark.parametrize("body", [unknown_length(0.2), bytes(2000), b"ID3"])
    async def test_what_is_no_mp3_is_no_clip(self, bot: Bot, body: bytes) -> None:
        async with dial(bot, carrier=Carrier.STREAMS_MP3) as call:
            socket = await bot.answers()
            play = bot.grows(body, None, kind="audio/mpeg")
            await send(socket, play, bot.records(1))
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [1]
        assert "Clip not played: " in call.errors[0]


class TestWaits:
    async def test_a_growing_clip_is_heard_after_its_end(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.grows(unknown_length(0.1), more(0.2)))
            with pytest.raises(BotSilent):
                await call.hears(patience=0.05)
            assert "agentSpeaking on" not in sent(call)
            bot.growing["/audio/growing-0"].put_nowait(None)
            (heard,) = await call.hears()
        assert heard.seconds == pytest.approx(0.3)
        assert not heard.growing
        assert call.errors == []


class TestRefuses:
    async def test_a_growing_clip_is_answered_with_an_error(self, bot: Bot) -> None:
        async with dial(bot, carrier=Carrier.REFUSES) as call:
            socket = await bot.answers()
            play = bot.grows(unknown_length(0.1), None)
            await send(socket, play, bot.records(0.5))
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [0.5]
        (refused,) = call.record.refused
        assert "length is not known" in refused
        errors = [f.message for f in call.frames if "description" in f.message]
        assert "64107" in errors[0]["description"]
        assert PUBLIC + "/audio/growing-0" in errors[0]["description"]
        assert call.errors == []  # the bot may play the clip once more, as a whole


@pytest.mark.parametrize("carrier", list(Carrier))
async def test_every_carrier_plays_a_whole_clip(bot: Bot, carrier: Carrier) -> None:
    async with dial(bot, carrier=carrier) as call:
        socket = await bot.answers()
        await send(socket, bot.records(0.5))
        (heard,) = await call.reply()
    assert heard.seconds == 0.5
    assert not call.record.refused


async def test_a_carrier_may_report_nothing(bot: Bot) -> None:
    async with dial(bot, carrier=Carrier.STREAMS, speaker_events=False) as call:
        socket = await bot.answers()
        await send(socket, bot.grows(unknown_length(0.1), None))
        await asyncio.wait_for(call.hears(), 5)
    assert sent(call) == ["setup"]
