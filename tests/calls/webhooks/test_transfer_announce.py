"""The announcement of a transferred caller, and the key that takes the call."""

import pytest

from bots.config.phrasebook import PHRASEBOOKS
from bots.config_builder import config_of
from bots.models import Bot
from calls.models import Call
from calls.transfer import Transfer
from calls.twilio.twiml import screening_prompt
from calls.webhooks.dial_result import parse_dial_result
from tests.calls.webhooks.test_incoming import (
    ORIGIN,
    SESSION,
    post,
)
from tests.calls.webhooks.transfer_callbacks import (
    ENDED,
    KEY,
    PERSON,
    SALES,
    TALKED,
    in_database,
    state,
    tags,
    transferred_call,
    verbs,
)


@in_database
async def test_whom_nothing_is_announced_to_is_connected_at_once(bot: Bot) -> None:
    await transferred_call(announce=False)
    (dial,) = await verbs("/voice/action", **ENDED)
    assert dial[0].attrib == {}
    assert await tags("/voice/dial/0", **TALKED) == ["Hangup"]
    result = "Sales took the call, which lasted 62 s."
    assert await state() == ("completed", "transferred", result)


@in_database
@pytest.mark.parametrize("chosen", ["", "de-DE-Neural2-F"])
async def test_the_announcement_is_said_twice_in_the_calls_language(
    chosen: str, bot: Bot
) -> None:
    if chosen:
        await bot.languages.acreate(
            language="de-DE", voice="Johanna", backup_voice=chosen
        )
    call = await transferred_call()
    path = f"/voice/announcement/{call.pk}/0"
    first, second, end = await verbs(path, **PERSON)
    assert end.tag == "Hangup"
    assert (
        first.attrib
        == second.attrib
        == {
            "action": f"{ORIGIN}/voice/accept/{call.pk}/0",
            "method": "POST",
            "numDigits": "1",
            "timeout": "6",
        }
    )
    (say,) = first
    voice = f"Google.{chosen or 'de-DE-Chirp3-HD-Aoede'}"
    assert say.attrib == {"language": "de-DE", "voice": voice}
    assert 'Kim wants <b>two</b> "crates" & more.' in (say.text or "")
    assert "Drücken Sie die 1" in (say.text or "")


@in_database
@pytest.mark.parametrize("key", ["2", "*", "11", ""])
async def test_another_key_than_1_takes_no_call(bot: Bot, key: str) -> None:
    call = await transferred_call()
    path = f"/voice/accept/{call.pk}/0"
    assert await tags(path, **PERSON, **KEY, Digits=key) == ["Say", "Hangup"]
    # Nobody accepted the call, even if Twilio bridged the two.
    assert await tags("/voice/dial/0", **TALKED) == ["Connect"]
    assert (await state())[2].startswith("Sales did not take the call.")


@in_database
async def test_1_takes_the_call_and_its_end_is_the_end(bot: Bot) -> None:
    call = await transferred_call()
    path = f"/voice/accept/{call.pk}/0"
    for _ in range(2):
        assert await tags(path, **PERSON, **KEY, Digits="1") == ["Say"]
    assert await state() == ("in-progress", "", "Sales took the call.")
    assert (await Call.objects.aget()).display_status == "With Sales"
    assert await tags(f"/voice/announcement/{call.pk}/0", **PERSON) == ["Hangup"]
    for _ in range(2):
        assert await tags("/voice/dial/0", **TALKED) == ["Hangup"]
    result = "Sales took the call, which lasted 62 s."
    assert await state() == ("completed", "transferred", result)
    assert (await Call.objects.aget()).transfer == {}
    assert await tags(path, **PERSON, **KEY, Digits="1") == ["Hangup"]


@in_database
async def test_a_late_report_of_who_took_a_call_unannounced_is_believed(
    bot: Bot,
) -> None:
    await transferred_call(announce=False)
    await post("/voice/status", **SESSION, CallStatus="completed")
    assert (await state())[1] == "caller-hung-up"
    await post("/voice/dial/0", **{**TALKED, "CallStatus": "completed"})
    assert (await state())[:2] == ("completed", "transferred")


@in_database
async def test_a_persons_telephone_speaks_of_its_own_call_only(bot: Bot) -> None:
    call = await transferred_call()
    for path, form in (
        (f"/voice/announcement/{call.pk}/1", PERSON),
        (f"/voice/announcement/{call.pk + 1}/0", PERSON),
        (f"/voice/announcement/{call.pk}/0", {**PERSON, "ParentCallSid": "CA2"}),
        (f"/voice/accept/{call.pk}/1", {**PERSON, "Digits": "1"}),
        (f"/voice/accept/{call.pk}/0", {**PERSON, "ParentCallSid": "x", "Digits": "1"}),
        ("/voice/dial/0", {**TALKED, "CallSid": "CA2"}),
        ("/voice/dial/7", {**TALKED, "CallSid": "CA2"}),
    ):
        assert await tags(path, **form) == ["Hangup"]
    assert await tags("/voice/dial/1", **TALKED) == []
    assert (await Call.objects.aget()).transfer == SALES
    paths = ("/voice/dial/0", f"/voice/accept/{call.pk}/0")
    for path in (*paths, f"/voice/announcement/{call.pk}/0"):
        assert (await post(path, "another token", **PERSON)).status_code == 403


@pytest.mark.parametrize("language", PHRASEBOOKS)
def test_every_language_announces_a_caller(language: str) -> None:
    transfer = Transfer("Sales", "+15005550042", language=language)
    book = PHRASEBOOKS[language]
    alone = screening_prompt(transfer, book)
    assert "1" in alone
    prompt = screening_prompt(
        Transfer.of({**transfer.to_json(), "summary": "Two {crates}"}), book
    )
    assert "Two {crates}." in prompt
    assert prompt.startswith(book.screening_prompt.partition("{{")[0])


def test_the_person_behind_the_transfer_number_has_no_name() -> None:
    person = config_of(Bot(transfer_number="+15005550099")).transfer_targets[0]
    transfer = Transfer.of(person.to_json())
    message = parse_dial_result(transfer, {"DialCallStatus": "busy"}).message
    assert message.startswith("The transfer number is on the phone.")
