"""Clips as the simulated caller hears them."""

from collections import deque
from itertools import pairwise

import pytest

from calls.simulator import (
    BadClip,
    BotSilent,
)
from calls.simulator.sound.clip_check import wav_seconds
from tests.calls.simulator.small_voicebot import (
    Bot,
    after,
    connect,
    dial,
    send,
    sent,
    wav,
)


class TestPlayback:
    async def test_clips_play_in_the_order_they_came(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            clips = [bot.records(seconds) for seconds in (1.5, 0.5, 1.0)]
            await send(socket, *clips)
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [1.5, 0.5, 1.0]
        assert [heard.source for heard in reply] == [c["source"] for c in clips]
        assert reply[0].wav == wav(1.5)
        for earlier, later in pairwise(reply):
            assert later.at_ms >= earlier.at_ms + earlier.seconds * 1000
        assert sent(call)[:2] == ["setup", "agentSpeaking on"]
        assert sent(call)[-1] == "agentSpeaking off"
        assert call.errors == []

    async def test_first_sound_is_timed_from_the_callers_last_word(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(9))
            await call.reply()
            await call.say("hello")
            await send(socket, bot.records(30), bot.records(1))
            reply = await call.hears(2)
        assert [heard.turn for heard in reply] == [1, 1]
        assert call.waits_ms == [reply[0].waited_ms]
        assert 0 < reply[0].waited_ms < 30_000
        assert reply[1].waited_ms > 30_000

    async def test_real_time_playback_takes_its_time(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.records(0.06), bot.records(0.06))
            first, second = await call.reply()
        assert 60 <= second.at_ms - first.at_ms < 10_000

    async def test_twilios_voice_reports_the_tokens_played(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect(events="tokens-played")])
        async with dial(bot) as call:
            socket = await bot.answers()
            text = {"type": "text", "token": "Just a moment, please.", "last": False}
            await send(socket, text, {"type": "text", "token": "", "last": True})
            (heard,) = await call.reply()
        assert (heard.kind, heard.text) == ("tts", text["token"])
        assert sent(call)[1:] == ["tokensPlayed Just a moment, please."]

    async def test_a_declared_language_is_spoken_and_transcribed(
        self, bot: Bot
    ) -> None:
        bot.twiml["/voice"] = deque([connect("de-DE", "fr-FR", language="en-GB")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await call.say("hello")
            change = {"type": "language", "ttsLanguage": "de-DE"}
            await send(socket, {**change, "transcriptionLanguage": "de-DE"})
            await send(socket, {"type": "language", "transcriptionLanguage": "fr-FR"})
            await after(call, 2)
            await call.say("bonjour")
            await send(socket, {**change, "transcriptionLanguage": "en-GB"})
            await after(call, 3)
            await call.say("hello again")
            assert call.errors == []
        said = [f.message for f in call.frames if f.message["type"] == "prompt"]
        assert [prompt["lang"] for prompt in said] == ["en-GB", "fr-FR", "en-GB"]

    async def test_a_language_nobody_declared_is_refused(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect("de-DE")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "language", "ttsLanguage": "it-IT"})
            await after(call, 1)
            await call.say("hello")
        assert call.errors == [
            "Message not understood: the language it-IT is not declared"
        ]
        errors = [
            f.message for f in call.frames if f.sent and "description" in f.message
        ]
        assert "64107" in errors[0]["description"]
        assert call.frames[-1].message["lang"] == "en-US"

    async def test_digits_wait_their_turn(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(1), {"type": "sendDigits", "digits": "1w2"})
            reply = await call.hears(2)
        assert [heard.kind for heard in reply] == ["clip", "digits"]
        assert reply[1].seconds == pytest.approx(0.9)

    async def test_a_plain_clip_cuts_a_preemptible_one(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, {**bot.records(60), "preemptible": True})
            await call.record.until(lambda: bool(call.heard))
            await send(socket, bot.records(0.01))
            filler, answer = await call.hears(2)
        assert (filler.cut, answer.cut) == (True, False)
        assert "interrupt" not in sent(call)

    @pytest.mark.parametrize(
        ("kind", "body", "complaint"),
        [
            ("audio/wav", wav(0.1)[:-100], "not RIFF, or of"),
            ("audio/wav", wav(0.1) + b"\0\0", "not RIFF, or of"),
            ("audio/wav", b"RIFF\x04\0\0\0WAVE", "ends before its sound"),
            ("audio/wav", b"", "not RIFF"),
            ("application/octet-stream", wav(0.1), "Content-Type"),
        ],
    )
    async def test_a_bad_clip_is_skipped_and_reported(
        self, bot: Bot, kind: str, body: bytes, complaint: str
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            bad = bot.records(1)
            bot.clips["/audio/0"] = (kind, body)
            await send(socket, bad, bot.records(0.5))
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [0.5]
        assert complaint in call.errors[0]

    async def test_a_missing_clip_is_reported(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            bot.statuses["/audio/0"] = 404
            await send(socket, bot.records(1))
            with pytest.raises(BotSilent, match="status 404"):
                await call.reply(patience=0.05)

    def test_a_wav_whose_sound_is_shorter_than_it_says_is_refused(self) -> None:
        body = bytearray(wav(0.1)[:-100])
        body[4:8] = (len(body) - 8).to_bytes(4, "little")
        with pytest.raises(BadClip, match="bytes of sound"):
            wav_seconds(bytes(body))
