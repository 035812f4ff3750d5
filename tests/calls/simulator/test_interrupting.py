"""A simulated caller who interrupts the bot."""

from collections import deque

import pytest

from calls.simulator import (
    BotSilent,
)
from tests.calls.simulator.small_voicebot import Bot, after, connect, dial, send, sent


class TestInterrupting:
    async def test_order_and_duration(self, bot: Bot) -> None:
        async with dial(bot, partials=True) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(0.8) for _ in range(4)))
            assert await call.interrupt("Wait a second", after=1.2)
            cut = call.heard[-1]
        interrupt = next(f for f in call.frames if f.message["type"] == "interrupt")
        assert interrupt.message["utteranceUntilInterrupt"] == ""
        # 1.2 s into the reply, but only 0.4 s into the current clip.
        assert interrupt.message["durationUntilInterruptMs"] in (399, 400)
        assert cut.cut
        assert cut.played_seconds == pytest.approx(0.4)
        frames = sent(call)
        assert frames[frames.index("clientSpeaking on") :] == [
            "clientSpeaking on",
            "interrupt",
            "prompt",
            "agentSpeaking off",
            "prompt",
            "prompt",
            "prompt",
            "clientSpeaking off",
            "prompt",
        ]
        prompts = [f.message for f in call.frames if f.message["type"] == "prompt"]
        assert [(p["voicePrompt"], p["last"]) for p in prompts] == [
            ("Wa", False),
            ("Wait a", False),
            ("Wait a sec", False),
            ("Wait a second", False),
            ("Wait a second", True),
        ]

    async def test_what_was_queued_is_never_fetched_and_what_follows_plays(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(1) for _ in range(5)))
            await after(call, 5)
            await call.interrupt("Stop", after=0.5)
            await send(socket, bot.records(0.3))
            (answer,) = await call.reply()
        assert answer.seconds == 0.3
        assert bot.fetched == ["/audio/0", "/audio/5"]

    async def test_real_time_speech_cuts_what_plays(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.records(60), bot.records(60))
            await call.record.until(lambda: bool(call.heard))
            await call.say("Stop")
        (heard,) = call.heard
        assert heard.cut
        assert heard.played_seconds < 30
        assert sent(call)[1:] == [
            "agentSpeaking on",
            "clientSpeaking on",
            "interrupt",
            "agentSpeaking off",
            "clientSpeaking off",
            "prompt",
        ]

    async def test_on_a_fast_clock_speech_waits_for_what_is_queued(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(60) for _ in range(3)))
            await call.hears(1)
            await call.say("Thanks")
        assert [heard.cut for heard in call.heard] == [False] * 3
        assert "interrupt" not in sent(call)

    async def test_a_reply_that_is_over_is_not_interrupted(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(1))
            assert not await call.interrupt("Stop", after=1.2)
        assert "interrupt" not in sent(call)
        assert sent(call)[-1] == "prompt"

    async def test_an_interrupt_of_twilios_voice_reports_the_spoken_part(
        self, bot: Bot
    ) -> None:
        bot.twiml["/voice"] = deque([connect(events="tokens-played speaker-events")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "text", "token": "a" * 30, "last": True})
            await call.interrupt("Stop", after=1)
        interrupt = next(f for f in call.frames if f.message["type"] == "interrupt")
        assert interrupt.message["utteranceUntilInterrupt"] == "a" * 15
        frames = sent(call)
        assert frames.index("tokensPlayed " + "a" * 15) < frames.index("interrupt")

    async def test_by_keypad_the_key_comes_first(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert await call.press("1#")
        frames = sent(call)
        assert frames[2:] == ["dtmf", "interrupt", "agentSpeaking off", "dtmf"]
        keys = [f.message["digit"] for f in call.frames if "digit" in f.message]
        assert keys == ["1", "#"]

    async def test_keys_are_lost_where_nobody_listens_for_them(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect(dtmfDetection="false")])
        async with dial(bot) as call:
            await bot.answers()
            assert not await call.press("1")
        assert "dtmf" not in sent(call)

    @pytest.mark.parametrize("interruptible", ["none", "dtmf", "false"])
    async def test_speech_over_a_deaf_bot_is_lost(
        self, bot: Bot, interruptible: str
    ) -> None:
        bot.twiml["/voice"] = deque([connect(interruptible=interruptible)])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert not await call.say("Stop")
            (heard,) = await call.reply()
        assert not heard.cut
        assert heard.played_seconds == 2
        assert sent(call) == ["setup", "agentSpeaking on", "agentSpeaking off"]

    async def test_speech_may_be_reported_without_interrupting(self, bot: Bot) -> None:
        twiml = connect(interruptible="none", reportInputDuringAgentSpeech="speech")
        bot.twiml["/voice"] = deque([twiml])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert await call.say("By the way")
            await call.record.until(lambda: sent(call)[-1] == "agentSpeaking off")
        assert "prompt" in sent(call)
        assert "interrupt" not in sent(call)
        assert not call.heard[0].cut

    async def test_a_single_clip_may_be_uninterruptible(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {**bot.records(2), "interruptible": False})
            await call.speaking(1)
            assert not await call.say("Stop")

    async def test_a_silent_bot_is_reported(self, bot: Bot) -> None:
        async with dial(bot) as call:
            await call.say("Anybody there?")
            with pytest.raises(BotSilent, match="silent for"):
                await call.reply(patience=0.02)
