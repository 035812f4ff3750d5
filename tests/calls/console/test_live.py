"""The live page's socket: calls as they are spoken, and an operator's hand in them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import time

import pytest
from asgiref.sync import sync_to_async
from autobahn.exception import Disconnected
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from websockets.exceptions import InvalidStatus

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.accounts.idle import LAST_SEEN
from calls.console.live.consumer import NO_ANSWER, NOT_ALLOWED, LiveConsumer
from calls.conversation.dtmf import MASKED
from calls.models import Call
from tests.end_to_end.test_live import closed, dial, make_bot, turns
from tests.support.inworld.server import DONE, FakeInworld, Pause, speech
from tests.support.live import LiveServer
from tests.support.pages.live import (
    TIMEOUT,
    Update,
    cookie_with,
    operator,
    page_socket,
    said,
    watching,
)

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550060"


async def test_words_appear_as_they_are_spoken_and_not_what_was_not_heard(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    first, second = "This first sentence takes a while.", "This one is never heard."
    inworld.answers([*speech(first, second, seconds=3.0), Pause(), DONE])
    inworld.says("All right.")
    async with (
        watching(server, await operator()) as viewer,
        dial(server, fast=False) as call,
    ):
        sid = call.call_sid
        await viewer.sees(sid, lambda seen: seen["state"]["doing"] == "speaking")
        await call.reply()
        await viewer.sees(sid, lambda seen: seen["state"]["doing"] == "listening")
        partial = {"type": "prompt", "voicePrompt": "Tell", "last": False}
        await call.send_raw(json.dumps(partial))
        await viewer.sees(sid, lambda seen: seen["state"]["partial"] == "Tell")
        await call.say("Tell me.")
        seen = await viewer.sees(sid, lambda seen: len(seen["turns"]) == 3)
        assert said(seen)[:2] == [
            ("bot", bot.greeting, ""),
            ("caller", "Tell me.", ""),
        ]
        assert seen["state"]["partial"] == ""
        assert await call.interrupt("Stop!", after=0.6)
        await call.reply()
        seen = await viewer.sees(sid, lambda seen: seen["turns"][2]["cut"])
        seen = await viewer.sees(sid, lambda seen: seen["turns"][2]["missed"])
        cut = seen["turns"][2]
        assert first.startswith(cut["heard"])
        assert cut["heard"] + cut["missed"] == f"{first} {second}"
        await call.hang_up()
        seen = await viewer.sees(sid, lambda seen: "ended" in seen)
    assert seen["ended"] == "The caller hung up"
    assert seen["about"]["bot"] == bot.name
    assert seen["about"]["from"] == "+15005550001"


async def test_partial_words_are_shown_and_neither_answered_nor_stored(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    """Twilio sends them for the model `flux`, also while the caller interrupts."""
    await Bot.objects.filter(pk=bot.pk).aupdate(speech_model="flux")
    inworld.answers([*speech("This takes a while.", seconds=1.5), DONE])
    inworld.says("All right.")
    async with (
        watching(server, await operator()) as viewer,
        dial(server, fast=False) as call,
    ):
        sid = call.call_sid
        await call.reply()
        await call.say("Tell me.")
        await viewer.sees(sid, lambda seen: len(seen["turns"]) == 3)
        assert await call.interrupt("Please stop.", after=0.3)
        await viewer.sees(sid, lambda seen: len(seen["turns"]) == 5)
        await call.reply()
        await call.hang_up()
    partials = ["Te", "Tell me", "Tell me.", "Ple", "Please sto", "Please stop."]
    assert list(dict.fromkeys(viewer.partials)) == partials
    stored = await turns(await closed(sid))
    words = [turn.text for turn in stored if turn.role == "caller"]
    assert words == ["Tell me.", "Please stop."]
    assert len(inworld.chats) == 2


async def test_a_viewer_who_comes_late_gets_the_words_so_far(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("At nine.")
    async with dial(server) as call:
        await call.reply()
        await call.say("When?")
        await call.reply()
        async with watching(server, await operator()) as viewer:
            seen = await viewer.sees(call.call_sid, lambda seen: True)
            assert said(seen) == [
                ("bot", bot.greeting, ""),
                ("caller", "When?", ""),
                ("bot", "At nine.", ""),
            ]
            assert seen["about"]["seconds"] > 0


async def test_hidden_keys_are_hidden_from_viewers_too(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, mask_dtmf=True)
    async with (
        watching(server, await operator()) as viewer,
        dial(server, to=NUMBER) as call,
    ):
        await call.reply()
        await call.press("4711")
        seen = await viewer.sees(call.call_sid, lambda seen: seen["state"]["keys"])
        assert seen["state"]["keys"] == MASKED
        await call.press("#")
        seen = await viewer.sees(call.call_sid, lambda seen: len(seen["turns"]) > 1)
    assert said(seen)[1] == ("caller", MASKED, "")
    assert "4711" not in json.dumps(seen)
    assert "4 7 1 1" not in json.dumps(seen)


async def test_an_operators_line_is_said_next_and_the_model_knows_it(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    line = 'A colleague is "joining" {us} <b>now</b>.'
    async with watching(server, await operator()) as viewer, dial(server) as call:
        await call.reply()
        assert await viewer.command("say-next", call.call_sid, f" {line}\n") == ""
        await call.hears(2)
        await call.say("Fine.")
        await call.reply()
        seen = await viewer.sees(call.call_sid, lambda seen: len(seen["turns"]) == 4)
        assert [turn["operator"] for turn in seen["turns"].values()] == [
            *(False, True, False, False)
        ]
    (message,) = [
        m for m in (await inworld.request()).body["messages"] if line in str(m)
    ]
    assert message["role"] == "assistant"
    turn = (await turns(await closed(call.call_sid)))[1]
    assert (turn.role, turn.heard_text, turn.kind) == ("bot", line, "operator")
    entry = await LogEntry.objects.select_related("user").aget()
    assert (entry.user.username, entry.object_repr) == ("Olga", call.call_sid)
    assert line in entry.change_message


async def test_an_operators_line_interrupts_the_bot_and_its_fate_is_told(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([*speech("First one.", "Second.", "Third.", seconds=20.0), DONE])

    def queued(seen: Update) -> int:
        return sum(len(turn["pieces"]) for turn in seen["state"]["saying"])

    def states(seen: Update) -> list[tuple[str, str]]:
        return [(line["id"], line["state"]) for line in seen["state"]["lines"]]

    async with watching(server, await operator()) as viewer, dial(server) as call:
        sid = call.call_sid
        await call.reply()
        await call.say("Tell me.")
        assert await call.speaking(0.2)  # of the first sentence, and no more
        await viewer.sees(sid, lambda seen: queued(seen) == 3)
        assert await viewer.command("say-now", sid, "Stop here.") == ""
        (line,) = viewer.lines.values()
        await viewer.sees(sid, lambda seen: states(seen) == [(line, "saying")])
        await call.reply()
        seen = await viewer.sees(sid, lambda seen: states(seen) == [(line, "said")])
        assert said(seen)[2:] == [
            ("bot", "First one.", " Second. Third."),
            ("bot", "Stop here.", ""),
        ]
        await call.hang_up()
        await viewer.sees(sid, lambda seen: "ended" in seen)
    entry = await LogEntry.objects.aget()
    assert entry.change_message == "Live: asked the bot to say “Stop here.” now"


async def test_an_operator_ends_a_call_with_the_bots_goodbye(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with watching(server, await operator()) as viewer, dial(server) as call:
        await call.reply()
        assert await viewer.command("end", call.call_sid) == ""
        await call.ends()
        assert len(call.heard) == 2
        seen = await viewer.sees(call.call_sid, lambda seen: "ended" in seen)
        assert seen["ended"] == "An operator ended the call"
        assert await viewer.command("end", call.call_sid) == "The call is over."
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "operator-ended")
    assert (await turns(row))[-1].heard_text == phrasebook("en").goodbye_message


async def test_asked_again_to_end_a_call_ends_at_once(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with watching(server, await operator()) as viewer, dial(server) as call:
        assert await call.speaking(0.2)
        assert await viewer.command("end", call.call_sid) == ""
        refused = await viewer.command("say-next", call.call_sid, "Too late")
        assert refused == "The call is ending already."
        assert await viewer.command("end", call.call_sid) == ""
        await call.ends()
    assert len(call.heard) == 1  # the greeting, and no goodbye
    assert (await closed(call.call_sid)).end_reason == "operator-ended"


async def test_a_caller_is_transferred_where_the_bot_has_a_number_for_it(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    await make_bot(NUMBER, transfer_number="+15005550099")
    async with watching(server, await operator()) as viewer:
        async with dial(server) as call:
            await call.reply()
            refused = await viewer.command("transfer", call.call_sid)
            assert "nobody to transfer callers to" in refused
        async with dial(server, to=NUMBER) as call:
            await call.reply()
            assert await viewer.command("transfer", call.call_sid) == ""
            await call.ends()
        assert call.dialled == "+15005550099"
    assert (await closed(call.call_sid)).end_reason == "transferred"


async def test_only_staff_who_may_read_calls_see_them_and_only_from_our_page(
    server: LiveServer, bot: Bot
) -> None:
    password_only = await cookie_with("view_call", name="no-code")
    user = await User.objects.aget(username="no-code")
    await TOTPDevice.objects.acreate(user=user, confirmed=True)
    cookies = [
        "",
        password_only,
        await cookie_with("view_call", name="no-staff", staff=False),
        await cookie_with("view_bot", name="no-calls"),
    ]
    for cookie in cookies:
        with pytest.raises(InvalidStatus):
            await page_socket(server, cookie)
    with pytest.raises(InvalidStatus):
        await page_socket(server, await operator(), origin="https://evil.example")


async def test_a_viewer_may_look_and_not_touch(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with (
        watching(server, await cookie_with("view_call")) as viewer,
        dial(server) as call,
    ):
        await call.reply()
        for what in ("say-now", "say-next", "end", "transfer"):
            refused = await viewer.command(what, call.call_sid, "Hello")
            assert "not control it" in refused
        await call.say("Still there?")
        assert await call.reply()
    assert not await LogEntry.objects.aexists()


@pytest.mark.parametrize(
    ("what", "text", "words"),
    [
        ("say-now", "  \n\x00", "Write what"),
        ("say-next", "x" * 100_000, "500 characters"),
        ("dance", "", "not understood"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_in_words(
    server: LiveServer, bot: Bot, what: str, text: str, words: str
) -> None:
    text = text[:60_000]  # what a frame may hold
    async with watching(server, await operator()) as viewer, dial(server) as call:
        await call.reply()
        assert words in await viewer.command(what, call.call_sid, text)


async def test_frames_nobody_understands_leave_the_page_connected(
    server: LiveServer, bot: Bot
) -> None:
    junk = ["", "[", "7", "{}", '{"want":7}', '{"want":[{}]}', "[" * 10_000]
    junk += ['{"do":1}', '{"do":"end","call":[],"command":{}}', r'{"want":["\ud800"]}']
    junk.append(
        r'{"do":"say-now","call":"\ud800","command":"\ud800","text":"\ud800\u0007"}'
    )
    async with watching(server, await operator()) as viewer:
        for text in junk:
            await viewer.socket.send(text)
        await viewer.socket.send(b"\x00")
        assert "over" in await viewer.command("end", "CA-unknown")


async def test_an_open_call_whose_server_does_not_answer_is_said_to_be_out_of_reach(
    server: LiveServer, bot: Bot
) -> None:
    lost = await Call.objects.acreate(
        call_sid="CAlost", status="in-progress", started_at="2026-01-01T00:00:00Z"
    )
    async with watching(server, await operator()) as viewer:
        assert await viewer.command("end", lost.call_sid) == NO_ANSWER


async def test_the_page_is_for_those_who_may_read_calls(bot: Bot) -> None:
    def status(cookie: str) -> int:
        client = Client()
        client.cookies.load(cookie)
        return client.get("/admin/live/").status_code

    allowed = await cookie_with("view_call", name="a")
    assert await sync_to_async(status)(allowed) == 200
    refused = await cookie_with("view_bot", name="b")
    assert await sync_to_async(status)(refused) == 403


@sync_to_async
def switch_off() -> None:
    User.objects.update(is_active=False)


@sync_to_async
def log_out() -> None:
    Session.objects.all().delete()


@sync_to_async
def change_password() -> None:
    user = User.objects.get()
    user.set_password("another")
    user.save()


@sync_to_async
def go_away() -> None:
    """Leave the page open for longer than the session allows."""
    set_last_seen(idle_for=2 * settings.SESSION_IDLE_SECONDS)


def set_last_seen(idle_for: int) -> None:
    (row,) = Session.objects.all()
    session = SessionStore(row.session_key)
    session[LAST_SEEN] = int(time()) - idle_for
    session.save()


def last_seen() -> int:
    (row,) = Session.objects.all()
    return int(row.get_decoded()[LAST_SEEN])


async def test_a_command_counts_as_activity_and_watching_does_not(
    server: LiveServer, bot: Bot
) -> None:
    async with watching(server, await operator()) as viewer, dial(server) as call:
        await call.reply()
        await viewer.sees(call.call_sid, lambda seen: seen["turns"])
        await sync_to_async(set_last_seen)(idle_for=600)
        await viewer.send(want=[call.call_sid])
        assert await viewer.command("transfer", call.call_sid) != ""
        assert time() - await sync_to_async(last_seen)() < 60


@pytest.mark.parametrize("leave", [switch_off, log_out, change_password, go_away])
async def test_a_user_who_lost_access_is_disconnected(
    server: LiveServer, bot: Bot, leave: Callable[[], Awaitable[None]]
) -> None:
    async with page_socket(server, await operator()) as socket:
        await leave()
        async with asyncio.timeout(TIMEOUT):
            await socket.wait_closed()
        assert socket.close_code == NOT_ALLOWED


async def test_a_message_to_a_page_that_was_just_left_is_no_error() -> None:
    consumer = LiveConsumer()
    consumer.outbox = asyncio.Queue()
    consumer.outbox.put_nowait({"calls": []})

    async def refuse(message: object) -> None:
        raise Disconnected("Attempt to send on a closed protocol")

    consumer.base_send = refuse
    await consumer._send_outbox()
    assert consumer.outbox.empty()
