"""Entries of the list of blocked callers, and the numbers that they match."""

import pytest
from django.core.exceptions import ValidationError

from calls.blocking import lines, pattern_of, patterns_for


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("+1 (415) 555-0100", "+14155550100"),
        ("0044 20 7946 0000", "+442079460000"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("\u202a+14155550100\u202c", "+14155550100"),
        ("+1900 *", "+1900*"),
        ("+7*", "+7*"),
        ("SIP:Bob@Example.com", "sip:bob@example.com"),
        ("client:alice", "client:alice"),
        ("sips:bob@example.com", "sip:bob@example.com"),
        ("whatsapp:+4915112345678", "+4915112345678"),
        ("Anonymous", "anonymous"),
        ("+266696687", "anonymous"),
        ("sip:anonymous@anonymous.invalid", "anonymous"),
        ("Private Number", "anonymous"),
        ("tel:+49-151-12345678", "+4915112345678"),
        ("sip:004915112345678@pbx.example.com;user=phone", "+4915112345678"),
        ("sip:Bob@Example.com:5061;transport=tls", "sip:bob@example.com"),
        ("+49 (0)151 12345678", "+4915112345678"),
        ("WhatsApp: +49 151 12345678", "+4915112345678"),
        ("+49015112345678", "+4915112345678"),
    ],
)
def test_numbers_are_understood_as_people_write_them(typed: str, pattern: str) -> None:
    assert pattern_of(typed) == pattern
    assert pattern_of(pattern) == pattern


@pytest.mark.parametrize(
    "typed",
    [
        *("", "*", "+*", "4155550100", "'--", "+1415*555", "+14155550100**"),
        *(
            "sip:*",
            "sip:",
            "client: ",
            "sip:@x.de",
            "-",
            "+0*",
            "*0",
            "sip:" + "x" * 200,
            "<b>",
            "+١٢٣٤٥٦٧٨",
            "+14155550100 ext 3",
        ),
    ],
)
def test_what_no_caller_can_match_or_all_would_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        pattern_of(typed)


@pytest.mark.parametrize(
    ("number", "pattern", "matches"),
    [
        ("+14155550100", "+14155550100", True),
        ("+14155550100", "+1415*", True),
        ("+14155550100", "+1*", True),
        ("+14155550100", "+1416*", False),
        ("+14155550100", "+1415555010", False),
        ("", "anonymous", True),
        ("Anonymous", "anonymous", True),
        ("+7378742833", "anonymous", True),
        ("+7378742833", "+7*", False),
        ("sip:Bob@example.com", "sip:bob@example.com", True),
        ("sip:+14155550100@carrier.example", "+1415*", True),
        ("sip:14155550100@carrier.example", "+14155550100", True),
    ],
)
def test_whom_an_entry_keeps_out(number: str, pattern: str, matches: bool) -> None:
    assert (pattern in patterns_for(number)) == matches


def test_a_pasted_list_has_notes_and_lines_of_no_use() -> None:
    pasted = "+1 415 555 0100, sales, again\n\n+1900*\tpremium\r\nnumber;note\n"
    entries = [(line.pattern, line.note, bool(line.problem)) for line in lines(pasted)]
    assert entries == [
        ("+14155550100", "sales, again", False),
        ("+1900*", "premium", False),
        ("", "", True),
    ]
