"""“Say now”: an operator's line that interrupts the bot."""

from bots.config.capabilities import ToolSpec
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    DropClips,
    Play,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    OperatorEnded,
    OperatorSaid,
    ReplyEnded,
    ToolCallEnded,
)
from calls.turns.messages import GO_AHEAD
from tests.calls.conversation.test_conversation import Talk, answered, of, started
from tests.calls.conversation.test_operator import LINE, play_sentence, talking

NOW = OperatorSaid(LINE, now=True)


def test_the_bot_stops_after_the_clip_that_plays_and_says_the_line() -> None:
    talk = talking()
    number = answered(talk)
    talk.clip(number, "five six")
    talk.clip(number, "seven eight")
    actions = talk.on(NOW)
    assert StopReply(number) in actions
    (dropped,) = of(DropClips, actions)
    assert [clip.text for clip in dropped.clips] == ["five six", "seven eight"]
    assert dropped.queued
    (spoken,) = of(SpeakText, actions)
    assert spoken.text == LINE
    play_sentence(talk, spoken)
    talk.passes()
    assert talk.transcript()[1:] == [
        ("bot", "one two three four five six seven eight", "one two three four"),
        ("bot", LINE, LINE),
    ]
    assert talk.turns[1].interrupted


def test_an_answer_that_was_not_heard_yet_is_replaced_by_the_line() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("When?"))).reply
    actions = talk.on(NOW)
    assert StopReply(number) in actions
    (spoken,) = of(SpeakText, actions)
    play_sentence(talk, spoken)
    talk.on(ReplyEnded(number, error="stopped"))
    assert not of(StartReply, talk.passes())
    assert talk.core.next_deadline() is None
    assert talk.transcript() == [("caller", "When?", "When?"), ("bot", LINE, LINE)]


def test_a_tool_goes_on_and_its_result_is_told_after_the_line() -> None:
    talk = talking(tools=(ToolSpec("look_up"),))
    number = started(talk.on(CallerSpoke("Where is it?"))).reply
    talk.on(ReplyEnded(number, calls=(ToolCall("a", "look_up", "{}"),)))
    (spoken,) = of(SpeakText, talk.on(NOW))
    assert not of(StartReply, talk.on(ToolCallEnded("a", "On its way.")))
    talk.clip(spoken.reply, LINE)
    answer = started(talk.on(ReplyEnded(spoken.reply, LINE)))
    assert [message["role"] for message in answer.messages[2:]] == [
        *("assistant", "tool", "assistant", "user")
    ]
    assert answer.messages[-1]["content"] == GO_AHEAD


def test_the_latest_of_two_lines_comes_first_and_before_those_that_are_next() -> None:
    talk = talking()
    answered(talk)
    talk.on(OperatorSaid("Third."))
    (first,) = of(SpeakText, talk.on(OperatorSaid("Second.", now=True)))
    actions = talk.on(OperatorSaid("First.", now=True))
    assert StopReply(first.reply) in actions
    said: list[str] = []
    for _ in range(3):
        (spoken,) = of(SpeakText, actions)
        said.append(spoken.text)
        talk.clip(spoken.reply, spoken.text)
        actions = talk.on(ReplyEnded(spoken.reply, spoken.text))
    assert said == ["First.", "Second.", "Third."]


def test_speech_that_a_noise_paused_is_not_taken_up_again() -> None:
    talk = talking()
    number = answered(talk)
    talk.clip(number, "five six")
    talk.on(CallerInterrupted(500))
    actions = talk.on(NOW, after=0.1)
    assert of(DropClips, actions)
    (spoken,) = of(SpeakText, actions)
    play_sentence(talk, spoken)
    assert not of(Play, talk.passes())


def test_the_consent_message_is_heard_before_the_line() -> None:
    talk = Talk(consent_message="This call is recorded.", greeting="Hello.")
    (consent,) = of(SpeakText, talk.on(CallConnected()))
    assert talk.on(NOW) == []
    talk.clip(consent.reply, consent.text)
    talk.on(ReplyEnded(consent.reply, consent.text))
    fetched = talk.fetch(consent.reply, consent.text)
    assert not of(DropClips, fetched)
    assert [spoken.text for spoken in of(SpeakText, fetched)] == ["Hello."]


def test_a_goodbye_is_not_interrupted() -> None:
    talk = talking()
    (goodbye,) = of(SpeakText, talk.on(OperatorEnded()))
    talk.clip(goodbye.reply, goodbye.text)
    talk.on(ReplyEnded(goodbye.reply, goodbye.text))
    assert talk.on(NOW) == []
    assert talk.core.replies.operator_lines[0].turn is None
