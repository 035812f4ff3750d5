"""Placeholders in the syntax of other products: recognised, never filled in. Pure.

Liquid and Jinja write {{ name | default: "there" }}, Handlebars {{{name}}} and
{{#if name}}, n8n {{ $json.name }}, Vapi {{ name | upcase }}. One that was stored before
it was refused is replaced by its value or default, so that no caller hears it.
"""

import re

NAME = re.compile(r"[A-Za-z_][\w.-]*")
SPELLING = "Write a placeholder as {{name}} or {{name|what to use without it}}."
_QUOTED = (
    r"\"[^\"]*\"|'[^']*'|[\u201c\u201d\u201e][^\u201c\u201d]*[\u201c\u201d]"
    r"|[\u2018\u2019\u201a][^\u2018\u2019]*[\u2018\u2019]|\u00ab[^\u00bb]*\u00bb"
)
# Filters of other products, behind the "|" where ours has a text to speak.
FILTER = re.compile(
    r"\s*(?i:(?:default|d)(?:\s*[:(=]|\s+[\"'\u2018-\u201e\u00ab])|default\s*\}\}"
    r"|[a-z_]\w*\((?!\s)|[a-z_]\w*\s*:\s*[\"'\u2018-\u201e\u00ab]"
    r"|(?:upcase|downcase|capitali[sz]e|upper|lower|uppercase|lowercase|title|titlecase"
    r"|trim|strip|escape|e|safe|raw|json|tojson|url_?encode|striptags|strip_html|length"
    r")\s*\}\})"
)
# Up to 80 characters may follow a single closing brace: {{name|a}b}}.
_CLOSED = re.compile(r"\{\{[^{}]{0,200}\}(?:\}|[^{}\n]{0,80}\}\})?")
_TAG = re.compile(r"\{%[^{}\n]{0,200}%\}|\{#[^{}\n]{0,200}#\}")
_FULL_WIDTH = re.compile("\uff5b\uff5b[^{}\uff5b\uff5d]{0,200}\uff5d\uff5d")
_NESTED = re.compile(r"\{\{(?:[^{}]|\{\{[^{}]{0,100}\}\}|\{[^{}]{0,100}\}){0,200}+\}\}")
_UNCLOSED = re.compile(rf"\{{\{{+(?:[#/^&>!~]?\s*{NAME.pattern})?")
_AROUND = re.compile(r"\A[{\uff5b]+[&~-]?\s*|\s*[~-]?[}\uff5d]+\Z")
# customer['name'] and orders[0].
_INDEX = re.compile(r"\[\s*[\"'\u2018-\u201d]?([\w-]+)[\"'\u2018-\u201d]?\s*\]")
_PATH = re.compile(rf"[$.@]*({NAME.pattern})")
# The name of a list that is the whole of an answer: [0].name is {{items.0.name}}.
TOP_LIST = "items"
_ITEM = re.compile(r"\A[$.@]*(?=\d)")
_DEFAULT = re.compile(
    r"(?i:\|\s*(?:default|d)\b|\bor\b|\|\||\?\?|\?:)\s*[:(=]?\s*"
    rf"({_QUOTED}|[^|{{}}(),\"']*)"
)
_FILTERS = re.compile(r"\s*(?:[|?]|or\b|\Z)", re.IGNORECASE)
_BLOCKS = "Conditions and loops do not exist here: put them into the instructions."
_JSON = "Two braces begin a placeholder. Write a space between them if you mean braces."


def foreign_end(text: str, start: int) -> int:
    """The end of the foreign placeholder at `start`; `start` if there is none."""
    for pattern in (_TAG, _FULL_WIDTH, _CLOSED, _NESTED, _UNCLOSED):
        if match := pattern.match(text, start):
            return match.end()
    return start


def meaning(foreign: str) -> tuple[str, str]:
    """The name and the default of a foreign placeholder; empty where it has none."""
    if not foreign.endswith(("}}", "\uff5d\uff5d")):
        return "", ""
    inner = _INDEX.sub(r".\1", _AROUND.sub("", foreign))
    inner = _ITEM.sub(f"{TOP_LIST}.", inner)
    path = _PATH.match(inner)
    if path is None or not _FILTERS.match(inner, path.end()):
        return "", ""
    default = _DEFAULT.search(inner, path.end())
    words = unquoted(default[1].strip()) if default else ""
    return path[1], re.sub(r"[{}|]", "", words).strip()


def our_spelling(foreign: str) -> str:
    """Say how to write a foreign placeholder; empty if it cannot be understood."""
    inner = _AROUND.sub("", foreign)
    if foreign.startswith(("{%", "{#")) or inner[:1] in ("#", "/", "^", ">", "!"):
        return _BLOCKS
    if inner[:1] in ('"', "'"):
        return _JSON
    name, default = meaning(foreign)
    if not name and re.fullmatch(r"[^\W\d]\w*(?:[ -]+\w+)*", inner):
        name = re.sub(r"[ -]+", "_", inner)
    if not NAME.fullmatch(name):
        return ""
    return f"Write {{{{{name}|{default}}}}}." if default else f"Write {{{{{name}}}}}."


def unquoted(text: str) -> str:
    """The text without the quotation marks around it."""
    return text[1:-1].strip() if re.fullmatch(_QUOTED, text) else text
