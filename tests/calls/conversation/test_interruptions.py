"""Being cut off: a noise, a "mhm", a key or a question."""

import pytest

from bots.config.phrasebook import PHRASEBOOKS
from calls.conversation.actions import (
    Action,
    DropClips,
    HangUp,
    MuteClips,
    Play,
    StartReply,
    StopReply,
)
from calls.conversation.dtmf import INTER_DIGIT_TIMEOUT, MASKED
from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    ClipReady,
    DtmfReceived,
    ReplyEnded,
    TimerFired,
)
from calls.conversation.timeouts import (
    FALSE_INTERRUPTION_TIMEOUT,
    FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD,
)
from calls.turns.clip import Clip
from calls.turns.messages import CONTINUE
from calls.turns.playback import START_DELAY
from tests.calls.conversation.test_conversation import Talk, answered, of, started

LISTENING = "mhm, okay, I see"
SECONDS = 2.0


def texts(actions: list[Action]) -> list[str]:
    return [play.clip.text for play in of(Play, actions)]


def cut_off(
    *clips: str, ended: bool = True, heard: float = 1.0, **settings: object
) -> tuple[Talk, int]:
    """A reply of clips (2 s each), cut off when `heard` seconds have been played."""
    talk = Talk(backchannels=LISTENING, **settings)
    number = started(talk.on(CallerSpoke("Question"))).reply
    for text in clips or ("one two", "three four", "five six"):
        talk.clip(number, text, SECONDS)
    if ended:
        talk.on(ReplyEnded(number, "one two three four five six"))
    talk.on(CallerInterrupted(heard % SECONDS * 1000), after=START_DELAY + heard)
    return talk, number


# A noise


def test_a_noise_resumes_with_the_same_clips_from_the_first_unheard_one() -> None:
    talk, number = cut_off(heard=3)
    actions = talk.passes()
    played = of(Play, actions)
    assert [play.clip.id for play in played] == [
        *(f"{number}/three four", f"{number}/five six")
    ]
    assert not of(StartReply, actions)
    assert not of(DropClips, actions)


def test_a_resumed_reply_counts_as_heard_and_as_not_interrupted() -> None:
    talk, _ = cut_off()
    talk.passes()
    talk.passes()
    assert talk.transcript()[1][2] == "one two three four five six"
    assert not talk.turns[1].interrupted


def test_a_reply_cut_short_is_resumed_and_then_written_to_its_end() -> None:
    talk, number = cut_off("one two", "three four", ended=False)
    actions = talk.passes()
    assert texts(actions) == ["one two", "three four"]
    go_on = started(actions)
    assert go_on.messages[-2]["content"] == "one two three four"
    assert go_on.messages[-1]["content"] == CONTINUE
    assert go_on.reply == number + 1


def test_a_reply_cut_off_between_two_clips_is_only_written_on() -> None:
    talk, _ = cut_off("one two", ended=False, heard=2)
    assert talk.core.interruptions.paused
    actions = talk.passes()
    assert not of(Play, actions)
    assert started(actions).messages[-2]["content"] == "one two"


def test_a_noise_during_the_resumed_clips_resumes_them_again() -> None:
    talk, _number = cut_off("one two", "three four", ended=False)
    rest = started(talk.passes()).reply
    assert StopReply(rest) in talk.on(CallerInterrupted(500), after=0.75)
    actions = talk.passes()
    assert texts(actions) == ["one two", "three four"]
    assert started(actions).messages[-1]["content"] == CONTINUE


def test_a_noise_during_the_resumed_clips_after_the_rest_failed_resumes_too() -> None:
    talk, _number = cut_off("one two", "three four", ended=False)
    rest = started(talk.passes()).reply
    talk.on(ReplyEnded(rest, error="Broken."))
    talk.on(CallerInterrupted(500), after=0.75)
    assert texts(talk.passes()) == ["one two", "three four"]


def test_a_second_interrupt_while_waiting_changes_nothing_but_the_wait() -> None:
    talk, _ = cut_off()
    assert talk.on(CallerInterrupted(0), after=1) == []
    began = talk.now
    assert texts(talk.passes()) == ["one two", "three four", "five six"]
    assert talk.now == pytest.approx(began + FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD)


def test_a_last_word_that_was_nearly_over_is_not_repeated() -> None:
    talk, _ = cut_off("one two three four", heard=1.9)
    assert talk.core.interruptions.paused is None
    assert talk.turns[1].heard_text == "one two three four"


def test_a_noise_before_anything_was_audible_costs_nothing() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Question"))).reply
    assert talk.on(CallerInterrupted(None), after=0.2) == []
    assert texts(talk.clip(number, "one two")) == ["one two"]


def test_a_fixed_sentence_is_resumed_too() -> None:
    talk = Talk(greeting="one two three four")
    talk.on(CallConnected())
    talk.clip(1, "one two three four")
    talk.on(ReplyEnded(1, "one two three four"))
    talk.on(CallerInterrupted(1000), after=START_DELAY + 1)
    assert talk.turns[0].heard_text == "one two"
    actions = talk.passes()
    assert texts(actions) == ["one two three four"]
    assert not of(StartReply, actions)


def test_a_fixed_sentence_is_not_written_on_by_the_model() -> None:
    talk = Talk(greeting="one two three four")
    talk.on(CallConnected())
    talk.clip(1, "one two three four")
    talk.on(CallerInterrupted(1000), after=START_DELAY + 1)  # its end not yet reported
    assert not of(StartReply, talk.passes())


def test_what_was_heard_once_stays_heard_when_it_is_cut_off_again() -> None:
    talk, _ = cut_off("one two three four")
    assert talk.turns[1].heard_text == "one two"
    talk.passes()
    talk.on(CallerInterrupted(None), after=0.1)
    assert talk.turns[1].heard_text == "one two"


# A backchannel


@pytest.mark.parametrize("said", ["mhm", "Mhm.", "OKAY!", "I see.", "okay, okay mhm"])
def test_a_backchannel_resumes_at_once_and_is_no_question(said: str) -> None:
    talk, _ = cut_off()
    actions = talk.on(CallerSpoke(said), after=0.5)
    assert texts(actions) == ["one two", "three four", "five six"]
    assert not of(StartReply, actions)
    assert talk.turns[2].is_backchannel


def test_a_backchannel_without_an_interrupt_lets_the_bot_speak_on() -> None:
    talk = Talk(backchannels=LISTENING)
    answered(talk)
    actions = talk.on(CallerSpoke("mhm"))
    assert not of(StopReply, actions)
    assert not of(StartReply, actions)


def test_a_backchannel_is_in_the_transcript_but_not_in_the_history() -> None:
    talk, _ = cut_off()
    talk.on(CallerSpoke("mhm"), after=0.5)
    talk.on(TimerFired(), after=10)
    start = started(talk.on(CallerSpoke("And then?"), after=1))
    assert talk.transcript()[2] == ("caller", "mhm", "mhm")
    contents = [message["content"] for message in start.messages]
    assert contents[1:] == ["Question", "one two three four five six", "And then?"]


@pytest.mark.parametrize("mark", ["?", "？", "؟"])  # noqa: RUF001
def test_after_a_question_a_backchannel_is_its_answer(mark: str) -> None:
    talk, _ = cut_off(f"Shall I{mark}", "Or not.", heard=2.1)
    actions = talk.on(CallerSpoke("okay"), after=0.5)
    assert started(actions).messages[-1]["content"].endswith("okay")
    assert of(DropClips, actions)


def test_clips_sent_around_the_interrupt_are_muted_until_played_again() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    talk.clip(number, "one two three four")
    talk.now += 1.25
    talk.clip(number, "five six")
    actions = talk.on(CallerInterrupted(1000), after=0.1)
    (muted,) = of(MuteClips, actions)
    assert [clip.text for clip in muted.clips] == ["five six"]
    assert [play.clip.text for play in of(Play, talk.passes())] == [
        *("one two three four", "five six")
    ]


def test_when_nobody_speaks_a_backchannel_is_an_answer() -> None:
    talk = Talk(backchannels=LISTENING)
    assert started(talk.on(CallerSpoke("okay"))).messages[-1]["content"] == "okay"


def test_while_the_answer_is_awaited_a_backchannel_belongs_to_the_question() -> None:
    talk = Talk(backchannels=LISTENING)
    talk.on(CallerSpoke("A table"))
    start = started(talk.on(CallerSpoke("okay"), after=0.5))
    assert start.messages[-1]["content"] == "A table okay"


def test_an_okay_at_the_end_of_a_question_is_its_answer() -> None:
    talk = Talk(backchannels=LISTENING)
    number = started(talk.on(CallerSpoke("A table"))).reply
    talk.clip(number, "Shall I book it?", SECONDS)
    talk.on(ReplyEnded(number, "Shall I book it?"))
    actions = talk.on(CallerSpoke("okay"), after=START_DELAY + SECONDS - 0.1)
    assert of(StartReply, actions)


@pytest.mark.parametrize("language", PHRASEBOOKS)
def test_every_word_of_a_languages_list_is_taken_for_listening(language: str) -> None:
    words = PHRASEBOOKS[language].backchannels
    for word in words.split(", "):
        talk = Talk(backchannels=words)
        answered(talk)
        talk.on(CallerInterrupted(1000))
        assert of(Play, talk.on(CallerSpoke(f"{word.title()}."), after=0.5)), word


@pytest.mark.parametrize(
    ("listed", "said", "is_backchannel"),
    [
        ("jawohl", "Jawohl!", True),
        ("jawohl", "mhm", False),
        ("", "mhm", False),
        ("uh huh", "Uh-huh", True),
        ("okay", "okay wait", False),
        ("うん, はい", "はい。", True),
        ("mhm", "…", False),
    ],
)
def test_a_bot_has_its_own_list(listed: str, said: str, is_backchannel: bool) -> None:
    talk = Talk(backchannels=listed)
    answered(talk)
    talk.on(CallerInterrupted(1000))
    assert bool(of(Play, talk.on(CallerSpoke(said), after=0.5))) is is_backchannel


def test_a_backchannel_between_keys_does_not_resume() -> None:
    talk, _number = cut_off(ended=False)
    talk.on(DtmfReceived("1"), after=0.2)
    assert not of(Play, talk.on(CallerSpoke("mhm"), after=0.2))


# A question


def test_a_question_discards_what_was_cut_off() -> None:
    talk, _number = cut_off()
    actions = talk.on(CallerSpoke("Wait"), after=0.5)
    (discard,) = of(DropClips, actions)
    assert [clip.text for clip in discard.clips] == [
        "one two",
        "three four",
        "five six",
    ]
    assert not discard.queued
    assert started(actions).messages[-2]["content"] == "one"
    assert not of(Play, talk.on(TimerFired(), after=10))


def test_a_question_just_after_resuming_withdraws_what_is_not_audible_yet() -> None:
    talk, _ = cut_off(heard=3)
    assert texts(talk.passes()) == ["three four", "five six"]
    actions = talk.on(CallerSpoke("Wait"), after=0.1)
    (discard,) = of(DropClips, actions)
    assert [clip.text for clip in discard.clips] == ["three four", "five six"]
    assert discard.queued
    assert started(actions).messages[-2]["content"] == "one two three"


def test_a_question_about_a_resumed_reply_stops_the_rest_being_written() -> None:
    talk, _number = cut_off(ended=False)
    rest = started(talk.passes()).reply
    assert StopReply(rest) in talk.on(CallerSpoke("Wait"), after=0.5)
    assert not of(Play, talk.clip(rest, "seven"))


# Keys


def test_a_key_during_the_wait_stops_the_resuming() -> None:
    talk, _ = cut_off()
    talk.on(DtmfReceived("5"), after=FALSE_INTERRUPTION_TIMEOUT_WITHOUT_VAD - 0.1)
    assert not of(Play, talk.on(TimerFired(), after=INTER_DIGIT_TIMEOUT - 0.1))
    actions = talk.passes()
    assert of(DropClips, actions)
    assert started(actions).messages[-1]["content"].endswith("[pressed 5]")


def test_a_key_is_followed_by_its_interrupt_and_nothing_is_resumed() -> None:
    talk = Talk()
    number = answered(talk)
    talk.on(DtmfReceived("5"))
    assert StopReply(number) in talk.on(CallerInterrupted(1000), after=0.1)
    assert not of(Play, talk.on(TimerFired(), after=FALSE_INTERRUPTION_TIMEOUT))
    assert started(talk.passes()).messages[-1]["content"].endswith("[pressed 5]")


@pytest.mark.parametrize(
    ("keys", "entry"),
    [
        ("123#", "[pressed 1 2 3]"),
        ("#", "[pressed #]"),
        ("*9#", "[pressed * 9]"),
        ("0*#", "[pressed 0 *]"),
    ],
)
def test_a_hash_completes_an_entry_and_alone_is_one(keys: str, entry: str) -> None:
    talk = Talk()
    for key in keys[:-1]:
        assert not of(StartReply, talk.on(DtmfReceived(key), after=0.5))
    start = started(talk.on(DtmfReceived(keys[-1]), after=0.5))
    assert start.messages[-1]["content"] == entry
    assert talk.core.digits.due_at is None


def test_every_key_gives_the_next_one_time() -> None:
    talk = Talk()
    for key in "42":
        talk.on(DtmfReceived(key), after=INTER_DIGIT_TIMEOUT - 0.1)
    began = talk.now
    assert started(talk.passes()).messages[-1]["content"] == "[pressed 4 2]"
    assert talk.now == pytest.approx(began + INTER_DIGIT_TIMEOUT)


def test_masked_keys_reach_the_model_and_not_the_transcript() -> None:
    talk = Talk(mask_dtmf=True)
    talk.on(DtmfReceived("7"))
    start = started(talk.on(DtmfReceived("#")))
    assert start.messages[-1]["content"] == "[pressed 7]"
    assert talk.turns[0].redacted == MASKED
    talk.on(CallerSpoke("is my PIN"), after=0.5)
    assert talk.turns[0].redacted == f"{MASKED} is my PIN"
    assert talk.turns[0].text == "[pressed 7] is my PIN"


def test_words_before_masked_keys_stay_readable() -> None:
    talk = Talk(mask_dtmf=True)
    talk.on(CallerSpoke("My PIN is"))
    talk.on(DtmfReceived("7"), after=0.5)
    talk.on(DtmfReceived("#"))
    assert talk.turns[0].redacted == f"My PIN is {MASKED}"


def test_words_spoken_between_keys_come_after_them_as_one_question() -> None:
    talk = Talk()
    talk.on(DtmfReceived("7"))
    start = started(talk.on(CallerSpoke("seven"), after=0.5))
    assert start.messages[-1]["content"] == "[pressed 7] seven"
    assert not of(StartReply, talk.on(TimerFired(), after=INTER_DIGIT_TIMEOUT))


def test_an_answer_queued_behind_what_a_key_cut_off_starts_right_after_it() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Question"))).reply
    talk.clip(number, "one two three four", 30)
    answer = started(talk.on(DtmfReceived("#"), after=3)).reply
    sent_at = talk.now
    talk.clip(answer, "You pressed hash")
    talk.on(CallerInterrupted(2750), after=0.1)
    expected = sent_at + START_DELAY + SECONDS
    assert talk.core.playback.ends_at() == pytest.approx(expected)


def test_an_interrupt_long_after_the_key_cuts_the_answer_itself() -> None:
    talk = Talk()
    number = answered(talk)
    answer = started(talk.on(DtmfReceived("#"))).reply
    talk.on(CallerInterrupted(15), after=0.1)
    talk.clip(answer, "You pressed hash")
    assert StopReply(answer) in talk.on(CallerInterrupted(500), after=1.25)
    assert not talk.core.replies.by_number[number - 1].writing


# A bot that may not be interrupted


@pytest.mark.parametrize("keys", [False, True])
def test_what_is_said_over_an_uninterruptible_bot_is_answered_after_it(
    keys: bool,
) -> None:
    talk = Talk(interruptible="none")
    number = answered(talk)
    over = talk.on(DtmfReceived("#") if keys else CallerSpoke("Sunday?"))
    assert not of(StopReply, over)
    talk.on(CallerSpoke("Or Monday?"), after=0.2)
    start = started(talk.on(ReplyEnded(number, "one two three four")))
    first = "[pressed #]" if keys else "Sunday?"
    assert start.messages[-1]["content"] == f"{first} Or Monday?"
    assert not of(StartReply, talk.on(TimerFired(), after=2))


def test_what_was_said_over_an_uninterruptible_bot_is_answered_if_it_is_cut() -> None:
    talk = Talk(interruptible="dtmf")
    number = answered(talk)
    talk.on(CallerSpoke("Sunday?"))
    actions = talk.on(CallerInterrupted(1000), after=2)
    assert StopReply(number) in actions
    assert started(actions).messages[-1]["content"].endswith("Sunday?")
    assert not of(Play, talk.on(TimerFired(), after=4))


def test_an_uninterruptible_bot_that_is_not_audible_yet_merges_questions() -> None:
    talk = Talk(interruptible="dtmf")
    number = started(talk.on(CallerSpoke("A table"))).reply
    actions = talk.on(CallerSpoke("for two"), after=0.5)
    assert StopReply(number) in actions
    assert started(actions).messages[-1]["content"] == "A table for two"


def test_a_reply_that_is_written_plays_on_before_the_next_answer() -> None:
    talk = Talk(interruptible="dtmf")
    number = answered(talk)
    talk.on(ReplyEnded(number, "one two three four"))
    actions = talk.on(CallerSpoke("And Sunday?"))
    assert not of(DropClips, actions)
    assert started(actions).messages[-2]["content"] == "one two three four"


def test_a_stopped_reply_is_never_heard_again_even_if_more_arrives() -> None:
    talk, number = cut_off(ended=False)
    talk.on(CallerSpoke("Wait"), after=0.5)
    late = Clip("late", "https://x/late", "seven", 1.0)
    assert talk.on(ClipReady(number, late)) == [DropClips((late,), queued=False)]
    talk.on(ReplyEnded(number, "one two three four five six seven"))
    assert not of(Play, talk.on(TimerFired(), after=10))
    assert not of(HangUp, talk.on(TimerFired(), after=10))
