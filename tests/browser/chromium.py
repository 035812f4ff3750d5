"""Finds and starts Chromium; MISSING explains how to install it."""

import os
import shutil
from pathlib import Path

from playwright.async_api import Browser, Playwright

# The first one has no windows of its own, which would take five sixths of the CPU.
NAMES = (
    "chromium-headless-shell",
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
MISSING = (
    "No Chromium here. Debian: apt install chromium-headless-shell; elsewhere: "
    ".venv/bin/playwright install chromium"
)


def path_of(playwright: Playwright) -> str | None:
    """Return the path of Chromium on the PATH, or else of Playwright's."""
    own = playwright.chromium.executable_path
    installed = (shutil.which(name) for name in NAMES)
    return next((path for path in installed if path), None) or (
        own if Path(own).exists() else None
    )


async def launch(playwright: Playwright, path: str, **environment: str) -> Browser:
    """Start Chromium without a screen, also as root, as in a container."""
    return await playwright.chromium.launch(
        executable_path=path,
        env={**os.environ, **environment},
        args=["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"],
    )
