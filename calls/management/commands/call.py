"""`manage.py call`: calls a running server without a telephone."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from django import db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from bots.models import PhoneNumber
from calls.management import recorded_call
from calls.management.spoken_words import ClipTexts, Entry, OrderedOutput
from calls.models import Call, Turn
from calls.simulator import (
    TEST_NUMBER,
    BadClip,
    BotSilent,
    CallFailed,
    CallOver,
    Heard,
    Line,
    SimulatedCall,
    report,
    save_recording,
)
from calls.simulator.arguments import (
    After,
    Keys,
    Speech,
    Step,
    add_caller_arguments,
    add_line_arguments,
    add_pace_arguments,
    add_step_arguments,
    writable,
)

# A bot without a greeting waits for the caller to speak.
GREETING_SECONDS = 5.0
# Unlike the voice of the first bot.
CALLERS_VOICE = "Olivia"
# The server may take this long to write the end of the call.
TRANSCRIPT_SECONDS = 2.0

Action = Speech | Keys
DEFAULT_STEPS: list[Step] = [
    Speech("Hello, what can you do for me?"),
    Speech("Thank you."),
]
INTERRUPTION = Speech("Sorry, one moment.")


class Command(BaseCommand):
    help = "Calls a running server as Twilio would and prints what the caller hears."
    # The checks concern the server, not a caller.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_line_arguments(parser)
        add_step_arguments(parser)
        add_caller_arguments(parser)
        add_pace_arguments(parser)
        parser.add_argument(
            "--save",
            type=writable,
            metavar="FILE.wav",
            help="write the call to a file: the caller to the left, the bot to the "
            "right",
        )
        parser.add_argument(
            "--no-transcript",
            action="store_true",
            help="do not read the transcript from the database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        line = self._line(options)
        call = SimulatedCall(line, self._print_sound, self._print_person)
        self.call, self.output = call, OrderedOutput(self._print)
        self.texts = ClipTexts(call.call_sid, not options["no_transcript"])
        self.lookups: set[asyncio.Task[None]] = set()
        self._print(f"Calling {call.line.to} at {options['server']}: {call.call_sid}")
        failure: CallFailed | None = None
        try:
            asyncio.run(self._talk(options))
        except CallFailed as error:
            failure = error
        except KeyboardInterrupt:
            self.output.put("You hung up.")
        self.output.finish()
        if call.answered:
            self._look_back(options)
        self._judge(failure)

    def _line(self, options: dict[str, Any]) -> Line:
        return Line(
            settings.SERVER_URL,
            next(iter(settings.TWILIO_AUTH_TOKENS), ""),
            to=options["to"] or _first_number(),
            from_=options["from_"],
            connect_to=options["server"],
            parameters=tuple(options["parameters"]),
            status_callback=options["status_callback"] or "",
            voice=CALLERS_VOICE,
            fast=options["fast"],
            partials=options["partials"],
            person=options["person"],
            carrier=options["carrier"],
            speaker_events=False if options["no_speaker_events"] else None,
            timeout=options["timeout"],
            pause=options["pause"],
        )

    async def _talk(self, options: dict[str, Any]) -> None:
        call = self.call
        steps = _steps(options["steps"], options["interrupt_after"])
        async with call:
            if not call.answered:
                return
            async for step in self._paced(steps):
                await self._take(step)
        if self.lookups:
            await asyncio.wait(self.lookups)

    async def _paced(self, steps: list[Step] | None) -> AsyncIterator[Action]:
        """The caller's actions, each when its time has come; then the last answer."""
        call = self.call
        if not (steps and isinstance(steps[0], After)):
            with suppress(BotSilent):
                await call.reply(min(GREETING_SECONDS, call.line.timeout))
        if steps is None:
            async for speech in _typed():
                if call.over:
                    return
                yield speech
                await call.reply()
            return
        for step, following in zip_longest(steps, steps[1:]):
            if call.over:
                return
            if not isinstance(step, After):
                yield step
                if not isinstance(following, After):
                    await call.reply()
            elif not await call.speaking(step.seconds):
                self.output.put(f"The reply was over before {step.seconds:g} s.")

    async def _take(self, step: Action) -> None:
        call, at = self.call, self.call.now_ms
        playing = call.heard[-1] if call.heard else None
        lines = [report.at(at, "you", str(step))]
        entry = self.output.begin(lines[0])  # before what the bot answers meanwhile
        is_reported = await step.take(call)
        if playing and playing.cut:
            # A sound that is cut had stopped before the caller's words.
            lines.insert(0, report.cut(playing))
        if not is_reported:
            lines.append("           The bot does not hear that now.")
        self.output.complete(entry, "\n".join(lines))

    def _print_sound(self, heard: Heard) -> None:
        first = sum(other.turn == heard.turn for other in self.call.heard) == 1
        entry = self.output.begin(report.sound(heard, first=first))
        lookup = asyncio.ensure_future(self._add_words(entry, heard, first=first))
        self.lookups.add(lookup)
        lookup.add_done_callback(self.lookups.discard)

    async def _add_words(self, entry: Entry, heard: Heard, *, first: bool) -> None:
        """Print a sound once its words are known, so in time with it."""
        words = await self.texts.text_of(heard) if heard.text is None else ""
        self.output.complete(entry, report.sound(heard, first=first, words=words))

    def _print_person(self, what: str) -> None:
        self.output.put(report.at(self.call.now_ms, "person", what))

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _look_back(self, options: dict[str, Any]) -> None:
        """Print the transcript and the summary; save the recording."""
        if not (self.call.hung_up or self.call.passed_on):
            self._print("The bot ended the call.")
        if not options["no_transcript"]:
            turns = _turns(self.call.call_sid)
            lines = list(report.transcript(turns))
            self._print("\n".join(["", "Transcript:", *lines] if lines else [""]))
        self._print(report.summary(self.call))
        if options["save"]:
            try:
                save_recording(self.call.record, options["save"])
            except (BadClip, OSError) as error:
                raise CommandError(f"The recording was not saved: {error}") from error
            self._print(f"Saved {options['save']}")
        # On a fast clock the sound would not fit the times of the transcript.
        if not (options["no_transcript"] or options["fast"]) and (
            said := recorded_call.stored(self.call)
        ):
            self._print(said)
        self._print(f"In the console: {_page(self.call.call_sid, options['server'])}")

    def _judge(self, failure: CallFailed | None) -> None:
        call = self.call
        if call.passed_on:
            self._print(f"The call was passed on to {call.dialled}.")
        if isinstance(failure, CallOver) and not call.errors:
            failure = None  # the bot may hang up when it likes
        if failure:
            raise CommandError(str(failure))
        if call.errors:
            raise CommandError(" ".join(call.errors))
        if not call.answered:
            reason = "It was turned away; the list of calls says why."
            if call.refusal:
                reason = f"The caller hears: “{call.refusal}”"
            raise CommandError(f"No bot answered. {reason}")
        if any(action["SessionStatus"] == "failed" for action in call.actions):
            raise CommandError("The server dropped the relay socket during the call.")


def _steps(steps: list[Step] | None, after: float | None) -> list[Step] | None:
    """The steps of the options, or default ones; None if lines are to be typed."""
    if not steps and sys.stdin.isatty() and after is None:
        return None
    steps = steps or DEFAULT_STEPS
    if after is None:
        return steps
    rest = steps[1:] or [INTERRUPTION]
    return [steps[0], After(after), *rest]


async def _typed() -> AsyncIterator[Speech]:
    """The lines that somebody types."""
    with suppress(EOFError):
        while text := await asyncio.to_thread(input):
            yield Speech(text)


def _page(call_sid: str, server: str) -> str:
    """The address of the call in the console."""
    # With an https SERVER_URL, sign-in works only through the proxy.
    public = settings.SERVER_URL
    origin = public if public.startswith("https://") else server.rstrip("/")
    return f"{origin}{reverse('admin:calls_call_changelist')}?q={call_sid}"


def _first_number() -> str:
    with suppress(db.Error):
        number = PhoneNumber.objects.filter(is_active=True).first()
        if number:
            return number.number
    return TEST_NUMBER


def _turns(call_sid: str) -> list[Turn]:
    """The server's transcript, if the server uses this database."""
    deadline = time.monotonic() + TRANSCRIPT_SECONDS
    with suppress(db.Error):
        while time.monotonic() < deadline:
            if Call.objects.filter(call_sid=call_sid, status__in=Call.OVER).exists():
                break
            time.sleep(0.1)
        return list(Turn.objects.filter(call__call_sid=call_sid))
    return []
