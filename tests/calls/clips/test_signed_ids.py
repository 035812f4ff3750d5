"""Ids of clips are recognised without a store, and cannot be made up."""

import secrets
from collections.abc import Callable
from string import ascii_letters, digits
from time import time

import pytest
from pytest_django import Settings

from calls.clips import signed_ids
from calls.clips.signed_ids import MAX_AGE_SECONDS, is_issued, new_clip_id, phrase_id
from calls.turns.clip_ids import is_phrase


def test_an_id_that_was_issued_is_recognised_in_every_process() -> None:
    assert all(is_issued(new_clip_id()) for _ in range(100))
    assert is_issued(phrase_id(b"Hello."))
    assert is_phrase(phrase_id(b"Hello."))
    assert phrase_id(b"Hello.") == phrase_id(b"Hello.") != phrase_id(b"Hello!")


@pytest.mark.parametrize("make", [new_clip_id, lambda: phrase_id(b"Hello.")])
def test_an_id_with_one_other_letter_was_not_issued(
    make: Callable[[], str],
) -> None:
    clip_id = make()
    for place, letter in enumerate(clip_id):
        for other in (ascii_letters + digits + "-_=").replace(letter, ""):
            assert not is_issued(clip_id[:place] + other + clip_id[place + 1 :])
    for other in (clip_id[:-1], f"{clip_id}=", f" {clip_id}", clip_id.swapcase()):
        assert not is_issued(other)


def test_what_nobody_issued_is_not_recognised() -> None:
    for clip_id in (
        *("", "guess", "0" * 64, "A" * 44, "ü" * 44, "=" * 44, "a" * 8000),
        *(secrets.token_urlsafe(33), secrets.token_hex(32)),
    ):
        assert not is_issued(clip_id)


def test_ids_of_another_deployment_are_not_recognised(settings: Settings) -> None:
    ids = new_clip_id(), phrase_id(b"Hello.")
    settings.SECRET_KEY = "another"
    assert not any(map(is_issued, ids))


def test_an_id_is_recognised_as_long_as_its_call_can_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip_id, now = new_clip_id(), time()
    for seconds, expected in (
        (MAX_AGE_SECONDS - 5, True),
        (-60, True),  # another machine's clock is behind
        (MAX_AGE_SECONDS + 5, False),
    ):
        monkeypatch.setattr(signed_ids, "time", lambda at=now + seconds: at)
        assert is_issued(clip_id) is expected
