"""Reads `.env`, and writes a first one before Django can load. Standard library only.

The rules are those of Docker Compose, python-dotenv and others. A comment may follow a
value after a space. Quotes keep spaces and #; in double quotes \\n is a line break. Of
several lines for one variable the last one counts.
"""

import codecs
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
FIRST_ENV = """\
# Written by `make run`, to try voicebot on this machine only. .env.example explains
# every variable. Before real calls: DEBUG=false, SERVER_URL and TWILIO_AUTH_TOKEN.
DEBUG=true
HOST=127.0.0.1
SECRET_KEY={key}
"""
NOTHING = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_]\w*)[^\S\n]*=")
QUOTED = re.compile(
    r"""[^\S\n]*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")"""
    r"[^\S\n]*(?:\#[^\n]*)?(?=\n|\Z)",
    re.DOTALL,
)
LINE = re.compile(r"[^\n]*")
COMMENT = re.compile(r"\s#.*")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'", "$": "$"}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as Windows PowerShell writes
NOT_UTF_8 = ".env is not text in UTF-8. Save it with this encoding."


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value, and the place of what stands behind the = in the text."""

    name: str
    value: str
    start: int
    end: int


def read(path: Path) -> tuple[dict[str, str], list[int]]:
    """The variables of a file, and the numbers of lines that are none.

    Nothing if there is no file. Raises ValueError if it is not text.
    """
    try:
        text = _text(path.read_bytes())
    except OSError:
        return {}, []
    found = list(_parse(text))
    values = {item.name: item.value for item in found if isinstance(item, Assignment)}
    return values, [item for item in found if isinstance(item, int)]


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-16" if raw.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(NOT_UTF_8) from error


def _parse(text: str) -> Iterator[Assignment | int]:
    """The assignments, and the numbers of lines that are none and no comment."""
    position = 0
    while position < len(text):
        if nothing := NOTHING.match(text, position):
            position = nothing.end()
        elif name := NAME.match(text, position):
            found = _assignment(name[1], text, name.end())
            yield found
            position = found.end + 1
        else:
            yield text.count("\n", 0, position) + 1
            position = LINE.match(text, position).end() + 1  # type: ignore[union-attr]


def _assignment(name: str, text: str, start: int) -> Assignment:
    if match := QUOTED.match(text, start):
        literal, quoted = match.groups()
        value = _unescaped(quoted) if literal is None else literal.replace("\\'", "'")
        return Assignment(name, value, start, match.end())
    end = text.find("\n", start) if "\n" in text[start:] else len(text)
    value = COMMENT.sub("", text[start:end]).strip()
    return Assignment(name, value, start, end)


def _unescaped(quoted: str) -> str:
    return re.sub(
        r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), quoted, flags=re.DOTALL
    )


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
    raw = path.read_bytes()
    text = _text(raw)
    if raw.startswith(UTF_16):
        path.write_text(text, encoding="utf-8", newline="")
    found = [item for item in _parse(text) if isinstance(item, Assignment)]
    keys = [item for item in found if item.name == "SECRET_KEY"]
    if not keys:
        is_line_ended = text.endswith("\n") or not text
        _append(path, f"{'' if is_line_ended else os.linesep}SECRET_KEY={key}\n")
    elif not keys[-1].value.strip():
        last = keys[-1]
        path.write_text(
            text[: last.start] + key + text[last.end :], "utf-8", newline=""
        )
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
    except ValueError as error:
        sys.exit(str(error))
    if message:
        sys.stdout.write(f"{message}\n")


if __name__ == "__main__":
    main()
