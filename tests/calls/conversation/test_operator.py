"""Operators' actions on a call: the rules, without a socket."""

import pytest

from calls.conversation.actions import (
    DropClips,
    HangUp,
    Play,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    DtmfReceived,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    ReplyEnded,
)
from calls.conversation.responder import GREETING_TTS_TIMEOUT
from calls.turns.turn import TurnKind
from tests.calls.conversation.test_conversation import Talk, answered, of, started
from tests.support.transfer_targets import SALES

LINE, GOODBYE, NOTICE = "A colleague joins us.", "Bye now.", "I'll put you through."


def talking(**settings: object) -> Talk:
    """Begin a call; it is the caller's turn."""
    talk = Talk(**{"goodbye_message": GOODBYE, "transfer_notice": NOTICE, **settings})
    talk.on(CallConnected())
    return talk


def play_sentence(talk: Talk, spoken: SpeakText) -> None:
    """Send a fixed sentence completely."""
    talk.clip(spoken.reply, spoken.text)
    talk.on(ReplyEnded(spoken.reply, spoken.text))


def test_a_line_is_said_at_once_when_nobody_speaks() -> None:
    talk = talking()
    assert talk.on(OperatorSaid(LINE)) == [
        SpeakText(1, LINE, GREETING_TTS_TIMEOUT, is_cacheable=False)
    ]


def test_a_line_is_said_after_what_is_being_written() -> None:
    talk = talking()
    number = answered(talk)
    assert not of(SpeakText, talk.on(OperatorSaid(LINE)))
    talk.clip(number, "five six")
    (spoken,) = of(SpeakText, talk.on(ReplyEnded(number, "one two three four")))
    assert spoken.text == LINE


def test_lines_are_said_in_their_order() -> None:
    talk = talking()
    (first,) = of(SpeakText, talk.on(OperatorSaid("One.")))
    talk.on(OperatorSaid("Two."))
    talk.on(OperatorSaid(" \n"))  # is none
    talk.clip(first.reply, first.text)
    (second,) = of(SpeakText, talk.on(ReplyEnded(first.reply, first.text)))
    assert second.text == "Two."
    play_sentence(talk, second)
    talk.passes()
    assert talk.transcript() == [("bot", "One.", "One."), ("bot", "Two.", "Two.")]


def test_a_line_is_the_bots_own_words_and_marked_as_an_operators() -> None:
    talk = talking()
    (spoken,) = of(SpeakText, talk.on(OperatorSaid(LINE)))
    play_sentence(talk, spoken)
    talk.passes()
    assert (talk.turns[0].role, talk.turns[0].kind) == ("bot", TurnKind.OPERATOR)
    assert "play_sent" not in talk.turns[0].latency_ms  # it is not a slow answer
    messages = started(talk.on(CallerSpoke("Fine."))).messages
    assert messages[-2] == {"role": "assistant", "content": LINE}


def test_a_line_can_be_interrupted_like_any_reply() -> None:
    talk = talking()
    (spoken,) = of(SpeakText, talk.on(OperatorSaid("one two three four")))
    (play,) = of(Play, talk.clip(spoken.reply, spoken.text))
    assert play.interruptible
    talk.on(ReplyEnded(spoken.reply, spoken.text))
    talk.on(CallerInterrupted(1000), after=1.25)
    start = started(talk.on(CallerSpoke("Wait."), after=0.2))
    assert start.messages[-2] == {"role": "assistant", "content": "one two"}
    assert "cut you off" in start.messages[-1]["content"]


def test_a_caller_who_speaks_before_a_line_was_sent_is_answered_first() -> None:
    talk = talking()
    (spoken,) = of(SpeakText, talk.on(OperatorSaid(LINE)))
    actions = talk.on(CallerSpoke("Hello?"))
    assert StopReply(spoken.reply) in actions
    answer = started(actions).reply
    talk.clip(answer, "Yes?")
    (again,) = of(SpeakText, talk.on(ReplyEnded(answer, "Yes?")))
    assert again.text == LINE


def test_a_noise_over_an_answer_leaves_the_answer_and_the_line_behind_it() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    talk.clip(number, "one two three four")
    talk.on(OperatorSaid(LINE))
    (spoken,) = of(SpeakText, talk.on(ReplyEnded(number, "one two three four")))
    actions = talk.on(CallerInterrupted(500), after=0.75)
    assert StopReply(spoken.reply) in actions
    assert not of(DropClips, actions)
    resumed = talk.passes()
    assert [play.clip.text for play in of(Play, resumed)] == ["one two three four"]
    assert [again.text for again in of(SpeakText, resumed)] == [LINE]
    assert not of(StartReply, resumed)


def test_a_line_waits_for_keys_that_are_being_entered() -> None:
    talk = talking()
    talk.on(DtmfReceived("1"))
    assert not talk.on(OperatorSaid(LINE))
    answer = started(talk.passes()).reply
    talk.clip(answer, "One.")
    assert of(SpeakText, talk.on(ReplyEnded(answer, "One.")))


def test_a_call_that_is_to_end_ends_with_the_bots_goodbye() -> None:
    talk = talking()
    number = answered(talk)
    actions = talk.on(OperatorEnded())
    assert StopReply(number) in actions
    (spoken,) = of(SpeakText, actions)
    assert spoken.text == GOODBYE
    assert not talk.on(CallerSpoke("Wait!"), after=0.1)[1:]  # only taken down
    talk.clip(spoken.reply, spoken.text)
    said = talk.on(ReplyEnded(spoken.reply, spoken.text))
    assert not of(StartReply, said)  # nothing comes after a goodbye
    talk.on(ReplyEnded(number, "one two three four"))
    while not (hung_up := of(HangUp, talk.passes())):
        pass
    assert hung_up == [HangUp("operator-ended")]
    assert talk.core.next_deadline() is None


@pytest.mark.parametrize("first", [OperatorEnded(), OperatorTransferred()])
def test_the_second_time_it_ends_at_once(
    first: OperatorEnded | OperatorTransferred,
) -> None:
    talk = talking(targets=(SALES,))
    (spoken,) = of(SpeakText, talk.on(first))
    actions = talk.on(OperatorEnded())
    assert actions == [StopReply(spoken.reply), HangUp("operator-ended")]
    assert talk.on(OperatorEnded()) == []


def test_a_transfer_is_announced_and_then_made() -> None:
    talk = talking(targets=(SALES,))
    (spoken,) = of(SpeakText, talk.on(OperatorTransferred()))
    assert spoken.text == NOTICE
    assert talk.on(OperatorTransferred()) == []
    play_sentence(talk, spoken)
    while not (hung_up := of(HangUp, talk.passes())):
        pass
    assert hung_up == [HangUp("transferred", SALES)]


def test_a_transfer_needs_somewhere_to_go_and_a_call_that_is_not_ending() -> None:
    talk = talking(targets=())
    assert talk.on(OperatorTransferred()) == []
    talk = talking(targets=(SALES,))
    talk.on(OperatorEnded())
    assert talk.on(OperatorTransferred()) == []


def test_nothing_is_said_in_a_call_that_is_ending_or_over() -> None:
    talk = talking()
    talk.on(OperatorEnded())
    assert talk.on(OperatorSaid(LINE)) == []
    talk.on(CallEnded())
    for event in (OperatorSaid(LINE), OperatorEnded(), OperatorTransferred()):
        assert talk.on(event) == []
