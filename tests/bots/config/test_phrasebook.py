"""The standard sentences: complete in every language, and found by every tag."""

import unicodedata
from dataclasses import asdict

import pytest

from bots.config.backup_voices import backup_voice
from bots.config.phrasebook import (
    NAMES,
    PHRASEBOOKS,
    find_phrasebook,
    phrasebook,
    resolved,
)
from bots.config.phrases import ends_with_goodbye, is_backchannel, phrase_set
from bots.config.placeholders import names, problem
from bots.config_builder import config_from_json, config_of
from bots.models import Bot, SpokenLanguage

SCRIPTS = {
    **dict.fromkeys(("ru", "uk", "bg", "sr"), "CYRILLIC"),
    **dict.fromkeys(("ar", "fa", "ur"), "ARABIC"),
    **dict.fromkeys(("hi", "mr"), "DEVANAGARI"),
    **dict.fromkeys(("zh", "zh-TW", "zh-HK"), "CJK"),
    "el": "GREEK",
    "he": "HEBREW",
    "th": "THAI",
    "ko": "HANGUL",
    "ja": "HIRAGANA",
    "bn": "BENGALI",
    "gu": "GUJARATI",
    "kn": "KANNADA",
    "ml": "MALAYALAM",
    "pa": "GURMUKHI",
    "ta": "TAMIL",
    "te": "TELUGU",
}
# Languages that Twilio and Inworld share, by Twilio's voices.
SHARED = """
en es fr de it pt nl pl ru tr ar hi bn te id th vi ja ko zh no da sv fi is el cs sk hu
ro bg he lt lv ca gl ms tl uk ta gu kn ml mr pa
ur af et eu hr sl sr fa sw
"""
every_language = pytest.mark.parametrize("language", PHRASEBOOKS)


def letters(text: str) -> set[str]:
    """The scripts of a text, by the names of its letters."""
    text = text.replace("{{summary}}", "")
    return {
        unicodedata.name(sign).split()[0].split("-")[0]
        for sign in text
        if sign.isalpha()
    }


def test_the_languages_that_twilio_and_inworld_share_are_there() -> None:
    assert set(SHARED.split()) <= PHRASEBOOKS.keys()
    assert len(PHRASEBOOKS) > 50


@every_language
def test_every_sentence_is_there_in_the_script_of_the_language(language: str) -> None:
    book = asdict(PHRASEBOOKS[language])
    script = SCRIPTS.get(language, "LATIN")
    allowed = {"KATAKANA", "CJK", "IDEOGRAPHIC"} if language == "ja" else set()
    for sentence, text in book.items():
        assert text == text.strip()
        assert text, sentence
        found = letters(text) - allowed - {"MODIFIER"}
        assert found <= {script, "ARABIC"} if script == "ARABIC" else found <= {script}
        assert problem(text) == ""
        assert names(text) == ["summary"] * (sentence == "screening_prompt")
    assert len(book["fillers"].splitlines()) == 3
    for prompt in ("screening_prompt", "screening_prompt_without_summary"):
        assert "1" in book[prompt]


@pytest.mark.parametrize("language", sorted(PHRASEBOOKS.keys() - {"en"}))
def test_no_sentence_is_left_in_english(language: str) -> None:
    book, english = asdict(PHRASEBOOKS[language]), asdict(PHRASEBOOKS["en"])
    assert [sentence for sentence in NAMES if book[sentence] == english[sentence]] == []


@every_language
def test_the_bot_knows_its_own_goodbye_and_the_callers_yes(language: str) -> None:
    book = PHRASEBOOKS[language]
    assert ends_with_goodbye(book.goodbye_message, book.goodbye_phrases)
    for words in phrase_set(book.backchannels):
        assert is_backchannel(words, book.backchannels)


@pytest.mark.parametrize(
    ("tag", "file"),
    [
        ("pt-BR", "pt"),
        ("pt", "pt"),
        ("pt_PT", "pt-PT"),
        ("pt-AO", "pt-PT"),
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("cmn-Hans-CN", "zh"),
        ("zh-Hans-HK", "zh"),
        ("zh-SG", "zh"),
        ("zh-TW", "zh-TW"),
        ("cmn-TW", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh-HK", "zh-HK"),
        ("zh_hant_hk", "zh-HK"),
        ("yue", "zh-HK"),
        ("yue-HK", "zh-HK"),
        ("yue-Hant-HK", "zh-HK"),
        ("zh-MO", "zh-HK"),
        ("no-NO", "no"),
        ("nb-NO", "no"),
        ("nn", "no"),
        ("fil-PH", "tl"),
        ("tl", "tl"),
        ("iw-IL", "he"),
        ("in-ID", "id"),
        ("sr-RS", "sr"),
        ("sr-Cyrl-RS", "sr"),
        ("sr-Latn", "sr-Latn"),
        ("sr-latn-rs", "sr-Latn"),
        ("sr-ME", "sr-Latn"),
        ("bs-BA", "hr"),
        ("EN-us", "en"),
        ("en_GB", "en"),
        ("de-CH-1996", "de"),
        ("es-419", "es"),
        ("ar-XA", "ar"),
        ("hi-Latn", "hi"),
        ("sr-Latn-RS-x-private", "sr-Latn"),
    ],
)
def test_a_tag_finds_the_nearest_language(tag: str, file: str) -> None:
    assert find_phrasebook(tag) == PHRASEBOOKS[file]


@pytest.mark.parametrize("tag", ["", "xx", "ka-GE", "x-klingon", "-", "e"])
def test_an_unknown_language_is_known_to_be_missing(tag: str) -> None:
    assert find_phrasebook(tag) is None
    assert phrasebook(tag) == PHRASEBOOKS["en"]


def test_an_underscore_finds_the_voice_too() -> None:
    assert backup_voice("pt_PT") == backup_voice("pt-PT")


def test_own_sentences_come_first_and_empty_ones_are_the_standard() -> None:
    own = {
        "goodbye_message": " Servus! ",
        "fillers": "Moment.\n\n Gleich. ",
        "gone": "x",
    }
    texts = resolved("de-AT", own)
    assert texts.keys() == {*NAMES}
    assert texts["goodbye_message"] == "Servus!"
    assert texts["fillers"] == ("Moment.", "Gleich.")
    assert texts["line_lost"] == PHRASEBOOKS["de"].line_lost


@pytest.mark.django_db
def test_every_sentence_can_be_set_per_bot_and_per_language() -> None:
    own = {name: f"My {name}." for name in NAMES}
    bot = Bot.objects.create(name="Ada", language="de-DE", **own)
    theirs = {name: f"Their {name}." for name in NAMES}
    further = {"bot": bot, "voice": "Gianni"}
    SpokenLanguage.objects.create(language="it-IT", **further, **theirs)
    SpokenLanguage.objects.create(language="th-TH", **further)
    config = config_from_json(config_of(bot).to_json())
    italian = config.in_language("it-IT")
    thai = italian.in_language("th-TH")
    german = thai.in_language("de-DE")
    for name in set(NAMES) - {"fillers"}:
        assert getattr(config, name) == f"My {name}."
        assert getattr(italian, name) == f"Their {name}."
        assert getattr(thai, name) == getattr(PHRASEBOOKS["th"], name)
        assert getattr(german, name) == f"My {name}."
    assert italian.fillers == ("Their fillers.",)
    assert german.fillers == ("My fillers.",)


def test_a_bot_hangs_up_after_its_own_words_of_goodbye() -> None:
    config = config_of(Bot(goodbye_phrases="cheerio, ta-ta"))
    assert config.is_goodbye("Well then, cheerio!")
    assert not config.is_goodbye("Goodbye.")
