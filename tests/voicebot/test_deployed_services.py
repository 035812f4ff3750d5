"""PostgreSQL, Redis, images and the systemd unit as a deployment has them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from tests.support.live import ROOT, free_port, manage
from tests.support.services import Missing, Postgres, wait_for

BASE = Path(ROOT)
COMPOSE = (BASE / "docker-compose.yml").read_text()
DOCKERFILE = (BASE / "Dockerfile").read_text()
PASSWORD = "it's 8\"7$HOME"
TAG = r"[\w.-]*\d+\.\d+[\w.-]*"
DIGEST = f"sha256:{'a1' * 32}"
# systemd rates from 0 (nothing left to attack) to 10; a unit without limits has 9.6.
MOST_EXPOSED = "2.5"


class Deployed(Postgres):
    """A PostgreSQL whose role and database the script of the deployment makes."""

    superuser = "postgres"
    is_migrated = False

    def create_database(self) -> None:
        """Run the script as the container does while its volume is empty."""
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}
        env = {"PATH": os.environ["PATH"], "VOICEBOT_PASSWORD": PASSWORD, **place}
        command = ["sh", str(BASE / "postgres-init.sh")]
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=30)

    def as_superuser(self, statement: str) -> list[tuple[object, ...]]:
        with self._connect("postgres") as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed (Debian: apt install postgresql-client)")
    try:
        with Deployed() as postgres:
            yield postgres
    except Missing as missing:
        pytest.skip(str(missing))


def test_only_the_role_of_the_application_has_a_password(deployed: Deployed) -> None:
    roles = deployed.as_superuser(
        "SELECT rolname, rolsuper, rolpassword LIKE 'SCRAM%' FROM pg_authid"
        " WHERE rolcanlogin ORDER BY rolname"
    )
    assert roles == [("postgres", True, None), ("voicebot", False, True)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER ROLE voicebot SUPERUSER",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_role_may_do_nothing_beside_its_database(
    deployed: Deployed, statement: str
) -> None:
    with (
        psycopg.connect(deployed.url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_migrations_run_as_that_role(deployed: Deployed) -> None:
    env = {"DATABASE_URL": deployed.url, "REDIS_URL": ""}
    manage(env, "setup")
    with psycopg.connect(deployed.url) as connection:
        indexes = "SELECT count(*) FROM pg_indexes WHERE indexname = 'calls_turn_words'"
        assert connection.execute(indexes).fetchone() == (1,)


def test_the_search_of_calls_runs_as_that_role(deployed: Deployed) -> None:
    # The role may create no database, so the one of the tests is made for it.
    deployed.as_superuser("CREATE DATABASE test_voicebot OWNER voicebot")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--reuse-db"]
    done = subprocess.run(
        [*command, "-k", "found or search", "tests/calls/admin/test_call_list.py"],
        cwd=BASE,
        env={**os.environ, "TEST_DATABASE_URL": deployed.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_redis_answers_with_its_password_only() -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (apt install redis-server)")
    (script,) = re.findall(r"- \|\n((?: {8}.*\n)+)", COMPOSE)
    port = free_port()
    script = re.sub(r"^ {8}", "", script, flags=re.MULTILINE).replace("$$", "$")
    script = script.replace("redis-server -", f"redis-server - --port {port}")
    env = {"PATH": os.environ["PATH"], "REDIS_PASSWORD": "fedcba9876543210"}
    server = subprocess.Popen(["sh", "-c", script], env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: refuses_strangers(port), "Redis")
        with Redis(port=port, password="fedcba9876543210") as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {
                "maxmemory-policy": "volatile-ttl"
            }
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert b"redis-server" in command  # the shell is gone: signals reach it
        assert b"fedcba" not in command
    finally:
        server.terminate()
        server.wait(10)


def refuses_strangers(port: int) -> bool:
    """True once a Redis at this port asks for a password."""
    try:
        with Redis(port=port) as client:
            client.ping()
    except AuthenticationError:
        return True
    except ConnectionError:
        pass
    return False


# Images


def test_images_have_exact_versions_and_digests() -> None:
    images = re.findall(r"^ +image: (\S+)$", COMPOSE, re.MULTILINE)
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images.remove("voicebot")  # ours
    assert len(images) == 5
    assert all(
        re.fullmatch(rf"\w+:{TAG}@sha256:[0-9a-f]{{64}}", image) for image in images
    )


def test_images_are_pinned_to_the_digests_of_their_tags(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    docker = programs / "docker"
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    for digest in (f"sha256:{'b2' * 32}", DIGEST):  # again, after a tag has moved
        docker.write_text(f"#!/bin/sh\necho {digest}\n")
        docker.chmod(0o755)
        command = [str(BASE / ".ci/pin-images")]
        subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    pinned = (tmp_path / "docker-compose.yml").read_text()
    pinned += (tmp_path / "Dockerfile").read_text()
    assert pinned.count(f"@{DIGEST}") == pinned.count("@sha256:") == 5
    without = re.sub(r"@sha256:\w+", "", COMPOSE + DOCKERFILE)
    assert pinned.replace(f"@{DIGEST}", "") == without
    docker.write_text("#!/bin/sh\necho not found\n")
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True)
    assert done.returncode != 0


# systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit of the docs, with a program that exists."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    docs = (BASE / "docs/production.md").read_text()
    (text,) = re.findall(r"```ini\n(\[Service\].*?)```", docs, re.DOTALL)
    text = text.replace("/opt/voicebot/.venv/bin/python", "/bin/true")
    text = text.replace("User=voicebot", "User=daemon")
    file = tmp_path / "voicebot@.service"
    file.write_text(text)
    return file


def test_systemd_understands_the_unit(unit: Path) -> None:
    instance = unit.with_name("voicebot@3000.service")
    shutil.copy(unit, instance)
    done = analyze("verify", str(instance))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_may_do_little(unit: Path) -> None:
    threshold = f"--threshold={float(MOST_EXPOSED) * 10:.0f}"
    done = analyze("security", "--offline=true", threshold, str(unit))
    assert done.returncode == 0, done.stdout[-400:]


def analyze(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
