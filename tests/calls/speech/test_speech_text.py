"""Texts that are too long for one request for speech."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.graphemes import clusters
from calls.speech.speech_text import MAX_CHARACTERS, PART_CHARACTERS, speech_parts


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_a_text_that_one_request_can_speak_stays_whole() -> None:
    for text in ("", "Hi.", "One. " * 400):
        assert speech_parts(text) == [text]


@pytest.mark.parametrize(
    ("piece", "end"),
    [
        ("This is a sentence, and it ends here. ", "."),
        ("a clause without an end, ", ","),
        ("word ", "d"),
        ("我们从周一到周五营业。", "。"),
        ("我们从周一到周五营业、", "、"),
        ("เปิดทุกวัน", "เปิดทุกวัน"),
        ("👩\u200d👩\u200d👧", "\U0001f467"),
        ("क्ष", "ष"),
    ],
)
def test_a_long_text_is_divided_where_a_speaker_would_pause(
    piece: str, end: str
) -> None:
    text = piece * (4500 // len(piece))
    parts = speech_parts(text)
    assert len(parts) > 2
    assert all(0 < len(part) <= PART_CHARACTERS for part in parts)
    assert squeezed("".join(parts)) == squeezed(text)
    starts = {0, *accumulate(map(len, clusters(text)))}
    assert all(text.find(part) in starts for part in parts)
    assert all(part.endswith(end[-1]) for part in parts[:-1]) or len(end) > 1


def test_a_pause_or_a_direction_is_not_divided() -> None:
    text = 'Hello there <break time="1s"/> [say it, kindly. Please] ' * 60
    for part in speech_parts(text):
        assert part.count("<") == part.count(">")
        assert part.count("[") == part.count("]")


@given(st.text(max_size=50), st.integers(1, 200))
def test_nothing_but_space_is_lost(text: str, times: int) -> None:
    parts = speech_parts(text * times)
    assert squeezed("".join(parts)) == squeezed(text * times)
    assert all(len(part) <= MAX_CHARACTERS for part in parts)
