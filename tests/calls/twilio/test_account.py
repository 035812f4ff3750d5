"""The Twilio account: its numbers, their webhooks, and its errors."""

from threading import Event

import pytest

from calls.twilio.account import Account
from calls.twilio.errors import (
    BadAccount,
    NotConnected,
    TwilioAway,
    TwilioError,
    TwilioRefused,
    UnknownNumber,
)
from calls.twilio.number_setup import Number, PointsAt, Webhooks, changes, number_status
from tests.support.twilio import FOLDER, SID, TOKEN, FakeTwilio, number

ORIGIN = "https://bot.example.com"
VOICE, STATUS = f"{ORIGIN}/voice", f"{ORIGIN}/voice/status"
OURS = Webhooks(VOICE, STATUS)
HERE = {"voice_url": VOICE, "status_callback": STATUS}
ELSEWHERE = "https://old.example.com/answer"
MINE = "+15005550006"


def account(fake: FakeTwilio, *tokens: str, seconds: float = 5.0) -> Account:
    return Account(SID, tokens or (TOKEN,), fake.url, seconds)


# Webhooks of a number


@pytest.mark.parametrize(
    ("settings", "points", "words"),
    [
        (HERE, "here", "Points here"),
        ({**HERE, "voice_url": f"{ORIGIN}:443/voice/?from=de#rc=2"}, "here", ""),
        ({}, "nowhere", "Points nowhere"),
        ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, "nowhere", "demo"),
        ({"voice_url": ELSEWHERE}, "elsewhere", ELSEWHERE),
        ({"voice_url": "http://bot.example.com/voice"}, "elsewhere", "http://bot"),
        ({"voice_url": "https://[broken"}, "elsewhere", "https://[broken"),
        ({**HERE, "voice_method": "GET"}, "partly", "with GET instead of POST"),
        ({"voice_url": VOICE}, "partly", "without a status callback"),
        ({**HERE, "status_callback": ELSEWHERE}, "partly", ELSEWHERE),
        ({**HERE, "status_callback_method": "GET"}, "partly", "comes with GET"),
        (
            {**HERE, "voice_application_sid": "AP1"},
            "elsewhere",
            "voice application AP1",
        ),
        ({**HERE, "trunk_sid": "TK1"}, "elsewhere", "SIP trunk TK1"),
    ],
)
def test_the_status_says_where_a_number_points(
    settings: dict[str, str], points: str, words: str
) -> None:
    status = number_status(Number.of(number(MINE, **settings)), OURS)
    assert status.points == points
    assert words in status.message


def test_only_settings_that_override_the_voice_url_are_cleared() -> None:
    plain = changes(Number.of(number(MINE)), OURS)
    assert plain == {
        "VoiceUrl": VOICE,
        "VoiceMethod": "POST",
        "StatusCallback": STATUS,
        "StatusCallbackMethod": "POST",
    }
    overridden = number(MINE, voice_application_sid="AP1", trunk_sid="TK1")
    cleared = {"VoiceApplicationSid": "", "TrunkSid": ""}
    assert changes(Number.of(overridden), OURS) == plain | cleared


def test_the_consequences_of_pointing_a_number_here_are_named() -> None:
    def cost(**settings: str) -> str:
        return " ".join(
            number_status(Number.of(number(MINE, **settings)), OURS).consequence
        )

    assert cost(voice_url=ELSEWHERE) == f"Its calls no longer go to {ELSEWHERE}."
    assert "no longer gets a report" in cost(voice_url=VOICE, status_callback=ELSEWHERE)
    assert cost(voice_url="https://demo.twilio.com/welcome/voice/") == ""
    assert cost() == cost(**HERE) == cost(voice_url=VOICE, voice_method="GET") == ""


def test_an_odd_record_is_read_as_far_as_it_goes() -> None:
    odd = Number.of({"sid": None, "phone_number": 7, "capabilities": "voice"})
    assert (odd.sid, odd.number, odd.takes_calls) == ("", "7", True)
    assert number_status(odd, OURS).points == PointsAt.NOWHERE


# Twilio's account


def test_every_page_of_the_account_is_read() -> None:
    with FakeTwilio(page_size=2) as fake:
        numbers = [f"+1500555{count:04}" for count in range(5)]
        fake.has(*map(number, numbers))
        assert [row.number for row in account(fake).numbers()] == numbers
        assert len(fake.requests) == 3


def test_the_token_goes_to_no_other_address_than_the_accounts() -> None:
    with FakeTwilio() as fake, FakeTwilio() as thief:
        for address in (f"{thief.url}/x", f"//{thief.url}", "/elsewhere", f"@{FOLDER}"):
            fake.next_page = address
            with pytest.raises(TwilioRefused, match="odd address"):
                account(fake).numbers()
        assert not thief.requests


@pytest.mark.parametrize(
    ("status", "says", "error", "words"),
    [
        (401, b"", BadAccount, "Copy both"),
        (403, b'{"message": "No."}', TwilioRefused, "No."),
        (404, b"", UnknownNumber, "no such number"),
        (429, b"", TwilioAway, "too many requests"),
        (500, b"<html>", TwilioAway, "has a problem"),
        (400, b"[" * 5000, TwilioRefused, "does not say why"),
        (302, b"", TwilioRefused, "302"),
        (204, b"", TwilioRefused, "not Twilio's API"),
        (201, b"[]", TwilioRefused, "not Twilio's API"),
        (201, b'{"incoming_phone_numbers": 3}', TwilioRefused, "not a list"),
    ],
)
def test_errors_have_a_plain_message(
    status: int, says: bytes, error: type[TwilioError], words: str
) -> None:
    with FakeTwilio() as fake:
        fake.status, fake.says = status, says
        with pytest.raises(error, match=words):
            account(fake).numbers()


def test_a_wrong_token_is_refused_and_a_second_one_is_tried() -> None:
    with FakeTwilio() as fake:
        fake.has(number(MINE))
        with pytest.raises(BadAccount):
            account(fake, "wrong").numbers()
        assert len(account(fake, "new", TOKEN).numbers()) == 1


def test_a_slow_twilio_is_given_up_in_time() -> None:
    with FakeTwilio() as fake:
        fake.holds = Event()
        with pytest.raises(TwilioAway, match=r"within 0\.2 seconds"):
            account(fake, seconds=0.2).numbers()


def test_an_unreachable_twilio_is_reported() -> None:
    with FakeTwilio() as fake:
        gone = account(fake)
    with pytest.raises(TwilioAway, match="cannot be reached"):
        gone.numbers()


@pytest.mark.parametrize("sid", ["", "SK" + "a" * 32, "AC1/../x", "AC" + "a" * 31])
def test_what_is_no_account_sid_is_not_sent_anywhere(sid: str) -> None:
    with FakeTwilio() as fake:
        with pytest.raises(NotConnected):
            Account(sid, (TOKEN,), fake.url).numbers()
        with pytest.raises(UnknownNumber):
            account(fake).number("PN1/../../x")
        assert not fake.requests
