"""The sandbox as a real process on a real socket."""

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.support.sandbox import (
    ENVIRONMENT,
    ROOT,
    address,
    command,
)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[httpx.Client]:
    with subprocess.Popen(
        command("--instant"),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        url = address(process.stdout.readline())
        with httpx.Client(base_url=url, timeout=10) as client:
            yield client
        process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(5) == 0
