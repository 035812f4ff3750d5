"""`manage.py bots export` and `manage.py bots apply`."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bots.models import Bot
from bots.versions.history import author, versions
from tests.support.versions import bot as bot

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("bots", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_bot_goes_to_a_file_and_back(bot: Bot, tmp_path: Path) -> None:
    file = tmp_path / "bot.json"
    assert run("export", "Front desk", str(file)) == (
        "",
        f"Wrote “Front desk” to {file}.\n",
    )
    assert run("export", "Front desk")[0] == file.read_text()
    values = json.loads(file.read_text())
    values["bot"] |= {"greeting": "Moin.", "tools": ["gone"]}
    file.write_text(json.dumps(values))
    out, err = run("apply", str(file), "--dry-run")
    assert out == (
        "“Front desk” would be changed:\n“Front desk”\n  Greeting: “Hello.” → “Moin.”\n"
    )
    assert err == "There is no tool “gone”, so the bot does not have it.\n"
    bot.refresh_from_db()
    assert bot.greeting == "Hello."
    assert "was changed" in run("apply", str(file))[0]
    bot.refresh_from_db()
    assert bot.greeting == "Moin."
    assert author(versions(Bot, bot.pk)[0]) == "the server"
    assert run("apply", str(file))[0] == "“Front desk” is already as the file says.\n"
    bot.delete()
    assert "“Front desk” was created:" in run("apply", str(file))[0]


def test_a_bad_file_is_refused_with_all_reasons(tmp_path: Path) -> None:
    file = tmp_path / "bot.json"
    bot = {"name": "X", "temperature": "hot", "colour": "red"}
    file.write_text(json.dumps({"format": "voicebot bot", "version": 1, "bot": bot}))
    with pytest.raises(CommandError) as refused:
        run("apply", str(file))
    assert str(refused.value) == (
        f"{file} was not applied.\n"
        "- The file has “colour” in “bot”, which this server does not know.\n"
        "- “bot, temperature” must be a number, not text."
    )
    assert refused.value.returncode == 1


def test_missing_files_and_bots_are_named(bot: Bot, tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "bot.json"
    with pytest.raises(CommandError, match=r"Cannot read .*: No such file"):
        run("apply", str(gone))
    with pytest.raises(CommandError, match=r"Cannot write .*: No such file"):
        run("export", "Front desk", str(gone))
    with pytest.raises(CommandError, match=r"no bot “Desk”[.] There are: “Front"):
        run("export", "Desk")
