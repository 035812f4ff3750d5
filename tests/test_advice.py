"""What the bot editor remarks: rules on texts, voices and models. No I/O."""

from typing import Any

import pytest

from bots.choices import DEFAULT_GREETING, DEFAULT_SYSTEM_PROMPT
from bots.desk import wording
from bots.desk.advice import READ, Offer, counts, remarks, tokens
from bots.models import Bot
from bots.offer import LanguageModel, Voice

OFFER = Offer(
    [Voice("Clive", languages=["en-GB"]), Voice("Any")],
    [
        LanguageModel("openai/gpt-4.1-mini", context=9000, price_read=0.4),
        LanguageModel("openai/gpt-3", is_supported=False),
        LanguageModel("other/model"),
    ],
)
GOOD = {
    "greeting": DEFAULT_GREETING,
    "system_prompt": DEFAULT_SYSTEM_PROMPT,
    "llm_model": "openai/gpt-4.1-mini",
    "fallback_models": "other/model",
    "tts_voice": "Clive",
    "tts_model": "inworld-tts-2",
    "language": "en-US",
}


def told(changes: dict[str, str], offer: Offer = OFFER) -> str:
    return "\n".join(
        f"{remark.level} {remark.field}: {remark.text}"
        for remark in remarks({**GOOD, **changes}, offer)
    )


def test_a_good_bot_needs_no_remark() -> None:
    assert told({}) == ""


def test_every_field_that_is_read_is_a_bots() -> None:
    assert set(READ) <= {field.name for field in Bot._meta.fields}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"greeting": "x" * 2001}, "warning greeting: 2,001 characters: the voice"),
        (
            {"greeting": "hello " * 100},
            "hint greeting: A caller listens for about 40 s",
        ),
        (
            {"greeting": "Hi **there**."},
            "warning greeting: Has bold text (“**there**”)",
        ),
        ({"goodbye": "- Bye\n- Bye"}, "warning goodbye: Has a list (“- Bye”)"),
        ({"language": "xx-US"}, "warning language: There is no language “xx”."),
        ({"language": "jp"}, "warning language: There is no language “jp”."),
        ({"greeting": "Hi 😀"}, "greeting: Has an emoji (😀)"),
        ({"greeting": "See https://a.b/c"}, "a web address (“https://a.b/c”)"),
        ({"greeting": "Hi {{ name }}"}, "“{{ name }}” is read out as it stands"),
        ({"apology": "<prosody rate='x'>Hi</prosody>"}, "does not know <prosody>"),
        ({"greeting": '<break time="11s"/> Hi'}, "a pause of more than 10 seconds"),
        ({"greeting": '<break time="1ms"/>' * 21}, "21 pauses; the voice takes 20"),
        (
            {"greeting": "[say warmly] Hi", "tts_model": "inworld-tts-1.5-max"},
            "“[say warmly]” may be read out",
        ),
        ({"system_prompt": "# Rules\nBe kind."}, "hint system_prompt: Has a heading"),
        ({"system_prompt": "Use <phoneme>."}, "warning system_prompt: The voice does"),
        ({"system_prompt": "You serve {{shop}}."}, "The model sees “{{shop}}”"),
        ({"system_prompt": "word " * 1500}, "190 ms and costs about $0.0008"),
        ({"system_prompt": "word " * 8000}, "openai/gpt-4.1-mini reads 9,000 at most"),
        ({"llm_model": "openai/gpt-3"}, "warning llm_model: openai/gpt-3 is retired"),
        ({"llm_model": "openai/gpt-4.1-mimi"}, "mean openai/gpt-4.1-mini?"),
        ({"fallback_models": "gone/one"}, "fallback_models: gone/one is not, or no"),
        ({"fallback_models": GOOD["llm_model"]}, "is the first model already"),
        ({"fallback_models": " \n"}, "hint fallback_models: None"),
        ({"tts_voice": "clive"}, "tts_voice: clive is not, or no longer, in"),
        ({"tts_voice": "clive"}, "Did you mean Clive?"),
        ({"language": "de-DE"}, "Clive is a voice for en-GB, and the bot speaks de-DE"),
        ({"tts_model": "inworld-tts-1"}, "warning tts_model: inworld-tts-1 is retired"),
        ({"tts_model": "inworld-tts-9"}, "hint tts_model: inworld-tts-9 is none of"),
        (
            {"tts_model": "inworld-tts-1.5-mini", "language": "sv-SE"},
            "inworld-tts-1.5-mini does not speak sv-SE",
        ),
        (
            {"system_prompt": "Offer to transfer the call."},
            "transfer_number: The prompt speaks of it (“transfer”)",
        ),
    ],
)
def test_a_remark(changes: dict[str, str], expected: str) -> None:
    assert expected in told(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"greeting": '[laugh] Hi. <break time="500ms" /> <verbatim>AB1</verbatim>'},
        {"greeting": "[laugh] Hi", "tts_model": "inworld-tts-2-flash"},
        {"greeting": "It costs 3 * 4, that is 12 - a bargain. 5 < 6 and 7 > 2."},
        {"system_prompt": "<rules>Be kind.</rules>"},
        {"system_prompt": "Offer a transfer.", "transfer_number": "+14155550100"},
        {"llm_model": "auto"},
        {"tts_voice": "Any", "language": "de-DE"},
        {"tts_voice": "", "llm_model": "", "tts_model": "", "greeting": ""},
    ],
)
def test_nothing_is_remarked(changes: dict[str, str]) -> None:
    assert told(changes) == ""


def test_without_a_list_nothing_is_said_to_be_missing_from_it() -> None:
    assert told({"tts_voice": "Nobody", "llm_model": "no/model"}, Offer()) == ""


def test_lengths_are_told_as_what_they_mean() -> None:
    length = counts({"greeting": "x" * 1500, "goodbye": " ", "system_prompt": "x" * 9})
    assert length == {
        "greeting": "1,500 of 2,000 characters, about 100 s of speech",
        "system_prompt": "9 characters, about 3 tokens",
    }
    assert tokens("東京都です") == 5


@pytest.mark.parametrize(
    "piece",
    ["<", "[", "{{", "|", "| ", "**", "`", "- ", "1. ", "#", "<break time=", "a"],
)
def test_long_odd_texts_are_read_in_one_go(piece: Any) -> None:
    text = piece * (100_000 // len(piece))
    assert told(dict.fromkeys(READ, text))


def test_what_is_quoted_is_short_and_on_one_line() -> None:
    assert wording.shown("a\n b") == "a b"
    assert len(wording.shown("long " * 99)) == wording.SHOWN
