"""A call that is recorded: with consent, and never while secret keys are pressed."""

import pytest

from bots.config.capabilities import MenuEntry
from calls.conversation.actions import Action, HideKey, SetRecording, StartReply
from calls.conversation.events import (
    CallConnected,
    CallerSpoke,
    CallResumed,
    DtmfReceived,
    ReplyEnded,
)
from calls.turns.recording import RecordingState
from calls.turns.turn import TurnKind
from tests.calls.conversation.test_builtin_tools import play_sentence, spoken
from tests.calls.conversation.test_consent import SENTENCE
from tests.calls.conversation.test_conversation import GREETING, Talk, of, started
from tests.calls.conversation.test_dtmf import asked, press_keys
from tests.calls.conversation.test_tool_calls import call, call_tools, tool_talk

ON, PAUSED = RecordingState.ON, RecordingState.PAUSED


def states(actions: list[Action]) -> list[RecordingState]:
    return [action.state for action in of(SetRecording, actions)]


def consenting(key: str = "", **more: object) -> Talk:
    """Begin a call that is recorded after consent; the message is being played."""
    talk = Talk(
        greeting=GREETING,
        consent_message=SENTENCE,
        recording="consent",
        recording_consent_key=key,
        **more,
    )
    assert states(talk.on(CallConnected())) == []
    assert states(talk.clip(1, SENTENCE, seconds=4.0)) == []
    talk.fetch(1, SENTENCE)
    talk.on(ReplyEnded(1, SENTENCE))
    return talk


def resumed(talk: Talk, **settings: object) -> list[Action]:
    """Go on with the call on another relay."""
    other = Talk(**settings)
    turns = tuple(talk.core.turns)
    return other.on(CallResumed(turns, disconnected_at=talk.now, seconds=9))


def test_a_bot_that_never_records_says_nothing_about_it() -> None:
    talk = Talk(recording="never", mask_dtmf=True)
    actions = [*talk.on(CallConnected()), *talk.on(DtmfReceived("1"))]
    assert of(SetRecording, actions) == []
    assert of(HideKey, actions) == []


def test_a_call_is_recorded_from_its_first_event() -> None:
    talk = Talk(recording="always")
    assert states(talk.on(CallConnected())) == [ON]
    assert states(talk.on(CallerSpoke("Hi."), after=1)) == []
    again = resumed(talk, recording="always")
    assert states(again) == [ON]


def test_a_message_that_was_heard_to_its_end_is_consent() -> None:
    talk = consenting()
    assert states(talk.passes()) == [ON]
    again = resumed(talk, consent_message=SENTENCE, recording="consent")
    assert states(again) == [ON]


def test_a_message_that_was_cut_off_is_no_consent() -> None:
    talk = consenting()
    again = resumed(talk, consent_message=SENTENCE, recording="consent")
    assert states(again) == []


def test_the_key_is_consent_and_nothing_else() -> None:
    talk = consenting("1", menu=(MenuEntry("1", "end"),))
    assert states(talk.passes()) == []
    actions = talk.on(DtmfReceived("1"), after=1)
    assert states(actions) == [ON]
    assert of(StartReply, actions) == []
    turn = talk.turns[max(talk.turns)]
    assert (turn.role, turn.kind) == ("system", TurnKind.RECORDING_AGREED)
    assert turn.text == "The caller pressed 1 and agreed to be recorded."
    number = started(talk.on(CallerSpoke("Hi."), after=1))
    assert "agreed" not in str(number.messages)


def test_the_key_counts_once_and_then_means_what_it_meant() -> None:
    talk = consenting("1", menu=(MenuEntry("1", "say", "Seven."),))
    talk.passes()
    talk.on(DtmfReceived("1"), after=1)
    said = spoken(talk.on(DtmfReceived("1"), after=1))
    assert said.text == "Seven."


def test_another_key_is_no_consent() -> None:
    talk = consenting("1")
    talk.passes()
    assert states(talk.on(DtmfReceived("2"), after=1)) == []
    # Part of a longer entry.
    assert states(talk.on(DtmfReceived("1"), after=0.2)) == []


def test_consent_by_key_outlives_the_relay() -> None:
    talk = consenting("1")
    talk.passes()
    talk.on(DtmfReceived("1"), after=1)
    again = resumed(
        talk, consent_message=SENTENCE, recording="consent", recording_consent_key="1"
    )
    assert states(again) == [ON]


def recorded_tool_talk(**more: object) -> Talk:
    return tool_talk(can_collect_digits=True, recording="always", **more)


def test_it_pauses_before_secret_keys_are_asked_for() -> None:
    talk = recorded_tool_talk()
    asking = call("ask_for_keys", question="Your PIN?", secret=True)
    actions = call_tools(talk, asking)
    assert states(actions) == [PAUSED]
    play_sentence(talk, spoken(actions))
    pressed = [talk.on(DtmfReceived(key), after=0.3) for key in "12"]
    assert [len(of(HideKey, each)) for each in pressed] == [1, 1]
    last = talk.on(DtmfReceived("#"), after=0.3)
    assert of(HideKey, last)
    assert states(last) == []  # a late key may correct the entry
    number = started(last).reply
    talk.clip(number, "Thank you.")
    talk.on(ReplyEnded(number, "Thank you."))
    assert states(talk.passes()) == [ON]


def test_the_key_that_ends_an_entry_was_pressed_during_the_pause() -> None:
    talk = Talk(recording="always", mask_dtmf=True)
    talk.on(CallConnected())
    first, last = talk.on(DtmfReceived("0")), talk.on(DtmfReceived("#"))
    assert first.index(SetRecording(PAUSED)) < first.index(HideKey())
    assert last.index(HideKey()) < last.index(SetRecording(ON))


def test_it_goes_on_while_other_keys_are_pressed() -> None:
    talk = asked(recorded_tool_talk())
    assert press_keys(talk, "12#")
    assert states(talk.on(DtmfReceived("5"), after=9)) == []


@pytest.mark.parametrize("secret", [True, False])
def test_a_bot_that_hides_all_keys_pauses_for_all_of_them(secret: bool) -> None:
    talk = recorded_tool_talk(mask_dtmf=True)
    asking = call("ask_for_keys", question="Your number?", secret=secret)
    assert states(call_tools(talk, asking)) == [PAUSED]


def test_keys_that_nobody_asked_for_are_reported_if_all_are_hidden() -> None:
    talk = Talk(recording="always", mask_dtmf=True, menu=(MenuEntry("9", "say", "!"),))
    talk.on(CallConnected())
    assert of(HideKey, talk.on(DtmfReceived("9"), after=1)) == []  # of the menu
    first = talk.on(DtmfReceived("1"), after=1)
    assert (states(first), len(of(HideKey, first))) == ([PAUSED], 1)
    assert states(talk.passes()) == [ON]


def test_it_stays_paused_if_the_line_broke_while_a_pin_was_asked_for() -> None:
    talk = recorded_tool_talk()
    asking = call("ask_for_keys", question="Your PIN?", secret=True)
    play_sentence(talk, spoken(call_tools(talk, asking)))
    assert states(resumed(talk, recording="always"))[0] is PAUSED
