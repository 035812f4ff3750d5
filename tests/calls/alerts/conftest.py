"""A mail server and a worker."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from calls.alerts.worker import AlertWorker
from tests.calls.alerts.noticed import new_worker
from tests.support.mail_server import MailServer, mail_server


@pytest.fixture
def mailbox(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as server:
        yield server


@pytest.fixture
async def worker() -> AsyncIterator[AlertWorker]:
    one = new_worker()
    yield one
    await one.aclose()
