"""The bot's words as viewers see them: said, heard now, queued, and not heard."""

from typing import Any

from calls.conversation.actions import SpeakText
from calls.conversation.events import (
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    OperatorEnded,
    OperatorSaid,
    ReplyEnded,
)
from calls.live_feed.bot_words import MAX_LINES, operator_lines, words_in_queue
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.calls.conversation.test_operator import play_sentence, talking

BEGAN = 100.0


def in_queue(talk: Talk) -> list[dict[str, Any]]:
    return words_in_queue(talk.core, BEGAN)


def states(talk: Talk) -> list[tuple[str, str]]:
    lines = operator_lines(talk.core, BEGAN)
    return [(line["text"], line["state"]) for line in lines]


def answering(talk: Talk) -> int:
    """Ask; two sentences of the answer are sent."""
    number = started(talk.on(CallerSpoke("Question?"), after=1)).reply
    talk.clip(number, "One two.")
    talk.clip(number, "Three four.")
    return number


def test_each_queued_sentence_comes_with_its_time() -> None:
    talk = talking()
    answering(talk)
    [turn] = in_queue(talk)
    assert (turn["turn"], turn["said"]) == (1, "")
    assert turn["pieces"] == [
        {"text": "One two.", "starts": 1.2, "ends": 3.2},
        {"text": " Three four.", "starts": 3.2, "ends": 5.2},
    ]


def test_what_was_played_is_said_and_the_pieces_are_the_whole_text() -> None:
    talk = talking()
    number = answering(talk)
    talk.now += 2.5
    talk.clip(number, "Five.")
    [turn] = in_queue(talk)
    assert turn["said"] == "One two."
    assert [piece["text"] for piece in turn["pieces"]] == [" Three four.", " Five."]
    talk.on(ReplyEnded(number, "One two.  Three four. Five. And more."))
    [turn] = in_queue(talk)
    whole = turn["said"] + "".join(piece["text"] for piece in turn["pieces"])
    assert whole == "One two.  Three four. Five. And more."


def test_clips_without_words_are_shown_with_all_of_the_text() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Question?"), after=1)).reply
    talk.clip(number, "")
    talk.on(ReplyEnded(number, "One two."))
    [turn] = in_queue(talk)
    assert [piece["text"] for piece in turn["pieces"]] == ["One two."]


def test_after_an_interruption_nothing_is_queued() -> None:
    talk = talking()
    number = answering(talk)
    talk.on(ReplyEnded(number, "One two. Three four."))
    talk.on(CallerInterrupted(1200), after=1.5)
    talk.on(CallerSpoke("Stop."))
    assert in_queue(talk) == []
    assert talk.turns[1].heard_text == "One"


def test_a_line_is_followed_until_it_is_said() -> None:
    talk = talking()
    number = answering(talk)
    talk.on(OperatorSaid("Next.", line="a"))
    assert states(talk) == [("Next.", "waiting")]
    (spoken,) = of(SpeakText, talk.on(ReplyEnded(number, "One two. Three four.")))
    assert states(talk) == [("Next.", "waiting")]  # its sound is being made
    play_sentence(talk, spoken)
    assert states(talk) == [("Next.", "saying")]
    talk.passes()
    [line] = operator_lines(talk.core, BEGAN)
    assert (line["id"], line["state"], line["now"]) == ("a", "said", False)
    assert line["seconds"] == round(talk.now - BEGAN, 1)


def test_a_line_that_the_caller_interrupts_is_cut_or_unheard() -> None:
    for position, state in ((1000, "cut"), (1, "unheard")):
        talk = talking()
        (spoken,) = of(SpeakText, talk.on(OperatorSaid("One two three.", now=True)))
        play_sentence(talk, spoken)
        talk.on(CallerInterrupted(position), after=1.25)
        talk.on(CallerSpoke("Wait."))
        assert states(talk) == [("One two three.", state)]


def test_a_line_that_a_noise_interrupts_is_still_being_said() -> None:
    talk = talking()
    (spoken,) = of(SpeakText, talk.on(OperatorSaid("One two three.")))
    play_sentence(talk, spoken)
    talk.on(CallerInterrupted(100), after=1)
    talk.passes()  # it was a noise: the line is played again
    assert states(talk) == [("One two three.", "saying")]


def test_a_line_is_lost_when_the_call_ends_before_it() -> None:
    queued = talking()
    (spoken,) = of(SpeakText, queued.on(OperatorSaid("Next.")))
    play_sentence(queued, spoken)
    queued.on(CallEnded())
    assert states(queued) == [("Next.", "lost")]
    ending, over = talking(), talking()
    for talk, event in ((ending, OperatorEnded()), (over, CallEnded())):
        answering(talk)
        talk.on(OperatorSaid("Next."))
        talk.on(event)
        assert states(talk) == [("Next.", "lost")]


def test_only_the_latest_lines_are_shown() -> None:
    talk = talking()
    answering(talk)
    for number in range(MAX_LINES + 3):
        talk.on(OperatorSaid(f"Line {number}."))
    assert states(talk)[0][0] == "Line 3."
