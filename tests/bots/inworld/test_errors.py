"""Errors at Inworld, and the exception that each becomes."""

import base64
from typing import Any

import pytest

from bots.inworld import sse
from bots.inworld.client import Inworld
from bots.inworld.errors import (
    BadCredentials,
    InworldRejected,
    InworldTimeout,
    InworldUnavailable,
    RateLimited,
    StreamFailed,
    StreamTruncated,
)
from bots.inworld.events import Done, Event, Transcript
from tests.support.inworld.replies import IMPATIENT, KEY, VOICING, replied, words
from tests.support.inworld.server import (
    DONE,
    ROLE,
    Cut,
    FakeInworld,
    Pause,
    Status,
    Step,
    content,
    error,
    finish,
    tone,
    transcript,
    usage,
    wav,
)
from tests.support.sound_files import SOUND_FILES, stereo


@pytest.mark.parametrize(
    ("status", "kind", "named", "retryable"),
    [
        (302, InworldRejected, "rejected", False),
        (400, InworldRejected, "rejected", False),
        (401, BadCredentials, "credentials", False),
        (402, InworldRejected, "rejected", False),
        (403, BadCredentials, "credentials", False),
        (404, InworldRejected, "rejected", False),
        (429, RateLimited, "rate-limited", True),
        (500, InworldRejected, "rejected", True),
        (503, InworldRejected, "rejected", True),
    ],
)
async def test_an_error_status_is_named(
    status: int,
    kind: type[InworldRejected],
    named: str,
    retryable: bool,
    fake: FakeInworld,
    inworld: Inworld,
) -> None:
    fake.answers([Status(status, {"error": {"message": "no credit", "code": 1}})])
    with pytest.raises(InworldRejected) as raised:
        await replied(inworld)
    assert type(raised.value) is kind
    assert (raised.value.kind, raised.value.retryable) == (named, retryable)
    assert (raised.value.status, raised.value.message) == (status, "no credit")
    assert str(raised.value) == f"Inworld answered {status}: no credit"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"code": 16, "message": "unauthenticated", "details": []}, "unauthenticated"),
        ({"error": "bad gateway"}, "bad gateway"),
        ({"error": {"message": None}, "message": "second"}, "second"),
        ({"error": {"message": "a\ud83d"}}, "a?"),
        ({"detail": "?"}, '{"detail": "?"}'),
        ("<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
        ("[1]", "[1]"),
        ("x" * 1_000, "x" * 300),
        ("", "no explanation"),
    ],
)
async def test_the_message_of_an_error(
    body: dict[str, Any] | str, message: str, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([Status(500, body)])
    with pytest.raises(InworldRejected) as raised:
        await replied(inworld)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2.0), ("0.5", 0.5), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
async def test_how_long_to_wait_after_a_rate_limit(
    header: str | None, seconds: float | None, fake: FakeInworld, inworld: Inworld
) -> None:
    headers = {"Retry-After": header} if header else {}
    fake.answers([Status(429, headers=headers)])
    with pytest.raises(RateLimited) as raised:
        await replied(inworld)
    assert raised.value.retry_after == seconds


async def test_an_error_in_the_stream_follows_the_events_before_it(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([content("Hello"), error("upstream provider failed", 502), DONE])
    events: list[Event] = []
    with pytest.raises(StreamFailed, match="upstream provider failed") as raised:
        await replied(inworld, events)
    assert raised.value.code == "502"
    assert raised.value.retryable
    assert words(events) == "Hello"


@pytest.mark.parametrize(
    "end",
    [[], [Cut()], [content(" there").rstrip()], [content(" there").rstrip(), Cut()]],
)
async def test_a_stream_cut_short_yields_what_came(
    end: list[Step], fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([ROLE, content("Hello"), transcript("Hello"), *end])
    events: list[Event] = []
    with pytest.raises(StreamTruncated) as raised:
        await replied(inworld, events)
    assert raised.value.retryable
    assert Transcript("Hello") in events
    assert words(events) == ("Hello there" if end and end[0] != Cut() else "Hello")


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "length"])
@pytest.mark.parametrize("end", [[], [Cut()]])
async def test_a_reply_that_says_that_it_is_complete_needs_no_mark(
    reason: str, end: list[Step], fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([ROLE, content("Hello <"), finish(reason), usage(), *end])
    events: list[Event] = []
    await replied(inworld, events)
    assert events[-1] == Done()
    assert words(events) == "Hello <"


async def test_a_last_line_without_newline_still_counts(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([content("Hello"), DONE.strip(), Cut()])
    assert (await replied(inworld))[-1] == Done()


@pytest.mark.parametrize(
    "page",
    [
        Status(200, {"error": {"message": "gateway says no"}}),
        Status(200, "<p>gateway says no</p>", {"Content-Type": "text/html; charset=x"}),
    ],
)
async def test_a_page_instead_of_a_stream_is_an_error(
    page: Status, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([page])
    with pytest.raises(StreamFailed, match="gateway says no"):
        await replied(inworld)


async def test_an_endless_event_is_an_error(
    fake: FakeInworld, inworld: Inworld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    fake.answers([b"data: " + b"x" * 2_000, Pause()])
    with pytest.raises(StreamFailed, match="over 1000 bytes"):
        await replied(inworld)


async def test_nobody_listening_is_unavailable() -> None:
    async with FakeInworld() as fake:
        url = fake.url
    inworld = Inworld(url, KEY)
    with pytest.raises(InworldUnavailable) as raised:
        await replied(inworld)
    assert (raised.value.kind, raised.value.retryable) == ("unavailable", True)
    await inworld.aclose()


async def test_a_connection_closed_before_any_answer_is_unavailable(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([Cut()])
    with pytest.raises(InworldUnavailable):
        await replied(inworld)


@pytest.mark.parametrize("script", [[Pause()], [ROLE, Pause()]])
async def test_silence_is_a_timeout(script: list[Step], fake: FakeInworld) -> None:
    inworld = Inworld(fake.url, KEY, timeout=IMPATIENT)
    fake.answers(script)
    with pytest.raises(InworldTimeout) as raised:
        await replied(inworld)
    assert (raised.value.kind, raised.value.retryable) == ("timeout", True)
    await inworld.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        Status(200, {}),
        Status(200, {"audioContent": None}),
        Status(200, {"audioContent": "?"}),
        Status(200, {"audioContent": ""}),
        Status(200, {"audioContent": "UklGRgAAAABXQVZF"}),
        Status(200, "[]"),
        Status(200, "<p>gateway says no</p>"),
    ],
)
async def test_a_voice_without_audio_is_an_error(
    answer: Status, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.tts_script = [answer]
    with pytest.raises(StreamFailed):
        await inworld.speak(VOICING)


NOT_SPEECH = {
    **SOUND_FILES,
    "without sound": wav(b"", 8000),
    "2 channels": stereo(),
    "158 of 160 bytes": wav(tone(0.01, 8000), 8000)[:-2],
}


@pytest.mark.parametrize("name", NOT_SPEECH)
async def test_speech_that_is_no_sound_is_an_error(
    name: str, fake: FakeInworld, inworld: Inworld
) -> None:
    encoded = base64.b64encode(NOT_SPEECH[name]).decode()
    fake.tts_script = [Status(200, {"audioContent": encoded})]
    with pytest.raises(StreamFailed, match=f"cannot be played: .*{name}"):
        await inworld.speak(VOICING)


async def test_a_voice_cut_short_is_unavailable(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.tts_script = [b'{"audioContent":"', Cut()]
    with pytest.raises(InworldUnavailable):
        await inworld.speak(VOICING)
