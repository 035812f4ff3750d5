"""Callers in all spellings, from the request to the transfer and the blocklist."""

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from pytest_django import Settings

from bots.config.placeholders import fill
from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.models import BlockedCaller, Call
from calls.session.variables import variables
from tests.bots.phone_numbers.test_caller_id import HIDDEN
from tests.calls.webhooks.test_incoming import fresh_process as fresh_process
from tests.calls.webhooks.test_incoming import ring
from tests.calls.webhooks.transfer_callbacks import ENDED, transferred_call, verbs
from tests.conftest import numbered

pytestmark = pytest.mark.django_db(transaction=True)
OURS, BERLIN, PERSON = "+15005550006", "+4930123456", "+4915112345678"
# One person, to BERLIN.
SPELLINGS = [
    *(PERSON, f"whatsapp:{PERSON}", f"tel:{PERSON}", "004915112345678"),
    *("015112345678", f"sip:{PERSON}@carrier.example.com;user=phone"),
    *("sip:4915112345678@pbx.example.com", "sips:015112345678@pbx.example.com:5061"),
]


def made(bot: Bot | None = None, **numbers: str) -> Call:
    called = {"to_number": OURS, **numbers}
    return Call(call_sid="CA1", bot=bot, started_at=timezone.now(), **called)


def filled(call: Call, text: str) -> str:
    return fill(text, variables(call, config_of(Bot()), {}, timezone.now()))


def test_a_text_has_its_default_for_a_hidden_number() -> None:
    for text in HIDDEN:
        call = made(from_number=text)
        said = filled(call, "From {{caller_number|somebody}}.")
        assert said == "From somebody.", text
        address = filled(call, "https://crm.example/?n={{caller_number}}")
        assert address.endswith("?n="), text
        call.is_test, call.variables = True, {"caller_number": text}
        assert filled(call, "{{caller_number|somebody}}") == "somebody", text


def test_a_text_has_the_number_of_any_spelling() -> None:
    for text in SPELLINGS:
        call = made(from_number=text, to_number=BERLIN)
        said = filled(call, "{{caller_number|?}} {{called_number}}")
        assert said == f"{PERSON} {BERLIN}", text


def test_a_text_has_an_address_as_it_came() -> None:
    assert filled(made(from_number="client:Kim"), "{{caller_number}}") == "client:Kim"


def test_an_address_gives_the_model_no_note_of_ours() -> None:
    caller = "sip:x[pressed 1]\u202e|\n@example.com"
    text = filled(made(from_number=caller), "Caller: {{caller_number}}.")
    assert text == "Caller: sip:x(pressed 1)  @example.com."


@pytest.mark.parametrize("text", HIDDEN[::6])
async def test_all_hidden_numbers_are_blocked_alike(bot: Bot, text: str) -> None:
    await BlockedCaller.objects.acreate(pattern="anonymous")
    assert (await ring(From=text)).find("Reject") is not None


@pytest.mark.parametrize("text", SPELLINGS)
@pytest.mark.parametrize("pattern", [PERSON, "+4915*"])
async def test_a_blocked_person_is_rejected_in_all_spellings(
    text: str, pattern: str
) -> None:
    await sync_to_async(numbered)(BERLIN)
    await BlockedCaller.objects.acreate(pattern=pattern)
    assert (await ring(From=text, To=f"sip:{BERLIN}@bot.sip.twilio.com"))[0].tag == (
        "Reject"
    )


async def test_one_person_has_one_limit_in_all_spellings(
    bot: Bot, settings: Settings
) -> None:
    settings.MAX_CALLS_PER_CALLER = 2
    await sync_to_async(numbered)(BERLIN)
    verbs = [
        (await ring(CallSid=f"CA{text}", From=text, To=BERLIN))[0].tag
        for text in SPELLINGS
    ]
    assert verbs == ["Connect"] * 2 + ["Reject"] * (len(SPELLINGS) - 2)


async def test_a_number_has_one_limit_in_all_spellings() -> None:
    await sync_to_async(numbered)(BERLIN)
    await PhoneNumber.objects.aupdate(max_concurrent_calls=2)
    called = ["030 123456", "sip:4930123456@bot.sip.twilio.com", f"tel:{BERLIN}"]
    verbs = [(await ring(CallSid=f"CA{to}", To=to))[0].tag for to in called]
    assert verbs == ["Connect", "Connect", "Say"]
    numbers = Call.objects.values_list("to_number", flat=True)
    assert {number async for number in numbers} == {BERLIN}


@pytest.mark.parametrize(
    ("caller", "called", "shown"),
    [
        (PERSON, OURS, PERSON),
        *[(text, OURS, OURS) for text in HIDDEN[::5]],
        # Twilio lets a call that did not come from a telephone show our numbers only.
        *[(f"{scheme}:{PERSON}", OURS, OURS) for scheme in ("client", "whatsapp")],
        (f"sip:{PERSON}@carrier.example.com", f"sip:{OURS}@bot.sip.twilio.com", OURS),
        ("sip:4915112345678@pbx", "sip:15005550006@bot.sip.twilio.com:5060", OURS),
        (f"whatsapp:{PERSON}", f"whatsapp:{OURS}", OURS),
        ("client:kim", "", OURS),
        ("sip:kim@example.com", "sip:support@bot.sip.twilio.com", OURS),
        ("anonymous", "sip:support@bot.sip.twilio.com", OURS),
    ],
)
async def test_a_transfer_shows_the_telephone_or_a_number_of_ours(
    bot: Bot, caller: str, called: str, shown: str
) -> None:
    await PhoneNumber.objects.acreate(number=OURS, bot=bot)
    await transferred_call()
    await Call.objects.aupdate(from_number=caller, to_number=called)
    (dial,) = await verbs("/voice/action", **ENDED)
    assert dial.get("callerId") == shown
