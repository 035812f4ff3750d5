"""Messages in the formats of mail, SMS and chat webhooks. Pure.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
Teams: an adaptive card, as Workflows take it, and the connectors before them.
Discord: https://discord.com/developers/docs/resources/webhook#execute-webhook
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from bots.config.text import one_line
from calls.alerts.texts import Line, Text

# The longest that each takes, in characters.
SLACK_HEADER = 150
SLACK_SECTION = 3000
DISCORD_CONTENT = 2000
TEAMS_TEXT = 15_000  # of the 28 KB of a message
SMS_LENGTH = 320
SUPPRESS_EMBEDS = 4
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+~|@-])")
CUT = "…"
# One sign that is not in the alphabet of SMS makes the whole message twice as dear.
GSM = str.maketrans({"“": '"', "”": '"', "\u2019": "'", "·": "-", "•": "*", "…": "..."})

Written = Callable[[Line], str]


def plain(text: Text) -> str:
    """The body of a mail."""
    return "\n".join([*_lines(text, _plain_line, str), "", f"All of it: {text.page}"])


def sms(text: Text) -> str:
    """A short text with one link."""
    first = text.sections[0].lines[0] if text.is_one_thing else Line("")
    link = first.link or text.page
    words = f"{text.subject}. {first.text}".removesuffix(". ").translate(GSM)
    return f"{one_line(words, SMS_LENGTH - len(link) - 1)} {link}"


def slack(text: Text) -> dict[str, Any]:
    """A header and a section. `text` is for notifications."""
    body = _within(_lines(text, _slack_line, _bold), SLACK_SECTION - 200)
    content = f"{body}\n<{text.page}|All of it>"
    return {
        "text": _slack_text(text.subject),
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": text.subject[:SLACK_HEADER]},
            },
            {"type": "section", "text": {"type": "mrkdwn", "text": content}},
        ],
        "unfurl_links": False,
    }


def teams(text: Text) -> dict[str, Any]:
    """A message with an adaptive card."""
    body = _within(_lines(text, _markdown_line, _markdown_title), TEAMS_TEXT)
    blocks = [{"type": "TextBlock", "text": _escaped(text.subject), "weight": "bolder"}]
    blocks += [
        {"type": "TextBlock", "text": line} for line in body.splitlines() if line
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{**block, "wrap": True} for block in blocks],
        "actions": [{"type": "Action.OpenUrl", "title": "All of it", "url": text.page}],
        "msteams": {"width": "Full"},
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def discord(text: Text) -> dict[str, Any]:
    """A text that calls nobody by @ and shows no previews of links."""
    page = f"\nAll of it: <{text.page}>"
    lines = [f"**{_escaped(text.subject)}**"]
    lines += _lines(text, _markdown_line, _markdown_title)
    return {
        "content": _within(iter(lines), DISCORD_CONTENT - len(page)) + page,
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_EMBEDS,
    }


def _lines(text: Text, line: Written, title: Callable[[str], str]) -> Iterator[str]:
    """The message line by line. The subject names a single section already."""
    if text.intro:
        yield text.intro
    for section in text.sections:
        if len(text.sections) > 1:
            yield title(section.title)
        yield from map(line, section.lines)
        if section.left_out:
            yield f"… and {section.left_out:,} more"


def _within(lines: Iterator[str], most: int) -> str:
    """As many whole lines as fit; the length counts as UTF-16, as chats count it."""
    kept, left = list[str](), most - len(CUT) - 1
    for line in lines:
        left -= len(line.encode("utf-16-le")) // 2 + 1
        if left < 0:
            return "\n".join([*kept, CUT])
        kept.append(line)
    return "\n".join(kept)


def _plain_line(line: Line) -> str:
    return f"- {line.text}\n  {line.link}" if line.link else f"- {line.text}"


def _slack_line(line: Line) -> str:
    words = f"• {_slack_text(line.text)}"
    return f"{words} <{line.link}|Open>" if line.link else words


def _slack_text(text: str) -> str:
    # Slack reads &, < and > as markup. A zero-width space ends *bold* and _italics_.
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\u200b\\1", escaped)


def _bold(title: str) -> str:
    return f"*{_slack_text(title)}*"


def _markdown_line(line: Line) -> str:
    words = f"• {_escaped(line.text)}"
    return f"{words} [Open]({line.link})" if line.link else words


def _markdown_title(title: str) -> str:
    return f"**{_escaped(title)}**"


def _escaped(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text)
