"""The texts of messages, in the formats and lengths that each receiver takes."""

import json
from typing import Any

import pytest

from calls.alerts.channels import payloads
from calls.alerts.texts import Text, Told, compose

PAGE = "https://bot.example.com/admin/calls/alertmessage/1/change/"
HOSTILE = (
    "@everyone <!channel> **x** [y](http://evil.example) `z` \u202e\n\rBcc: a@b.example"
)


def failed(number: int, **values: Any) -> Told:
    defaults = {
        "thing": f"call:{number}",
        "event": "call-failed",
        "at": "30 Nov 2026, 14:02",
        "bot": "Ada",
        "detail": "The call never reached the bot",
        "caller": "•••00",
        "link": f"https://bot.example.com/admin/calls/call/{number}/change/",
    }
    return Told(**{**defaults, **values})


def text(*things: Told, intro: str = "") -> Text:
    return compose(things, intro, PAGE)


def test_one_thing_and_many_things_are_counted() -> None:
    assert text(failed(1)).subject == "A call failed (Ada)"
    many = text(*map(failed, range(1200)), failed(-1, bot="Bea"))
    assert many.subject == "1,200 calls failed (Ada); A call failed (Bea)"
    mail = payloads.plain(many)
    assert mail.count("\n- ") == 11
    assert "… and 1,190 more" in mail
    assert mail.endswith(f"All of it: {PAGE}")


def test_what_two_rules_tell_is_told_once() -> None:
    assert text(failed(1), failed(1)).subject == "A call failed (Ada)"


def test_outcomes_are_counted_apart_and_the_end_of_trouble_is_told() -> None:
    things = [
        failed(1, event="outcome", detail="booked"),
        failed(2, event="outcome", detail="complaint"),
        failed(3, event="server-trouble", bot="", detail="Redis is away", is_over=True),
    ]
    assert text(*things).subject == (
        "A call had the outcome “booked” (Ada); A call had the outcome “complaint” "
        "(Ada); A trouble of the server is over"
    )


def test_slack_gets_text_blocks_and_no_markup_of_ours() -> None:
    payload = payloads.slack(text(*map(failed, range(300)), failed(-1, bot=HOSTILE)))
    assert payload["text"].startswith("300 calls failed (Ada); A call failed (@every")
    header, section = payload["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert len(section["text"]["text"]) <= 3000
    assert "A call failed (@everyone" in section["text"]["text"]
    assert "<!channel>" not in section["text"]["text"]
    assert "&lt;!channel&gt;" in section["text"]["text"]
    assert f"<{PAGE}|All of it>" in section["text"]["text"]


def test_teams_gets_an_adaptive_card() -> None:
    things = [failed(number, detail=HOSTILE * 20) for number in range(300)]
    payload = payloads.teams(text(*things))
    (attachment,) = payload["attachments"]
    assert payload["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert all(block["wrap"] for block in card["body"])
    assert card["actions"][0]["url"] == PAGE
    assert len(json.dumps(payload).encode()) < 28_000


@pytest.mark.parametrize("words", ["x", "😀", HOSTILE])
def test_discord_takes_2000_characters_and_calls_nobody(words: str) -> None:
    things = [failed(n, bot=f"Bot {n}", detail=words * 30) for n in range(300)]
    payload = payloads.discord(text(*things))
    assert len(payload["content"].encode("utf-16-le")) // 2 <= 2000
    assert payload["content"].endswith(f"All of it: <{PAGE}>")
    assert payload["allowed_mentions"] == {"parse": []}
    assert "](http://evil" not in payload["content"].replace("\\]\\(", "")


def test_an_sms_is_short_and_has_one_link() -> None:
    one = payloads.sms(text(failed(1)))
    assert one.startswith("A call failed (Ada). 30 Nov 2026, 14:02 - The call never")
    assert one.endswith("/admin/calls/call/1/change/")
    assert one.isascii()
    many = payloads.sms(text(*map(failed, range(300)), failed(1, bot="B" * 200)))
    assert len(many) <= 320
    assert many.endswith(f" {PAGE}")


def test_a_subject_has_one_line() -> None:
    hostile = text(failed(1, bot=HOSTILE))
    assert "\n" not in hostile.subject
    assert len(text(failed(1, bot="B" * 500)).subject) == 150
