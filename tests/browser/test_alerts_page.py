"""A channel and a rule are made in the browser, and the channel is tried."""

import asyncio

import pytest
from playwright.async_api import expect

from calls.models import AlertRule
from tests.browser.conftest import Visits
from tests.browser.windows import PHONE
from tests.support.mail_server import MailServer, text_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_channel_is_tried_and_a_rule_sends_there(
    visits: Visits, session: str, mailbox: MailServer
) -> None:
    page = await visits.open(session, viewport=PHONE)
    await page.goto("/admin/calls/alertchannel/add/")
    await page.get_by_label("Name:").fill("Office")
    await page.get_by_label("Sent by:").select_option("SMS")
    await expect(page.get_by_label("Mobile number:")).to_be_visible()
    await expect(page.get_by_label("Mail address:")).to_be_hidden()
    await page.get_by_label("Sent by:").select_option("Mail")
    await expect(page.get_by_label("Mobile number:")).to_be_hidden()
    await page.get_by_label("Mail address:").fill("ann@shop.example")
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.get_by_role("heading", name="Office")).to_be_visible()

    # A change that is not saved keeps nobody from trying the saved channel.
    await page.get_by_label("Name:").fill("Another name")
    await page.get_by_role("button", name="Send a test message").click()
    await expect(page.get_by_text("The test message was sent")).to_be_visible()
    await expect(page.get_by_label("Name:")).to_have_value("Office")
    received = await asyncio.to_thread(mailbox.mails.get, timeout=10)
    assert received["To"] == "ann@shop.example"
    assert "Nothing has happened" in text_of(received)

    await page.goto("/admin/calls/alertrule/add/")
    await page.get_by_label("Tell when:").select_option("Answers are slow")
    await expect(page.get_by_label("Outcome:")).to_be_hidden()
    await page.get_by_label("More than (seconds):").fill("2.5")
    await page.get_by_label("Office").check()
    await page.get_by_role("button", name="Save", exact=True).click()
    link = page.get_by_role("link", name="Answers are slow: more than 2.5 s")
    await expect(link).to_be_visible()
    assert (await AlertRule.objects.aget()).is_for_all_bots
