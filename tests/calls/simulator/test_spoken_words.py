"""The words of the bot in the output of a simulated call."""

import pytest
from django.utils import timezone

from calls.management.spoken_words import ClipTexts, OrderedOutput, first_words
from calls.models import Call, Turn
from calls.simulator import Heard

ANSWER = "We open at nine. Shall I book a table for you? It takes a minute."


def heard(clip: str, seconds: float = 1.0) -> Heard:
    return Heard("clip", seconds, source=f"https://x.example/audio/{clip}")


def test_lines_are_written_in_the_order_in_which_things_happened() -> None:
    written: list[str] = []
    output = OrderedOutput(written.append)
    output.put("first")
    you, bot = output.begin("you"), output.begin("bot")
    output.put("later")
    output.complete(bot, "bot “Hello.”")
    assert written == ["first"]
    output.complete(you, "✂\nyou")
    assert written == ["first", "✂\nyou", "bot “Hello.”", "later"]
    output.begin("not known")
    output.put("end")
    output.finish()
    assert written[4:] == ["not known", "end"]


def test_each_clip_has_the_words_that_came_with_it() -> None:
    texts = ClipTexts("CA1")
    assert texts.piece((1, "We open at nine.", ["a"]), "a", heard("a")) == (
        "We open at nine."
    )
    row = (1, "We open at nine. Shall I?", ["a", "b"])
    assert texts.piece(row, "b", heard("b")) == "Shall I?"
    assert texts.piece((2, "Good.", ["c"]), "c", heard("c")) == "Good."


def test_clips_that_came_at_once_share_the_words_by_their_lengths() -> None:
    texts, clips = ClipTexts("CA1"), ["a", "b"]
    row = (1, ANSWER, clips)
    assert texts.piece(row, "a", heard("a", 3.0)) == (
        "We open at nine. Shall I book a table for you?"
    )
    assert texts.piece(row, "b", heard("b", 1.0)) == "It takes a minute."


@pytest.mark.parametrize(
    ("later", "letters", "expected"),
    [
        (2, 500.0, "We open at nine."),
        (1, 1.0, "We open at nine."),
        (1, 45.0, "We open at nine. Shall I book a table for you?"),
        (5, 8.0, "We open"),
    ],
)
def test_the_first_words_end_with_a_sentence(
    later: int, letters: float, expected: str
) -> None:
    assert first_words(ANSWER, later, letters) == expected
    assert first_words("", later, letters) == ""


@pytest.mark.django_db(transaction=True)
async def test_the_words_come_from_the_transcript_that_the_server_writes() -> None:
    call = await Call.objects.acreate(call_sid="CA1", started_at=timezone.now())
    await Turn.objects.acreate(
        call=call,
        index=0,
        role="bot",
        text="Hello.",
        clip_ids=["a"],
        started_at=timezone.now(),
    )
    texts = ClipTexts("CA1")
    assert await texts.text_of(heard("a")) == "Hello."
    assert await texts.text_of(Heard("clip", 1.0)) == ""


@pytest.mark.django_db(transaction=True)
async def test_another_database_is_asked_only_once() -> None:
    texts = ClipTexts("CA-elsewhere")
    assert await texts.text_of(heard("a")) == ""
    assert not texts.is_available
