"""Two-factor sign-in and Django's own pages, under the console's content policy."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, Visits

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
FOREIGN = """new Promise(done => {
  document.addEventListener("securitypolicyviolation", event => done(event.blockedURI));
  const script = document.createElement("script");
  script.textContent = "window.broken = 1";
  document.body.append(script);
})"""


async def sign_in(page: Page, code: str = "") -> None:
    await page.goto("/admin/")
    await page.get_by_label("Username").fill("admin")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    if code:
        await type_code(page, code)


async def type_code(page: Page, code: str) -> None:
    await page.get_by_label("Code").fill(code)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_code_is_set_up_and_then_asked_for(visits: Visits, admin: Any) -> None:
    page = await visits.open()
    await sign_in(page)
    await page.get_by_text("admin", exact=True).click()
    await page.get_by_role("link", name="Two-factor sign-in").click()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = await TOTPDevice.objects.aget()
    await page.get_by_label("Type the six digits").fill(f"{totp(app.bin_key):06}")
    await page.get_by_role("button", name="Turn on two-factor sign-in").click()
    codes = page.locator(".recovery-codes li")
    await expect(codes).to_have_count(10)
    spare = await codes.first.inner_text()

    other = await visits.open()
    await sign_in(other, "000000")
    await expect(other.get_by_role("alert")).to_contain_text("not right")
    await type_code(other, spare)  # the password need not be typed again
    await other.get_by_text("admin", exact=True).click()
    await expect(other.get_by_role("link", name="Sign out")).to_have_count(0)
    await expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    assert await StaticToken.objects.acount() == 9


async def test_guesses_of_a_code_are_limited(visits: Visits, admin: Any) -> None:
    page = await visits.open()
    visits.errors_of(page).expect("429")
    await page.goto("/admin/")
    for _ in range(5):
        await page.get_by_label("Username").fill("admin")
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_text("Wait 15 minutes")).to_be_visible()


async def test_djangos_own_pages_keep_to_the_policy(page: Page, admin: Any) -> None:
    group = await Group.objects.acreate(name="night shift")
    for path in (
        "auth/user/add/",
        f"auth/user/{admin.pk}/change/",
        f"auth/user/{admin.pk}/history/",
        f"auth/user/{admin.pk}/password/",
        f"auth/group/{group.pk}/change/",
        f"auth/group/{group.pk}/delete/",
        "auth/group/",
        "password_change/",
    ):
        await page.goto(f"/admin/{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def test_a_foreign_script_does_not_run(page: Page, visits: Visits) -> None:
    visits.errors_of(page).expect("Content Security Policy")
    await page.goto("/admin/")
    assert await page.evaluate(FOREIGN) == "inline"
    assert await page.evaluate("window.broken") is None
