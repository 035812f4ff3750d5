"""Clips that Twilio refused, or never fetched: nobody has heard them."""

import pytest

from bots.config.bot_config import TRANSFER_NUMBER
from calls.conversation.actions import (
    Action,
    HangUp,
    Play,
    SpeakText,
    StartReply,
)
from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    CallResumed,
    ClipRefused,
    ClipReplaced,
    OperatorEnded,
    OperatorTransferred,
    ReplyEnded,
)
from calls.turns.clip import FETCH_TIMEOUT
from calls.turns.playback import START_DELAY
from calls.turns.turn import Turn, TurnKind
from tests.calls.conversation.test_conversation import GREETING, Talk, of, started

CONSENT = "This call is recorded."


def url(text: str) -> str:
    return f"https://x/{text}"


def consenting(**more: object) -> Talk:
    """Begin a call; the consent message was just sent, and not fetched yet."""
    talk = Talk(greeting=GREETING, consent_message=CONSENT, **more)
    talk.on(CallConnected())
    talk.clip(1, CONSENT)
    assert of(SpeakText, talk.on(ReplyEnded(1, CONSENT))) == []
    return talk


def read_by_twilio(actions: list[Action]) -> str:
    """The text that Twilio's voice is to read."""
    (play,) = of(Play, actions)
    assert (play.clip.url, play.interruptible) == ("", False)
    return play.clip.text


ANSWER = 1  # the number of the reply that `answering` sends


def answering(*clips: str, seconds: float = 2.0) -> Talk:
    """Ask a question; the answer was just sent."""
    talk = Talk()
    assert started(talk.on(CallerSpoke("When?"))).reply == ANSWER
    for text in clips:
        talk.clip(ANSWER, text, seconds)
    talk.on(ReplyEnded(ANSWER, " ".join(clips)))
    return talk


def is_given(talk: Talk) -> bool:
    """True if a resumed call would not ask for consent again."""
    event = CallResumed((talk.turns[0],), talk.now, 60.0)
    resumed = Talk(greeting=GREETING, consent_message=CONSENT).on(event)
    return CONSENT not in [speak.text for speak in of(SpeakText, resumed)]


def test_a_consent_that_is_never_fetched_is_read_by_twilio_before_the_greeting() -> (
    None
):
    talk = consenting()
    actions = talk.passes()
    assert talk.now - 100 >= START_DELAY + FETCH_TIMEOUT
    assert read_by_twilio(actions) == CONSENT
    assert [speak.text for speak in of(SpeakText, actions)] == [GREETING]
    assert talk.turns[0].heard_text == ""
    assert "did not fetch" in talk.turns[0].error
    talk.clip(2, GREETING)
    talk.on(ReplyEnded(2, GREETING))
    talk.passes()
    assert talk.turns[0].heard_text == CONSENT
    assert is_given(talk)


def test_a_late_download_still_counts_with_the_time_after_it() -> None:
    talk = consenting()
    talk.now += 3.5  # a clip of two seconds would have ended
    assert of(SpeakText, talk.fetch(1, CONSENT))
    talk.on(ReplyEnded(1, CONSENT), after=1.9)
    assert talk.turns[0].ended_at is None
    talk.passes()
    assert talk.turns[0].heard_text == CONSENT
    assert is_given(talk)


@pytest.mark.parametrize("sound", [url(CONSENT), ""])
def test_a_refused_consent_is_read_by_twilio(sound: str) -> None:
    talk = consenting()
    actions = talk.on(ClipRefused(sound), after=0.1)
    assert read_by_twilio(actions) == CONSENT
    assert of(SpeakText, actions)
    assert "refused" in talk.turns[0].error


@pytest.mark.parametrize("sound", [CONSENT, ""])
def test_a_consent_that_is_refused_twice_is_not_given_and_the_call_goes_on(
    sound: str,
) -> None:
    talk = consenting()
    talk.on(ClipRefused(url(CONSENT)), after=0.1)
    actions = talk.on(ClipRefused(sound), after=0.1)
    assert of(Play, actions) == []
    talk.clip(2, GREETING)
    talk.on(ReplyEnded(2, GREETING))
    talk.passes()
    assert talk.turns[0].heard_text == ""
    assert talk.turns[1].heard_text == GREETING
    assert not is_given(talk)


def test_words_wait_for_the_download_of_the_consent() -> None:
    talk = consenting()
    assert of(StartReply, talk.on(CallerSpoke("Hello?"), after=0.1)) == []
    assert started(talk.fetch(1, CONSENT)).messages[-1]["content"] == "Hello?"


def test_an_interruption_before_the_download_plays_it_again_and_waits_for_that() -> (
    None
):
    talk = consenting()
    (again,) = of(Play, talk.on(CallerInterrupted(900), after=1.5))
    assert again.clip.text == CONSENT
    assert talk.core.playback.awaits_fetch
    assert talk.turns[0].heard_text == ""
    talk.fetch(1, CONSENT)
    talk.passes()
    assert is_given(talk)


def test_the_download_after_a_replay_need_not_come_again() -> None:
    talk = consenting()
    talk.fetch(1, CONSENT)
    assert of(Play, talk.on(CallerInterrupted(900), after=1.5))
    talk.clip(2, GREETING)
    talk.on(ReplyEnded(2, GREETING))
    talk.passes()
    assert is_given(talk)


def test_an_open_consent_is_asked_for_again_on_another_relay() -> None:
    sent = Turn(0, "system", 90.0, CONSENT, kind=TurnKind.CONSENT)
    talk = Talk(greeting=GREETING, consent_message=CONSENT)
    resumed = talk.on(CallResumed((sent,), 99.0, 60.0))
    assert [speak.text for speak in of(SpeakText, resumed)] == [CONSENT]


def test_one_refusal_loses_one_clip() -> None:
    talk = answering("One.", "Two.", "Three.")
    talk.on(ClipRefused(url("Two.")))
    talk.on(ClipRefused(url("Two.")))  # it is lost already
    talk.on(ClipRefused("https://x/unknown"))
    talk.passes()
    assert talk.turns[1].heard_text == "One. Three."


def test_an_error_long_after_the_latest_clip_is_about_something_else() -> None:
    talk = answering("At nine.", seconds=5.0)
    talk.on(ClipRefused(""), after=2.5)
    talk.passes()
    assert talk.turns[1].heard_text == "At nine."


def test_an_error_is_not_about_a_clip_that_was_fetched() -> None:
    talk = answering("At nine.")
    talk.fetch(ANSWER, "At nine.")
    talk.on(ClipRefused(""), after=0.1)
    talk.passes()
    assert talk.turns[1].heard_text == "At nine."


def test_a_refused_goodbye_is_read_by_twilio_before_the_end() -> None:
    talk = Talk(goodbye_message="Goodbye.")
    talk.on(CallConnected())
    talk.on(OperatorEnded())
    talk.clip(1, "Goodbye.")
    talk.on(ReplyEnded(1, "Goodbye."))
    assert read_by_twilio(talk.on(ClipRefused(url("Goodbye.")))) == "Goodbye."
    assert of(HangUp, talk.passes())
    assert talk.turns[0].heard_text == "Goodbye."


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_refused_transfer_notice_holds_up_no_transfer(refusals: int) -> None:
    talk = Talk(transfer_number="+15005550042", transfer_notice="One moment.")
    talk.on(CallConnected())
    talk.on(OperatorTransferred(TRANSFER_NUMBER))
    talk.clip(1, "One moment.")
    talk.on(ReplyEnded(1, "One moment."))
    actions = talk.on(ClipRefused(url("One moment.")), after=0.1)
    assert (read_by_twilio(actions), of(HangUp, actions)) == ("One moment.", [])
    actions = talk.on(ClipRefused("One moment.")) if refusals == 2 else talk.passes()
    (hang_up,) = of(HangUp, actions)
    assert hang_up.transfer
    assert talk.turns[1].heard_text == ("One moment." if refusals == 1 else "")


def test_the_end_of_an_answer_that_was_refused_is_read_by_twilio() -> None:
    talk = answering("At nine.", "Every day.")
    (play,) = of(Play, talk.on(ClipRefused(url("Every day.")), after=0.1))
    assert (play.clip.url, play.clip.text) == ("", "Every day.")
    assert play.interruptible
    talk.passes()
    assert talk.turns[1].heard_text == "At nine. Every day."
    assert "read it" in talk.turns[1].error


def test_a_refused_answer_is_not_read_once_the_caller_has_asked_something_else() -> (
    None
):
    talk = answering("At nine.")
    talk.on(CallerInterrupted(None), after=0.1)
    talk.on(CallerSpoke("No, who?"), after=0.1)
    assert of(Play, talk.on(ClipRefused(url("At nine.")), after=0.1)) == []


def test_what_is_read_again_is_heard_once() -> None:
    talk = consenting()
    talk.fetch(1, CONSENT)
    talk.on(CallerInterrupted(900), after=1.5)  # it is played again
    assert read_by_twilio(talk.on(ClipRefused(url(CONSENT)), after=0.1)) == CONSENT
    talk.passes()
    assert talk.turns[0].heard_text == CONSENT


def test_a_refused_answer_is_no_part_of_the_history() -> None:
    talk = answering("At nine.", "Every day.")
    assert of(Play, talk.on(ClipRefused(url("At nine.")), after=0.1)) == []
    talk.passes()
    start = started(talk.on(CallerSpoke("And?"), after=1))
    assert start.messages[-2]["content"] == "Every day."
    assert talk.turns[1].heard_text == "Every day."
    assert "refused" in talk.turns[1].error


def test_a_refusal_that_comes_after_the_clocks_end_is_believed() -> None:
    talk = answering("Nine.", seconds=0.5)
    talk.passes()
    assert talk.turns[1].heard_text == "Nine."
    talk.on(ClipRefused(""))
    assert talk.turns[1].heard_text == ""


def test_an_answer_whose_first_clip_is_refused_goes_on() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("When?"))).reply
    talk.clip(number, "At nine.")
    talk.on(ClipRefused(""), after=0.1)
    assert of(Play, talk.clip(number, "Every day."))


def test_silence_instead_of_a_clip_was_not_heard() -> None:
    talk = answering("At nine.", "Every day.")
    assert of(Play, talk.on(ClipReplaced(f"{ANSWER}/At nine."), after=0.1)) == []
    talk.passes()
    assert talk.turns[1].heard_text == "Every day."
    assert "heard silence" in talk.turns[1].error


def test_a_consent_that_was_silence_is_read_by_twilio() -> None:
    talk = consenting()
    actions = talk.on(ClipReplaced(f"1/{CONSENT}"), after=0.1)
    assert read_by_twilio(actions) == CONSENT


def test_silence_after_a_clip_was_heard_changes_nothing() -> None:
    """Twilio may download a clip again whose time is over."""
    talk = answering("At nine, and then until noon.", seconds=4.0)
    talk.on(CallerInterrupted(2000.0), after=2.3)
    heard = talk.turns[1].heard_text
    assert heard
    talk.on(ClipReplaced(f"{ANSWER}/At nine, and then until noon."))
    assert talk.turns[1].heard_text == heard
