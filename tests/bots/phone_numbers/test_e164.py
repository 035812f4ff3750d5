"""Numbers as people paste them, reduced to + and digits."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from bots.phone_numbers.e164 import to_e164
from bots.phone_numbers.fields import PastedNumberField
from bots.validators import e164


@pytest.mark.parametrize(
    ("pasted", "number"),
    [
        ("+14155550100", "+14155550100"),
        (" +1 (415) 555-0100 ", "+14155550100"),
        ("+1.415.555.0100", "+14155550100"),
        ("+1\u2011415\u2013555\u22120100", "+14155550100"),  # other dashes
        ("\u202a+14155550100\u202c", "+14155550100"),  # copied from a contact list
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("0049 (0)30 12 34 56", "+4930123456"),
        ("+49 030/123456", "+4930123456"),
        ("+39 06 1234 5678", "+390612345678"),  # in Italy the zero is dialled
        ("+39 (0)6 1234 5678", "+390612345678"),
        ("+1 500 555 0006", "+15005550006"),  # a test number of Twilio
    ],
)
def test_a_pasted_number_is_understood(pasted: str, number: str) -> None:
    assert to_e164(pasted) == number
    e164(PastedNumberField().clean(pasted))


@pytest.mark.parametrize(
    "pasted",
    [
        "020 7946 0018",  # no country code
        "415-555-0100",
        "+0155550100",
        "+1415",
        "+1 800 FLOWERS",
        "+49 30 123456 ext. 5",
        "+1415*5550100",
        "+1 415 555 0100 / +1 415 555 0101",
        "five",
        "9" * 100_000,
    ],
)
def test_other_text_is_refused_with_what_to_write(pasted: str) -> None:
    with pytest.raises(ValidationError, match="country code"):
        e164(to_e164(pasted))


@given(st.integers(1, 10**15))
def test_a_number_that_is_plain_already_stays(digits: int) -> None:
    assert to_e164(f"+{digits}") == f"+{digits}"


@given(st.text())
def test_no_text_raises(text: str) -> None:
    to_e164(text)
