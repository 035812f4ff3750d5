"""Google's voice and tag for each language that Twilio speaks."""

import pytest

from bots.config import speech_recognition
from bots.config.backup_voices import (
    VOICES,
    backup_voice,
    known_tags,
    language_of,
    speaks,
    with_region,
)
from bots.config.phrasebook import find_phrasebook
from bots.validators import language_tag

PROVIDERS = (speech_recognition.DEEPGRAM, speech_recognition.GOOGLE)


@pytest.mark.parametrize(
    ("language", "at_google"),
    [
        ("en-US", "en-US"),
        ("en-CA", "en-US"),
        ("en-IE", "en-GB"),
        ("de", "de-DE"),
        ("de-AT", "de-DE"),
        ("es-MX", "es-US"),
        ("es-419", "es-US"),
        ("es-ES", "es-ES"),
        ("pt-BR", "pt-BR"),
        ("pt-AO", "pt-PT"),
        ("fr-CA", "fr-CA"),
        ("ar-SA", "ar-XA"),
        ("no-NO", "nb-NO"),
        ("nn-NO", "nb-NO"),
        ("zh-CN", "cmn-CN"),
        ("zh", "cmn-CN"),
        ("zh-Hant-TW", "cmn-TW"),
        ("zh-HK", "yue-HK"),
        ("iw-IL", "he-IL"),
        ("tl-PH", "fil-PH"),
        ("uk-UA", ""),
        ("xx-XX", ""),
    ],
)
def test_a_language_has_a_voice_with_the_tag_of_google(
    language: str, at_google: str
) -> None:
    assert language_of(backup_voice(language)) == at_google


def test_googles_own_tags_lead_to_their_voices() -> None:
    for voice in VOICES:
        assert backup_voice(language_of(voice)) == voice
        assert speaks(voice, language_of(voice))


def test_a_voice_speaks_every_region_of_its_language() -> None:
    assert speaks("nb-NO-Wavenet-F", "no-NO")
    assert speaks("en-GB-Neural2-A", "en-US")
    assert not speaks("en-GB-Neural2-A", "de-DE")


def test_languages_to_choose_from_are_understood_and_have_sentences() -> None:
    tags = known_tags()
    assert len(set(tags)) == len(tags)
    assert tags.index("de-DE") < tags.index("de-AT")
    for tag in tags:
        language_tag(tag)
        assert find_phrasebook(tag), tag
        doubts = [speech_recognition.doubt("", name, tag) for name in PROVIDERS]
        assert "" in doubts, tag


@pytest.mark.parametrize(
    ("tag", "region"),
    [("de", "de-DE"), ("de-AT", "de-AT"), ("ar", "ar"), ("zh", "zh-CN"), ("xx", "xx")],
)
def test_a_language_gets_its_usual_region(tag: str, region: str) -> None:
    assert with_region(tag) == region
