"""Pairs of language and speech recognition that are wrong, and that may be."""

import pytest

from bots.config.speech_recognition import doubt, refusal


@pytest.mark.parametrize(
    ("model", "provider", "language", "problem"),
    [
        ("", "Deepgram", "he-IL", ""),
        ("nova-3-general", "Deepgram", "he-IL", ""),
        ("nova-4-general", "Deepgram", "he-IL", ""),
        ("flux", "Deepgram", "de-DE", ""),
        ("long", "Google", "he-IL", ""),
        ("nova-2-general", "Deepgram", "nb-NO", ""),
        ("flux-general-multi", "Deepgram", "de-AT", ""),
        ("long", "Deepgram", "en-US", "Deepgram has no model “long”."),
        ("flux", "Google", "en-US", "Google has no model “flux”."),
        ("nova-2-general", "Deepgram", "ar-SA", "does not understand ar-SA"),
        ("flux-general-en", "Deepgram", "de-DE", "does not understand de-DE"),
        ("flux-general-multi", "Deepgram", "pl-PL", "does not understand pl-PL"),
    ],
)
def test_a_choice_that_cannot_work(
    model: str, provider: str, language: str, problem: str
) -> None:
    found = refusal(model, provider, language)
    assert problem in found
    assert bool(problem) == bool(found)


@pytest.mark.parametrize(
    ("model", "provider", "language", "problem"),
    [
        ("", "Deepgram", "en-US", ""),
        ("", "Deepgram", "ar-EG", ""),
        ("", "Deepgram", "cmn-CN", ""),
        ("", "Google", "is-IS", ""),
        ("flux", "Deepgram", "en-GB", ""),
        ("", "Deepgram", "is-IS", "Choose Google"),
        ("", "Google", "he-IL", "Choose Deepgram"),
        ("", "Google", "cmn-CN", "Choose Deepgram"),
        ("flux", "Deepgram", "de-DE", "may understand English only"),
    ],
)
def test_a_choice_that_may_not_work(
    model: str, provider: str, language: str, problem: str
) -> None:
    found = doubt(model, provider, language)
    assert problem in found
    assert bool(problem) == bool(found)
