"""Talking to a bot from the desk: who may, and a whole call through its socket."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bots.models import Bot
from bots.profile import Profile
from calls.desk.talk_socket import talk_token
from calls.models import Call
from calls.signatures import new_nonce, relay_token
from calls.switchboard import switchboard
from tests.fake_inworld import FakeInworld
from tests.live import LiveServer
from tests.test_live import closed, turns

pytestmark = pytest.mark.django_db(transaction=True)

CSRF = "c" * 32


@pytest.fixture(autouse=True)
def own_switchboard() -> Iterator[None]:
    switchboard.cache_clear()
    yield
    switchboard.cache_clear()


def make_user(name: str, *permissions: str, **values: Any) -> User:
    user = User.objects.create_user(name, is_staff=values.pop("is_staff", True))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def operator(transactional_db: None) -> User:
    return make_user("olga", "view_bot", "change_bot", "view_call")


@pytest.fixture
def viewer(transactional_db: None) -> User:
    return make_user("vera", "view_bot", "view_call")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class Browser:
    """A logged-in browser on the talk page, as far as the server can tell."""

    def __init__(self, server: LiveServer, user: User | None) -> None:
        self.server = server
        self.cookie = f"csrftoken={CSRF}"
        if user:
            session = client_of(user).cookies["sessionid"].value
            self.cookie = f"{self.cookie}; sessionid={session}"

    async def call(self, bot: Bot) -> dict[str, Any]:
        """Press Call; what the page is told."""
        headers = {"Cookie": self.cookie, "X-CSRFToken": CSRF}
        async with httpx.AsyncClient(base_url=self.server.url) as http:
            answer = await http.post(f"/admin/talk/{bot.pk}/", headers=headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def socket(self, path: str, origin: str | None = "") -> connect:
        """Open a socket from our own page, or from the page of another `origin`."""
        return connect(
            f"ws{self.server.url.removeprefix('http')}{path}",
            origin=self.server.url if origin == "" else origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
        )


open_browser = sync_to_async(Browser)


class Line:
    """The open socket of a call, and every frame that came over it."""

    def __init__(self, socket: ClientConnection, told: dict[str, Any]) -> None:
        self.socket = socket
        self.told = told
        self.frames: list[dict[str, Any]] = []

    async def send(self, kind: str, **values: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **values}))

    async def set_up(self) -> None:
        await self.send("setup", callSid=self.told["callSid"])

    async def receive(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind."""
        async with asyncio.timeout(5):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                self.frames.append(frame)
                if frame["type"] == kind:
                    return frame

    async def hang_up(self) -> None:
        """As the page does it; takes in all that is still told."""
        await self.socket.send('{"type":"desk.hangUp"}')
        with pytest.raises(ConnectionClosed):
            await self.receive("nothing")
        assert self.socket.close_code == 1000

    def turn(self, index: int) -> dict[str, Any]:
        """A turn as it was told last."""
        told = [f for f in self.frames if f["type"] == "desk.turn"]
        return [turn for turn in told if turn["index"] == index][-1]


async def say(line: Line, text: str) -> None:
    await line.send("prompt", voicePrompt=text, lang="en-US", last=True)


async def info(line: Line, name: str, value: str) -> None:
    await line.send("info", name=name, value=value)


# The page


def test_the_page_of_a_bot_is_for_who_may_change_it(
    operator: User, viewer: User, bot: Bot
) -> None:
    path = f"/admin/talk/{bot.pk}/"
    page = client_of(operator).get(path)
    assert "Call Default" in page.content.decode()
    assert not Call.objects.exists()
    assert client_of(viewer).get(path).status_code == 403
    assert client_of(viewer).post(path).status_code == 403
    assert Client().get(path)["Location"].startswith("/admin/login/")
    assert client_of(operator).get("/admin/talk/0/").status_code == 404
    assert client_of(operator).put(path).status_code == 405


def test_the_page_shows_a_hostile_name_as_it_is(operator: User, bot: Bot) -> None:
    Bot.objects.update(name='<script>"{{ x }}', is_active=False)
    page = client_of(operator).get(f"/admin/talk/{bot.pk}/").content.decode()
    assert "Call &lt;script&gt;&quot;{{ x }}" in page
    assert "This bot is switched off for callers" in page


def test_a_call_needs_the_pages_own_token(operator: User, bot: Bot) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post(f"/admin/talk/{bot.pk}/").status_code == 403
    assert not Call.objects.exists()


def test_a_call_runs_with_the_settings_of_this_moment_and_counts_as_a_test(
    operator: User, bot: Bot
) -> None:
    Bot.objects.update(greeting="Just changed.", is_active=False)
    told = client_of(operator).post(f"/admin/talk/{bot.pk}/").json()
    call = Call.objects.get()
    assert told["callSid"] == call.call_sid
    assert told["page"] == f"/admin/calls/call/{call.pk}/change/"
    assert Profile.from_json(call.settings) == Profile.of(Bot.objects.get())
    assert call.settings["greeting"] == "Just changed."
    assert (call.is_test, call.from_number) == (True, "olga (browser)")
    assert not Call.objects.real().exists()


def test_who_may_not_read_calls_gets_no_link_to_this_one(bot: Bot) -> None:
    client = client_of(make_user("eva", "change_bot"))
    assert client.post(f"/admin/talk/{bot.pk}/").json()["page"] == ""


def test_a_full_server_says_so_and_makes_no_call(
    operator: User, bot: Bot, settings: Settings
) -> None:
    settings.MAX_CALLS = 1
    client = client_of(operator)
    assert client.post(f"/admin/talk/{bot.pk}/").status_code == 200
    answer = client.post(f"/admin/talk/{bot.pk}/")
    assert answer.status_code == 503
    assert "MAX_CALLS" in answer.json()["trouble"]
    assert Call.objects.count() == 1


def test_a_server_without_a_key_says_what_to_set(
    operator: User, bot: Bot, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL, settings.INWORLD_API_KEY = (
        settings.INWORLD_PUBLIC_URL,
        "",
    )
    answer = client_of(operator).post(f"/admin/talk/{bot.pk}/")
    assert answer.status_code == 503
    assert "INWORLD_API_KEY" in answer.json()["trouble"]


def test_a_call_whose_page_went_away_is_closed_when_the_next_is_made(
    operator: User, bot: Bot
) -> None:
    client = client_of(operator)
    client.post(f"/admin/talk/{bot.pk}/")
    Call.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    client.post(f"/admin/talk/{bot.pk}/")
    latest, first = Call.objects.all()
    assert (first.status, first.end_reason) == ("failed", "never-connected")
    assert latest.status == "ringing"


# The socket


async def refused(socket: connect) -> bool:
    try:
        async with socket:
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


async def test_the_socket_is_for_the_operator_who_made_the_call_on_our_own_page(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    other = await sync_to_async(make_user)("otto", "change_bot")
    assert await refused((await open_browser(server, None)).socket(path))
    assert await refused((await open_browser(server, other)).socket(path))
    assert await refused(browser.socket(path, origin="https://evil.example"))
    assert await refused(browser.socket(path, origin=None))
    assert await refused(browser.socket(path + "x"))
    assert await refused(browser.socket("/desk/elsewhere"))
    async with browser.socket(path):
        pass


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
async def test_who_is_no_longer_staff_is_refused(
    server: LiveServer,
    inworld: FakeInworld,
    bot: Bot,
    operator: User,
    change: dict[str, bool],
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    await User.objects.filter(pk=operator.pk).aupdate(**change)
    assert await refused(browser.socket(path))


async def test_who_may_not_change_bots_any_more_is_refused(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    await sync_to_async(operator.user_permissions.clear)()
    assert await refused(browser.socket(path))


async def test_the_carriers_token_does_not_open_the_desks_socket_nor_the_other_way(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    sid = (await browser.call(bot))["callSid"]
    assert await refused(browser.socket(f"/desk/talk/{relay_token(sid, new_nonce())}"))
    token = talk_token(sid, operator)
    assert await refused(browser.socket(f"/conversation/{token}"))


async def test_a_token_is_good_for_one_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        await line.receive("play")
        assert await refused(browser.socket(told["socket"]))
        await line.hang_up()
    await closed(told["callSid"])
    assert await refused(browser.socket(told["socket"]))


async def test_a_conversation_with_an_interruption_is_a_call_like_any_other(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.says("One two three four five six.", "Never heard.", seconds=4.0)
    inworld.says("Fine.")
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        await heard(browser, line)
        await say(line, "Count, please")
        await line.receive("play")
        await info(line, "agentSpeaking", "on")
        await line.receive("play")
        await info(line, "clientSpeaking", "on")
        await line.send(
            "interrupt", utteranceUntilInterrupt="", durationUntilInterruptMs=2000
        )
        await info(line, "agentSpeaking", "off")
        await info(line, "clientSpeaking", "off")
        await say(line, "<b>Stop</b>")
        await heard(browser, line)
        await line.hang_up()
    assert line.turn(2)["interrupted"]
    assert line.turn(2)["unheard"].endswith("Never heard.")
    assert line.turn(2)["said"].startswith("One")
    assert line.turn(3)["said"] == "<b>Stop</b>"
    assert "request_sent" in [stage["name"] for stage in line.turn(4)["stages"]]
    over = [frame for frame in line.frames if frame["type"] == "desk.over"]
    assert over == [{"type": "desk.over", "reason": "The caller hung up"}]
    row = await closed(told["callSid"])
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")
    assert row.is_test
    kept = await turns(row)
    assert [turn.role for turn in kept] == ["bot", "caller", "bot", "caller", "bot"]
    assert kept[2].heard_text == line.turn(2)["said"].strip()
    assert not await Call.objects.real().aexists()


async def heard(browser: Browser, line: Line) -> None:
    """Fetch and hear one clip to its end."""
    source = httpx.URL((await line.receive("play"))["source"])
    async with httpx.AsyncClient(base_url=browser.server.url) as http:
        assert (await http.get(source.path)).status_code == 200
    await info(line, "agentSpeaking", "on")
    await info(line, "agentSpeaking", "off")


async def test_keys_are_heard_and_hidden_where_the_bot_hides_them(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.says("Thank you.")
    await Bot.objects.aupdate(mask_keys=True, greeting="")
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        for digit in "42#":
            await line.send("dtmf", digit=digit)
        await line.receive("play")
        await line.hang_up()
    assert "4 2" not in json.dumps(line.frames)
    request = await inworld.request(1)
    assert "4 2" in request.body["messages"][-1]["content"]


async def test_leaving_the_page_hangs_up(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        await line.receive("play")
        await socket.close(1001)
    row = await closed(told["callSid"])
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")


async def test_a_lost_connection_closes_the_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        await line.receive("play")
        socket.transport.abort()
    row = await closed(told["callSid"])
    assert (row.status, row.end_reason) == ("failed", "connection-lost")


async def test_the_bots_goodbye_ends_the_call_and_says_why(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.tts_status = 500
    inworld.reply_with = lambda _: []
    await Bot.objects.aupdate(
        greeting="",
        apology="Nobody has voiced this.",
        transfer_notice="Nor this.",
        transfer_number="+14155550100",
    )
    browser = await open_browser(server, operator)
    told = await browser.call(bot)
    assert told["transfer"] == "+14155550100"
    async with browser.socket(told["socket"]) as socket:
        line = Line(socket, told)
        await line.set_up()
        for _ in range(2):
            await say(line, "Hello?")
            await line.receive("text")
            await info(line, "agentSpeaking", "on")
            await info(line, "agentSpeaking", "off")
        end = await line.receive("end")
        await socket.close(1000)
    assert json.loads(end["handoffData"]) == {"transfer": True}
    reasons = [f["reason"] for f in line.frames if f["type"] == "desk.over"]
    assert reasons == ["The caller was put through"]
    assert (await closed(told["callSid"])).end_reason == "transferred"
