"""The documents name files, commands, targets, metrics and settings that exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from calls.metrics import REGISTRY
from calls.operations import metrics_view
from calls.trace.questions import QUESTIONS
from tests.architecture.test_packages import FILES

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in DOCUMENTS}
EXAMPLE = (ROOT / ".env.example").read_text()
CODE = "\n".join(path.read_text() for path in FILES)
MODULE_NAMES = {path.name for path in FILES} | {"manage.py"}
FOLDERS = "bots|calls|voicebot|tests|templates|docs|.ci"

each_document = pytest.mark.parametrize("name", TEXTS)


def anchors(text: str) -> set[str]:
    """The addresses of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_the_readme_stays_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 150


@each_document
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r'\]\(([^):]+)\)|src="([^"]+)"', TEXTS[name])
    for link in (markdown or html for markdown, html in links):
        target, _, anchor = link.partition("#")
        path = (ROOT / name).parent / target if target else ROOT / name
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.read_text()), link


@each_document
def test_files_exist(name: str) -> None:
    named = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", TEXTS[name])
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert set(re.findall(r"`(\w+\.py)`", TEXTS[name])) <= MODULE_NAMES


def test_each_threat_has_tests_that_exist() -> None:
    rows = re.findall(
        r"^\| (?!Threat|---).*\|$", TEXTS["docs/security.md"], re.MULTILINE
    )
    assert len(rows) >= 20
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)`", row.rsplit("|", 2)[1])
        assert tests, row
        for test in tests:
            defined = re.findall(
                r"^ *(?:async )?def test_", (ROOT / test).read_text(), re.M
            )
            assert defined, test


@each_document
def test_methods_exist(name: str) -> None:
    for cls, method in re.findall(r"`([A-Z]\w+)\.(?!md`)([a-z]\w+)`", TEXTS[name]):
        assert re.search(rf"^class {cls}\b", CODE, re.MULTILINE), cls
        assert re.search(rf"^    (?:async )?def {method}\b", CODE, re.MULTILINE), method


@each_document
def test_commands_exist(name: str) -> None:
    commands = re.findall(r"manage\.py ([a-z]\w*)", TEXTS[name])
    assert set(commands) <= get_commands().keys()


@each_document
def test_targets_of_make_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    named = re.findall(r"(?:^|`)make ([a-z][\w-]*)", TEXTS[name], re.MULTILINE)
    assert set(named) <= set(targets)


@each_document
def test_settings_and_constants_exist(name: str) -> None:
    explained = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    constants = re.findall(r"^([A-Z][A-Z_]+)(?: = |: )", CODE, re.MULTILINE)
    named = re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", TEXTS[name])
    assert set(named) <= {*explained, *constants}


def test_the_page_of_the_first_call_has_every_question() -> None:
    page = TEXTS["docs/first-real-call.md"]
    for question in QUESTIONS:
        assert f"| {question.number} | {question.text} |" in page
        asked = rf"\|[^|]*\b{question.number}\b[^|]*\|$"  # by a line of the script
        assert re.search(asked, page, re.MULTILINE), question.number


async def test_operations_explains_every_metric() -> None:
    assert metrics_view  # registers the figures that are read on request
    exported = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in REGISTRY.collect()
        if metric.name.startswith("voicebot_")
    }
    explained = re.findall(r"`(voicebot_\w+)", TEXTS["docs/operations.md"])
    assert set(explained) == exported
