"""Keys that a model asks a caller for: a PIN, an order number."""

from typing import Any

import pytest

from bots.config.capabilities import MenuEntry
from calls.conversation.actions import Play, SpeakText, StartReply
from calls.conversation.dtmf import INTER_DIGIT_TIMEOUT, MASKED
from calls.conversation.events import (
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    CallResumed,
    DtmfReceived,
    ReplyEnded,
)
from calls.conversation.responder import MAX_TOOL_ROUNDS
from calls.conversation.tool_calls import NOTHING_TYPED, SPOKE_INSTEAD
from calls.live_feed.snapshot import CallSnapshot
from calls.models import Call
from calls.turns.lost_session import RELAY_LOST
from tests.calls.conversation.test_builtin_tools import play_sentence, spoken
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.calls.conversation.test_tool_calls import (
    call,
    call_tools,
    history_of,
    result_of,
    tool_talk,
)

QUESTION = "Type your PIN, please."


def asked(talk: Talk | None = None, **arguments: Any) -> Talk:
    """Let the model ask the caller for keys."""
    talk = talk or tool_talk(can_collect_digits=True)
    given = {"question": QUESTION, **arguments}
    play_sentence(talk, spoken(call_tools(talk, call("ask_for_keys", **given))))
    return talk


def press_keys(talk: Talk, keys: str, after: float = 0.3) -> list[StartReply]:
    """Press keys one after the other; return the replies that began."""
    return [
        start
        for key in keys
        for start in of(StartReply, talk.on(DtmfReceived(key), after=after))
    ]


def test_the_question_is_asked_word_for_word() -> None:
    actions = call_tools(
        tool_talk(can_collect_digits=True),
        call("ask_for_keys", question=f" {QUESTION}\n"),
    )
    assert (spoken(actions).text, spoken(actions).is_cacheable) == (QUESTION, False)
    assert not of(StartReply, actions)


def test_what_the_bot_said_before_is_the_question() -> None:
    talk = tool_talk(can_collect_digits=True)
    asking = call("ask_for_keys", question=QUESTION)
    assert not of(SpeakText, call_tools(talk, asking, said="Your PIN, please?"))
    (start,) = press_keys(talk, "12#", after=3)
    assert history_of(start)[-1] == ("tool", "The caller pressed 1 2.")


def test_keys_that_were_pressed_already_are_part_of_the_entry() -> None:
    talk = tool_talk(can_collect_digits=True)
    number = started(talk.on(CallerSpoke("My PIN is this."))).reply
    assert press_keys(talk, "47") == []
    asking = call("ask_for_keys", question=QUESTION, length=4)
    play_sentence(talk, spoken(talk.on(ReplyEnded(number, calls=(asking,)))))
    (start,) = press_keys(talk, "11")
    assert history_of(start)[-1] == ("tool", "The caller pressed 4 7 1 1.")


def test_the_last_key_ends_an_entry_and_is_no_part_of_it() -> None:
    talk = asked()
    (start,) = press_keys(talk, "123#")
    assert history_of(start)[-1] == ("tool", "The caller pressed 1 2 3.")
    assert not talk.turns[1].tool_call or result_of(talk, 1)[1] is False
    assert [turn.role for turn in talk.core.turns if turn.text.startswith("[")] == []


@pytest.mark.parametrize(
    ("given", "keys", "result"),
    [
        ({"length": 3}, "123", "1 2 3"),
        ({"length": 3}, "12#", "1 2"),
        ({"length": 3, "last_key": "none"}, "#1#", "# 1 #"),
        ({"last_key": "*"}, "12#*", "1 2 #"),
        ({"length": 99, "last_key": "none"}, "1" * 20, " ".join("1" * 20)),
        ({"length": "3", "last_key": " None"}, "1#2", "1 # 2"),
        ({"length": "three"}, "1234#", "1 2 3 4"),
        ({"length": True}, "12#", "1 2"),
    ],
)
def test_an_entry_is_complete_by_its_length_or_last_key(
    given: dict[str, Any], keys: str, result: str
) -> None:
    talk = asked(**given)
    assert press_keys(talk, keys[:-1]) == []
    (start,) = press_keys(talk, keys[-1])
    assert history_of(start)[-1] == ("tool", f"The caller pressed {result}.")


@pytest.mark.parametrize(
    ("seconds", "patience"),
    [(5, 5), (1, 3), (999, 60), ("6", 6), ("5 s", 10), (None, 10)],
)
def test_a_caller_has_so_long_to_begin(seconds: object, patience: float) -> None:
    talk = tool_talk(can_collect_digits=True)
    asking = call("ask_for_keys", question=QUESTION, seconds=seconds)
    play_sentence(talk, spoken(call_tools(talk, asking)))
    heard_at = talk.core.playback.ends_at()
    assert heard_at
    while not (starts := of(StartReply, talk.passes())):
        pass
    assert talk.now == heard_at + patience
    assert history_of(starts[0])[-1] == ("tool", NOTHING_TYPED)
    assert result_of(talk, 1) == (NOTHING_TYPED, True)


def test_a_caller_who_types_may_be_asked_again_however_often() -> None:
    talk = tool_talk(can_collect_digits=True)
    actions = call_tools(talk, call("ask_for_keys", question=QUESTION, secret=True))
    for _ in range(MAX_TOOL_ROUNDS + 1):
        play_sentence(talk, spoken(actions))
        (start,) = press_keys(talk, "12#")
        assert not start.must_speak
        again = call("ask_for_keys", "2", question=QUESTION, secret=True)
        actions = talk.on(ReplyEnded(start.reply, calls=(again,)))


def test_a_noise_in_the_question_takes_no_time_from_the_answer() -> None:
    talk = asked(seconds=3)
    talk.on(CallerInterrupted(500), after=0.75)
    while not of(Play, talk.passes()):
        pass
    heard_at = talk.core.playback.ends_at()
    assert heard_at
    while not (starts := of(StartReply, talk.passes())):
        pass
    assert talk.now == heard_at + 3
    assert history_of(starts[0])[-1] == ("tool", NOTHING_TYPED)


def test_a_pause_ends_an_entry_without_a_last_key() -> None:
    talk = asked(last_key="none", seconds=5)
    assert press_keys(talk, "12") == []
    began = talk.now
    while not (starts := of(StartReply, talk.passes())):
        pass
    assert talk.now == began + 5
    assert history_of(starts[0])[-1] == ("tool", "The caller pressed 1 2.")


def test_a_caller_who_speaks_instead_is_answered() -> None:
    talk = asked()
    start = started(talk.on(CallerSpoke("I do not know it."), after=1))
    assert history_of(start)[-2:] == [
        ("tool", SPOKE_INSTEAD),
        ("user", "I do not know it."),
    ]
    # From here on keys are an entry like any other.
    assert history_of(press_keys(talk, "12#")[0])[-1][1].endswith("[pressed 1 2]")


def test_an_interruption_by_the_first_key_is_none() -> None:
    talk = tool_talk(can_collect_digits=True)
    question = spoken(call_tools(talk, call("ask_for_keys", question=QUESTION)))
    talk.clip(question.reply, QUESTION, seconds=4.0)
    assert press_keys(talk, "1", after=1) == []
    assert not of(StartReply, talk.on(CallerInterrupted(750), after=0.05))
    (start,) = press_keys(talk, "2#")
    assert history_of(start)[-1] == ("tool", "The caller pressed 1 2.")


@pytest.mark.parametrize("question", ["", "  ", [7], None])
def test_nothing_is_waited_for_without_a_question(question: object) -> None:
    talk = tool_talk(can_collect_digits=True)
    actions = call_tools(talk, call("ask_for_keys", question=question))
    assert result_of(talk, 1)[1]
    assert started(actions)


def test_two_entries_at_once_are_one_too_many() -> None:
    talk = tool_talk(can_collect_digits=True)
    both = [call("ask_for_keys", each, question=f"{each}?") for each in "ab"]
    actions = call_tools(talk, *both)
    assert [each.text for each in of(SpeakText, actions)] == ["a?"]
    assert result_of(talk, 3) == ("Say what to ask, once.", True)
    play_sentence(talk, spoken(actions))
    assert len(press_keys(talk, "1#")) == 1


def test_keys_that_were_asked_for_are_not_those_of_the_menu() -> None:
    menu = (MenuEntry("1", "end"),)
    talk = asked(tool_talk(can_collect_digits=True, menu=menu), length=2)
    (start,) = press_keys(talk, "11")
    assert history_of(start)[-1] == ("tool", "The caller pressed 1 1.")
    assert talk.core.final_message is None


# Keys after a fixed length

HASH = (MenuEntry("#", "end"), MenuEntry("1", "end"))


@pytest.mark.parametrize("extra_keys", ["#", "1", "#1"])
def test_keys_right_after_a_fixed_length_are_ignored(extra_keys: str) -> None:
    talk = asked(tool_talk(can_collect_digits=True, menu=HASH), length=4)
    (start,) = press_keys(talk, "4711")
    for key in extra_keys:
        assert talk.on(DtmfReceived(key), after=0.4) == []
    assert talk.core.final_message is None
    talk.clip(start.reply, "Thank you.")
    talk.on(ReplyEnded(start.reply, "Thank you."))
    assert ("bot", "Thank you.", "") in talk.transcript()
    assert not any(turn.text.startswith("[") for turn in talk.turns.values())


@pytest.mark.parametrize("why", ["the answer sounds", "a pause is over", "a last key"])
def test_it_is_none_later_nor_after_a_last_key(why: str) -> None:
    talk = asked(length=4)
    (start,) = press_keys(talk, "471#" if why == "a last key" else "4711")
    closed_at = talk.now
    if why == "the answer sounds":
        talk.clip(start.reply, "Thank you.")
        talk.now = talk.core.playback.pending()[-1].starts_at
        assert talk.now < closed_at + INTER_DIGIT_TIMEOUT
    if why == "a pause is over":
        talk.now = closed_at + INTER_DIGIT_TIMEOUT
    assert press_keys(talk, "5#")
    assert "[pressed 5]" in [turn.text for turn in talk.turns.values()]


# Secret keys


@pytest.mark.parametrize("by", ["the model", "the bot"])
def test_a_secret_is_sent_to_the_model_and_shown_to_nobody(by: str) -> None:
    talk = tool_talk(can_collect_digits=True, mask_dtmf=by == "the bot")
    asked(talk, secret=by == "the model")
    assert press_keys(talk, "471") == []
    snapshot = CallSnapshot(Call(), talk.core, 0)
    update = snapshot.state_update()
    assert update
    assert update["state"]["keys"] == MASKED
    (start,) = press_keys(talk, "#")
    assert history_of(start)[-1] == ("tool", "The caller pressed 4 7 1.")
    tool_call = talk.turns[1].tool_call
    assert tool_call
    assert tool_call.to_json()["result"] == "The caller pressed ••••."
    assert "4 7 1" not in str([turn.display_text for turn in talk.core.turns])


@pytest.mark.parametrize("secret", [True, False])
def test_half_typed_keys_at_the_end_are_stored_unless_secret(
    secret: bool,
) -> None:
    talk = asked(secret=secret)
    press_keys(talk, "47")
    talk.on(CallEnded())
    assert result_of(talk, 1) == (RELAY_LOST, True)
    is_stored = any("4 7" in turn.text for turn in talk.turns.values())
    assert is_stored is not secret


def test_a_secret_that_is_half_typed_is_forgotten_by_who_speaks() -> None:
    talk = asked(secret=True)
    press_keys(talk, "47")
    start = started(talk.on(CallerSpoke("Sorry, wrong card."), after=0.5))
    assert history_of(start)[-1] == ("user", "Sorry, wrong card.")


FOUR = (MenuEntry("4", "end"),)
MEANS = ["words", "words after a key", "too late a start", "too long a pause"]


def unfinished_talk(means: str, **arguments: Any) -> tuple[Talk, StartReply]:
    """Ask for a secret that is not typed; return the call and the next reply."""
    talk = tool_talk(can_collect_digits=True, menu=FOUR)
    asked(talk, secret=True, length=6, seconds=5, **arguments)
    if means in ("words after a key", "too long a pause"):
        press_keys(talk, "9")
    if means.startswith("words"):
        return talk, started(talk.on(CallerSpoke("Let me see."), after=1))
    while not (starts := of(StartReply, talk.passes())):
        pass
    return talk, starts[0]


def play_reply(talk: Talk, start: StartReply, words: str = "Take your time.") -> None:
    """The caller hears an answer."""
    talk.clip(start.reply, words, seconds=2.0)
    talk.on(ReplyEnded(start.reply, words))
    talk.passes()


def caller_texts(talk: Talk) -> list[str]:
    return [turn.display_text[0] for turn in talk.core.turns if turn.role == "caller"]


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("means", MEANS)
def test_a_secret_that_is_typed_too_late_is_one_all_the_same(
    means: str, answer: bool
) -> None:
    talk, start = unfinished_talk(means)
    if answer:
        play_reply(talk, start)
    assert press_keys(talk, "4711", after=0.4) == []
    snapshot = CallSnapshot(Call(), talk.core, 0)
    update = snapshot.state_update()
    assert update
    assert update["state"]["keys"] == MASKED
    (again,) = press_keys(talk, "#")
    assert talk.core.final_message is None
    assert history_of(again)[-1][1].endswith("[pressed 4 7 1 1]")
    assert caller_texts(talk)[-1].endswith(MASKED)
    assert "4 7" not in " ".join(caller_texts(talk))


def test_after_the_answer_there_is_as_much_time_as_after_the_question() -> None:
    talk, start = unfinished_talk("words")
    play_reply(talk, start)
    talk.now = talk.core.playback.ended_at
    press_keys(talk, "5", after=4.9)
    press_keys(talk, "5#", after=0.4)
    assert caller_texts(talk)[-1].endswith(MASKED)
    press_keys(talk, "4", after=0.4)
    assert talk.core.final_message is not None


@pytest.mark.parametrize("sounds", [False, True])
def test_a_secret_may_be_corrected_until_the_answer_sounds(sounds: bool) -> None:
    talk = tool_talk(can_collect_digits=True, menu=FOUR)
    (start,) = press_keys(asked(talk, secret=True), "1234#")
    talk.clip(start.reply, "Thank you.", seconds=2.0)
    starts_at = talk.core.playback.pending()[-1].starts_at
    press_keys(talk, "4", after=starts_at - talk.now if sounds else 0.1)
    assert (talk.core.final_message is not None) is sounds
    if not sounds:
        press_keys(talk, "711#")
        assert caller_texts(talk)[-1] == MASKED


def test_the_next_request_says_whether_it_is_secret() -> None:
    talk, start = unfinished_talk("words")
    asking = call("ask_for_keys", "2", question="Your order's number?", length=4)
    play_sentence(talk, spoken(talk.on(ReplyEnded(start.reply, calls=(asking,)))))
    (again,) = press_keys(talk, "4711")
    assert history_of(again)[-1] == ("tool", "The caller pressed 4 7 1 1.")
    tool_calls = [turn.tool_call for turn in talk.core.turns if turn.tool_call]
    assert tool_calls[-1].to_json()["result"] == "The caller pressed 4 7 1 1."


def test_a_secret_stays_one_when_the_line_breaks_before_it_is_typed() -> None:
    before = asked(secret=True, length=4)
    before.on(CallEnded())
    talk = tool_talk(can_collect_digits=True, menu=FOUR)
    turns = tuple(before.core.turns)
    talk.on(CallResumed(turns, disconnected_at=talk.now, seconds=9.0))
    press_keys(talk, "4711#")
    assert talk.core.final_message is None
    assert caller_texts(talk)[-1].endswith(MASKED)
