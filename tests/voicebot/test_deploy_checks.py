"""Django's deployment checks, and the audit of dependencies."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from tests.audit import evaluate
from tests.support.preloaded import run_to_end

PRODUCTION = {
    "SECRET_KEY": "k7Qz-3vX9_pLr2Tn8Wc5Yb1Hd6Fg4Js0Mu-aEiOxKqZrVtNwPyB",
    "SERVER_URL": "https://bot.example.com",
    "TWILIO_AUTH_TOKEN": "7e570123456789abcdef0123456789ab",
    "INWORLD_API_KEY": "dGVzdDprZXk=",
    "DATABASE_URL": "sqlite://:memory:",
    "DEBUG": "false",
    "TRUSTED_PROXY_COUNT": "0",
}


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **PRODUCTION, **changes}
    return run_to_end(env, "check", "--deploy", "--fail-level", "WARNING")


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_settings_of_production_are_found_safe(proxies: str) -> None:
    done = check(TRUSTED_PROXY_COUNT=proxies)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"DEBUG": "true"}, "security.W018"),
        ({"HSTS_SECONDS": "0"}, "security.W004"),
        ({"SERVER_URL": "http://bot.example.com"}, "calls.E003"),
        ({"TWILIO_AUTH_TOKEN": ""}, "calls.E004"),
    ],
)
def test_unsafe_settings_are_named(changes: dict[str, str], complaint: str) -> None:
    done = check(**changes)
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADMIN_REQUIRE_TOTP", "Ture"),  # a typing error must not open the door
        ("SECRET_KEY", "x7" * 24),  # 48 characters
        ("METRICS_TOKEN", "x7" * 9),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("TRUSTED_PROXY_COUNT", "many"),
        ("HSTS_SECONDS", "99999999999"),
        ("SESSION_HOURS", "0"),
        ("TRANSFER_PREFIXES", "49"),  # would allow nothing, without saying so
        ("TRANSFER_PREFIXES", "+49,sip:"),
        ("MAX_MINUTES_PER_DAY", "1.5"),
    ],
)
def test_a_setting_that_means_nothing_keeps_the_server_from_starting(
    name: str, value: str
) -> None:
    done = check(**{name: value})
    assert done.returncode != 0
    assert f"{name}" in done.stderr
    assert "Traceback" not in done.stderr


SOUND = {"name": "django", "version": "5.2.19", "vulns": []}
HOLED = {
    "name": "daphne",
    "version": "4.2.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["4.2.2"]}],
}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
AWAY = "Traceback\nConnectionError: Failed to resolve 'pypi.org'"


@pytest.mark.parametrize(
    ("packages", "errors", "code", "words"),
    [
        ([SOUND], "", 0, "1 packages, no known vulnerability."),
        ([SOUND, UNKNOWN], "", 0, "Not audited: ours"),
        ([SOUND, HOLED], "", 1, "daphne 4.2.1: PYSEC-1, fixed in 4.2.2"),
        ([UNKNOWN, UNKNOWN], "", 0, "NOT AUDITED: nothing was checked"),
        (None, AWAY, 0, "because the advisories cannot be reached"),
        (None, f"{AWAY} {'x' * 9999}", 0, "because the advisories cannot be reached"),
        (None, "requirements.txt: no hashes", 1, "no hashes"),
        (None, "", 1, "no answer"),
    ],
)
def test_the_audit_fails_on_vulnerabilities_and_names_unchecked_packages(
    packages: list[dict[str, object]] | None, errors: str, code: int, words: str
) -> None:
    output = json.dumps({"dependencies": packages}) if packages else ""
    exit_code, lines = evaluate(output, errors)
    assert exit_code == code
    assert words in "\n".join(lines)
    if not code:
        assert len(lines) == 1
        assert len(lines[0]) < 400


@pytest.mark.parametrize("code", [0, 1])
def test_continuous_integration_ends_with_what_was_audited(
    tmp_path: Path, code: int
) -> None:
    folder, programs = tmp_path / "checkout", tmp_path / "bin"
    for name in ("bots", "calls", "voicebot", "tests", ".ci"):
        (folder / name).mkdir(parents=True)
    programs.mkdir()
    run = folder / ".ci/run"
    run.write_text((Path(settings.BASE_DIR) / ".ci/run").read_text())
    make = (
        f'case $1 in audit) echo "NOT AUDITED";; test) echo tested; exit {code};; esac'
    )
    for file, script in ((programs / "make", make), (folder / ".ci/programs", ":")):
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(run)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["NOT AUDITED", "tested", "NOT AUDITED"]
    assert bool(done.returncode) is bool(code)
