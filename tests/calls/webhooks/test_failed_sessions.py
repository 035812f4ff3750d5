"""Twilio's reports on failed sessions: what is tried again, stored and logged."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from hypothesis import given
from hypothesis import strategies as st

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.models import Call
from calls.turns.turn import SWITCH_LANGUAGE
from calls.twilio.relay_errors import ErrorKind, explain
from calls.webhooks.reconnect_decision import (
    MAX_RECONNECTS,
    ReconnectDecision,
    RelayState,
    decide,
)
from tests.calls.webhooks.test_incoming import LOST, fresh_process, post, ring
from tests.conftest import numbered

__all__ = ["fresh_process"]  # a fixture
in_database = pytest.mark.django_db(transaction=True)

REFUSED = {
    **LOST,
    "ErrorCode": "64101",
    "ErrorMessage": "Invalid values (Google/xx-XX/Nobody) for tts settings",
}
# Attributes without which Twilio's defaults, which depend on the account, would apply.
NEEDED = {"url", "language", "ttsProvider", "transcriptionProvider", "dtmfDetection"}

# The decision

NEW = RelayState(is_open=True)


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        ("", ReconnectDecision.RECONNECT),
        ("64101", ReconnectDecision.REDUCE),
        ("64102", ReconnectDecision.RECONNECT),
        ("64103", ReconnectDecision.RECONNECT),
        ("64104", ReconnectDecision.END),
        ("64105", ReconnectDecision.RECONNECT),
        ("64106", ReconnectDecision.REDUCE),
        ("64107", ReconnectDecision.RECONNECT),
        ("64108", ReconnectDecision.RECONNECT),
        ("64109", ReconnectDecision.GIVE_UP),
        ("64114", ReconnectDecision.RECONNECT),
        ("99999", ReconnectDecision.RECONNECT),
    ],
)
def test_the_next_step_depends_on_the_error(
    error: str, decision: ReconnectDecision
) -> None:
    kind = explain(error).kind
    assert decide(NEW, "VX1", kind) is decision
    # A transfer that was about to start comes first; an ended call stays ended.
    transferring = replace(NEW, is_transferring=True)
    assert decide(transferring, "VX1", kind) is ReconnectDecision.TRANSFER
    assert decide(RelayState(False), "VX1", kind) is ReconnectDecision.IGNORE


def test_settings_are_reduced_once_and_not_after_the_last_reconnect() -> None:
    reduced = replace(NEW, is_reduced=True, reconnects=1, lost=["VX1"])
    refused = ErrorKind.SETTINGS
    assert decide(reduced, "VX2", refused) is ReconnectDecision.GIVE_UP
    # A reduced session that is only lost is resumed like any other.
    assert decide(reduced, "VX2") is ReconnectDecision.RECONNECT
    last = replace(NEW, reconnects=MAX_RECONNECTS)
    assert decide(last, "VX9", refused) is ReconnectDecision.GIVE_UP


REPORTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(ErrorKind))), max_size=12
)


@given(REPORTS)
def test_a_repeated_report_never_leads_to_another_step(
    reports: list[tuple[str, ErrorKind]],
) -> None:
    """Each session's error is the same whenever it is reported."""
    errors = dict(reversed(reports))
    call = NEW
    answers: dict[str, ReconnectDecision] = {}
    for session, _ in reports:
        decision = decide(call, session, errors[session])
        if session in answers:
            allowed = {answers[session], ReconnectDecision.REPEAT}
            assert decision in {*allowed, ReconnectDecision.IGNORE}
            continue
        answers[session] = decision
        if decision is ReconnectDecision.IGNORE:
            continue
        goes_on = decision in (ReconnectDecision.RECONNECT, ReconnectDecision.REDUCE)
        call = RelayState(
            is_open=goes_on,
            reconnects=call.reconnects + goes_on,
            lost=[*call.lost, session],
            has_open_token=goes_on,
            is_reduced=call.is_reduced or decision is ReconnectDecision.REDUCE,
        )
    assert list(answers.values()).count(ReconnectDecision.REDUCE) <= 1


# The answer to Twilio


async def verbs(**form: str) -> ElementTree.Element:
    answer = await post("/voice/action", **form)
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)


async def relay(**form: str) -> dict[str, str]:
    """The attributes of the relay that a failed session is replaced by."""
    element = (await verbs(**form)).find("Connect/ConversationRelay")
    assert element is not None
    return element.attrib


def undated(attributes: dict[str, str]) -> dict[str, str]:
    """Remove the second in which the token was made, and its signature."""
    return {**attributes, "url": attributes["url"].rsplit(".", 2)[0]}


async def spoken(**form: str) -> str:
    return " ".join(say.text or "" for say in (await verbs(**form)).iter("Say"))


@in_database
@pytest.mark.parametrize("code", ["64101", "64106"])
async def test_refused_settings_are_left_out_once_and_again_in_repeated_answers(
    code: str,
) -> None:
    await sync_to_async(numbered)(
        "+15005550006",
        hints="Acme",
        speech_model="nova-3-general",
        backup_voice="en-US-Chirp3-HD-Kore",
    )
    full = (await ring()).find("Connect/ConversationRelay")
    assert full is not None
    assert {"speechModel", "hints", "voice"} <= set(full.attrib)
    refused = {**REFUSED, "ErrorCode": code}
    first = await relay(**refused)
    assert set(first) <= NEEDED
    assert undated(await relay(**refused)) == undated(first)
    # Twilio may also start the call anew.
    again = (await ring()).find("Connect/ConversationRelay")
    assert again is not None
    assert undated(again.attrib) == undated(first)
    call = await Call.objects.aget()
    assert call.reconnects == 1
    # The socket breaks: the next session is reduced as well.
    await Call.objects.aupdate(relay_nonce="")
    assert set(await relay(**LOST | {"SessionId": "VX2"})) <= NEEDED


@in_database
async def test_a_reduced_document_has_the_language_that_the_call_has_switched_to() -> (
    None
):
    """Often the voice of the second language is what Twilio refuses."""
    bot = await sync_to_async(numbered)("+15005550006")
    await bot.languages.acreate(language="de-DE", voice="Johanna")
    await ring()
    call = await Call.objects.aget()
    switch = {"call_id": "1", "name": SWITCH_LANGUAGE, "result": ""}
    switch |= {"arguments": '{"language": "de-DE"}'}
    now = call.started_at
    await call.turns.acreate(index=0, role="tool", started_at=now, tool_call=switch)
    reduced = await relay(**REFUSED)
    assert (reduced["language"], set(reduced) <= NEEDED) == ("de-DE", True)


@in_database
async def test_a_refused_reduced_document_ends_with_an_apology(bot: Bot) -> None:
    await ring()
    await relay(**REFUSED)
    second = {**REFUSED, "SessionId": "VX2"}
    words = await spoken(**second)
    assert "I'm sorry" in words
    assert await spoken(**second) == words
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == ("failed", "settings-refused")


@in_database
async def test_a_refused_reduced_document_leads_to_a_person() -> None:
    await sync_to_async(numbered)("+15005550006", transfer_number="+15005550099")
    await ring()
    await relay(**REFUSED)
    document = await verbs(**REFUSED | {"SessionId": "VX2"})
    assert [n.text for n in document.iter("Number")] == ["+15005550099"]


@in_database
async def test_the_longest_call_ends_with_a_goodbye(bot: Bot) -> None:
    await ring()
    form = {**LOST, "ErrorCode": "64104"}
    assert await spoken(**form) == "Thank you for calling. Goodbye."
    assert await spoken(**form) == "Thank you for calling. Goodbye."
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == ("completed", "time-limit")


@in_database
async def test_a_full_account_is_not_asked_again(bot: Bot) -> None:
    await ring()
    form = {**LOST, "ErrorCode": "64109"}
    assert (await spoken(**form)).startswith(phrasebook("en").busy_message)
    assert (await spoken(**form)).startswith(phrasebook("en").busy_message)
    call = await Call.objects.aget()
    assert (call.status, call.end_reason, call.reconnects) == ("failed", "busy", 0)


# The stored error


@in_database
async def test_the_error_is_stored_and_logged_in_plain_words(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await ring()
    await relay(**REFUSED)
    call = await Call.objects.aget()
    assert call.twilio_error_code == "64101"
    assert call.twilio_error_message == REFUSED["ErrorMessage"]
    assert call.settings_refused_at
    assert "64101" in caplog.text
    assert explain("64101").meaning in caplog.text
    assert explain("64101").remedy in caplog.text
    assert "Nobody" not in caplog.text
    # A later lost socket does not hide the cause.
    await post("/voice/action", **LOST | {"SessionId": "VX2", "ErrorCode": "64105"})
    later = await Call.objects.aget()
    assert later.twilio_error_code == "64101"
    assert later.settings_refused_at == call.settings_refused_at


@in_database
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("64106", "failed", "settings-refused"),
        ("64104", "completed", "time-limit"),
        ("64105", "failed", "carrier-failed"),
    ],
)
async def test_the_error_of_a_call_that_is_over_is_stored_too(
    bot: Bot, code: str, status: str, reason: str
) -> None:
    await ring()
    over = {"ErrorCode": code, "CallStatus": "completed"}
    await post("/voice/action", **REFUSED | over)
    call = await Call.objects.aget()
    assert call.twilio_error_code == code
    assert (call.status, call.end_reason) == (status, reason)
