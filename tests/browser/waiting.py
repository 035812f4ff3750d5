"""Waiting for what no locator tells."""

import asyncio

from playwright.async_api import Page

PATIENCE = 15.0  # seconds


async def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression holds.

    Playwright's own `wait_for_function` evaluates its text again and again inside the
    page, which the desk's pages forbid to everybody.
    """
    look = f"const look = () => ({condition}) ? done() : requestAnimationFrame(look)"
    async with asyncio.timeout(PATIENCE):
        await page.evaluate(f"new Promise(done => {{ {look}; look(); }})")
