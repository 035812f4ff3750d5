"""The dialled number of a transfer, and the outcomes of dialling it."""

from datetime import timedelta
from itertools import permutations

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.models import Call
from calls.operations.reaper import STALE_AFTER, TRANSFERRED, Reaper
from calls.session.active_calls import active_calls
from calls.session.socket_admission import admit
from calls.transcripts.writes import TransferStarted, write_all
from calls.transfer import Transfer
from calls.twilio.relay_tokens import read_token
from calls.webhooks.dial_result import caller_id, parse_dial_result
from calls.webhooks.reconnect_decision import MAX_RECONNECTS
from tests.calls.webhooks.test_incoming import (
    LOST,
    ORIGIN,
    RINGING,
    SESSION,
    post,
    ring,
)
from tests.calls.webhooks.test_incoming import (
    fresh_process as fresh_process,
)
from tests.calls.webhooks.transfer_callbacks import (
    DIAL,
    ENDED,
    HEARD_ONLY,
    KEY,
    NO_ANSWER,
    PERSON,
    SALES,
    TALKED,
    in_database,
    state,
    tags,
    transferred_call,
    verbs,
)
from tests.conftest import numbered


@in_database
async def test_the_target_is_dialled_as_configured(bot: Bot) -> None:
    call = await transferred_call()
    (dial,) = await verbs("/voice/action", **ENDED)
    assert dial.attrib == {
        "action": f"{ORIGIN}/voice/dial/0",
        "method": "POST",
        "timeout": "20",
        "timeLimit": "14400",
        "answerOnBridge": "true",
        "callerId": "+15005550001",
    }
    (number,) = dial
    assert number.text == "+15005550042"
    assert number.attrib == {
        "url": f"{ORIGIN}/voice/announcement/{call.pk}/0",
        "method": "POST",
    }
    assert await state() == ("in-progress", "", "")
    assert call.display_status == "Ringing Sales"


@in_database
@pytest.mark.parametrize(
    ("form", "message"),
    [
        (NO_ANSWER, "Sales did not answer."),
        ({**NO_ANSWER, "DialCallStatus": "busy"}, "Sales is on the phone."),
        ({**NO_ANSWER, "DialCallStatus": "failed"}, "Sales could not be reached."),
        ({**NO_ANSWER, "DialCallStatus": "canceled"}, "Sales could not be reached."),
        ({**NO_ANSWER, "DialCallStatus": "odd"}, "Sales could not be reached."),
        (DIAL, "Sales could not be reached."),
        (HEARD_ONLY, "Sales did not take the call."),
    ],
)
async def test_a_caller_nobody_took_gets_a_fresh_relay_once(
    bot: Bot, form: dict[str, str], message: str
) -> None:
    await transferred_call()
    await post("/voice/action", **ENDED)
    first = await verbs("/voice/dial/0", **form)
    again = await verbs("/voice/dial/0", **form)
    url = first.find("Connect/ConversationRelay").attrib["url"]  # type: ignore[union-attr]
    assert (
        url.rsplit(".", 2)[0]
        == (
            again.find("Connect/ConversationRelay").attrib["url"].rsplit(".", 2)[0]  # type: ignore[union-attr]
        )
    )
    call = await Call.objects.aget()
    assert (call.reconnects, call.failed_transfers) == (1, 1)
    assert call.transfer["returned"].startswith(message)
    assert (await state())[2].startswith(message)
    token = read_token(url.rsplit("/", 1)[1])
    assert token
    admitted = await admit(*token, fallback=lambda: None)
    assert admitted
    assert admitted.transfer["returned"].startswith(message)
    # Told once; what comes late changes nothing.
    assert (await Call.objects.aget()).transfer == {}
    for path, late in (
        ("/voice/dial/0", form),
        ("/voice/dial/0", TALKED),
        ("/voice/action", ENDED),
    ):
        assert await tags(path, **late) == []
    assert (await Call.objects.aget()).status == "in-progress"


@in_database
async def test_what_came_of_it_stands_with_the_transfer_that_was_made(bot: Bot) -> None:
    call = await transferred_call()
    refused = {"call_id": "call_2", "name": "transfer_call", "failed": True}
    now = timezone.now()
    fixed = {"role": "tool", "text": "transfer_call", "started_at": now}
    await call.turns.acreate(index=2, tool_call=refused, **fixed)
    await post("/voice/action", **ENDED)
    await post("/voice/dial/0", **NO_ANSWER)
    assert (await state())[2].startswith("Sales did not answer.")
    assert (await call.turns.aget(index=2)).tool_call == refused


@in_database
async def test_who_comes_back_has_lost_no_line(bot: Bot) -> None:
    await transferred_call()
    assert await tags("/voice/dial/0", **NO_ANSWER) == ["Connect"]
    call = await Call.objects.aget()
    await admit(call.call_sid, call.relay_nonce, fallback=lambda: None)
    for number in range(MAX_RECONNECTS):
        assert await tags("/voice/action", **{**LOST, "SessionId": f"VX{number}"}) == [
            "Connect"
        ]
        call = await Call.objects.aget()
        await admit(call.call_sid, call.relay_nonce, fallback=lambda: None)
    assert await tags("/voice/action", **{**LOST, "SessionId": "VX9"}) == [
        "Say",
        "Hangup",
    ]


@in_database
async def test_a_line_that_breaks_on_the_way_to_a_person_still_leads_there(
    bot: Bot,
) -> None:
    await transferred_call()
    for _ in range(2):
        assert await tags("/voice/action", **LOST) == ["Dial"]
    assert await tags("/voice/dial/0", **NO_ANSWER) == ["Connect"]
    call = await Call.objects.aget()
    await admit(call.call_sid, call.relay_nonce, fallback=lambda: None)
    assert await tags("/voice/action", **LOST) == []
    assert (await Call.objects.aget()).reconnects == 1


@in_database
@pytest.mark.parametrize("status", ["no-answer", "canceled"])
async def test_a_caller_who_hangs_up_while_it_rings_ends_the_call(
    bot: Bot, status: str
) -> None:
    await transferred_call()
    gone = {**NO_ANSWER, "DialCallStatus": status, "CallStatus": "completed"}
    assert await tags("/voice/dial/0", **gone) == ["Hangup"]
    result = "The caller hung up before Sales took the call."
    assert await state() == ("completed", "caller-hung-up", result)


@in_database
async def test_the_last_word_on_a_call_may_come_before_that_on_its_transfer(
    bot: Bot,
) -> None:
    """In every order, each twice: one end, and the right one."""
    call = await transferred_call()
    accept = f"/voice/accept/{call.pk}/0"
    reports: dict[str, tuple[str, dict[str, str]]] = {
        "action": ("/voice/action", ENDED),
        "dial": ("/voice/dial/0", {**TALKED, "CallStatus": "completed"}),
        "status": ("/voice/status", {**SESSION, "CallStatus": "completed"}),
    }
    for order in permutations(reports):
        await Call.objects.aupdate(
            status="in-progress", end_reason="", ended_at=None, transfer=SALES
        )
        await post(accept, **PERSON, **KEY, Digits="1")
        for name in (*order, *order):
            path, form = reports[name]
            await post(path, **form)
        result = "Sales took the call, which lasted 62 s."
        assert await state() == ("completed", "transferred", result)
        assert (await Call.objects.aget()).transfer == {}


@in_database
async def test_a_session_that_was_replaced_puts_nobody_through(bot: Bot) -> None:
    await ring()
    call = await Call.objects.aget()
    await Call.objects.aupdate(reconnects=1)
    await sync_to_async(write_all)([TransferStarted(call.pk, SALES, 0)])
    assert (await Call.objects.aget()).transfer == {}


@in_database
async def test_the_person_sees_who_calls_or_else_our_number(bot: Bot) -> None:
    for numbers, shown in (
        ({"from_number": "+15005550001"}, "+15005550001"),
        ({"from_number": "anonymous"}, "+15005550006"),
        ({"from_number": "client:kim"}, "+15005550006"),
        ({"direction": "outbound-api", "from_number": "+15005550006"}, "+15005550006"),
        ({"from_number": "sip:a@b", "to_number": "sip:c@d"}, None),
    ):
        await Call.objects.all().adelete()
        await transferred_call()
        await Call.objects.aupdate(**{"direction": "inbound", **numbers})
        (dial,) = await verbs("/voice/action", **ENDED)
        assert dial.attrib.get("callerId") == shown


def test_a_number_of_nobody_is_not_shown() -> None:
    assert caller_id("+0123", "12025550100") == ""
    assert caller_id('+1202"', "+12025550100\n") == ""


@in_database
async def test_without_a_server_to_return_to_the_caller_hears_an_apology(
    bot: Bot, settings: Settings
) -> None:
    settings.REDIS_URL = ""
    await Bot.objects.aupdate(
        goodbye_message="Bye, {{name|you}} from {{caller_number}}."
    )
    await transferred_call()
    active_calls().closing = True
    said, end = await verbs("/voice/dial/0", **NO_ANSWER)
    assert (said.tag, end.tag) == ("Say", "Hangup")
    assert (said.text or "").endswith(" Bye, you from +15005550001.")
    assert (await state())[:2] == ("failed", "server-stopped")


@in_database
@pytest.mark.parametrize("cause", ["the line breaks", "nobody answers"])
async def test_a_bot_that_gives_up_says_so_in_the_language_of_the_call(
    cause: str, bot: Bot, settings: Settings
) -> None:
    settings.REDIS_URL = ""
    await bot.languages.acreate(
        language="de-DE", voice="Johanna", backup_voice="de-DE-Neural2-F"
    )
    call = await transferred_call()
    german = {"name": "switch_language", "arguments": '{"language": "de-DE"}'}
    await call.turns.filter(index=0).aupdate(
        role="tool", text="switch_language", tool_call={"call_id": "call_0", **german}
    )
    active_calls().closing = True
    path, form = "/voice/dial/0", NO_ANSWER
    if cause == "the line breaks":
        await Call.objects.aupdate(transfer={})
        path, form = "/voice/action", LOST
    say, _ = await verbs(path, **form)
    book = phrasebook("de")
    voice = "Google.de-DE-Neural2-F"
    assert say.attrib == {"language": "de-DE", "voice": voice}
    assert say.text == f"{book.line_lost} {book.goodbye_message}"


@in_database
async def test_a_full_server_transfers_to_an_available_target(
    settings: Settings,
) -> None:
    bot = await sync_to_async(numbered)(
        "+15005550006", time_zone="UTC", backup_voice="en-GB-Neural2-A"
    )
    now = timezone.now()
    closed = f"{now + timedelta(days=3):%a} 10:00-11:00"
    await bot.targets.acreate(name="Shut", number="+15005550041", opening_hours=closed)
    await bot.targets.acreate(name="Sales", number="+15005550042", ring_seconds=15)
    settings.MAX_CALLS = 0
    (dial,) = await ring()
    assert (dial.tag, dial.findtext("Number")) == ("Dial", "+15005550042")
    assert dial.attrib["timeout"] == "15"
    await bot.targets.filter(name="Sales").aupdate(opening_hours=closed)
    say, end = await ring(CallSid="CA2")
    assert (say.tag, end.tag) == ("Say", "Hangup")
    assert say.attrib == {"language": "en-GB", "voice": "Google.en-GB-Neural2-A"}


@in_database
@pytest.mark.parametrize("outbound", [False, True])
async def test_nobody_is_transferred_to_a_number_that_a_bot_answers(
    outbound: bool, settings: Settings
) -> None:
    own, another = "+15005550006", "+15005550007"
    bot = await sync_to_async(numbered)(own, transfer_number=own)
    await sync_to_async(numbered)(another)
    await bot.targets.acreate(name="Another bot", number=another)
    # Only the call shows that a number without a row is ours.
    await bot.numbers.all().adelete()
    await Bot.objects.filter(pk=bot.pk).aupdate(is_default=True)
    fields = {"Direction": "outbound-api", "From": own, "To": RINGING["From"]}
    leg = fields if outbound else {}
    await ring(**leg)
    await Call.objects.aupdate(reconnects=MAX_RECONNECTS, relay_nonce="")
    assert await tags("/voice/action", **LOST) == ["Say", "Hangup"]
    settings.MAX_CALLS = 0
    assert [verb.tag for verb in await ring(**leg, CallSid="CA2")] == ["Say", "Hangup"]
    await bot.targets.acreate(name="Ann", number="+15005550042")
    (dial,) = await ring(**leg, CallSid="CA3")
    assert dial.findtext("Number") == "+15005550042"


@in_database
async def test_a_relay_that_keeps_failing_leads_to_an_available_target() -> None:
    notice = {"transfer_notice": "One moment, {{name|please}}{{nobody}}."}
    bot = await sync_to_async(numbered)("+15005550006", **notice)
    await bot.targets.acreate(name="Sales", number="+15005550042")
    await ring()
    await Call.objects.aupdate(reconnects=MAX_RECONNECTS, relay_nonce="")
    await Call.objects.aupdate(variables={"name": "Ann"})
    say, dial = await verbs("/voice/action", **LOST)
    assert (say.tag, dial.findtext("Number")) == ("Say", "+15005550042")
    assert (say.text or "").endswith(" One moment, Ann.")


@in_database
@pytest.mark.parametrize("is_test", [False, True])
def test_who_is_with_a_person_is_not_taken_for_dead(bot: Bot, is_test: bool) -> None:
    call = Call.objects.create(
        call_sid="CA1",
        status="in-progress",
        started_at=timezone.now(),
        transfer=SALES,
        is_test=is_test,
    )

    def looks(ago: timedelta) -> int:
        Call.objects.update(last_seen_at=Now() - ago)
        reaper = Reaper()
        return reaper.run() + reaper.run()

    # Twilio does not report the end of a test call.
    assert looks(STALE_AFTER + timedelta(minutes=5)) == int(is_test)
    assert looks(TRANSFERRED + timedelta(minutes=5)) == int(not is_test)
    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("failed", "connection-lost")


FORMS = st.dictionaries(
    st.sampled_from(
        ["DialCallStatus", "DialBridged", "DialCallDuration", "CallStatus", "Digits"]
    ),
    st.sampled_from(
        ["completed", "answered", "busy", "true", "false", "in-progress", "9" * 40, ""]
    ),
)


@given(FORMS)
def test_no_report_makes_an_unaccepted_call_answered(
    form: dict[str, str],
) -> None:
    parsed = parse_dial_result(Transfer.of(SALES), form)
    assert not parsed.answered
    assert parsed.message
    taken = parse_dial_result(Transfer.of({**SALES, "accepted": True}), form)
    assert taken.answered == (
        form.get("DialCallStatus") in ("completed", "answered")
        and form.get("DialBridged") != "false"
    )


@in_database
async def test_a_number_that_may_not_be_dialled_returns_the_caller_to_the_bot(
    bot: Bot, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TRANSFER_PREFIXES = ["+49", "+15005551"]
    await transferred_call()
    assert await tags("/voice/action", **ENDED) == ["Connect"]
    result = "Sales may not be called from here. The caller is back with you."
    assert await state() == ("in-progress", "", result)
    assert "A transfer to …42 is refused by TRANSFER_PREFIXES" in caplog.text
    assert "+15005550042" not in caplog.text


@in_database
@pytest.mark.parametrize(
    ("prefixes", "verb"), [(["+1500555"], "Dial"), (["+49"], "Say"), ([], "Dial")]
)
async def test_a_busy_line_transfers_to_numbers_with_an_allowed_prefix_only(
    bot: Bot, settings: Settings, prefixes: list[str], verb: str
) -> None:
    await Bot.objects.aupdate(transfer_number="+15005550099")
    settings.TRANSFER_PREFIXES, settings.MAX_CALLS = prefixes, 1
    await ring(CallSid="CA1")
    document = await ring(CallSid="CA2", From="+15005550002")
    assert document[0].tag == verb
