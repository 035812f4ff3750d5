"""Starting the server: messages about a wrong deployment, and what still works."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from asgiref.sync import sync_to_async

from bots.models import Bot
from bots.models.tool import Tool
from bots.sandbox import demo_tool
from calls.models import Call
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.support.inworld.server import FakeInworld, Pause, speech
from tests.support.live import (
    AUTH_TOKEN,
    PUBLIC_URL,
    LiveServer,
    environment,
    free_port,
    running,
    serving,
)
from tests.support.preloaded import ROOT, run_to_end

pytestmark = pytest.mark.django_db(transaction=True)

SANDBOX = {"INWORLD_API_KEY": "", "INWORLD_BASE_URL": ""}


def refused(**changes: str) -> str:
    """The output of a server that does not start."""
    done = run_to_end(environment(**changes), "serve", timeout=30)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_without_a_signature_key_it_does_not_start(database_url: str) -> None:
    said = refused(DATABASE_URL=database_url, TWILIO_AUTH_TOKEN="")
    assert "TWILIO_AUTH_TOKEN" in said


@pytest.mark.parametrize(
    "url", ["http://bot.example.com", "bot.example.com", "https://[x"]
)
def test_with_an_address_twilio_cannot_use_it_does_not_start(
    database_url: str, url: str
) -> None:
    said = refused(DATABASE_URL=database_url, SERVER_URL=url)
    assert "SERVER_URL" in said


async def test_it_opens_as_many_descriptors_as_it_may(database_url: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = min(512, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    try:
        async with running(DATABASE_URL=database_url) as server:
            now = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert now == (before[1], before[1])


async def test_names_that_it_answers_to_may_have_blanks_between_them(
    database_url: str,
) -> None:
    names = {"ALLOWED_HOSTS": "bot.example.com, console.example.com"}
    async with (
        running(DATABASE_URL=database_url, **names) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        headers = {"Host": "console.example.com"}
        answer = await http.get("/admin/login/", headers=headers)
    assert answer.status_code == 200


def test_a_used_port_is_reported_plainly(server: LiveServer, database_url: str) -> None:
    port = server.url.rsplit(":", 1)[1]
    said = refused(DATABASE_URL=database_url, PORT=port)
    assert f"Port {port}" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("DATABASE_URL", "nonsense"),
        ("SECRET_KEY", ""),
        ("CLIP_TTL_SECONDS", "-1"),
        ("INWORLD_MAX_CONCURRENCY", "many"),
        ("CURRENCY", "dollars"),
        ("DEBUG", "flase"),
        ("MASK_CALLER_NUMBERS", "sometimes"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    assert name in refused(**{name: value})


def test_a_database_without_tables_is_reported_plainly(tmp_path: Path) -> None:
    said = refused(DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert "manage.py setup" in said


def call_on(server: LiveServer) -> SimulatedCall:
    return SimulatedCall(
        Line(PUBLIC_URL, AUTH_TOKEN, connect_to=server.url, fast=True, pause=0.2)
    )


async def test_without_redis_the_operator_is_warned_and_the_caller_hears_twilios_voice(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    away = f"redis://:secret@127.0.0.1:{free_port()}/0"
    inworld.says("Not to be stored anywhere.")
    async with running(
        DATABASE_URL=database_url, INWORLD_BASE_URL=inworld.url, REDIS_URL=away
    ) as server:
        async with call_on(server) as call:
            greeting = await call.reply()
            await call.say("Hello?")
            answer = await call.reply()
        assert [(sound.kind, sound.text) for sound in [*greeting, *answer]] == [
            ("tts", bot.greeting),
            ("tts", "Not to be stored anywhere."),
        ]
    assert "Redis" in server.output
    assert "secret" not in server.output


async def test_any_process_serves_any_clip(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    async with running(**deployment) as first, running(**deployment) as second:
        async with call_on(first) as call:
            (greeting,) = await call.reply()
            path = greeting.source.removeprefix(PUBLIC_URL)
            async with httpx.AsyncClient() as http:
                elsewhere = await http.get(second.url + path)
        assert elsewhere.content == greeting.wav


async def test_the_sandbox_holds_a_conversation(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/db.sqlite3"
    async with running("--setup", DATABASE_URL=database, **SANDBOX) as server:
        async with call_on(server) as call:
            assert [sound.kind for sound in await call.reply()] == ["clip"]
            await call.say("Hello, when do you open?")
            answer = await call.reply()
            await call.say("Look up my order 42, in 1.6 seconds.")
            filler, *found = await call.hears(2)
            await call.reply()
            await call.say("Goodbye.")
            await call.ends()
        assert {sound.kind for sound in [*answer, filler, *found]} == {"clip"}
        assert call.errors == []
        assert not call.hung_up
        assert "The tool look_up_order answered" in server.output
        async with httpx.AsyncClient() as http:
            login = await http.get(
                f"{server.url}/admin/login/", headers={"Host": "bot.example.com"}
            )
        assert "no real model" in login.text
    assert "Sandbox: no real model" in server.output


def test_the_first_start_ends_with_everything_that_a_first_look_needs(
    tmp_path: Path,
) -> None:
    database = f"sqlite:///{tmp_path}/db.sqlite3"
    with serving("--setup", DATABASE_URL=database, **SANDBOX) as server:
        block = server.output[server.output.index("voicebot answers") :]
    expected = (
        r"voicebot answers calls at \S+/voice\n"
        rf"Call it from a second shell:\n {{4}}PORT={server.url.rsplit(':', 1)[1]} "
        r"\S+ manage.py call --say .+\n"
        r" {4}User: +admin\n {4}Password: +\S{16} .*\n"
        r"The console is at \S+/admin/ .*\n"
    )
    assert re.match(expected, block)


def test_a_second_start_on_a_used_port_changes_nothing(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", **SANDBOX}
    with serving("--setup", **settings) as server:
        before = (tmp_path / "db.sqlite3").read_bytes()
        port = server.url.rsplit(":", 1)[1]
        settings["PORT"] = port
        done = run_to_end(environment(**settings), "serve", "--setup", timeout=30)
        assert f"Port {port}" in done.stderr
        assert (tmp_path / "db.sqlite3").read_bytes() == before


def test_without_its_packages_the_command_line_says_what_to_do() -> None:
    command = [sys.executable, "-S", "manage.py", "call", "--say", "Hi"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith("Then: .venv/bin/python manage.py call --say Hi\n")


async def test_a_wrong_inworld_key_is_reported_at_start(
    database_url: str, inworld: FakeInworld
) -> None:
    inworld.voices_status = 401
    bot = await Bot.objects.acreate(name="Default")
    await sync_to_async(demo_tool.add_to)(bot)
    async with running(
        DATABASE_URL=database_url, INWORLD_BASE_URL=inworld.url
    ) as server:
        assert "Inworld refuses INWORLD_API_KEY" in server.output
    assert not await Tool.objects.aexists()  # it could only fail


async def test_a_stopped_server_closes_its_calls_and_keeps_their_words(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([*speech("This was said before the end."), Pause()])
    async with (
        running(DATABASE_URL=database_url, INWORLD_BASE_URL=inworld.url) as server,
        call_on(server) as call,
    ):
        await call.reply()
        await call.say("Hello?")
        await call.hears(1)
        server.process.terminate()
        await call.ends()
    row = await Call.objects.aget(call_sid=call.call_sid)
    assert (row.status, row.end_reason) == ("failed", "server-stopped")
    texts = [turn.text async for turn in row.turns.order_by("index")]
    assert texts[1:] == ["Hello?", "This was said before the end."]
    assert "Traceback" not in server.output


async def test_after_a_crash_and_a_restart_twilio_can_still_resume_a_call(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    settings = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    async with running(**settings) as server, call_on(server) as call:
        await call.reply()
        server.process.kill()
        await call.ends()  # Twilio reached no server
    async with running(**settings):
        row = await Call.objects.aget(call_sid=call.call_sid)
    assert row.status == "in-progress"


async def test_above_the_limit_a_caller_hears_that_the_line_is_busy(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    async with running(
        DATABASE_URL=database_url, INWORLD_BASE_URL=inworld.url, MAX_CALLS="1"
    ) as server:
        async with call_on(server) as first:
            await first.reply()
            async with call_on(server) as second:
                assert not second.answered
                assert "busy" in (second.refusal or "")
            bot.transfer_number = "+15005550099"
            await bot.asave()
            async with call_on(server) as third:
                assert third.dialled == "+15005550099"
            await first.say("Am I still on?")
            assert await first.reply()
        async with call_on(server) as fourth:
            assert fourth.answered
    row = await Call.objects.aget(call_sid=second.call_sid)
    assert (row.status, row.end_reason) == ("refused", "busy")
