"""Callers in all spellings: hidden numbers, SIP, WhatsApp, national formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.phone_numbers.caller_id import (
    canonical,
    is_hidden,
    national_number,
    number_in,
    shown,
)

PERSON, HOTEL = "+4915112345678", "+14155550100"
BERLIN, OHIO = "+4930123456", "+16145550100"

HIDDEN = [
    # Twilio: words, and their digits on the keys of a phone
    *("", " ", "anonymous", "Anonymous", "ANONYMOUS", "Restricted", "unavailable"),
    *("+266696687", "266696687", "+86282452253", "+464", "+7378742833", "+2562533"),
    *("+8656696", "+17378742833", "+7378742883", "+1266696687"),
    # Words of other networks and of PBXs
    *("private", "unknown", "blocked", "withheld", "Private Number", "Unknown Caller"),
    *("No Caller ID", "Number withheld", "out of area", "Not available", "hidden"),
    *("0000000000", "+0", "+10000000000", "null", "undefined", "-", "+", "Unbekannt"),
    *("PRIVATE NAME, PRIVATE NUMBER", "Caller ID blocked", "Coverage Unavailable"),
    # The same as addresses
    "sip:anonymous@anonymous.invalid",
    "sip:anonymous@anonymous.invalid:5060;transport=udp",
    "sip:thisis@anonymous.invalid",
    "SIPS:Anonymous@sbc.example.com",
    "sip:Anonymous%20Caller@192.0.2.7:5060",
    "sip:+266696687@carrier.example.com;user=phone",
    "anonymous@anonymous.invalid",
    '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
    f'"Anonymous" <sip:{PERSON}@carrier.example.com>',
    "<sip:restricted@203.0.113.4>",
    *("sip:@example.com", "sip:anonymous.invalid", "sip:", "client:", "tel:"),
    *("tel:anonymous", "client:anonymous", "client:Restricted", "whatsapp:unknown"),
]
NOT_HIDDEN = [
    *(PERSON, "911", "12345", "+49110", "100", "100000", "464", "2562533", "+10"),
    *("sip:100@pbx.example.com", "sip:464@pbx.example.com", "sip:bob@example.com"),
    *("client:kim", "client:anonymouse", "sip:blockedge@example.com", "sip:x.invalid"),
    *("Restricted Area Ltd", "+2666966879", "+12025550100", "*67", "sip:ann@private"),
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_hidden_number_is_nobody_in_all_spellings(text: str) -> None:
    assert is_hidden(text)
    assert (canonical(text), number_in(text), shown(text)) == ("", "", "")


@pytest.mark.parametrize("text", NOT_HIDDEN)
def test_others_are_somebody(text: str) -> None:
    assert not is_hidden(text)
    assert canonical(text)
    assert shown(text)


@pytest.mark.parametrize(
    "text",
    [
        *(PERSON, "4915112345678", "004915112345678", "0114915112345678"),
        *("+49 (0) 151 / 123-456-78", "+49015112345678", "\u202a+4915112345678\u202c"),
        *(f"whatsapp:{PERSON}", "whatsapp:4915112345678", f"client:{PERSON}"),
        *(f"tel:{PERSON}", "tel:+49-151-1234.5678;ext=7", f"<tel:{PERSON}>"),
        "tel:15112345678;phone-context=+49",
        f"sip:{PERSON}",
        f"sip:{PERSON}@carrier.example.com",
        f"SIP:{PERSON}@Carrier.Example.com:5060;user=phone;transport=tls",
        f"sips:{PERSON}@[2001:db8::1]:5061?Subject=a%40b",
        f"sip:{PERSON};npdi=yes@carrier.example.com;user=phone",
        f"sip:{PERSON}:password@carrier.example.com",
        "sip:%2B4915112345678@carrier.example.com",
        "sip:4915112345678@carrier.example.com",
        "sip:004915112345678@carrier.example.com",
        "sip:15112345678;phone-context=+49@carrier.example.com;user=phone",
        f'"Kim" <sip:{PERSON}@carrier.example.com>;tag=1928301774',
        f"{PERSON}@carrier.example.com",
    ],
)
def test_a_person_is_one_person_in_all_spellings(text: str) -> None:
    assert (canonical(text), number_in(text), shown(text)) == (PERSON,) * 3


@pytest.mark.parametrize(
    ("text", "other", "number"),
    [
        ("015112345678", BERLIN, PERSON),
        ("sip:0151-12345678@pbx.example.com", BERLIN, PERSON),
        ("15112345678", BERLIN, PERSON),  # America has no area code 511
        ("4155550100", OHIO, HOTEL),
        ("sip:(415) 555-0100@pbx.example.com", OHIO, HOTEL),
        ("4155550100", f"sip:{OHIO}@us.example.com", HOTEL),
        ("612345678", "+34910000000", "+34612345678"),  # Spain has no trunk zero
        ("79123456789", BERLIN, "+79123456789"),
        ("01144 20 7946 0018", OHIO, "+442079460018"),
        ("15551234567", "", "+15551234567"),  # numbers of films are long enough
        *(("015112345678", "", ""), ("4155550100", "", ""), ("", OHIO, "")),
        *(("110", BERLIN, ""), ("0151", BERLIN, ""), ("911", OHIO, "")),
        *(("12345", OHIO, ""), ("5550100", OHIO, ""), ("sip:2001@pbx", BERLIN, "")),
        *(("client:14155550100", OHIO, ""), ("messenger:14155550100", OHIO, "")),
    ],
)
def test_a_national_number_belongs_to_the_country_of_the_other_end(
    text: str, other: str, number: str
) -> None:
    assert number_in(text, other) == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sips:Bob@Example.com:5061;transport=tls", "sip:bob@example.com"),
        ("Bob <sip:bob@example.com>", "sip:bob@example.com"),
        ("sip:101@pbx.example.com", "sip:101@pbx.example.com"),  # not short code 101
        *(("101", "101"), ("tel:101", "101"), ("+49110", "+49110")),
        *(("client:Ann B", "client:ann b"), ("client:ann@x.de", "client:ann@x.de")),
        ("messenger:12345", "messenger:12345"),
        ("admin (browser)", "admin (browser)"),
    ],
)
def test_others_have_one_name_too(text: str, name: str) -> None:
    assert canonical(text) == name


def test_texts_get_an_address_as_it_came() -> None:
    assert shown(" client:Ann B ") == "client:Ann B"


@given(st.text() | st.from_regex(r"(sips?:)?\+?[0-9]{0,15}(@x)?", fullmatch=True))
def test_no_text_raises_and_one_form_stays(text: str) -> None:
    name = canonical(text)
    if number_in(text):
        assert canonical(name) == name


@pytest.mark.parametrize(
    ("number", "national"),
    [(PERSON, "15112345678"), ("+390612345678", "612345678"), ("+0", "0")],
)
def test_the_part_after_the_country_code(number: str, national: str) -> None:
    assert national_number(number) == national
