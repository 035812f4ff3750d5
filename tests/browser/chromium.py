"""Which Chromium there is, and what to type where there is none."""

import os
import shutil
from pathlib import Path

from playwright.async_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium here. Debian: apt install chromium; elsewhere: "
    ".venv/bin/playwright install chromium"
)


def path_of(playwright: Playwright) -> str | None:
    """The browser on the PATH, or else the one Playwright has installed."""
    own = playwright.chromium.executable_path
    installed = (shutil.which(name) for name in NAMES)
    return next((path for path in installed if path), None) or (
        own if Path(own).exists() else None
    )


async def launch(playwright: Playwright, path: str, **environment: str) -> Browser:
    """Start it without a screen, also for root, as in a container."""
    return await playwright.chromium.launch(
        executable_path=path,
        env={**os.environ, **environment},
        args=["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"],
    )
