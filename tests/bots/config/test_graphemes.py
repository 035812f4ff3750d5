"""Grapheme clusters: no character, as readers see it, is ever divided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.graphemes import clusters


@pytest.mark.parametrize(
    "parts",
    [
        ["a", "e\u0301", "b"],
        ["👩‍👩‍👧‍👦", "🇩🇪", "🇫🇷", "👍🏽", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
        ["क्ष", "त्रि", "य"],  # consonants that are written as one
        ["ক্ষ", "মা"],
        ["วั", "น", "น้ำ", "เปิ", "ด"],  # marks, "am", a vowel before its consonant
        ["ດີ", "ນ້ຳ", "ເປີ"],
        ["ស្រី", "ខ្ញុំ"],  # letters below others
        ["မ", "င်္ဂ", "လာ", "ကျွ", "န်"],
        ["각", "\u1112\u1161\u11ab", "국"],
        ["か\u3099", "ﾊﾟ", "𠮷", "野"],
        ["م", "ی\u200c", "خ"],
        ["a", "\r\n", "b"],
    ],
)
def test_a_character_stays_whole(parts: list[str]) -> None:
    assert list(clusters("".join(parts))) == parts


signs = st.lists(
    st.sampled_from(["a", "ก", "เ", "\u0e49", "\u0e33", "क", "\u094d", "\u0301", "🇩"])
)


@given(signs.map("".join))
def test_no_cluster_begins_with_a_mark(text: str) -> None:
    parts = list(clusters(text))
    assert "".join(parts) == text
    assert not any(part[0] in "\u0e49\u0e33\u094d\u0301" for part in parts[1:])


@given(st.text())
def test_clusters_are_the_text(text: str) -> None:
    assert "".join(clusters(text)) == text
