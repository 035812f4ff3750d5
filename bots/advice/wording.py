"""What in a text does not survive being read aloud. Pure: texts in, findings out."""

import re
from collections.abc import Iterator

# Read by every voice of Inworld's speech API.
MARKUP = frozenset(("break", "verbatim"))
SSML = frozenset(
    ("speak", "prosody", "emphasis", "say-as", "phoneme", "sub", "voice", "audio")
)
SOUNDS = frozenset(("laugh", "sigh", "breathe", "cough", "clear throat", "yawn"))
STEERED = "inworld-tts-2"  # follows any direction in square brackets
MAKES_SOUNDS = frozenset((STEERED, "inworld-tts-2-flash"))
BREAKS_AT_MOST = 20
BREAK_SECONDS = 10.0
SHOWN = 40

TAG = re.compile(r"</?([a-zA-Z][\w-]{0,30})\b[^<>]{0,200}>")
BREAK = re.compile(
    r"<break\b[^<>]{0,60}?time\s*=\s*[\"'](\d{1,6}(?:\.\d+)?)(ms|s)[\"']"
)
BRACKETED = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()")
# With or without its end.
PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,80}\}{0,2}|\{%[^{}\n]{0,80}%\}")
ADDRESS = re.compile(r"https?://\S{1,200}|\bwww\.\S{1,200}", re.IGNORECASE)
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23f3\ufe0f]"
)
MARKDOWN = [
    ("a heading", re.compile(r"^ {0,3}#{1,6} .*", re.MULTILINE)),
    ("a list", re.compile(r"^[ \t]{0,8}(?:[-*+•]|\d{1,3}[.)]) \S.*", re.MULTILINE)),
    ("bold text", re.compile(r"(?<!\w)(\*\*|__)(?=\S)[^*_\n]{1,200}\1(?!\w)")),
    ("a link", re.compile(r"\[[^\[\]\n]{1,200}\]\([^()\s]{1,200}\)")),
    ("code", re.compile(r"`[^`\n]{1,200}`|^```.*", re.MULTILINE)),
    ("a table", re.compile(r"^ {0,3}\|.*\|[ \t]*$", re.MULTILINE)),
]


def written_for_reading(text: str) -> Iterator[str]:
    """Name what is made for the eye: markdown, emoji, web addresses."""
    for what, pattern in MARKDOWN:
        if found := pattern.search(text):
            yield f"{what} (“{shown(found[0])}”)"
    if found := EMOJI.search(text):
        yield f"an emoji ({found[0]})"
    if found := ADDRESS.search(text):
        yield f"a web address (“{shown(found[0])}”)"


def placeholder(text: str) -> str:
    """The first placeholder of any kind; empty without one."""
    found = PLACEHOLDER.search(text)
    return shown(found[0]) if found else ""


def unknown_tags(text: str) -> list[str]:
    """The tags in angle brackets that the voice does not know, each once."""
    return _once(name for name in TAG.findall(text) if name.lower() not in MARKUP)


def ssml_tags(text: str) -> list[str]:
    """The tags of SSML that the voice does not know, each once."""
    return [name for name in unknown_tags(text) if name.lower() in SSML]


def breaks(text: str) -> Iterator[str]:
    """Say which limits of the speech API the pauses in the text are over."""
    pauses = BREAK.findall(text)
    if len(pauses) > BREAKS_AT_MOST:
        yield f"{len(pauses)} pauses; the voice takes {BREAKS_AT_MOST}"
    if any(_seconds(*pause) > BREAK_SECONDS for pause in pauses):
        yield f"a pause of more than {BREAK_SECONDS:g} seconds"


def unfollowed_directions(text: str, tts_model: str) -> list[str]:
    """The words in square brackets that the voice model would read aloud."""
    if tts_model == STEERED:
        return []
    sounds = SOUNDS if tts_model in MAKES_SOUNDS else frozenset[str]()
    found = (words for words in BRACKETED.findall(text))
    return _once(words for words in found if words.strip().lower() not in sounds)


def shown(text: str) -> str:
    """A text cut to what fits into a sentence about it."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _seconds(number: str, unit: str) -> float:
    return float(number) / (1000 if unit == "ms" else 1)


def _once(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))
