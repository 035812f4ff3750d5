"""The bot of the number that a call was made to, however that is written."""

import pytest

from bots.number_routing import NoAnswer, caller_id_of_ours, own_number, route
from tests.conftest import numbered

pytestmark = pytest.mark.django_db
OURS, BERLIN = "+15551234567", "+4930123456"


@pytest.mark.parametrize(
    ("called", "number"),
    [
        (OURS, OURS),
        ("15551234567", OURS),
        ("5551234567", OURS),
        ("(555) 123-4567", OURS),
        (f"sip:{OURS}@bot.sip.twilio.com", OURS),
        ("sip:15551234567@bot.sip.twilio.com", OURS),
        ("sip:5551234567@bot.sip.twilio.com", OURS),
        ("sip:+15551234567@bot.sip.us1.twilio.com:5061;transport=tls", OURS),
        ("SIPS:%2B15551234567@bot.sip.twilio.com;edge=ashburn", OURS),
        ("<sip:0015551234567@bot.sip.twilio.com>", OURS),
        *((f"tel:{OURS}", OURS), (f"whatsapp:{OURS}", OURS)),
        ("sip:004930123456@bot.sip.twilio.com;user=phone", BERLIN),
        *(("030123456", BERLIN), ("030 / 12 34 56", BERLIN), ("4930123456", BERLIN)),
        *(("tel:30123456;phone-context=+49", BERLIN), ("+49 (0)30 123456", BERLIN)),
    ],
)
def test_a_number_is_ours_in_all_spellings(called: str, number: str) -> None:
    bots = {ours: numbered(ours) for ours in (OURS, BERLIN)}
    assert own_number(called) == number
    assert route(called).choice == bots[number]


@pytest.mark.parametrize(
    "called",
    [
        *("", "anonymous", "4567", "sip:4567@bot.sip.twilio.com", "34567"),
        *("sip:support@bot.sip.twilio.com", "client:15551234567", "+44555123456"),
    ],
)
def test_another_number_is_not_ours(called: str) -> None:
    numbered(OURS)
    assert own_number(called) == called
    assert route(called).choice is NoAnswer.NO_BOT


def test_a_number_without_country_code_must_be_unique() -> None:
    for number in ("+14930123456", "+494930123456"):
        numbered(number)
    assert own_number("04930123456") == "04930123456"


def test_a_transfer_can_show_a_number_of_the_bot_or_another_of_ours() -> None:
    assert caller_id_of_ours(None) == ""
    own, other = numbered(OURS), numbered("+12025550100")
    assert caller_id_of_ours(own.pk) == OURS
    assert caller_id_of_ours(other.pk) == caller_id_of_ours(None) == "+12025550100"
