"""Silence and time: when the bot asks again, warns, resumes and says goodbye."""

import pytest

from calls.conversation.actions import HangUp, Play, SpeakText, StartReply
from calls.conversation.ending import FINAL_MESSAGE_TIMEOUT, SETTLE_MARGIN
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    DtmfReceived,
    PlaybackChanged,
    ReplyEnded,
    TimerFired,
)
from calls.conversation.timeouts import (
    FALSE_INTERRUPTION_TIMEOUT,
    FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD,
    MAX_UNTRANSCRIBED_SPEECH,
    PARTIAL_LASTS,
    WARNING_SECONDS,
)
from calls.turns.playback import START_DELAY
from tests.calls.conversation.test_conversation import Talk, answered, of, started

QUESTION, GOODBYE, WARNING = "Still there?", "Bye now.", "One minute left."
SILENCE = 6.0


def talking(**settings: object) -> Talk:
    """A call that has just begun."""
    usual = {
        "idle_timeout_seconds": SILENCE,
        "idle_prompt": QUESTION,
        "goodbye_message": GOODBYE,
        "time_limit_message": WARNING,
    }
    talk = Talk(**(usual | settings))
    talk.on(CallConnected())
    return talk


def play_reply(
    talk: Talk, number: int, text: str = "Done.", seconds: float = 2
) -> None:
    """Play a reply of one clip; the clock stands at its end."""
    talk.clip(number, text, seconds)
    talk.on(ReplyEnded(number, text))
    talk.on(TimerFired(), after=START_DELAY + seconds + SETTLE_MARGIN)
    talk.now -= SETTLE_MARGIN


def spoken(talk: Talk, within: float = 300.0) -> tuple[str, float]:
    """Wait for the next fixed sentence; return its text and the seconds waited."""
    began = talk.now
    while (
        deadline := talk.core.next_deadline()
    ) is not None and deadline <= began + within:
        sentences = of(SpeakText, talk.on(TimerFired(), after=deadline - talk.now))
        if sentences:
            return sentences[0].text, round(talk.now - began, 6)
    return "", within


def play_sentence(talk: Talk) -> None:
    """Play the current sentence to its end."""
    reply = talk.core.replies.current
    assert reply is not None
    play_reply(talk, reply.number, "Sentence.")


def test_silence_counts_from_the_end_of_playback_not_from_its_sending() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    play_reply(talk, number, seconds=20)
    assert spoken(talk) == (QUESTION, SILENCE)


def test_silence_counts_from_the_end_that_twilio_reported() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    talk.clip(number, "Done.", 10)
    talk.on(ReplyEnded(number, "Done."))
    talk.on(PlaybackChanged(True), after=2)
    talk.on(PlaybackChanged(False), after=10)
    assert spoken(talk) == (QUESTION, SILENCE)


def test_silence_counts_from_a_reported_end_that_is_earlier_than_expected() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    talk.clip(number, "Done.", 10)
    talk.on(ReplyEnded(number, "Done."))
    talk.on(PlaybackChanged(True), after=8)  # late by an unknown time
    talk.on(PlaybackChanged(False), after=3)
    assert spoken(talk) == (QUESTION, SILENCE)


def test_silence_after_a_cut_does_not_wait_for_what_was_never_played() -> None:
    talk = talking()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    for clip in ("one two", "three four", "five six"):
        talk.clip(number, clip, 30)
    talk.on(ReplyEnded(number, "one two three four five six"))
    talk.on(CallerInterrupted(1000), after=1.25)
    play_reply(talk, started(talk.on(CallerSpoke("Stop"))).reply)
    assert spoken(talk) == (QUESTION, SILENCE)


def test_a_caller_who_never_says_a_word_is_asked_too() -> None:
    assert spoken(talking()) == (QUESTION, SILENCE)


def test_a_caller_is_not_asked_while_the_bot_is_busy() -> None:
    talk = talking()
    started(talk.on(CallerSpoke("Hi")))
    assert talk.core.is_idle is False
    talk.on(TimerFired(), after=SILENCE - 1.5)
    assert not of(SpeakText, talk.on(TimerFired(), after=0.1))


def test_without_a_limit_a_caller_may_be_silent_for_ever() -> None:
    assert talking(idle_timeout_seconds=0.0).core.next_deadline() is None


def test_speaking_holds_the_question_off() -> None:
    talk = talking()
    talk.on(CallerSpeaking(True), after=SILENCE - 1)
    assert not of(SpeakText, talk.on(TimerFired(), after=SILENCE))
    talk.on(CallerSpeaking(False), after=1)
    assert spoken(talk) == (QUESTION, SILENCE)


def test_a_missing_end_of_speaking_is_not_waited_for_for_ever() -> None:
    talk = talking()
    talk.on(CallerSpeaking(True), after=1)
    assert spoken(talk) == (QUESTION, MAX_UNTRANSCRIBED_SPEECH + SILENCE)


@pytest.mark.parametrize(
    ("event", "lasts"),
    [
        (CallerSpoke("half a", final=False), PARTIAL_LASTS),
        (CallerSpeaking(False), 0),
        (CallerSpoke("  "), 0),
        (CallerInterrupted(0), 0),
    ],
)
def test_every_sound_of_the_caller_holds_the_question_off(
    event: CallerSpoke | CallerSpeaking | CallerInterrupted, lasts: float
) -> None:
    talk = talking()
    talk.on(event, after=SILENCE - 1)
    assert spoken(talk) == (QUESTION, SILENCE + lasts)


def test_a_caller_who_enters_keys_is_not_asked() -> None:
    talk = talking()
    talk.on(DtmfReceived("1"), after=SILENCE - 1)
    assert started(talk.on(TimerFired(), after=2)).messages[-1]["content"]


@pytest.mark.parametrize("times", [0, 1, 3])
def test_after_so_many_questions_the_bot_says_goodbye_and_hangs_up(times: int) -> None:
    talk = talking(idle_reprompts=times)
    for _ in range(times):
        assert spoken(talk) == (QUESTION, SILENCE)
        play_sentence(talk)
    assert spoken(talk) == (GOODBYE, SILENCE)
    (play,) = of(Play, talk.clip(len(talk.core.replies.by_number), GOODBYE))
    assert not play.interruptible
    talk.on(ReplyEnded(len(talk.core.replies.by_number), GOODBYE))
    assert of(HangUp, talk.passes()) == [HangUp("caller-silent")]


def test_an_answer_lets_the_questions_start_anew() -> None:
    talk = talking(idle_reprompts=1)
    assert spoken(talk)[0] == QUESTION
    play_sentence(talk)
    play_reply(talk, started(talk.on(CallerSpoke("Here!"), after=1)).reply)
    assert spoken(talk)[0] == QUESTION


def test_the_question_to_a_silent_caller_is_part_of_the_history() -> None:
    talk = talking()
    assert spoken(talk)[0] == QUESTION
    number = len(talk.core.replies.by_number)
    play_reply(talk, number, QUESTION)
    start = started(talk.on(CallerSpoke("Yes."), after=1))
    assert [m["content"] for m in start.messages[-2:]] == [QUESTION, "Yes."]


# Maximum length of a call


def test_the_caller_is_warned_once_before_the_call_is_ended() -> None:
    talk = talking(idle_timeout_seconds=0.0, max_call_minutes=5)
    assert spoken(talk) == (WARNING, 300 - WARNING_SECONDS)
    play_sentence(talk)
    assert spoken(talk)[0] == GOODBYE
    assert talk.now == pytest.approx(100 + 300)


def test_the_warning_of_a_short_call_comes_at_half_of_it() -> None:
    talk = talking(idle_timeout_seconds=0.0, max_call_minutes=1)
    assert spoken(talk) == (WARNING, 30)


def test_the_warning_waits_until_the_bot_has_finished() -> None:
    talk = talking(idle_timeout_seconds=0.0, max_call_minutes=100 / 60)
    number = started(talk.on(CallerSpoke("Hi"), after=45)).reply
    talk.clip(number, "Done.", 20)
    talk.on(ReplyEnded(number, "Done."))
    assert spoken(talk) == (WARNING, START_DELAY + 20 + SETTLE_MARGIN)


def test_the_warning_does_not_cut_in_on_the_caller() -> None:
    talk = talking(idle_timeout_seconds=0.0, max_call_minutes=100 / 60)
    talk.on(CallerSpeaking(True), after=49)
    assert not of(SpeakText, talk.on(TimerFired(), after=2))
    talk.on(CallerSpeaking(False), after=1)
    assert spoken(talk) == (WARNING, FALSE_INTERRUPTION_TIMEOUT)


def test_the_longest_length_ends_a_call_also_in_the_middle_of_a_reply() -> None:
    talk = talking(max_call_minutes=100 / 60)
    number = started(talk.on(CallerSpoke("Hi"), after=95)).reply
    talk.clip(number, "one two", 10)
    text, _ = spoken(talk)
    assert (text, talk.now) == (GOODBYE, 200)
    assert not of(Play, talk.clip(number, "three four", 10))


# The last word


def leaving(**settings: object) -> tuple[Talk, int]:
    talk = talking(idle_reprompts=0, **settings)
    assert spoken(talk)[0] == GOODBYE
    return talk, len(talk.core.replies.by_number)


def test_goodbye_is_played_to_its_end_before_the_call_ends() -> None:
    talk, number = leaving()
    talk.clip(number, GOODBYE, 8)
    assert not of(HangUp, talk.on(ReplyEnded(number, GOODBYE)))
    assert not of(HangUp, talk.on(TimerFired(), after=START_DELAY + 7.9))
    assert of(HangUp, talk.passes()) == [HangUp("caller-silent")]
    assert talk.core.next_deadline() is None


def test_goodbye_is_played_again_when_the_queue_before_it_was_purged() -> None:
    talk = talking(max_call_minutes=100 / 60)
    number = started(talk.on(CallerSpoke("Hi"), after=97)).reply
    talk.clip(number, "one two three four", 8)
    assert spoken(talk)[0] == GOODBYE
    (first,) = of(Play, talk.clip(number + 1, GOODBYE, 2))
    talk.on(ReplyEnded(number + 1, GOODBYE))
    again = talk.on(CallerInterrupted(None), after=1)
    assert of(Play, again) == [first]
    assert 0 < len(talk.turns[1].heard_text) < len("one two three four")
    assert of(HangUp, talk.on(TimerFired(), after=START_DELAY + 2 + SETTLE_MARGIN))
    assert talk.transcript()[-1] == ("bot", GOODBYE, GOODBYE)


def test_twilios_position_is_stored_where_goodbye_cut_a_reply_off() -> None:
    talk = talking(max_call_minutes=100 / 60)
    number = started(talk.on(CallerSpoke("Hi"), after=97)).reply
    talk.clip(number, "one two three four", 8)
    assert spoken(talk)[0] == GOODBYE
    talk.clip(number + 1, GOODBYE)
    talk.on(CallerInterrupted(2000), after=2)
    assert talk.turns[1].heard_text == "one"


def test_a_word_at_the_end_of_goodbye_does_not_cut_it_off() -> None:
    talk, number = leaving()
    talk.clip(number, GOODBYE, 2)
    talk.on(ReplyEnded(number, GOODBYE))
    actions = talk.on(CallerSpoke("Bye"), after=START_DELAY + 2.01)
    assert not of(HangUp, actions)


def test_words_during_goodbye_are_stored_and_not_answered() -> None:
    talk, number = leaving()
    talk.clip(number, GOODBYE, 3)
    assert not of(StartReply, talk.on(CallerSpoke("Wait!"), after=1))
    assert not of(StartReply, talk.on(DtmfReceived("#"), after=0.1))
    assert talk.transcript()[-1][1] == "Wait! [pressed #]"


def test_unfinished_keys_are_stored_when_the_call_ends() -> None:
    talk = talking()
    talk.on(DtmfReceived("4"))
    talk.on(DtmfReceived("2"))
    talk.on(CallEnded())
    assert talk.transcript() == [("caller", *["[pressed 4 2]"] * 2)]


def test_a_last_word_that_never_comes_ends_the_call_all_the_same() -> None:
    talk, _ = leaving()
    began = talk.now
    assert of(HangUp, talk.passes()) == [HangUp("caller-silent")]
    assert talk.now == began + FINAL_MESSAGE_TIMEOUT


def test_nothing_happens_after_the_end_but_the_last_report() -> None:
    talk, number = leaving()
    talk.passes()
    for event in (CallerSpoke("Hello?"), DtmfReceived("#"), CallerInterrupted(5)):
        assert talk.on(event, after=1) == []
    assert not of(Play, talk.clip(number, GOODBYE))
    assert not of(HangUp, talk.on(CallEnded()))


# Interruptions that turn out to be noise


def cut_off(*before: CallerSpeaking | CallerSpoke) -> Talk:
    talk = Talk()
    number = answered(talk)
    talk.on(ReplyEnded(number, "one two three four"))
    for event in before:
        talk.on(event)
    talk.on(CallerInterrupted(1000))
    return talk


def resumed_after(talk: Talk) -> float:
    """Return the seconds from now until the bot goes on."""
    began = talk.now
    assert of(Play, talk.passes())
    return talk.now - began


def test_without_speaker_events_the_bot_waits_a_while_for_words() -> None:
    assert resumed_after(cut_off()) == pytest.approx(
        FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD
    )


def test_the_bot_resumes_soon_after_the_caller_fell_silent() -> None:
    talk = cut_off(CallerSpeaking(True))
    talk.on(CallerSpeaking(False), after=4)
    assert resumed_after(talk) == pytest.approx(FALSE_INTERRUPTION_TIMEOUT)


def test_the_bot_does_not_resume_while_the_caller_speaks() -> None:
    talk = cut_off(CallerSpeaking(True))
    expected = MAX_UNTRANSCRIBED_SPEECH + FALSE_INTERRUPTION_TIMEOUT
    assert resumed_after(talk) == pytest.approx(expected)


def test_a_partial_says_that_words_are_coming() -> None:
    talk = cut_off()
    talk.on(
        CallerSpoke("Well", final=False),
        after=FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD - 0.1,
    )
    expected = PARTIAL_LASTS + FALSE_INTERRUPTION_TIMEOUT
    assert resumed_after(talk) == pytest.approx(expected)


@pytest.mark.parametrize("noise", ["…", "[BLANK_AUDIO]", "(music)"])
def test_noise_postpones_the_reminder_and_does_not_replace_it(noise: str) -> None:
    talk = talking(idle_reprompts=1)
    play_reply(talk, started(talk.on(CallerSpoke("Hi"))).reply)
    assert talk.on(CallerSpoke(noise), after=SILENCE - 1) == []
    text, waited = spoken(talk)
    assert text == QUESTION
    assert waited == pytest.approx(SILENCE)
    play_reply(talk, len(talk.core.replies.by_number), QUESTION)
    assert talk.on(CallerSpoke(noise), after=1) == []  # a noise is nobody
    assert spoken(talk)[0] == GOODBYE
    assert [role for role, *_ in talk.transcript()] == ["caller", "bot", "bot"]


def test_a_blank_prompt_says_that_there_were_no_words() -> None:
    talk = cut_off(CallerSpeaking(True))
    talk.on(CallerSpoke(" "), after=0.5)
    assert resumed_after(talk) == pytest.approx(FALSE_INTERRUPTION_TIMEOUT)
