"""Each question reads its answer from a trace, and admits that it has none."""

from collections.abc import Callable

import pytest

from calls.trace.questions import NOT_SEEN, QUESTIONS, Row, answers
from calls.trace.table import conclusion, table
from tests.support.traces import TraceBuilder

WORDS = "We are open every day from nine to five, and on Sundays until noon. " * 2


def row(number: int, builder: TraceBuilder) -> Row:
    return next(row for row in answers(builder.trace()) if row.number == number)


def call() -> TraceBuilder:
    return TraceBuilder().opened(llm_model="openai/first", temperature=0.7)


def protected(at: float = 1.0) -> TraceBuilder:
    """A call with a consent message of four seconds."""
    return call().plays(at, "consent", 4.0, interruptible=False).fetches(at, "consent")


def interrupted(reported_ms: float, fetched_later: bool = False) -> TraceBuilder:
    """The second of three clips is interrupted after one second."""
    builder = call()
    for place, clip in enumerate(("one", "two", "three")):
        builder.plays(1.0 + place / 10, clip, 2.0)
    builder.fetches(1.0, "one").fetches(3.0, "two").speaking(1.05, on=True)
    builder.hears(4.05, "interrupt", durationUntilInterruptMs=reported_ms)
    return builder.fetches(5.0, "three") if fetched_later else builder


def said_itself() -> TraceBuilder:
    return call().sends(1.0, "text", token="Hello.", last=True)


def ended(last_report: bool) -> TraceBuilder:
    builder = call().plays(1.0, "bye", 2.0).fetches(1.0, "bye").speaking(1.1, on=True)
    if last_report:
        builder.speaking(3.1, on=False)
    return builder.sends(3.5, "end")


def heard(seconds: float, reported_at: float = 1.05) -> TraceBuilder:
    builder = call().plays(1.0, "one", 4.0).fetches(1.0, "one")
    builder.speaking(reported_at, on=True)
    return builder.speaking(reported_at + seconds, on=False)


def answered(seconds: float) -> TraceBuilder:
    return call().asks_model(0.5).plays(1.0, "one", seconds, WORDS)


def twice(*fetches: float) -> TraceBuilder:
    builder = call().plays(1.0, "six", 1.0).plays(5.0, "six", 1.0)
    for at in fetches:
        builder.fetches(at, "six")
    return builder


GOOD: dict[int, tuple[Callable[[], TraceBuilder], str]] = {
    1: (protected, "1 protected sentence (interruptible: False), none refused."),
    2: (lambda: answered(8.0), "0.38 s a word in 8.0 s of speech."),
    3: (
        lambda: interrupted(1000),
        "1000 ms reported, 1000 ms by our clock, 1 queued clip not played. "
        "agentSpeaking is reported.",
    ),
    4: (
        lambda: call().fetches(1.0, "one").fetches(2.0, "two", took_ms=31.4),
        "2 downloads without a failure, the slowest took 31 ms.",
    ),
    5: (said_itself, "It said 1 sentence in en-US, and the session went on."),
    6: (lambda: ended(True), "Twilio was silent for 0.4 s when the session ended."),
    7: (lambda: heard(4.2), "Clips of 4.0 s played for 4.2 s."),
    8: (
        lambda: twice(1.0, 5.0),
        "2 downloads of 2 clips, 1 of them played again.",
    ),
    9: (
        lambda: protected().hears(2.05, "prompt", voicePrompt="Yes."),
        "Words arrived 1.0 s after it began, and it played on.",
    ),
    10: (
        lambda: call().asks_model(1.0).answers(2.0, model="openai/second"),
        "Yes: openai/first was asked, openai/second answered.",
    ),
    11: (
        lambda: call().asks_model(1.0).answers(2.0, model="openai/first"),
        "temperature 0.7: 1 reply, none failed because of one.",
    ),
    12: (
        lambda: (
            call()
            .add(10, "twiml", document="<Response><Dial>")
            .posts(15, "/voice/dial/0", DialCallStatus="busy", DialBridged="false")
        ),
        "DialCallStatus busy, DialBridged false after 5.0 s.",
    ),
}

REFUSED = "Invalid message received, code: 64107, {“type”: “play”}"
BAD: dict[int, tuple[Callable[[], TraceBuilder], str, str]] = {
    1: (
        lambda: protected().hears(1.1, "error", description=REFUSED),
        "64107",
        "Consent message",
    ),
    2: (lambda: answered(40.0), "s a word", "INWORLD_REPLY_SAMPLE_RATE"),
    3: (lambda: interrupted(3000), "3000 ms reported, 1000 ms", "START_DELAY"),
    4: (
        lambda: (
            call()
            .fetches(1.0, "one", status=503)
            .posts(3.0, "/voice/action", SessionStatus="failed", ErrorCode="64105")
        ),
        "503 in 2.0 ms; then came 64105",
        "CLIP_TTL_SECONDS",
    ),
    5: (
        lambda: said_itself().hears(
            1.5, "error", description="No voice, code: 64106, {}"
        ),
        "64106",
        "backup voice",
    ),
    6: (lambda: ended(False), "still speaking", "SETTLE_MARGIN"),
    7: (lambda: heard(1.4), "played for 1.4 s", "TELEPHONE_RATE"),
    8: (lambda: twice(1.0), "1 clip played without a download", "{{now}}"),
    9: (lambda: protected().hears(2.0, "interrupt"), "interrupted", "Interruptions"),
    10: (
        lambda: call().add(2, "action", action="CountFallback", step="fallback"),
        "the bot itself",
        "AI model",
    ),
    11: (
        lambda: (
            call()
            .asks_model(1.0)
            .answers(2.0, error="Unsupported value: 'temperature'")
        ),
        "temperature",
        "Temperature",
    ),
    12: (
        lambda: call().posts(15, "/voice/dial/0", DialCallStatus="odd"),
        "DialCallStatus odd, DialBridged not sent",
        "report",
    ),
}


@pytest.mark.parametrize("number", GOOD)
def test_a_trace_answers(number: int) -> None:
    build, seen = GOOD[number]
    found = row(number, build())
    assert (found.seen, found.verdict, found.setting) == (seen, "good", "nothing")


@pytest.mark.parametrize("number", BAD)
def test_a_trace_names_the_setting_to_change(number: int) -> None:
    build, seen, setting = BAD[number]
    found = row(number, build())
    assert found.verdict == "bad"
    assert seen in found.seen
    assert setting in found.setting


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.number)
@pytest.mark.parametrize("lines", [[], ["{"], TraceBuilder().opened().lines])
def test_a_trace_without_evidence_says_what_to_do(
    question: object, lines: object
) -> None:
    builder = TraceBuilder()
    builder.lines = list(lines)  # type: ignore[call-overload]
    for number, found in enumerate(answers(builder.trace()), 1):
        assert found.number == number
        assert (found.seen, found.verdict) == (NOT_SEEN, "open")
        assert found.setting == QUESTIONS[number - 1].do


def test_clips_that_should_be_purged_and_are_fetched_are_pointed_out() -> None:
    found = row(3, interrupted(1000, fetched_later=True))
    assert (found.verdict, "0 queued clips not played" in found.seen) == ("bad", True)


def test_a_clip_that_crosses_the_interrupt_on_its_way_is_no_fault() -> None:
    """Sent a moment before, it is played after it: silence, which replaces it."""
    builder = interrupted(1000).plays(4.04, "four", 2.0).fetches(4.07, "four")
    assert row(3, builder).verdict == "good"


def test_a_clip_counts_although_twilio_reports_its_sound_late() -> None:
    assert (
        row(7, heard(4.2, reported_at=1.8)).seen == "Clips of 4.0 s played for 4.2 s."
    )


def test_a_failed_download_that_a_call_survives_is_good() -> None:
    found = row(4, call().fetches(1.0, "one", status=404))
    assert found.verdict == "good"
    assert found.seen == "A download was answered with 404 in 2.0 ms; the call went on."


def test_partial_and_head_requests_are_named() -> None:
    builder = twice(1.0, 5.0).fetches(6.0, "six", method="HEAD")
    builder.fetches(7.0, "six", seen_headers={"Range": "bytes=0-"})
    found = row(8, builder)
    assert found.verdict == "bad"
    assert "also GET Range, HEAD" in found.seen


def test_a_provider_in_front_of_a_model_is_no_other_model() -> None:
    assert row(10, call().asks_model(1).answers(2, model="first")).verdict == "open"
    dated = call().asks_model(1).answers(2, model="openai/first-2026-01-01")
    assert row(10, dated).verdict == "open"


def test_each_session_counts_its_replies_anew() -> None:
    """Reply 1 of the second session is no answer of a model, as it was in the first."""
    builder = call().asks_model(1).answers(2, model="openai/first")
    builder.add(3, "socket", state="closed").opened(4)
    builder.answers(5, error="Unsupported value: 'temperature'")
    assert row(11, builder).verdict == "good"


def test_the_table_has_every_question_and_a_conclusion() -> None:
    rows = answers(BAD[6][0]().trace())
    text = "\n".join(table(rows))
    for question in QUESTIONS:
        assert question.text.split()[0] in text
    assert max(map(len, text.splitlines())) <= 120
    assert " 6 ✗" in text
    seen = sum(found.verdict != "open" for found in rows)
    assert conclusion(rows).startswith(
        f"{seen} of 12 questions are answered, 1 of them"
    )


def test_silence_instead_of_a_clip_is_named() -> None:
    found = row(4, call().fetches(1.0, "one", replaced="gone"))
    assert "silence, because the clip was gone, in 2.0 ms; the call" in found.seen
