"""The arrows between modules: what may import what."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Field

from bots.config.bot_config import LIST_FIELDS, BotConfig
from bots.models import Bot

ROOT = Path(settings.BASE_DIR)
PURE = {
    *(f"bots.inworld.{name}" for name in ("sse", "events", "pcm", "segments")),
    *(
        "bots.inworld.tool_calls",
        "bots.config.capabilities",
        "bots.config.opening_hours",
        "bots.config.placeholders",
    ),
    *(
        "bots.config.request_template",
        "calls.conversation.tool_definitions",
        "calls.conversation.tool_calls",
        "calls.transfer",
    ),
    *(
        "bots.inworld.text_request",
        "calls.post_call.summary_prompt",
        "calls.post_call.retry_schedule",
    ),
    *(
        "bots.inworld.catalogue_records",
        "bots.advice.advice",
        "bots.advice.wording",
        "bots.advice.iso_639",
    ),
    *(f"bots.desk.{name}" for name in ("draft", "sound", "blanks", "actions")),
    *(f"calls.{name}" for name in ("wav", "words", "playback", "turns", "history")),
    *(f"calls.{name}" for name in ("events", "actions", "relay", "keypad", "ladder")),
    *(
        f"calls.{name}"
        for name in ("manners", "vigil", "replies", "answers", "release")
    ),
    *(
        "calls.conversation.conversation.interruptions",
        "calls.conversation.ending",
        "calls.conversation.conversation",
        "calls.turns.turn.resume",
    ),
    *(
        "calls.diagnostics.response_verdicts",
        "calls.twilio.number_setup",
        "calls.session.rate_limit",
    ),
    *("calls.conversation.caller_input", "calls.conversation.dtmf_menu"),
    *(
        "calls.review.call_page.latency_waterfall",
        "calls.review.call_page.masking",
        "calls.review.tool_call_view",
        "bots.versions.text_diff",
    ),
}
CODECS = {"pybase64"}
CLOCKS_AND_LOOPS = {"asyncio", "time", "datetime", "socket", "threading", "random"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_imports_nothing_that_does_io(module: str) -> None:
    path = ROOT / f"{module.replace('.', '/')}.py"
    for name in set(imports(path)) - PURE:
        package = name.split(".")[0]
        assert package in sys.stdlib_module_names | CODECS, name
        assert package not in CLOCKS_AND_LOOPS, name


def test_bots_never_import_calls() -> None:
    for path in (ROOT / "bots").rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith("calls")], path


def test_every_setting_of_a_bot_is_read_by_the_running_system() -> None:
    """A field only the admin knows would be a switch that does nothing."""
    shown = {"models.py", "admin.py", "profile.py"}
    read: set[str] = set()
    for folder in ("bots", "calls"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name in shown or {"migrations", "sandbox"} & {
                *path.relative_to(ROOT).parts
            }:
                continue
            tree = ast.walk(ast.parse(path.read_text()))
            read |= {node.attr for node in tree if isinstance(node, ast.Attribute)}
    unread = {field.name for field in editable_fields()} - read
    # Read in a query, by keyword; as one of a profile's people.
    assert unread - {"is_default", "transfer_number"} == set()


def test_a_call_runs_with_every_setting_of_its_bot() -> None:
    resolved = {*BotConfig.__dataclass_fields__, "is_active", "is_default"} - {
        *LIST_FIELDS
    }
    assert {field.name for field in editable_fields()} == resolved


def editable_fields() -> "list[Field[Any, Any]]":
    return [field for field in Bot._meta.concrete_fields if field.editable][1:]
