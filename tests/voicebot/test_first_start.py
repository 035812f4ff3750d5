"""The first run, and every run after it."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from bots.config_builder import config_of
from bots.models import Bot
from bots.models.tool import Tool
from bots.sandbox import demo_tool
from tests.support.preloaded import run_to_end
from voicebot.env_file import main, prepare

BASE = Path(project.BASE_DIR)
SETTINGS = (BASE / "voicebot" / "settings.py").read_text()
EXAMPLE = (BASE / ".env.example").read_text()
COMPOSE = (BASE / "docker-compose.yml").read_text()


def setup() -> str:
    output = io.StringIO()
    call_command("setup", stdout=output)
    return output.getvalue()


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_to_end({"PATH": os.environ["PATH"], **variables}, *arguments)


def setup_of(database: str) -> subprocess.CompletedProcess[str]:
    # The tests' settings, because the checkout may have an .env of its owner's.
    return manage(
        "setup", DJANGO_SETTINGS_MODULE="tests.settings", TEST_DATABASE_URL=database
    )


def test_every_variable_is_explained_and_no_unknown_one() -> None:
    read = re.findall(r'(?:env\.\w+|_[a-z_]+)\(\s*"([A-Z_]+)"', SETTINGS)
    read += re.findall(r"\$\{([A-Z_]+)", COMPOSE)
    explained = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert sorted(explained) == sorted(set(read))


def test_every_variable_has_a_comment_above_it() -> None:
    blocks = EXAMPLE.strip().split("\n\n")
    assert all(block.startswith("# ") for block in blocks)


def test_the_example_shows_values_that_work(tmp_path: Path) -> None:
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    needed = {
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    done = manage("diffsettings", **{**shown, **needed})
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
class TestSetup:
    def test_makes_a_bot_and_an_admin_once(self) -> None:
        said = setup()
        bot = Bot.objects.get()
        assert (bot.is_default, bot.tts_voice) == (True, "Clive")
        admin = User.objects.get()
        shown = re.search(r"Password: +(\S+)", said)
        assert shown
        assert admin.check_password(shown[1])
        assert "https://bot.example.com/admin/" in said
        assert setup() == "The console is at https://bot.example.com/admin/\n"
        assert not Tool.objects.exists()

    def test_without_a_key_the_bot_has_a_tool_of_the_sandbox(
        self, settings: Settings
    ) -> None:
        settings.INWORLD_API_KEY = ""
        settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
        setup()
        setup()
        tool = Bot.objects.get().tools.get()
        tool.full_clean()
        demo_tool.point_to("http://127.0.0.1:4711")
        (spec,) = config_of(Bot.objects.get()).tools
        assert spec.url == "http://127.0.0.1:4711/demo/orders/{{number}}"
        assert [parameter.name for parameter in spec.parameters] == [
            "number",
            "seconds",
        ]
        Bot.objects.all().delete()
        setup()
        assert Bot.objects.get().tools.get() == tool
        demo_tool.remove()
        assert not Tool.objects.exists()

    def test_a_tool_that_was_made_another_is_left_alone(
        self, settings: Settings
    ) -> None:
        settings.INWORLD_API_KEY = ""
        settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
        theirs = "https://shop.example/orders/{{number}}"
        Tool.objects.create(name=demo_tool.NAME, description="Ours.", url=theirs)
        setup()
        assert not Bot.objects.get().tools.exists()
        demo_tool.point_to("http://127.0.0.1:4711")
        demo_tool.remove()
        assert Tool.objects.get().url == theirs
        assert Bot.objects.count() == User.objects.count() == 1

    def test_takes_the_first_values_from_the_environment(
        self, settings: Settings
    ) -> None:
        settings.INITIAL_BOT = {
            "greeting": "Moin!",
            "tts_voice": "Ashley",
            "llm_model": "",
        }
        settings.INITIAL_ADMIN = {
            "username": "boss",
            "password": "given by the owner",
            "email": "b@example.com",
        }
        said = setup()
        bot = Bot.objects.get()
        assert (bot.greeting, bot.tts_voice) == ("Moin!", "Ashley")
        assert bot.llm_model == "openai/gpt-4.1-mini"
        assert User.objects.get().check_password("given by the owner")
        assert "given" not in said

    def test_refuses_a_short_password_of_the_environment(
        self, settings: Settings
    ) -> None:
        settings.INITIAL_ADMIN = {
            "username": "boss",
            "password": "kX9-wq2Z",
            "email": "",
        }
        with pytest.raises(
            CommandError, match=r"DJANGO_SUPERUSER_PASSWORD: .* 12 char"
        ):
            setup()
        assert not User.objects.exists()

    def test_does_not_change_existing_rows(self, admin_user: User) -> None:
        Bot.objects.create(name="Mine")
        setup()
        assert Bot.objects.get().is_default is False
        assert User.objects.get() == admin_user

    def test_records_a_first_version_of_existing_bots(self) -> None:
        bot = Bot.objects.create(name="Mine")
        Bot.history.all().delete()
        setup()
        assert Bot.history.get().name == bot.name
        setup()
        assert Bot.history.count() == 1

    def test_makes_the_groups_of_people(self) -> None:
        Group.objects.all().delete()
        setup()
        assert {group.name for group in Group.objects.all()} == {"operator", "viewer"}

    @pytest.mark.parametrize(
        ("values", "variable"),
        [
            ({"tts_voice": "two words"}, "TTS_VOICE"),
            ({"transcription_provider": "deepgram"}, "TRANSCRIPTION_PROVIDER"),
            ({"llm_model": "gpt 4"}, "INWORLD_MODEL"),
        ],
    )
    def test_names_the_variable_at_fault(
        self, settings: Settings, values: dict[str, str], variable: str
    ) -> None:
        settings.INITIAL_BOT = values
        with pytest.raises(CommandError, match=f"^{variable}: "):
            setup()
        assert not Bot.objects.exists()

    def test_does_not_promote_an_existing_user(self) -> None:
        User.objects.create_user("admin")
        with pytest.raises(CommandError, match=r"^DJANGO_SUPERUSER_USERNAME: "):
            setup()


def test_setup_prepares_an_empty_database(tmp_path: Path) -> None:
    done = setup_of(f"sqlite:///{tmp_path}/db.sqlite3")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "https://bot.example.com/admin/" in done.stdout


@pytest.mark.parametrize(
    "database", ["sqlite:////nowhere/db.sqlite3", "postgres://me:secret@127.0.0.1:9/x"]
)
def test_an_unreachable_database_is_one_line(database: str) -> None:
    done = setup_of(database)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "The database cannot be used" in line
    assert "secret" not in line


def test_only_the_owner_reads_the_database(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    os.umask(0o022)
    for _ in range(2):
        assert setup_of(f"sqlite:///{file}").returncode == 0
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes["db.sqlite3"] == 0o600
        assert set(modes.values()) == {0o600}
        file.chmod(0o644)  # as an earlier release made it


class TestFirstRun:
    def test_writes_an_env_that_only_its_owner_can_read(self, tmp_path: Path) -> None:
        assert "Wrote .env" in (prepare(tmp_path, {}) or "")
        path = tmp_path / ".env"
        assert path.stat().st_mode & 0o777 == 0o600
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# ")
        assert {"DEBUG=true", "HOST=127.0.0.1"} < set(lines)
        assert len(key_in(path)) > 50

    def test_changes_nothing_the_second_time(self, tmp_path: Path) -> None:
        prepare(tmp_path, {})
        before = (tmp_path / ".env").read_bytes()
        assert prepare(tmp_path, {}) is None
        assert (tmp_path / ".env").read_bytes() == before

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "PORT=3001",
            "PORT=3001\n#SECRET_KEY=\n",
            "SECRET_KEY=\nPORT=1\n",
            "SECRET_KEY=''\r\nPORT=1\r\n",
        ],
    )
    def test_adds_a_missing_key(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / ".env"
        path.write_bytes(content.encode())
        assert "Added" in (prepare(tmp_path, {}) or "")
        assert len(key_in(path)) > 50
        assert path.stat().st_mode & 0o777 == 0o600
        ports = [line for line in content.splitlines() if line.startswith("PORT")]
        assert set(ports) <= set(path.read_text().splitlines())

    def test_needs_no_key_when_the_environment_has_one(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_text("PORT=3001\n")
        assert prepare(tmp_path, {"SECRET_KEY": "x"}) is None
        assert path.read_text() == "PORT=3001\n"

    def test_reports_an_obstacle_in_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match=r"^Cannot write .*: No such file"):
            main(tmp_path / "nowhere")

    def test_runs_without_django(self, tmp_path: Path) -> None:
        package = tmp_path / "voicebot"
        package.mkdir()
        for name in ("__init__.py", "env_file.py"):
            (package / name).write_text((BASE / "voicebot" / name).read_text())
        command = [sys.executable, "-S", "-m", "voicebot.env_file"]
        done = subprocess.run(
            command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith("Wrote .env")
        assert (tmp_path / ".env").exists()


def key_in(path: Path) -> str:
    """Return the key that Django reads: the first of several lines."""
    keys = re.findall(r"^SECRET_KEY=(.*)$", path.read_text(), re.MULTILINE)
    return keys[0] if keys else ""
