"""Places of the transcript's lines in recorded sound."""

from datetime import UTC, datetime, timedelta

from calls.models import Turn
from calls.review.sound_places import Place, Stretch, places, secret_stretches

ANSWERED = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return ANSWERED + timedelta(seconds=seconds)


def recorded(begins: float, ends: float) -> Stretch:
    return Stretch(after(begins), after(ends))


def bot(index: int, sent: float, ends: float, **fields: object) -> Turn:
    """A bot's turn whose sound is heard 0.4 seconds after it was sent."""
    values = {"latency_ms": {"play_sent": 900, "playback_started": 1300}} | fields
    heard = {"text": "Hello there.", "heard_text": "Hello there."} | values
    return Turn(
        index=index, role="bot", started_at=after(sent), ended_at=after(ends), **heard
    )


def caller(index: int, at: float, text: str = "I need a table for two.") -> Turn:
    """A caller's turn, stored after its last word."""
    moment = after(at)
    return Turn(
        index=index, role="caller", text=text, started_at=moment, ended_at=moment
    )


def test_a_bots_line_begins_where_it_is_heard_and_a_callers_before_its_last_word() -> (
    None
):
    found = places([bot(0, 1, 3), caller(1, 8), bot(2, 9, 11)], [recorded(0, 20)])
    assert found[0] == Place(0, 1.4)
    assert 5 < found[1].seconds < 6.5
    assert found[2] == Place(0, 9.4)


def test_a_caller_begins_after_the_bot_has_ended() -> None:
    found = places([bot(0, 1, 7), caller(1, 8)], [recorded(0, 20)])
    assert found[1] == Place(0, 7.0)


def test_a_caller_who_interrupts_begins_where_the_bot_was_cut() -> None:
    found = places([bot(0, 1, 8.2), caller(1, 8)], [recorded(0, 20)])
    assert found[1] == Place(0, 8.0)


def test_what_nobody_heard_has_no_place() -> None:
    unheard = bot(0, 1, 1, heard_text="")
    tool = Turn(index=1, role="tool", text="look_up", started_at=after(2))
    assert places([unheard, tool, caller(2, 3, "")], [recorded(0, 20)]) == {}


def test_lines_before_and_after_the_recording_have_no_place() -> None:
    lines = [bot(0, 1, 3), caller(1, 8), bot(2, 20, 22)]
    assert set(places(lines, [recorded(4, 15)])) == {1}


def test_a_line_that_had_begun_before_the_recording_is_played_from_its_beginning() -> (
    None
):
    assert places([bot(0, 1, 3)], [recorded(2, 9)])[0] == Place(0, 0.0)


def test_each_line_is_in_its_part() -> None:
    lines = [bot(0, 1, 3), bot(1, 31, 33)]
    found = places(lines, [recorded(0, 10), recorded(30, 40)])
    assert found == {0: Place(0, 1.4), 1: Place(1, 1.4)}


def test_an_older_line_without_latencies_begins_where_it_was_sent() -> None:
    assert places([bot(0, 1, 3, latency_ms={})], [recorded(0, 9)])[0].seconds == 1.0


def test_hidden_keys_are_secret_from_the_question_on() -> None:
    asked = Turn(
        index=1,
        role="tool",
        text="ask_for_keys",
        started_at=after(4),
        ended_at=after(9),
        tool_call={"result": "The caller pressed ••••."},
    )
    lines = [bot(0, 1, 3), asked, caller(2, 12, "[pressed ••••]"), caller(3, 20)]
    assert list(secret_stretches(lines)) == [recorded(3, 12.5), recorded(4, 9.5)]
