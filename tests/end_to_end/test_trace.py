"""A call with everything in it, traced by a real server and read again."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import Settings

from bots.models import Bot
from bots.models.menu_key import MenuKey
from bots.models.transfer_target import TransferTarget
from calls.privacy.erasure import erase
from calls.simulator.line import CALLER
from tests.conftest import numbered
from tests.support.live import AUTH_TOKEN, LiveServer, serving

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550077"
PERSON = "+15005550078"
PIN = "8642"
# The sandbox does not speak this, so that Twilio's own voice has to.
REFUSED = "It is {{now}} here. /missing"
PAGE = Path(settings.BASE_DIR) / "docs/first-real-call.md"


def script() -> list[str]:
    """The call that the page describes, for which nobody needs an account."""
    command = re.search(r"manage\.py call ((?:.*\\\n)*.*)", PAGE.read_text())
    assert command
    return shlex.split(command[1].replace("\\\n", " "))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "traces"


@pytest.fixture
def server(database_url: str, folder: Path) -> Iterator[LiveServer]:
    """A server that traces every call, with the sandbox in place of Inworld."""
    with serving(
        DATABASE_URL=database_url,
        INWORLD_API_KEY="",
        INWORLD_BASE_URL="",
        RELAY_TRACE=str(folder),
    ) as live:
        yield live


def make_bot() -> Bot:
    bot = numbered(
        NUMBER,
        consent_message="This call is recorded.",
        greeting="Hello there.",
        can_collect_digits=True,
        llm_model="openai/missing",
        fallback_models="openai/gpt-4.1-mini",
    )
    TransferTarget.objects.create(
        bot=bot, name="Sales", number=PERSON, when_to_use="Orders."
    )
    MenuKey.objects.create(bot=bot, key="5", action="say", message=REFUSED)
    MenuKey.objects.create(bot=bot, key="6", action="say", message="Nine to five.")
    return bot


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_a_simulated_call_answers_all_twelve_questions(
    server: LiveServer,
    folder: Path,
    settings: Settings,
) -> None:
    make_bot()
    options = ("--server", server.url, "--to", NUMBER, "--pause", "0.3")
    run("call", *options, *script())
    (path,) = folder.glob("*.jsonl")

    out = StringIO()
    with suppress(SystemExit):  # a bad answer: the rows say which
        call_command("doctor", "--trace", str(path), "--json", stdout=out)
    report = json.loads(out.getvalue())
    rows = {row["number"]: row for row in report["answers"]}
    assert [row["verdict"] for row in rows.values()] == ["good"] * 12, rows
    assert report["problems"] == []
    assert "1 of them played again" in rows[8]["seen"]
    assert "openai/gpt-4.1-mini answered" in rows[10]["seen"]
    assert "DialCallStatus busy" in rows[12]["seen"]
    assert "12 of 12 questions" in run("doctor", "--trace", str(path))

    timeline = run("replay_trace", str(path))
    assert "The replay does the same" in timeline, timeline

    text = path.read_text()
    _hides_what_is_secret(text)
    _has_everything(text)

    settings.RELAY_TRACE = str(folder)
    assert erase(CALLER).calls == 1
    assert not path.exists()


def _hides_what_is_secret(text: str) -> None:
    for secret in (CALLER, NUMBER, PERSON, AUTH_TOKEN, CALLER[1:]):
        assert secret not in text
    assert set(re.findall(r"/conversation/[^\"\\]+", text)) == {"/conversation/•••"}
    assert not re.findall(r"/audio/[\w-]{13,}", text)
    digits = [json.loads(line) for line in text.splitlines() if '"dtmf"' in line]
    keys = "".join(line["frame"]["digit"] for line in digits if line["kind"] == "in")
    assert keys == "66••••#5"


def _has_everything(text: str) -> None:
    lines = [json.loads(line) for line in text.splitlines()]
    kinds = {line["kind"] for line in lines}
    assert kinds == {
        *("start", "callback", "twiml", "settings", "socket"),
        *("in", "out", "fetch", "event", "action"),
    }
    paths = [line["path"] for line in lines if line["kind"] == "callback"]
    assert paths == ["/voice", "/voice/action", "/voice/dial/0", "/voice/action"]
    frames = {line["frame"]["type"] for line in lines if line["kind"] == "in"}
    assert frames >= {"setup", "prompt", "interrupt", "dtmf", "info"}
