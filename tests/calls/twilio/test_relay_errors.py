"""Twilio's error codes in plain words, and what is kept of its messages."""

import re

import pytest
from django.conf import settings

from calls.twilio.relay_errors import (
    ERROR_CODES,
    MESSAGE_MAX_LENGTH,
    ErrorKind,
    SessionError,
    explain,
)


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    for code, error in ERROR_CODES.items():
        assert code.isdigit()
        assert error.meaning.endswith(".")
        assert error.remedy.endswith(".")
    kinds = {error.kind for error in ERROR_CODES.values()}
    assert kinds == set(ErrorKind) - {ErrorKind.UNKNOWN}


def test_the_manual_lists_every_code() -> None:
    manual = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    table = "".join(line for line in manual.splitlines() if line.startswith("| 64"))
    assert set(re.findall("641[0-9]{2}", table)) == set(ERROR_CODES)


def test_an_unknown_code_is_shown_as_it_is() -> None:
    error = explain("39001")
    assert error.kind is ErrorKind.UNKNOWN
    assert "39001" in error.meaning
    assert "39001" in error.remedy
    assert explain("").kind is ErrorKind.CONNECTION


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (
            "Invalid values (block_elevenlabs/en-US/alice) for tts settings",
            "Invalid values (block_elevenlabs/en-US/alice) for tts settings",
        ),
        ("Unable to reach wss://a.b/conversation/tok.en today", "Unable to reach "
         "wss://… today"),
        ('Bad: {"type":"text","token":"my card is 4111"}', "Bad:"),
        ("To +49 (151) 234-5678 or 030/1234567 or ann@example.com", "To … or … or …"),
        ("line\x00one\r\nline\u202etwo", "line one line two"),
        ("x" * 5000, "x" * MESSAGE_MAX_LENGTH),
    ],
)  # fmt: skip
def test_a_message_is_stored_without_personal_data(message: str, kept: str) -> None:
    error = SessionError.of({"ErrorCode": "64101", "ErrorMessage": message})
    assert error == SessionError("64101", kept)


def test_the_echo_of_our_own_message_is_not_stored() -> None:
    form = {"ErrorCode": "64107", "ErrorMessage": "Invalid message: Hello Ann"}
    assert SessionError.of(form) == SessionError("64107", "")


@pytest.mark.parametrize("code", ["", "none", "64\x001", "9" * 40, "\uff16\uff14"])
def test_a_code_that_is_not_a_short_number_is_not_stored(code: str) -> None:
    assert SessionError.of({"ErrorCode": code}) == SessionError()
