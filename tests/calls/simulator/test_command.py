"""The command that makes a simulated call, and what its calls store."""

import asyncio
import json
import re
from collections import deque
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from websockets.asyncio.server import ServerConnection

from bots.models import PhoneNumber
from calls.management.commands.call import _first_number, _turns
from calls.models import Call, Turn
from calls.simulator import (
    report,
)
from tests.calls.simulator.small_voicebot import RATE, Bot, send, unknown_length


class TestCommand:
    async def _call(self, bot: Bot, *arguments: str) -> str:
        out = StringIO()
        common = ["--server", bot.origin, "--to", "+4930123456", "--no-transcript"]
        common += ["--pause", "0.1"]
        await asyncio.to_thread(
            call_command, "call", *common, *arguments, stdout=out, stderr=out
        )
        return out.getvalue()

    async def _answered(
        self, bot: Bot, *arguments: str
    ) -> tuple[asyncio.Task[str], ServerConnection]:
        calling = asyncio.create_task(self._call(bot, *arguments))
        answering = asyncio.create_task(bot.answers())
        await asyncio.wait([calling, answering], return_when="FIRST_COMPLETED")
        if calling.done():
            answering.cancel()
            pytest.fail(f"The command did not call: {calling.exception()}")
        return calling, await answering

    async def _frames(
        self, bot: Bot, socket: ServerConnection, answers: dict[str, float]
    ) -> list[str]:
        """The types of the frames of a call; `answers` has seconds of speech by type.

        Frames of type `info` are left out.
        """
        kinds = []
        async for raw in socket:
            kinds.append(kind := json.loads(raw)["type"])
            if kind in answers:
                await send(socket, bot.records(answers[kind]))
        return [kind for kind in kinds if kind != "info"]

    @pytest.mark.parametrize(
        ("carrier", "printed"),
        [
            ("streams", "bot   ▶ a growing clip (first sound"),
            ("waits", "bot   ▶ 0.2 s (first sound"),
            ("refuses", ", growing clips refused: 1\n"),
        ],
    )
    async def test_plays_a_growing_clip_as_the_carrier_does(
        self, bot: Bot, carrier: str, printed: str
    ) -> None:
        options = "--fast", "--say", "Hi", "--carrier", carrier
        calling, socket = await self._answered(bot, *options)
        pieces: list[bytes | None] = [None] if carrier == "waits" else []
        await send(socket, bot.records(0.3))
        async for raw in socket:
            match json.loads(raw):
                case {"type": "prompt"}:
                    await send(socket, bot.grows(unknown_length(0.2), *pieces))
                case {"type": "error"}:
                    await send(socket, bot.records(0.2))
                case {"name": "agentSpeaking", "value": "on"} if bot.growing:
                    bot.growing["/audio/growing-0"].put_nowait(None)
        assert printed in await calling

    async def test_reports_no_speaking_if_told_so(self, bot: Bot) -> None:
        calling, socket = await self._answered(
            bot, "--fast", "--say", "Hi", "--no-speaker-events"
        )
        await send(socket, bot.records(0.3))
        received = set[str]()
        async for raw in socket:
            received.add(json.loads(raw)["type"])
            if "prompt" in received:
                await send(socket, {"type": "end"})
        await calling
        assert received == {"prompt"}

    async def test_prints_and_saves_what_was_heard(
        self, bot: Bot, tmp_path: Path
    ) -> None:
        calling, socket = await self._answered(
            bot,
            *("--say", "What are your hours?", "--press", "12", "--say", "Bye"),
            *("--fast", "--save", str(tmp_path / "call.wav")),
        )
        await send(socket, bot.records(1.9))
        received: list[str] = []
        async for raw in socket:
            message = json.loads(raw)
            if message["type"] in ("prompt", "dtmf"):
                received.append(message.get("voicePrompt") or message["digit"])
            if received[-1:] in (["What are your hours?"], ["2"]):
                await send(socket, bot.records(1))
                received.append("")
            if received[-1:] == ["Bye"]:
                await send(socket, {"type": "end"})
        printed = await calling
        assert received == ["What are your hours?", "", "1", "2", "", "Bye"]
        assert bot.posts[0].is_signed()
        assert "bot   ▶ 1.9 s\n" in printed
        assert "you   “What are your hours?”" in printed
        assert "▶ 1.0 s (first sound" in printed
        assert "The bot ended the call." in printed
        console = r"In the console: https://\S+/admin/calls/call/\?q=CA[0-9a-f]{32}\n"
        assert re.search(console, printed)
        assert "3 turns, 3.9 s heard, median first sound" in printed
        assert (tmp_path / "call.wav").stat().st_size > 3.9 * RATE * 2

    async def test_interrupts_with_a_line_of_its_own(self, bot: Bot) -> None:
        calling, socket = await self._answered(
            bot,
            *("--say", "Tell me a story", "--interrupt-after", "1.2", "--fast"),
            *("--from", "anonymous"),
        )
        assert bot.posts[0].form["From"] == "anonymous"
        await send(socket, bot.records(0.5))
        assert await self._frames(bot, socket, {"prompt": 5}) == [
            "prompt",
            "interrupt",
            "prompt",
        ]
        assert "✂ stops after 1.2 s" in await calling

    async def test_a_step_may_interrupt_what_the_bot_says(self, bot: Bot) -> None:
        """`--after` may stand anywhere: here it interrupts greeting and answer."""
        calling, socket = await self._answered(
            bot,
            *("--after", "0.5", "--say", "Wait!", "--after", "1.2", "--press", "1"),
            "--fast",
        )
        await send(socket, bot.records(5))
        assert await self._frames(bot, socket, {"prompt": 5, "dtmf": 1}) == [
            "interrupt",
            "prompt",
            "dtmf",
            "interrupt",
        ]
        printed = await calling
        assert "✂ stops after 0.5 s" in printed
        times = [int(ms) for ms in re.findall(r"^\+ *(\d+) ms", printed, re.MULTILINE)]
        assert times == sorted(times)
        assert "✂ stops after 1.2 s" in printed

    async def test_a_refusal_fails_with_its_words(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque(["<Response><Say>Not in service.</Say></Response>"])
        with pytest.raises(CommandError, match="hears: “Not in service"):
            await self._call(bot)
        bot.twiml["/voice"] = deque(["<Response><Reject/></Response>"])
        with pytest.raises(CommandError, match="turned away; the list of calls"):
            await self._call(bot)

    async def test_an_error_on_the_line_fails(self, bot: Bot) -> None:
        calling, socket = await self._answered(bot, "--say", "Hi", "--fast")
        await socket.send("{}")
        await send(socket, {"type": "end"})
        with pytest.raises(CommandError, match="Message not understood"):
            await calling

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--to", "12345"], "Write the number with"),
            (["--from", "nobody"], "Write the number with"),
            (["--timeout", "-1"], "number of seconds"),
            (["--interrupt-after", "nan"], "number of seconds"),
            (["--after", "soon"], "number of seconds"),
            (["--press", "12a"], "keys are"),
            (["--say", " "], "something to say"),
            (["--server", "localhost:3000"], "not an address"),
            (["--parameter", "Ann"], "not of the form name=value"),
            (["--parameter", "=Ann"], "not of the form name=value"),
            (["--save", "/nowhere/at/all.wav"], "cannot be written"),
            (["--save", "/"], "is a directory"),
        ],
    )
    def test_bad_arguments_are_refused_before_dialling(
        self, arguments: list[str], complaint: str
    ) -> None:
        with pytest.raises(CommandError, match=complaint):
            call_command("call", *arguments)


class TestDatabase:
    pytestmark = pytest.mark.django_db

    def test_the_first_active_number_is_called(self) -> None:
        assert _first_number() == "+15005550006"
        PhoneNumber.objects.create(number="+4930111111", is_active=False)
        PhoneNumber.objects.create(number="+4930222222")
        assert _first_number() == "+4930222222"

    def test_the_transcript_marks_text_that_was_not_heard(self) -> None:
        now = timezone.now()
        call = Call.objects.create(
            call_sid="CA1", started_at=now, status=Call.Status.COMPLETED
        )
        for index, (role, text, heard) in enumerate(
            [
                ("bot", "Hello.", "Hello."),
                ("caller", "Hi", "Hi"),
                ("bot", "One. Two. Three.", "One. Two."),
            ]
        ):
            Turn.objects.create(
                call=call, index=index, role=role, text=text, heard_text=heard,
                started_at=now,
            )  # fmt: skip
        assert list(report.transcript(_turns("CA1"))) == [
            "bot     Hello.",
            "you     Hi",
            "bot     One. Two. [not heard: Three.]",
        ]

    def test_the_transcript_shows_arguments_and_results_of_tools(self) -> None:
        now = timezone.now()
        call = Call.objects.create(
            call_sid="CA1", started_at=now, status=Call.Status.COMPLETED
        )
        tool_calls = [
            ("look_up", '{"number": 42, "pin": "••••"}', "Sent.", False),
            ("look_up", "[4", "The arguments are not a JSON object.", True),
            ("switch_language", '{"language": "it-IT"}', "Not one of yours.", True),
            ("switch_language", '{"language": "de-DE"}', "", False),
        ]
        for index, (name, arguments, result, failed) in enumerate(tool_calls):
            record = {"name": name, "arguments": arguments, "result": result}
            Turn.objects.create(
                call=call, index=index, role="tool", text=name, started_at=now,
                latency_ms={"tool": 120} if index == 0 else {},
                tool_call={**record, "call_id": "1", "batch": 1, "failed": failed},
            )  # fmt: skip
        assert list(report.transcript(_turns("CA1"))) == [
            "tool    look_up(number=42, pin=••••) (120 ms) → Sent.",
            "tool    look_up(not an object=[4) → "
            "failed: The arguments are not a JSON object.",
            "tool    switch_language(language=it-IT) → failed: Not one of yours.",
            "tool    switch_language(language=de-DE) → no answer",
            "        From here on in de-DE.",
        ]
