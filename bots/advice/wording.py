"""Finds markup in a text that cannot be read aloud. Pure."""

import re
from collections.abc import Iterator

from bots.config.text import one_line

# Understood by every voice of Inworld's speech API.
MARKUP = frozenset(("break", "verbatim"))
SSML = frozenset(
    ("speak", "prosody", "emphasis", "say-as", "phoneme", "sub", "voice", "audio")
)
SOUNDS = frozenset(("laugh", "sigh", "breathe", "cough", "clear throat", "yawn"))
STEERED = "inworld-tts-2"  # follows any direction in square brackets
MAKES_SOUNDS = frozenset((STEERED, "inworld-tts-2-flash"))
MAX_BREAKS = 20
MAX_BREAK_SECONDS = 10.0
MAX_QUOTE_LENGTH = 40

TAG = re.compile(r"</?([a-zA-Z][\w-]{0,30})\b[^<>]{0,200}>")
BREAK = re.compile(
    r"<break\b[^<>]{0,60}?time\s*=\s*[\"'](\d{1,6}(?:\.\d+)?)(ms|s)[\"']"
)
BRACKETED = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()")
# With or without closing braces.
PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,80}\}{0,2}|\{%[^{}\n]{0,80}%\}")
# A name that ends like most addresses do: harbour-hotel.com, not node.js.
ENDINGS = "com|net|org|info|biz|shop|app|io|eu|de|at|ch|fr|es|it|nl|be|pt|pl|uk|us|ca"
ADDRESS = re.compile(
    r"(?i:https?://\S{1,200}|\bwww\.\S{1,200})|\b[\w.+-]{1,60}@[\w-]{1,60}\.[\w-]{1,60}"
    rf"|\b(?:[a-zA-Z0-9-]{{1,60}}\.){{1,4}}(?:{ENDINGS})\b(?!\.?\w)(?:/\S{{0,200}})?"
)
EMOJI = re.compile(
    "[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{2}|"
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23f3\ufe0f]"
)
MARKDOWN = [
    ("a heading", re.compile(r"^ {0,3}#{1,6} .*", re.MULTILINE)),
    ("a list", re.compile(r"^[ \t]{0,8}(?:[-*+•]|\d{1,3}[.)]) \S.*", re.MULTILINE)),
    ("bold text", re.compile(r"(?<!\w)(\*\*|__)(?=\S)[^*_\n]{1,200}\1(?!\w)")),
    (
        "italic text",
        re.compile(r"(?<![\w*])\*(?=[^\s*])[^*\n]{1,200}(?<=\S)\*(?![\w*])"),
    ),
    ("italic text", re.compile(r"(?<!\w)_(?=[^\s_])[^_\n]{1,200}(?<=\S)_(?!\w)")),
    ("crossed out text", re.compile(r"~~(?=\S)[^~\n]{1,200}~~")),
    ("a quotation", re.compile(r"^ {0,3}> .*", re.MULTILINE)),
    ("a link", re.compile(r"\[[^\[\]\n]{1,200}\]\([^()\s]{1,200}\)")),
    ("code", re.compile(r"`[^`\n]{1,200}`|^```.*", re.MULTILINE)),
    ("a table", re.compile(r"^ {0,3}\|.*\|[ \t]*$", re.MULTILINE)),
]


def written_for_reading(text: str) -> Iterator[str]:
    """Name markup that is made for reading: markdown, emoji, web addresses."""
    for name, pattern in MARKDOWN:
        if match := pattern.search(text):
            yield f"{name} (“{shown(match[0])}”)"
    if match := EMOJI.search(text):
        yield f"an emoji ({match[0]})"
    if match := ADDRESS.search(text):
        yield f"a web address (“{shown(match[0])}”)"


def placeholder(text: str) -> str:
    """The first placeholder of any kind; empty without one."""
    match = PLACEHOLDER.search(text)
    return shown(match[0]) if match else ""


def unknown_tags(text: str) -> list[str]:
    """Tags in angle brackets that the voice does not know, without repetition."""
    return _once(name for name in TAG.findall(text) if name.lower() not in MARKUP)


def ssml_tags(text: str) -> list[str]:
    """SSML tags that the voice does not know, without repetition."""
    return [name for name in unknown_tags(text) if name.lower() in SSML]


def breaks(text: str) -> Iterator[str]:
    """Name the limits of the speech API that the pauses exceed."""
    pauses = BREAK.findall(text)
    if len(pauses) > MAX_BREAKS:
        yield f"{len(pauses)} pauses; the voice takes {MAX_BREAKS}"
    if any(_seconds(*pause) > MAX_BREAK_SECONDS for pause in pauses):
        yield f"a pause of more than {MAX_BREAK_SECONDS:g} seconds"


def unfollowed_directions(text: str, tts_model: str) -> list[str]:
    """Directions in square brackets that the voice model would read aloud."""
    if tts_model == STEERED:
        return []
    sounds = SOUNDS if tts_model in MAKES_SOUNDS else frozenset[str]()
    bracketed = BRACKETED.findall(text)
    return _once(words for words in bracketed if words.strip().lower() not in sounds)


def shown(text: str) -> str:
    """Shorten a text to quote it in a sentence."""
    return one_line(text, MAX_QUOTE_LENGTH)


def _seconds(number: str, unit: str) -> float:
    return float(number) / (1000 if unit == "ms" else 1)


def _once(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))
