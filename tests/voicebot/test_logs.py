"""The format of the log, and what is redacted."""

import json
import logging
import re
import sys
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from calls.logs import CallLog
from tests.conftest import numbered
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import DONE, FakeInworld, Status, error, speech
from tests.support.live import LiveServer, running
from voicebot.log_format import JsonFormatter, RedactingFormatter, secrets_in

make_bot = sync_to_async(numbered)

SID = "CA" + "0123456789abcdef" * 2


def record(message: str, *args: object, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("calls.x", logging.INFO, "x.py", 1, message, args, None)
    made.__dict__ |= extra
    return made


def failed_with(raised: BaseException) -> logging.LogRecord:
    made = record("It failed")
    try:
        raise raised
    except BaseException:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("Call from +15005550001.", "Call from +•••0001."),
        ("From=%2B15005550001&To=1", "From=%2B•••0001&To=1"),
        ("sip:+442079460123@example.com", "sip:+•••0123@example.com"),
        ("Authorization: Basic dGVzdDprZXk=", "Authorization: Basic •••"),
        ("'bearer abcdefgh12345'", "'bearer •••'"),
        ("GET /audio/Ab_c-123?x=1 404", "GET /audio/•••?x=1 404"),
        ("wss://h/conversation/Ab:c.d-1", "wss://h/conversation/•••"),
        ("the key key-12345 and more", "the key ••• and more"),
        ("exception=ValueError('my pin')>", "exception=ValueError(•••)>"),
        ("3 calls at 10:15, +12 more", "3 calls at 10:15, +12 more"),
    ],
)
def test_confidential_text_is_redacted(said: str, stands: str) -> None:
    for formatter in (RedactingFormatter(["key-12345"]), JsonFormatter(["key-12345"])):
        assert stands in formatter.format(record("%s", said))


def test_a_short_secret_takes_no_words_out() -> None:
    assert "sandbox" in RedactingFormatter(["", "sandbox"]).format(
        record("the sandbox")
    )


def test_text_from_outside_starts_no_log_line() -> None:
    line = RedactingFormatter().format(
        record("Call %s", "x\r\n2026-01-01 ERROR forged")
    )
    assert line.count("\n") == 0


def test_a_long_message_is_cut_and_half_a_secret_is_not_left() -> None:
    secret = "k7Qz-3vX9-pLr2Tn8"
    for kind in (RedactingFormatter, JsonFormatter):
        for length in range(1900, 2020):
            line = kind([secret]).format(
                record("Not Found: /%s", "x" * length + secret)
            )
            assert "k7Q" not in line
        assert len(kind().format(record("Not Found: /%s", "x" * 16_000))) < 2200


def test_json_has_an_object_a_line_with_the_call_if_there_is_one() -> None:
    entry = json.loads(JsonFormatter().format(record("One\ntwo %d", 2)))
    assert (entry["level"], entry["logger"]) == ("INFO", "calls.x")
    assert entry["message"] == "One\ntwo 2"
    assert entry["time"].endswith("+00:00")
    assert "call_sid" not in entry
    named = json.loads(JsonFormatter().format(record("Call %s turned away", SID)))
    assert named["call_sid"] == SID
    text = json.loads(JsonFormatter().format(record("Told", call_sid="any")))
    assert text["call_sid"] == "any"
    assert "\n" not in JsonFormatter().format(record("One\ntwo"))


def test_the_log_of_a_call_names_it_in_both_forms(
    caplog: pytest.LogCaptureFixture,
) -> None:
    CallLog(logging.getLogger("calls.x"), SID).warning("Here", extra={"more": 1})
    (written,) = caplog.records
    assert RedactingFormatter().format(written).endswith(f"calls.x: {SID}: Here")
    assert json.loads(JsonFormatter().format(written))["call_sid"] == SID


@pytest.mark.parametrize("formatter", [RedactingFormatter(), JsonFormatter()])
def test_an_error_is_logged_with_its_place_and_without_quoted_values(
    formatter: RedactingFormatter,
) -> None:
    text = formatter.format(failed_with(ValueError("my pin is 4711")))
    assert "ValueError" in text
    assert "in failed_with" in text
    assert "4711" not in text
    assert "Connection refused" in formatter.format(
        failed_with(OSError("Connection refused"))
    )


def test_errors_that_led_to_an_error_are_logged_the_same_way() -> None:
    group = ExceptionGroup("words", [KeyError("my pin"), OSError("disk full")])
    outer = RuntimeError("gave up")
    outer.__cause__ = group
    text = RedactingFormatter().format(failed_with(outer))
    assert "my pin" not in text
    assert [*re.findall(r"^(\w+): ", text, re.MULTILINE)] == [
        *("KeyError", "OSError", "ExceptionGroup", "RuntimeError")
    ]
    assert "disk full" in text


def test_a_database_quotes_no_row() -> None:
    from django.db import DataError, IntegrityError

    detail = "violates a constraint\nDETAIL:  Failing row contains (my pin)."
    text = RedactingFormatter().format(failed_with(IntegrityError(detail)))
    assert "violates a constraint" in text
    assert "my pin" not in text
    assert "my pin" not in RedactingFormatter().format(
        failed_with(DataError("bad: my pin"))
    )


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("redis://:p%40ss@host:6379/0", {"p%40ss", "p@ss"}),
        ("redis://name:secret@host", {"secret"}),
        ("redis://host:6379/0", {""}),
        ("", {""}),
    ],
)
def test_the_password_in_an_address_is_found(url: str, password: set[str]) -> None:
    assert set(secrets_in(url)) == password


KEY, TOKEN = "aW53b3JsZDprZXk5OQ==", "the-metrics-token-4242"
CALLER, NUMBER = "+15005557788", "+15005559911"
SECRET_WORDS = ("aardvark", "zeppelin", "quokka", "xylophone")
PIN = "847362"


async def make_confidential_calls(live: LiveServer, inworld: FakeInworld) -> set[str]:
    """Make calls with confidential content; return more text that no log may have."""
    await make_bot(
        NUMBER, greeting="Hello from the zeppelin.", apology_message="No quokka today."
    )
    inworld.tts_script = [Status(400, "Cannot speak: Hello from the zeppelin.")]
    inworld.answers([Status(400, "refused: my aardvark is ill")])
    inworld.answers([*speech("The xylophone."), error("quoting: my aardvark is ill")])
    inworld.answers([*speech("The xylophone again."), DONE])
    async with dial(live, to=NUMBER, from_=CALLER) as call:
        await call.reply()
        await call.say("My aardvark is ill")
        heard = await call.reply()
        await call.press(f"{PIN}#")
        heard += await call.reply()
        await call.send_raw('{"type": "prompt", "voicePrompt": ["aardvark"]}')
        await call.send_raw("aardvark, not JSON")
        await call.interrupt("My aardvark again")
        await call.reply()
    await closed(call.call_sid)
    return {sound.source.rsplit("/", 1)[-1] for sound in heard if sound.source}


async def send_secrets_to_every_page(live: LiveServer) -> None:
    """Send requests with secrets, as a stranger."""
    async with httpx.AsyncClient(base_url=live.url) as http:
        form = {"CallSid": SID, "From": CALLER, "To": NUMBER, "SpeechResult": "quokka"}
        unsigned = await http.post("/voice", data=form, headers={"Authorization": KEY})
        assert unsigned.status_code == 403
        await http.get("/audio/somebodys-clip-id-123456")
        await http.get(f"/nothing/here?from={CALLER}")
        await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"})
    socket = live.url.replace("http", "ws")
    with pytest.raises(InvalidStatus):
        async with connect(f"{socket}/conversation/a-token-of-somebodys"):
            pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("level", "form"), [("DEBUG", "json"), ("INFO", "text")])
async def test_a_server_logs_no_secret_no_number_and_no_word_of_a_call(
    database_url: str, inworld: FakeInworld, level: str, form: str
) -> None:
    secret_key = uuid4().hex * 2
    async with running(
        DATABASE_URL=database_url,
        INWORLD_BASE_URL=inworld.url,
        INWORLD_API_KEY=KEY,
        SECRET_KEY=secret_key,
        METRICS_TOKEN=TOKEN,
        LOG_LEVEL=level,
        LOG_FORMAT=form,
    ) as live:
        clip_ids = await make_confidential_calls(live, inworld)
        await send_secrets_to_every_page(live)
    assert clip_ids
    assert "failed at Inworld" in live.output
    for word in (*SECRET_WORDS, PIN, " ".join(PIN), KEY, TOKEN, secret_key):
        assert word.lower() not in live.output.lower(), word
    for hidden in (CALLER[2:], NUMBER[2:], "somebodys", *clip_ids):
        assert hidden not in live.output, hidden
    if form == "json":
        check_lines(live.lines)


def check_lines(lines: list[str]) -> None:
    """Every entry is an object, and those about a call name it."""
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    assert {entry["level"] for entry in entries} >= {"DEBUG", "WARNING"}
    of_calls = [
        entry
        for entry in entries
        if re.search(
            r"failed at Inworld|fixed sentence|frame ignored", entry["message"]
        )
    ]
    assert len({entry["message"] for entry in of_calls}) >= 2
    assert all(entry["call_sid"].startswith("CA") for entry in of_calls)
