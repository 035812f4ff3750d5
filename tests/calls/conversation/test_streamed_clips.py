"""Answers whose first clip is sent while it grows."""

from dataclasses import replace

from calls.conversation.actions import DropClips, Play, SaveTurn, StopReply
from calls.conversation.events import (
    CallerInterrupted,
    CallerSpoke,
    ClipGrew,
    ClipReady,
    ClipRefused,
    PlaybackChanged,
    ReplyEnded,
)
from calls.turns.clip import Clip
from tests.calls.conversation.test_conversation import Talk, of, started

TEXT = "one two three four five six seven eight nine ten"
GROWING = Clip("a", "https://x/a", TEXT, 5.0, available=1.0)
WHOLE = replace(GROWING, available=None)


def answering() -> tuple[Talk, int]:
    """Ask a question; a clip of the answer was just sent, and grows."""
    talk = Talk()
    number = started(talk.on(CallerSpoke("When?"))).reply
    (play,) = of(Play, talk.on(ClipReady(number, GROWING)))
    assert play.clip == GROWING
    return talk, number


def heard(talk: Talk) -> str:
    return talk.transcript()[-1][2]


def test_an_answer_is_heard_to_its_end() -> None:
    talk, number = answering()
    talk.on(PlaybackChanged(True), after=0.3)
    talk.on(ClipGrew(WHOLE, 0.5), after=0.5)
    talk.on(ReplyEnded(number, TEXT))
    talk.passes()
    assert heard(talk) == TEXT


def test_nothing_is_due_while_a_clip_grows() -> None:
    talk, _ = answering()
    deadline = talk.core.next_deadline()
    assert deadline is None or deadline > talk.now + 60


def test_the_transcript_has_the_words_that_it_turned_out_to_have() -> None:
    talk, _ = answering()
    (saved,) = of(SaveTurn, talk.on(ClipGrew(replace(WHOLE, text="one two."), 0.1)))
    assert saved.turn.text == "one two."


def test_an_interruption_counts_what_there_was_to_hear() -> None:
    talk, number = answering()
    talk.on(PlaybackChanged(True), after=0.3)
    talk.on(ClipGrew(replace(GROWING, available=2.0), 1.1), after=1.1)
    actions = talk.on(CallerInterrupted(1_100))
    assert of(StopReply, actions) == [StopReply(number)]
    talk.on(ReplyEnded(number, TEXT))
    assert heard(talk) == "one two"
    # The body was cut, and its clip holds what had been made.
    talk.on(ClipGrew(replace(WHOLE, text="one two three", seconds=1.5), 1.1))
    (dropped,) = of(DropClips, talk.on(CallerSpoke("Stop."), after=0.5))
    assert [clip.seconds for clip in dropped.clips] == [1.5]
    assert talk.turns[1].heard_text == "one two"


def test_a_false_interruption_plays_what_was_made() -> None:
    talk, number = answering()
    talk.on(PlaybackChanged(True), after=0.3)
    talk.on(CallerInterrupted(600), after=0.6)
    cut = replace(WHOLE, text="one two three", seconds=1.5)
    talk.on(ClipGrew(cut, 0.6))
    talk.on(ReplyEnded(number, TEXT))
    assert [play.clip for play in of(Play, talk.passes())] == [cut]


def test_a_clip_refused_while_it_grows_is_played_once_it_is_whole() -> None:
    talk, number = answering()
    assert of(Play, talk.on(ClipRefused(GROWING.url), after=0.2)) == []
    (play,) = of(Play, talk.on(ClipGrew(WHOLE, 0.1), after=0.2))
    assert play.clip == WHOLE
    talk.on(ReplyEnded(number, TEXT))
    talk.passes()
    assert heard(talk) == TEXT
    assert talk.turns[1].error == ""


def test_twilios_voice_reads_a_clip_that_is_refused_twice() -> None:
    talk, _ = answering()
    talk.on(ClipRefused(GROWING.url), after=0.2)
    talk.on(ClipGrew(WHOLE, 0.1), after=0.2)
    (play,) = of(Play, talk.on(ClipRefused(GROWING.url), after=0.2))
    assert (play.clip.url, play.clip.text) == ("", TEXT)


def test_growth_of_an_unknown_clip_changes_nothing() -> None:
    talk, _ = answering()
    assert talk.on(ClipGrew(replace(WHOLE, id="b"), 0.1)) == []
