"""An invitation from the list of people to the first page of the invited person."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.async_api import expect

from tests.browser.conftest import Visits
from tests.browser.windows import PHONE
from tests.support.mail_server import MailServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
PASSWORD = "correct horse battery"


async def test_a_colleague_is_invited_and_comes_in(
    visits: Visits, session: str, mailbox: MailServer, admin: Any
) -> None:
    page = await visits.open(session)
    await page.goto("/admin/auth/user/")
    await page.get_by_role("link", name="Invite a colleague").click()
    await page.get_by_label("Mail address").fill("ben@shop.example")
    await page.get_by_label("Name").fill("Ben")
    bots = page.get_by_role("group", name="Bots")
    await expect(bots).to_be_hidden()
    await page.get_by_label("Only these bots").check()
    await expect(bots).to_be_visible()
    await page.get_by_label("All bots").check()
    await page.get_by_label("Viewer").check()
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.get_by_text("An invitation was sent to ben")).to_be_visible()
    link = await asyncio.to_thread(mailbox.next_link)

    ben = await visits.open(viewport=PHONE)
    await ben.goto(link)
    await expect(ben.get_by_label("User name")).to_have_value("ben")
    await ben.get_by_label("Password:", exact=True).fill(PASSWORD)
    await ben.get_by_label("Password confirmation").fill(PASSWORD)
    await ben.get_by_role("button", name="Start").click()
    await expect(ben.get_by_role("heading", name="Home")).to_be_visible()
    await expect(ben.get_by_role("link", name="Calls")).to_be_visible()

    await page.reload()
    await expect(page.get_by_text("Accepted", exact=True)).to_be_visible()
    assert not (await User.objects.aget(username="ben")).is_superuser
