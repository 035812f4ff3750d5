# ruff: noqa: RUF001
"""Texts are folded for searches: the same word in every spelling is one text."""

import pytest

from calls.models.folding import fold, fold_with_places


@pytest.mark.parametrize(
    "spellings",
    [
        "Günther GUNTHER gunther Gu\u0308nther GÜNTHER",
        "Straße STRASSE strasse ﬆrasse",
        "İstanbul ISTANBUL istanbul ıstanbul",
        "Nguyễn NGUYEN nguyen",
        "Đức duc",
        "Γιώργος ΓΙΩΡΓΟΣ γιωργος",
        "أحمد احمد أَحْمَد اـحمد",
        "فاطمة فاطمه",
        "שָׁלוֹם שלום",
        "Łódź lodz",
        "Ångström angstrom",
        "Œuvre oeuvre",
        "Ёлка елка",
        "ガーデン カーテン",
        "４７１１ ٤٧١١ 4711",
        "one’s one's",
        "a\u00adb a\u200bb ab",
    ],
)
def test_all_spellings_of_a_word_are_one(spellings: str) -> None:
    assert len({fold(word) for word in spellings.split(" ")}) == 1


@pytest.mark.parametrize("pair", ["กิน กัน", "कि का", "и е", "o 0", "ي و"])
def test_other_words_stay_apart(pair: str) -> None:
    first, second = pair.split()
    assert fold(first) != fold(second)


def test_a_folded_text_stays_as_it_is() -> None:
    for text in ("Günther İ ß ﬁ ½ ΐ", "A\u0345 ŉ ǰ ᾳ", "㎏ ™ Ⅳ"):
        assert fold(fold(text)) == fold(text)


def test_places_lead_back_to_the_text() -> None:
    text = "Straße Gu\u0308nther"
    folded, places = fold_with_places(text)
    assert folded == fold(text)
    assert text[places[folded.index("e g")] :] == "e Gu\u0308nther"
    assert places[folded.index("nther")] == text.index("nther")
