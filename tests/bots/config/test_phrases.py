"""Phrases and noises in what callers and bots say."""

import pytest

from bots.config.phrases import ends_with_goodbye, has_words, is_backchannel


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", ".", "…", "...", "?", "!?", "-", "—", "_", "¿", "。", "،", "။"),
        *("[BLANK_AUDIO]", "[ Silence ]", "[noise] [laughter].", "[音楽]", "【音楽】"),
        *("(music)", "(speaking in a foreign language)", "\uff08笑\uff09", "<noise>"),
        *("<|nospeech|>", "<unk>", "{breath}", "*cough*", "**sighs**", "♪", "♪♪♪"),
        *(
            "♪ la la la ♪",
            "🎵 music 🎵",
            "👍",
            "👩\u200d👩\u200d👧",
            "$",
            "\u0301",
            "\u200b",
        ),
    ],
)
def test_noises_and_punctuation_are_no_words(text: str) -> None:
    assert not has_words(text)


@pytest.mark.parametrize(
    "text",
    [
        *("5", "1.", "(555) 123", "(0800)", "½", "no", "A.", "はい", "ค่ะ", "नहीं", "네"),
        *("[noise] hello", "*cough* yes", "yes (laughs)", "♪ la la ♪ sorry", "a > b"),
        *("the (", "5 * 3 * 2", "١٢", "mm-hmm", "¿Qué?"),
    ],
)
def test_letters_and_digits_are_words(text: str) -> None:
    assert has_words(text)


@pytest.mark.parametrize(
    ("said", "listed", "expected"),
    [
        ("嗯嗯。", "嗯, 好的", True),
        ("好的嗯", "嗯, 好的", True),
        ("嗯我要", "嗯, 好的", False),
        ("ครับครับ", "ครับ, ค่ะ", True),
        ("ครับผมจะ", "ครับ, ค่ะ", False),
        ("हाँ", "हाँ, जी", True),
        ("हूँ", "हाँ, जी", False),  # differs in its marks
        ("بله\u200c", "بله", True),
        ("okayokay", "okay", False),
    ],
)
def test_backchannels_of_other_scripts(said: str, listed: str, expected: bool) -> None:
    assert is_backchannel(said, listed) is expected


@pytest.mark.parametrize(
    ("said", "listed", "expected"),
    [
        ("ขอบคุณค่ะสวัสดีค่ะ", "สวัสดีค่ะ", True),
        ("感谢您的来电、再见。", "再见", True),
        ("再见是什么意思", "再见", False),
        ("धन्यवाद, नमस्ते।", "नमस्ते", True),
        ("Schönen Tag noch!", "schönen tag noch", True),
        ("Potatobye", "bye", False),
        ("Bye?", "bye", False),
    ],
)
def test_goodbyes_of_other_scripts(said: str, listed: str, expected: bool) -> None:
    assert ends_with_goodbye(said, listed) is expected
