"""`manage.py doctor`: its findings, its preview for callers, its exit status."""

import asyncio
import io
import json
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterable, Iterator
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from calls.clips.clip_store import RedisClips
from calls.diagnostics import findings, probes, report, server_url_probe
from calls.diagnostics.findings import (
    APOLOGY,
    NO_CALL,
    SORRY,
    TWILIO_VOICE,
    Finding,
    failure,
    ok,
)
from calls.diagnostics.inworld_probes import TEST_SENTENCE
from calls.diagnostics.probes import (
    probe_clips,
    probe_clock,
    probe_database,
    probe_numbers,
    probe_server,
    probe_settings,
)
from calls.diagnostics.server_url_probe import Sample
from calls.models import Call
from tests.calls.diagnostics.test_server_url_probe import OtherServer
from tests.conftest import numbered
from tests.support.inworld.server import (
    FakeInworld,
)
from tests.support.live import environment, free_port, manage, running
from tests.support.preloaded import run_to_end
from tests.support.services import Missing, Postgres
from tests.support.twilio import SID, TOKEN, FakeTwilio, number
from voicebot.management.commands import doctor as command

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "https://bot.example.com"
Findings = list[tuple[str, str]]


def marks(findings: Iterable[Finding]) -> Findings:
    return [(str(finding.level), finding.name) for finding in findings]


def texts_of(findings: Iterable[Finding]) -> str:
    return "\n".join(finding.text for finding in findings)


def no_work() -> None:
    """Stand in for a database that can be reached."""


# The command


def run_doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_to_end(environment(**variables), "doctor", *arguments)


async def test_beside_a_running_server_every_part_is_tried(
    database_url: str, inworld: FakeInworld, bot: Bot, redis_url: str
) -> None:
    inworld.voices = [{"voiceId": bot.tts_voice}]
    inworld.models = [{"model": bot.llm_model}]
    inworld.says(TEST_SENTENCE, seconds=8)
    port = str(free_port())
    variables = {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": inworld.url,
        "PORT": port,
        "SERVER_URL": f"http://127.0.0.1:{port}",
        "REDIS_URL": redis_url,
        "DEBUG": "true",
        "TWILIO_ACCOUNT_SID": "",
    }
    async with running(**variables):
        done = await asyncio.to_thread(run_doctor, "--json", **variables)
    report = json.loads(done.stdout)
    levels = {finding["name"]: finding["level"] for finding in report["findings"]}
    assert levels == {
        "Settings": "warning",  # DEBUG is on
        **dict.fromkeys(("Database", "Clips", "Server", "Numbers", "Bots"), "ok"),
        **dict.fromkeys(("After calls", "Recordings", "Start of answers"), "ok"),
        "Mail": "warning",  # no server for it is set
        **({"Disk": "ok"} if "sqlite" in database_url else {}),
        "Address at SERVER_URL": "failure",  # only this machine can reach it
        **{f"{name} at SERVER_URL": "ok" for name in ("Webhook", "Clips", "Calls")},
        "Twilio": "warning",
        **dict.fromkeys(("Inworld", "Voices", "Models", "Speech", "Replies"), "ok"),
    }
    assert not report["ok"]
    assert done.returncode == 1
    assert report["callers"] == f"Callers hear {NO_CALL}"
    assert [request.body["text"] for request in inworld.spoken] == ["Yes."]
    assert not await Call.objects.aexists()


def test_without_a_server_and_a_database_it_says_so_and_does_not_break() -> None:
    done = run_doctor(
        "--no-speech",
        DATABASE_URL="postgres://x:a-password-77@127.0.0.1:1/none",
        SERVER_URL=f"http://127.0.0.1:{free_port()}",
        REDIS_URL="redis://127.0.0.1:1",
        INWORLD_BASE_URL="http://127.0.0.1:9",
        DEBUG="true",
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert all(line[0] in "✓!✗" for line in lines[:-1])
    for said in ("✗ Database: ", "✗ Clips: ", "! Server: None runs", "✗ Inworld: "):
        assert said in done.stdout
    assert lines[-1] == f"Callers hear {NO_CALL}"
    assert "Traceback" not in done.stdout + done.stderr
    assert "a-password-77" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A database with all tables."""
    try:
        with Postgres() as postgres:
            manage({"DATABASE_URL": postgres.url}, "migrate")
            yield postgres
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("table", ["bots_phonenumber", "calls_postcalltask"])
def test_it_ends_with_any_table_of_the_database_locked(
    postgres: Postgres, table: str
) -> None:
    postgres.lock(table)
    done = run_doctor(
        "--no-speech",
        DATABASE_URL=postgres.url,
        SERVER_URL=f"http://127.0.0.1:{free_port()}",
        REDIS_URL="",
        INWORLD_BASE_URL="http://127.0.0.1:9",
        DEBUG="true",
    )
    postgres.release()
    assert "✗ Database: It cannot be used: it does not answer within" in done.stdout
    assert done.returncode == 1


def run_on(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> tuple[str, int]:
    """Return the output of the command and its exit status."""
    monkeypatch.setattr(command, "examine", lambda *, speech: iter(findings))
    output = io.StringIO()
    try:
        call_command("doctor", stdout=output, no_color=True)
    except SystemExit as end:
        return output.getvalue(), int(str(end.code))
    return output.getvalue(), 0


def test_it_ends_well_when_a_call_would_work_and_says_what_each_number_hears(
    monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    numbered("+15005550010", name="Desk", greeting="Good\nday!", tts_voice="Ashley")
    numbered("+15005550011", name="Quiet", greeting="")
    numbered("+15005550012", name="Off", is_active=False)
    said, status = run_on(monkeypatch, ok("A", "Fine."), findings.warning("B", "Hm."))
    assert status == 0
    first, second, last = said.splitlines()
    assert (first, second) == ("✓ A: Fine.", "! B: Hm.")
    assert last.startswith("Callers hear: +15005550010: “Good day!” (Desk in the voice")
    assert "+15005550011: Quiet in the voice Clive, after they have spoken" in last
    assert "+15005550012: “Sorry, this number is not in service" in last
    assert f"any other number: “{bot.greeting}” (Default in the voice Clive)." in last


def test_the_last_line_is_what_is_heard_first_of_several_failures(
    monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    apology = failure("Inworld", "Away.", caller_hears=APOLOGY)
    said, status = run_on(
        monkeypatch, apology, failure("Database", "Away.", caller_hears=SORRY)
    )
    assert status == 1
    assert said.splitlines()[-1] == f"Callers hear {SORRY}"
    said, _ = run_on(monkeypatch, apology, failure("Numbers", "One is off."))
    assert said.splitlines()[-1] == f"Callers hear {APOLOGY}"


def test_a_failure_of_one_number_leaves_the_others_their_greeting(
    monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    said, status = run_on(monkeypatch, failure("Numbers", "One is off."))
    assert status == 1
    assert bot.greeting in said.splitlines()[-1]


# Settings, database, clips, server


def test_settings_that_keep_the_server_from_starting_are_failures(
    settings: Settings,
) -> None:
    assert marks(probe_settings()) == [("ok", "Settings")]
    settings.TWILIO_AUTH_TOKENS = []
    (finding,) = probe_settings()
    assert finding.level == "failure"
    assert "TWILIO_AUTH_TOKEN=" in finding.text


def test_a_database_takes_a_call_that_leaves_no_trace() -> None:
    assert marks(probe_database(no_work))[0] == ("ok", "Database")
    assert not Call.objects.exists()


def test_a_database_that_cannot_be_reached_is_reported_in_its_own_words() -> None:
    def unreachable() -> None:
        raise OperationalError("connection refused\n  by 10.0.0.5.")

    (finding,) = probe_database(unreachable)
    assert finding.level == "failure"
    assert "connection refused by 10.0.0.5. Is DATABASE_URL" in finding.text
    assert finding.caller_hears == SORRY


def test_a_database_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "DATABASE_SECONDS", 0.05)
    answers = Event()

    def hang() -> None:
        answers.wait(10)
        raise OperationalError("too late")

    try:
        (finding,) = probe_database(hang)
    finally:
        answers.set()
    assert finding.level == "failure"
    assert "It cannot be used: it does not answer within" in finding.text


def test_a_database_without_migrations_names_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Behind:
        def __init__(self, connection: object) -> None:
            self.loader = self.graph = self

        def leaf_nodes(self) -> list[str]:
            return []

        def migration_plan(self, targets: object) -> list[str]:
            return ["one", "two"]

    monkeypatch.setattr(probes, "MigrationExecutor", Behind)
    (finding,) = probe_database(no_work)
    assert finding.message == "2 migrations wait. Run `manage.py setup`."


@pytest.mark.parametrize(
    ("free_mb", "mark"), [(10, "failure"), (100, "warning"), (900, "ok")]
)
def test_a_disk_that_is_nearly_full_is_reported(
    monkeypatch: pytest.MonkeyPatch, free_mb: int, mark: str
) -> None:
    usage = namedtuple("usage", "free")
    disk_usage = lambda folder: usage(free_mb * 1_000_000)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    monkeypatch.setattr(connection, "vendor", "sqlite")
    assert marks(probe_database(no_work))[1] == (mark, "Disk")


async def test_redis_keeps_gives_and_forgets_a_clip(
    settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL = redis_url
    sample = Sample()
    reported = await asyncio.to_thread(lambda: list(probe_clips(sample)))
    assert marks(reported) == [("ok", "Clips")]
    store = RedisClips(redis_url)
    assert await store.get(sample.id) == sample.wav  # for the round trip
    await store.drop([sample.id])
    await store.aclose()


def test_a_redis_that_is_away_leaves_callers_twilios_voice(
    settings: Settings,
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    (finding,) = probe_clips(Sample())
    assert (finding.level, finding.caller_hears) == ("failure", TWILIO_VOICE)
    assert "REDIS_URL" in finding.text


def test_where_no_server_runs_it_says_how_to_start_one(settings: Settings) -> None:
    settings.PORT = free_port()
    (finding,) = probe_server()
    assert finding.level == "warning"
    assert "manage.py serve" in finding.text


async def test_what_answers_in_our_place_is_no_server(
    settings: Settings, inworld: FakeInworld
) -> None:
    settings.PORT = inworld.port
    (finding,) = await asyncio.to_thread(lambda: list(probe_server()))
    assert finding.level == "failure"


def test_the_round_trip_says_what_its_failures_sound_like(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = [
        ok("Address", "Public."),
        failure("Calls", "No."),
    ]
    monkeypatch.setattr(server_url_probe, "check", lambda sample: results)
    reported = list(report.probe_server_url(None))
    assert marks(reported) == [
        ("ok", "Address at SERVER_URL"),
        ("failure", "Calls at SERVER_URL"),
        ("warning", "Clips at SERVER_URL"),
    ]
    assert reported[1].caller_hears == findings.LINE_DROPS
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert len(list(report.probe_server_url(None))) == 2


def test_a_clock_that_is_wrong_is_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtherServer() as dated:  # its answers have a Date
        settings.INWORLD_BASE_URL = dated.url
        assert marks(probe_clock()) == [("ok", "Clock")]
        monkeypatch.setattr(probes, "MAX_CLOCK_ERROR_SECONDS", -1.0)
        assert marks(probe_clock()) == [("warning", "Clock")]
    assert marks(probe_clock()) == []


# Numbers


@pytest.fixture
def account(settings: Settings) -> Any:
    with FakeTwilio() as twilio:
        settings.TWILIO_ACCOUNT_SID = SID
        settings.TWILIO_AUTH_TOKENS = [TOKEN]
        settings.TWILIO_API_URL = twilio.url
        yield twilio


HERE = {"voice_url": f"{BASE}/voice", "status_callback": f"{BASE}/voice/status"}


def test_numbers_are_compared_with_what_twilio_has(
    account: FakeTwilio, bot: Bot
) -> None:
    for name in ("+15005550010", "+15005550011", "+15005550012"):
        PhoneNumber.objects.create(number=name, bot=bot)
    account.has(
        number("+15005550010", **HERE),
        number("+15005550011", voice_url="https://elsewhere.example/"),
        number("+15005550013", **{**HERE, "status_callback": ""}),
        number("+15005550014", **{**HERE, "voice_method": "GET"}),
        number("+15005550015", voice_url="https://not-ours.example/"),
    )
    reported = list(probe_numbers())
    assert [(str(each.level), each.message.split(":")[0]) for each in reported] == [
        ("ok", "Every number in service has an active bot."),
        ("ok", reported[1].message),  # see test_twilio_account.py
        ("failure", "+15005550011"),
        ("warning", "+15005550013"),
        ("failure", "+15005550014"),
        ("warning", "+15005550012 is not in this account."),
        ("ok", "Numbers that point here"),
    ]


def test_a_number_without_an_active_bot_is_a_failure(bot: Bot) -> None:
    numbered("+15005550012", name="Off", is_active=False)
    assert marks(probe_numbers()) == [("failure", "Numbers"), ("warning", "Twilio")]


def test_an_account_without_a_number_that_points_here_is_a_failure(
    account: FakeTwilio, bot: Bot
) -> None:
    assert marks(probe_numbers())[-1] == ("failure", "Twilio")


def test_credentials_that_twilio_does_not_take_are_a_failure(
    account: FakeTwilio, bot: Bot
) -> None:
    account.tokens = {"another"}
    assert marks(probe_numbers())[-1] == ("failure", "Twilio")
    account.tokens, account.status = {TOKEN}, 503
    assert marks(probe_numbers())[-1] == ("warning", "Twilio")
