"""The sandbox as a real process on a real socket."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.preloaded import PreloadedProcess
from tests.support.sandbox import ENVIRONMENT, address


@pytest.fixture(scope="session")
def sandbox() -> Iterator[httpx.Client]:
    command = ("sandbox", "--port", "0", "--instant")
    process = PreloadedProcess(dict(ENVIRONMENT), *command, errors=Path(os.devnull))
    with process.stdout as output:
        url = address(output.readline())
        with httpx.Client(base_url=url, timeout=10) as client:
            yield client
        process.terminate()
        assert output.read() == ""
        assert process.wait(15) == 0
