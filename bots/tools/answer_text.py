"""The text of an answer, from its bytes and its Content-Type. Pure.

JSON is UTF-8 (RFC 8259, 8.1), but servers also send a byte order mark, another charset,
or the wrong name of a charset. A mark counts more than a name, as in browsers.
"""

import codecs
import json
import re

CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE)
# Names of charsets with one byte a character that in fact mean Windows-1252 (WHATWG).
WESTERN = frozenset({"ascii", "iso8859-1", "cp1252"})
# Python's codecs that are no charsets, or unsafe ones.
NO_CHARSETS = frozenset(
    {"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"}
)
MARK = "\ufeff"
REPLACEMENT = "\ufffd"


def decoded(raw: bytes, content_type: str, *, is_cut: bool = False) -> str:
    """The text; `is_cut` if the bytes may end in the middle of a character."""
    charset = _marked(raw) or _declared(content_type) or _unmarked(raw)
    if charset and charset not in WESTERN:
        text = _read(raw, charset, is_cut)
        if charset != "utf-8" or _has_letters(text):
            return text.lstrip(MARK)
    text = _read(raw, "utf-8", is_cut)
    # Letters beyond ASCII that are valid UTF-8 are hardly ever anything else.
    if REPLACEMENT in text and not _has_letters(text):
        text = _read(raw, "cp1252", is_cut)
    return text.lstrip(MARK)


def _read(raw: bytes, charset: str, is_cut: bool) -> str:
    decoder = codecs.getincrementaldecoder(charset)("replace")
    return decoder.decode(raw, final=not is_cut)


def _has_letters(text: str) -> bool:
    """True if a character beyond ASCII was decoded."""
    return any(letter > "\x7f" and letter != REPLACEMENT for letter in text)


def _marked(raw: bytes) -> str:
    """The charset that a byte order mark tells; empty without one."""
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    return (
        "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
    )


def _unmarked(raw: bytes) -> str:
    """UTF-16 or UTF-32, which show in the zeros of the first JSON characters."""
    begins_json = raw.lstrip(b"\0")[:1] in (b"{", b"[")
    charset = json.detect_encoding(raw[:4])
    return charset if begins_json and charset != "utf-8" else ""


def _declared(content_type: str) -> str:
    """Python's name of the declared charset; empty if there is none that is known."""
    match = CHARSET.search(content_type)
    try:
        codec = codecs.lookup(match[1]) if match else None
    except (LookupError, ValueError):
        return ""
    if codec is None or not getattr(codec, "_is_text_encoding", True):
        return ""
    return "" if codec.name in NO_CHARSETS else codec.name
