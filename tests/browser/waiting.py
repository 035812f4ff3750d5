"""Waits for conditions that no locator covers."""

import asyncio

from playwright.async_api import Page

TIMEOUT = 15.0  # seconds


async def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own `wait_for_function` evaluates its text again and again inside the
    page, which the console's content policy forbids.
    """
    check = f"const check = () => ({condition}) ? done() : requestAnimationFrame(check)"
    async with asyncio.timeout(TIMEOUT):
        await page.evaluate(f"new Promise(done => {{ {check}; check(); }})")
