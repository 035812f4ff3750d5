"""The lines that a call in progress adds to its trace."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from bots.config.capabilities import MenuEntry
from bots.inworld.tool_calls import ToolCall
from bots.models import Bot
from calls.conversation.conversation import Conversation
from calls.conversation.events import CallConnected, CallerSpoke, ReplyEnded
from calls.trace import files
from calls.trace.recording import CallTrace, take_switch, trace_of
from tests.support.bot_configs import bot_config

SID = "CA" + "2" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.RELAY_TRACE = ""
    settings.BASE_DIR = tmp_path
    files.writer.cache_clear()
    yield tmp_path / "traces"
    files.writer.cache_clear()


class Session:
    """A call in progress, without a socket."""

    def __init__(self, **config: Any) -> None:
        self.conversation = Conversation(bot_config(**config))
        self.receive(CallConnected())

    def receive(self, event: Any) -> None:
        self.conversation.receive(event, time.monotonic())

    def asks_for_digits(self, *, secret: bool) -> None:
        self.receive(CallerSpoke("I will type it."))
        number = len(self.conversation.replies.by_number)
        arguments = json.dumps({"question": "Go.", "length": 4, "secret": secret})
        call = ToolCall("1", "ask_for_keys", arguments)
        self.receive(ReplyEnded(number, calls=(call,)))


def recorded(folder: Path) -> list[Any]:
    assert files.writer().flush()
    text = (folder / f"{SID}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def digits_shown(folder: Path, session: Session | None, keys: str) -> str:
    files.create(SID, time.monotonic())
    trace = trace_of(SID)
    for key in keys:
        frame = json.dumps({"type": "dtmf", "digit": key, "digits": "8642"})
        trace.frame_in(frame, None, session)
    frames = [line["frame"] for line in recorded(folder) if line["kind"] == "in"]
    assert not any("8642" in str(frame) for frame in frames)
    return "".join(frame["digit"] for frame in frames)


def test_digits_of_a_secret_entry_are_masked(folder: Path) -> None:
    session = Session(can_collect_digits=True)
    session.asks_for_digits(secret=True)
    assert digits_shown(folder, session, "12#") == "••#"


def test_digits_of_another_entry_are_shown(folder: Path) -> None:
    session = Session(can_collect_digits=True)
    session.asks_for_digits(secret=False)
    assert digits_shown(folder, session, "12#") == "12#"


def test_keys_that_may_become_part_of_a_secret_entry_are_masked(folder: Path) -> None:
    """A caller may type before the bot asks, and the bot may ask for a secret."""
    assert digits_shown(folder, Session(can_collect_digits=True), "12") == "••"


def test_keys_of_a_menu_are_shown(folder: Path) -> None:
    menu = (MenuEntry("5", "say", "Nine to five."),)
    session = Session(can_collect_digits=True, menu=menu)
    assert digits_shown(folder, session, "51") == "5•"


def test_keys_are_shown_if_the_bot_never_asks_for_any(folder: Path) -> None:
    assert digits_shown(folder, Session(), "12") == "12"


def test_all_keys_of_a_bot_that_masks_keys_are_masked(folder: Path) -> None:
    assert digits_shown(folder, Session(mask_dtmf=True), "1#") == "•#"


def test_keys_before_the_session_are_masked(folder: Path) -> None:
    assert digits_shown(folder, None, "1") == "•"


def test_a_frame_that_is_none_is_not_copied(folder: Path) -> None:
    files.create(SID, time.monotonic())
    trace_of(SID).frame_in("not JSON, but a PIN: 8642", None, None)
    trace_of(SID).frame_in(None, b"8642", None)
    lines = recorded(folder)[1:]
    assert [line["frame"] for line in lines] == [
        {"type": "unreadable", "bytes": 25},
        {"type": "unreadable", "bytes": 4},
    ]


def test_an_untraced_call_leaves_nothing(folder: Path) -> None:
    trace = trace_of(SID)
    trace.opened({})
    trace.frame_out('{"type": "end"}')
    trace.closed(1000)
    assert files.writer().flush()
    assert not folder.exists()
    assert not CallTrace().path


@pytest.mark.django_db
def test_one_call_takes_the_switch(folder: Path) -> None:
    bot = Bot.objects.create(name="Traced", trace_next_call=True)
    as_another_process_read_it = Bot.objects.get()
    assert take_switch(bot, SID)
    assert not take_switch(as_another_process_read_it, "CA" + "3" * 32)
    assert [path.name for path in folder.iterdir()] == [f"{SID}.jsonl"]
    bot.refresh_from_db()
    assert not bot.trace_next_call


@pytest.mark.django_db
def test_a_bot_without_the_switch_costs_no_query(
    folder: Path, django_assert_num_queries: Any
) -> None:
    bot = Bot.objects.create(name="Plain")
    with django_assert_num_queries(0):
        assert not take_switch(bot, SID)
    assert not folder.exists()
