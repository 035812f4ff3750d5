"""Writes a first `.env`, before Django can load. Standard library only."""

import os
import re
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
FIRST_ENV = """\
# Written by `make run`, to try voicebot on this machine only. .env.example explains
# every variable. Before real calls: DEBUG=false, SERVER_URL and TWILIO_AUTH_TOKEN.
DEBUG=true
HOST=127.0.0.1
SECRET_KEY={key}
"""
# As django-environ reads the line; the first one counts.
KEY_LINE = re.compile(rb"^(?:export )?SECRET_KEY=(.*)$", re.MULTILINE)


def prepare(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Complete .env for a start; returns a message if that changed anything."""
    path = folder / ".env"
    key = secrets.token_urlsafe(50)
    try:
        _append(path, FIRST_ENV.format(key=key), os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return _complete(path, environment, key)
    return (
        "Wrote .env to try voicebot: DEBUG=true, a new SECRET_KEY, this machine only."
    )


def _complete(path: Path, environment: Mapping[str, str], key: str) -> str | None:
    with suppress(PermissionError):  # a file of somebody else
        path.chmod(0o600)
    if environment.get("SECRET_KEY"):
        return None
    content = path.read_bytes()
    line = KEY_LINE.search(content)
    if line is None:
        is_line_ended = content.endswith(b"\n") or not content
        _append(path, f"{'' if is_line_ended else os.linesep}SECRET_KEY={key}\n")
    elif not line.group(1).strip(b" \t\r\"'"):
        # An empty line above would win over one at the end, so it is filled in.
        start, end = line.span(1)
        path.write_bytes(content[:start] + key.encode() + content[end:])
    else:
        return None
    return "Added a generated SECRET_KEY to .env."


def _append(path: Path, text: str, flags: int = 0) -> None:
    # A single appending write, so that two first runs at once leave a usable file.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def main(folder: Path = FOLDER) -> None:
    """Prepare `.env`, or stop with one line that says why not."""
    if os.environ.get("SECRET_KEY") == "":
        sys.exit("SECRET_KEY is set but empty in the environment: unset it or fill it.")
    try:
        message = prepare(folder, os.environ)
    except OSError as error:
        sys.exit(f"Cannot write {folder / '.env'}: {error.strerror}.")
    if message:
        sys.stdout.write(f"{message}\n")


if __name__ == "__main__":
    main()
