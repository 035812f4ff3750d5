"""The script that says what is wrong with the page as it looks now."""

from pathlib import Path

AUDIT = (Path(__file__).parent / "audit.js").read_text()
