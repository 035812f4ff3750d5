"""Differences between two texts: right, readable, and quick with any text."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.versions.text_diff import Part, compare

WORDS = st.lists(st.sampled_from(["be", "kind", " ", "\n", "中", "🙂", "x" * 9])).map(
    " ".join
)


def shown(old: str, new: str) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in compare(old, new)]


def test_marks_only_removed_and_added_words() -> None:
    assert shown("Be kind. Say hello.\nEnd.", "Be very kind. Say hi.\nEnd. Bye.") == [
        ("same", "Be "),
        ("added", "very "),
        ("same", "kind. Say "),
        ("removed", "hello."),
        ("added", "hi."),
        ("same", "\nEnd."),
        ("added", " Bye."),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("", "New", [("added", "New")]),
        ("Old", "", [("removed", "Old")]),
        ("Same", "Same", [("same", "Same")]),
        ("a\r\nb", "a\nb", [("same", "a\nb")]),
        (
            "你好世界",
            "你好新世界",
            [("same", "你好"), ("added", "新"), ("same", "世界")],
        ),
        ("a b c d", "e f g h", [("removed", "a b c d"), ("added", "e f g h")]),
    ],
)
def test_shows_every_change(
    old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    assert shown(old, new) == expected


def test_leaves_out_unchanged_text_far_from_a_change() -> None:
    long = "Offer an appointment instead. " * 100
    parts = compare(f"Be kind. {long}Bye.", f"Be brief. {long}Bye.")
    assert Part("added", "brief.") in parts
    (skipped,) = [part for part in parts if part.kind == "skipped"]
    assert skipped.text.endswith("words unchanged")
    assert sum(len(part.text) for part in parts) < 300


@given(WORDS, WORDS)
def test_nothing_of_either_text_is_lost(old: str, new: str) -> None:
    parts = compare(old, new)
    if not any(part.kind == "skipped" for part in parts):
        for text, other in ((old, "added"), (new, "removed")):
            assert "".join(part.text for part in parts if part.kind != other) == text


def shuffled(texts: list[str], by: str) -> str:
    return by.join(random.Random(1).sample(texts, len(texts)))


NUMBERS = [str(number) for number in range(18_000)]
HOSTILE = {
    "spaces": (" " * 100_000, "\t" * 100_000),
    "one word": ("x" * 100_000, "y" * 100_000),
    "two words": ("a b " * 25_000, "b a a " * 17_000),
    "two words, in lines": ("a b\n" * 25_000, "b\na a\n" * 17_000),
    "empty lines": ("\n" * 100_000, "\n" * 99_000 + "x"),
    "no spaces": ("中" * 100_000, "国" * 50_000 + "中" * 50_000),
    "shuffled": (" ".join(NUMBERS), shuffled(NUMBERS, " ")),
    "shuffled lines": ("\n".join(NUMBERS), shuffled(NUMBERS, "\n")),
    "many small changes": (
        "".join(f"same {n}\na b a b\n" for n in range(6_000)),
        "".join(f"same {n}\nb a b\n" for n in range(6_000)),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_compares_a_hundred_kilobytes_in_time(name: str) -> None:
    began = time.process_time()
    assert compare(*HOSTILE[name])
    assert time.process_time() - began < 3
