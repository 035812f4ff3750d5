"""Retention, the nightly purge, and the erasure of one caller's data."""

import asyncio
import io
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict
from django.test import Client
from pytest_django import Settings
from redis.asyncio import Redis

from bots.admin.forms import BotForm
from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.clips.clip_store import MemoryClips
from calls.models import (
    BlockedCaller,
    Call,
    CallNote,
    CallTag,
    Recording,
    SavedView,
    ScheduledRun,
    SoundDeletion,
    Turn,
)
from calls.privacy import deletion, erasure, nightly_purge, retention
from calls.privacy.nightly_purge import NightlyPurge
from calls.review import handling
from calls.session.services import services
from calls.turns.turn import TurnKind
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, running
from tests.support.pages.calls import tag

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
CALLER, OTHER, OURS = "+14155550100", "+14155550101", "+15005550006"
SHARED = "ab" * 32  # the id of a phrase that other calls play as well


def make_call(sid: str, days: float = 0, bot: Bot | None = None, **values: Any) -> Call:
    usual = {
        "bot": bot,
        "bot_name": bot.name if bot else "",
        "settings": config_of(bot).to_json() if bot else {},
        "from_number": CALLER,
        "to_number": OURS,
        "status": Call.Status.COMPLETED,
        "started_at": NOW - timedelta(days=days),
    }
    call = Call.objects.create(call_sid=sid, **{**usual, **values})
    Turn.objects.create(
        call=call, index=0, role="caller", text="Secret", started_at=call.started_at
    )
    return call


def stored_calls() -> set[str]:
    return set(Call.objects.values_list("call_sid", flat=True))


def purge(at: datetime = NOW) -> deletion.Deleted:
    deleted = deletion.Deleted()
    while (batch := retention.purge_some(at)).calls:
        deleted += batch
    return deleted


class TestRetention:
    def test_calls_go_when_they_are_past_the_retention_of_their_bot(self) -> None:
        short = Bot.objects.create(name="Short", retention_days=1)
        long = Bot.objects.create(name="Long", retention_days=30)
        forever = Bot.objects.create(name="Forever")
        for bot in (short, long, forever):
            make_call(f"{bot}-new", 0.9, bot)
            make_call(f"{bot}-old", 2, bot)
        assert (purge().calls, purge().calls) == (1, 0)
        assert "Short-old" not in stored_calls()
        assert len(stored_calls()) == Turn.objects.count() == 5

    def test_notes_and_tags_go_with_their_call(self) -> None:
        bot = Bot.objects.create(name="Short", retention_days=1)
        for days in (0, 2):
            call = make_call(f"CA{days}", days, bot)
            handling.add_note(call, "Call Ann back.", None)
            tag(call, "call back")
        assert purge().calls == 1
        assert CallNote.objects.get().call.call_sid == "CA0"
        assert CallTag.objects.get().name == "call back"

    def test_a_call_that_is_not_over_stays(self) -> None:
        bot = Bot.objects.create(name="Short", retention_days=1)
        make_call("CA1", 5, bot, status=Call.Status.IN_PROGRESS)
        assert purge().calls == 0

    def test_of_a_bot_that_is_gone_its_last_word_counts(self) -> None:
        bot = Bot.objects.create(name="Short", retention_days=7)
        make_call("old", 8, bot)
        make_call("new", 6, bot)
        bot.delete()
        assert purge().calls == 1
        assert stored_calls() == {"new"}

    def test_calls_that_no_bot_took_follow_the_default_bot(self) -> None:
        make_call("refused", 8, status=Call.Status.REFUSED)
        assert purge().calls == 0
        Bot.objects.create(name="Default", is_default=True, retention_days=7)
        assert purge().calls == 1

    def test_many_calls_go_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "BATCH", 2)
        bot = Bot.objects.create(name="Short", retention_days=1)
        for number in range(5):
            make_call(f"CA{number}", 2, bot)
        assert retention.purge_some(NOW).calls == 2
        assert purge() == deletion.Deleted(3, 3)

    def test_the_command_counts_first_and_prints_no_text(self) -> None:
        bot = Bot.objects.create(name="Short", retention_days=1)
        make_call("CA1", 2, bot, started_at=datetime(2020, 1, 1, tzinfo=UTC))
        assert run("purge_calls", "--dry-run") == "Short: 1 older than 1 days\n"
        assert stored_calls() == {"CA1"}
        assert run("purge_calls") == "Deleted: 1 call with 1 turn.\n"
        assert stored_calls() == set()

    def test_the_command_reports_that_audio_stays_while_redis_is_down(
        self, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1"
        bot = Bot.objects.create(name="Short", retention_days=1)
        call = make_call("CA1", 2, bot, started_at=datetime(2020, 1, 1, tzinfo=UTC))
        call.turns.update(clip_ids=["clip"], model="some/model")
        assert run("purge_calls") == "Deleted: 1 call with 1 turn.\n"
        assert "Redis is not available" in capsys.readouterr().err

    def test_an_empty_field_keeps_calls(self) -> None:
        written = {"retention_days": "", "name": "Desk"}
        form = BotForm({**model_to_dict(Bot(), exclude=["id"]), **written})
        assert form.is_valid(), form.errors
        assert form.save().retention_days == 0

    def test_an_unbelievable_time_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            Bot(name="Long", retention_days=9999).full_clean()


class TestNightlyRun:
    async def test_of_several_processes_one_does_it_once_a_day(self) -> None:
        bot = await Bot.objects.acreate(name="Short", retention_days=1)
        await sync_to_async(make_call)("CA1", 2, bot)
        one, other = NightlyPurge(MemoryClips(1)), NightlyPurge(MemoryClips(1))
        assert await one.run_if_due(NOW) == deletion.Deleted(1, 1)
        assert await other.run_if_due(NOW) is None
        assert await other.run_if_due(NOW + timedelta(hours=20)) is None
        assert await other.run_if_due(NOW + timedelta(days=1)) == deletion.Deleted()

    async def test_it_waits_for_the_quiet_hour(self, settings: Settings) -> None:
        settings.TIME_ZONE = "America/New_York"  # 22:30 the day before
        run = NightlyPurge(MemoryClips(1))
        assert await run.run_if_due(NOW - timedelta(hours=1, minutes=30)) is not None
        await ScheduledRun.objects.all().adelete()
        assert await run.run_if_due(NOW + timedelta(hours=3)) is None
        assert await run.run_if_due(NOW + timedelta(hours=5)) is not None

    async def test_a_run_that_died_is_taken_over_after_a_while(self) -> None:
        assert await sync_to_async(nightly_purge._claim)(NOW.date(), NOW)
        run = NightlyPurge(MemoryClips(1))
        assert await run.run_if_due(NOW + timedelta(minutes=14)) is None
        assert await run.run_if_due(NOW + timedelta(minutes=16)) is not None
        assert await run.run_if_due(NOW + timedelta(hours=9)) is None

    def test_of_many_claims_at_once_one_is_granted(self) -> None:
        async def claims() -> list[bool]:
            ask = (
                nightly_purge._in_db(nightly_purge._claim, NOW.date(), NOW)
                for _ in range(8)
            )
            return [bool(granted) for granted in await asyncio.gather(*ask)]

        assert async_to_sync(claims)().count(True) == 1
        ScheduledRun.objects.update(day=NOW.date() - timedelta(days=1))
        assert async_to_sync(claims)().count(True) == 1

    async def test_it_stops_with_its_server(self) -> None:
        run = NightlyPurge(MemoryClips(1))
        run.start()
        await run.aclose()
        assert run.task
        assert run.task.cancelled()


class TestErasure:
    def test_everything_of_one_caller_goes_and_nothing_of_another(self) -> None:
        make_call("mine")
        for number in (
            *(f"sip:{CALLER}@example.com", "sips:14155550100@x.de:5061;user=phone"),
            *(f"whatsapp:{CALLER}", f"tel:{CALLER}", "0014155550100"),
            *("4155550100", f'"Ann" <sip:{CALLER}@x.de>'),
        ):
            make_call(number, from_number=number)
        make_call("to-me", from_number=OURS, to_number=CALLER, direction="outbound-api")
        make_call("other", from_number=OTHER)
        make_call("longer", from_number=f"{CALLER}9")
        deleted = erasure.erase(CALLER)
        assert (deleted.calls, deleted.turns) == (9, 9)
        assert stored_calls() == {"other", "longer"}

    def test_the_desks_log_names_the_number_no_more(self, admin_user: User) -> None:
        call = make_call("mine")
        note(admin_user, call.pk, "CA1", "Live: asked the bot to say “Hi Ann”")
        note(admin_user, 999, CALLER, f"Blocked {CALLER}")
        note(admin_user, 998, OTHER, f"Blocked {OTHER}")
        erasure.erase(CALLER)
        left = LogEntry.objects.order_by("pk").values_list(
            "object_repr", "change_message"
        )
        assert list(left) == [
            ("•••00", "Blocked •••00"),
            (OTHER, f"Blocked {OTHER}"),
        ]

    def test_notes_tags_and_searches_for_the_number_go_too(
        self, admin_user: User
    ) -> None:
        for sid, number in (("mine", CALLER), ("other", OTHER)):
            call = make_call(sid, from_number=number)
            handling.add_note(call, "Ann wants her money back.", admin_user)
            handling.add_tag(call, "refund", admin_user)
        queries = ["q=%2B1+415+555+0100", "q=money", f"q=%2B{OTHER[1:]}", "when=today"]
        for query in queries:
            SavedView.objects.create(user=admin_user, name=query, query=query)
        SavedView.objects.create(user=admin_user, name=f"From {CALLER}", query="q=a")
        erasure.erase(CALLER)
        assert CallNote.objects.count() == CallTag.objects.count() == 1
        left = SavedView.objects.order_by("pk").values_list("name", flat=True)
        assert list(left) == queries[1:]

    def test_sound_goes_but_not_the_sentences_of_other_calls(self) -> None:
        call = make_call("mine")
        said = [("", SHARED), ("", "own-clip"), (TurnKind.OPERATOR, "cd" * 32)]
        for index, (kind, clip) in enumerate(said, 1):
            Turn.objects.create(
                call=call, index=index, kind=kind, clip_ids=[clip], started_at=NOW
            )
        assert set(erasure.erase(CALLER).clips) == {"own-clip", "cd" * 32}

    @pytest.mark.parametrize(
        "text",
        [
            *("anonymous", "+266696687", "+464", "sip:anonymous@anonymous.invalid"),
            *("+1415*", "x", OURS, f"sip:{OURS}@example.com"),
        ],
    )
    def test_what_is_not_one_caller_is_refused(self, text: str) -> None:
        make_call("hidden", from_number="Restricted")
        PhoneNumber.objects.create(number=OURS)
        with pytest.raises(ValidationError):
            erasure.parse_caller(text)

    @pytest.mark.parametrize(
        "number",
        [
            *("sips:bob@example.com", "whatsapp:+4915112345678", "+49110", "911"),
            *("4915112345678", "client:Ann B"),
        ],
    )
    def test_a_caller_is_one_caller_however_twilio_writes_them(
        self, number: str
    ) -> None:
        with suppress(ValidationError):  # nobody has called by this yet
            assert erasure.caller_data(erasure.parse_caller(number)).calls == 0
        make_call("theirs", from_number=number)
        make_call("nobody", from_number="")
        data = erasure.caller_data(erasure.parse_caller(f" {number.upper()}"))
        assert data.calls == 1
        assert erasure.erase(data.number).calls == 1
        with pytest.raises(ValidationError):
            erasure.parse_caller(" ")

    def test_the_command_deletes_and_reports_what_it_cannot_delete(self) -> None:
        make_call("mine")
        BlockedCaller.objects.create(pattern=CALLER)
        assert "1 call with 1 turn" in run("erase_caller", CALLER, "--dry-run")
        assert stored_calls() == {"mine"}
        output = run("erase_caller", "+1 415 555-0100", "--no-input")
        assert "Deleted: 1 call with 1 turn." in output
        assert "Twilio's own call logs" in output
        assert "list of blocked callers" in output
        assert stored_calls() == set()

    def test_recordings_of_the_caller_go_wherever_they_are(self) -> None:
        call, other = make_call("mine"), make_call("other", from_number="+14155550177")
        for each in (call, other):
            Recording.objects.create(
                call=each,
                sid=f"RE{each.pk}",
                account_sid="AC1",
                status="completed",
                started_at=each.started_at,
                file=f"{each.pk}.wav",
            )
        output = run("erase_caller", CALLER, "--no-input")
        assert "deleted by a running server" in output
        left = SoundDeletion.objects.values_list("sid", "file")
        assert set(left) == {(f"RE{call.pk}", ""), ("", f"{call.pk}.wav")}
        assert Recording.objects.get().call == other

    def test_the_command_fails_while_a_call_goes_on(self) -> None:
        make_call("now", status=Call.Status.IN_PROGRESS)
        with pytest.raises(CommandError, match="in progress"):
            run("erase_caller", CALLER, "--no-input")
        with pytest.raises(CommandError, match="many people"):
            run("erase_caller", "anonymous", "--no-input")


class TestForgetPage:
    address = "/admin/erase/"

    def test_it_shows_what_there_is_before_anything_is_deleted(
        self, admin_client: Client
    ) -> None:
        call = make_call("mine")
        BlockedCaller.objects.create(pattern=CALLER)
        begin = admin_client.get(f"{self.address}?call={call.pk}").content.decode()
        assert f'value="{CALLER}"' in begin
        shown = admin_client.post(self.address, {"number": CALLER}).content.decode()
        assert "1 call with 1 turn" in shown
        assert "list of blocked callers" in shown
        assert stored_calls() == {"mine"}

    def test_confirmed_the_caller_is_erased_and_the_action_logged(
        self, admin_client: Client
    ) -> None:
        clip = "a-clip-of-this-call"
        call = make_call("mine")
        make_call("now", status=Call.Status.RINGING)
        call.turns.update(clip_ids=[clip])
        store = services().clips
        async_to_sync(store.put)(clip, b"RIFF", 60)
        answer = admin_client.post(
            self.address, {"number": CALLER, "erase": "yes"}, follow=True
        ).content.decode()
        assert "Deleted: 1 call with 1 turn." in answer
        assert "in progress" in answer
        assert CALLER not in answer
        assert stored_calls() == {"now"}
        assert async_to_sync(store.get)(clip) is None
        (entry,) = LogEntry.objects.all()
        assert entry.object_repr == "•••00"

    def test_hostile_and_senseless_input_is_answered(
        self, admin_client: Client
    ) -> None:
        for text in ("", "anonymous", "<script>", "sip:<script>"):
            page = admin_client.post(self.address, {"number": text, "erase": "yes"})
            assert page.status_code == 200
            assert "<script>" not in page.content.decode().partition("content-main")[2]
        for query in ("call=x", f"call={'9' * 30}", "call=²"):
            assert admin_client.get(f"{self.address}?{query}").status_code == 200

    @pytest.mark.parametrize("group", ["viewer", "operator"])
    def test_it_is_for_superusers_only(self, client: Client, group: str) -> None:
        call = make_call("mine")
        person = User.objects.create_user("ann", is_staff=True)
        person.groups.add(Group.objects.get(name=group))
        client.force_login(person)
        assert client.get(self.address).status_code == 403
        gone = client.post(self.address, {"number": CALLER, "erase": "yes"})
        assert gone.status_code == 403
        page = client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
        assert "Erase this caller" not in page
        assert stored_calls() == {"mine"}


class TestSound:
    async def test_everything_in_redis_runs_out_and_no_file_has_sound(
        self, database_url: str, redis_url: str, inworld: FakeInworld, tmp_path: Path
    ) -> None:
        await Bot.objects.acreate(
            name="B", is_default=True, consent_message="Recorded."
        )
        inworld.says("We open at nine.")
        async with (
            running(
                DATABASE_URL=database_url,
                REDIS_URL=redis_url,
                INWORLD_BASE_URL=inworld.url,
                TMPDIR=str(tmp_path),
                HOME=str(tmp_path),
            ) as server,
            dial(server) as call,
        ):
            await call.reply()
            await call.say("When do you open?")
            await call.reply()
            files = written_files(server)
        await closed(call.call_sid)
        async with Redis.from_url(redis_url) as redis:
            keys = [key async for key in redis.scan_iter()]
            lives = [await redis.ttl(key) for key in keys]
            await redis.flushdb()
        assert any(b"clip" in key for key in keys)
        assert -1 not in lives  # Redis says so of a key that never expires
        assert below(tmp_path) == []
        assert not [path for path in files if ".sqlite3" not in path]


def below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def written_files(server: LiveServer) -> list[str]:
    """Regular files a server has open for writing."""
    paths = []
    folder = Path(f"/proc/{server.process.pid}/fd")
    for each in folder.iterdir() if folder.exists() else ():
        flags = (folder.parent / "fdinfo" / each.name).read_text()
        mode = int(flags.split("flags:")[1].split()[0], 8) & os.O_ACCMODE
        path = os.path.realpath(each)
        if mode != os.O_RDONLY and Path(path).is_file():
            paths.append(path)
    return paths


def run(command: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def note(user: User, pk: int, shown: str, message: str) -> None:
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Call),
        object_id=str(pk),
        object_repr=shown,
        action_flag=CHANGE,
        change_message=message,
    )
