"""A second model is asked when the first one is late: which of them is heard."""

import pytest

from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    CallTool,
    CountFallback,
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
    FirstToken,
    ReplyEnded,
    TimerFired,
)
from calls.conversation.fallback import FIRST_AUDIO_TIMEOUT
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.calls.conversation.test_tool_calls import LOOK_UP

LATE = 1.2
FIRST, HEDGE = 1, 2  # the numbers of the two answers


def asked_talk(**settings: object) -> Talk:
    """Ask a bot with a fallback model something."""
    usual = {"llm_model": "a/one", "fallback_models": ("b/two", "c/three")}
    talk = Talk(**{**usual, **settings})
    talk.on(CallConnected(late_after=LATE))
    talk.on(CallerSpoke("When do you open?"), after=1)
    return talk


def hedged_talk(**settings: object) -> Talk:
    talk = asked_talk(**settings)
    talk.on(TimerFired(), after=LATE)
    return talk


def test_the_next_model_is_asked_as_well_when_the_first_token_is_late() -> None:
    talk = asked_talk()
    asked_at = talk.now
    actions = talk.passes()
    assert talk.now - asked_at == pytest.approx(LATE)
    start = started(actions)
    assert (start.reply, start.model, start.is_hedge) == (HEDGE, "b/two", True)
    assert start.messages[-1]["content"] == "When do you open?"
    assert of(CountFallback, actions) == [CountFallback("hedge")]
    assert not of(StopReply, actions)
    assert not of(StartReply, talk.on(TimerFired(), after=LATE)), "one hedge an answer"


def test_a_model_that_has_begun_to_write_is_not_hedged() -> None:
    talk = asked_talk()
    talk.on(FirstToken(FIRST), after=LATE - 0.1)
    assert not of(StartReply, talk.on(TimerFired(), after=LATE))


@pytest.mark.parametrize(
    "settings",
    [
        {"hedge": False},
        {"fallback_models": ()},
        {"fallback_models": ("a/one", "a/one")},
    ],
)
def test_there_is_no_hedge_without_another_model(settings: dict[str, object]) -> None:
    talk = asked_talk(**settings)
    assert not of(StartReply, talk.on(TimerFired(), after=LATE + 0.5))


@pytest.mark.parametrize(("winner", "loser"), [(FIRST, HEDGE), (HEDGE, FIRST)])
def test_the_answer_that_sounds_first_is_heard_and_the_other_stopped(
    winner: int, loser: int
) -> None:
    talk = hedged_talk()
    actions = talk.clip(winner, "At nine.")
    assert of(StopReply, actions) == [StopReply(loser)]
    assert len(of(Play, actions)) == 1
    assert [type(action) for action in talk.clip(loser, "At ten.")] == [DropClips]
    talk.on(ReplyEnded(loser, "At ten, I", model="the/loser"))
    talk.on(ReplyEnded(winner, "At nine.", model="the/winner"))
    turn = talk.turns[1]
    assert (turn.text, turn.model) == ("At nine.", "the/winner")
    assert turn.latency_ms["hedge"] == LATE * 1000
    assert (turn.hedge["model"], turn.hedge["characters"]) == ("the/loser", 9)
    talk.on(TimerFired(), after=9)
    assert talk.transcript()[1:] == [("bot", "At nine.", "At nine.")]


def test_only_the_tools_of_the_faster_answer_are_called() -> None:
    talk = hedged_talk(tools=(LOOK_UP,))
    calls = (ToolCall("1", LOOK_UP.name, '{"order_id": "4"}'),)
    actions = talk.on(ReplyEnded(HEDGE, calls=calls))
    assert of(StopReply, actions) == [StopReply(FIRST)]
    assert len(of(CallTool, actions)) == 1
    assert talk.on(ReplyEnded(FIRST, calls=calls)) == []


@pytest.mark.parametrize(("failed", "other"), [(FIRST, HEDGE), (HEDGE, FIRST)])
def test_if_one_answer_fails_the_other_goes_on(failed: int, other: int) -> None:
    talk = hedged_talk()
    actions = talk.on(ReplyEnded(failed, error="Broken."))
    assert not of(StartReply, actions)
    assert not of(SpeakText, actions)
    assert len(of(Play, talk.clip(other, "At nine."))) == 1
    assert talk.turns[1].hedge["error"] == "Broken."


def test_after_both_have_failed_the_next_model_is_asked() -> None:
    talk = hedged_talk()
    talk.on(ReplyEnded(FIRST, error="Broken."))
    start = started(talk.on(ReplyEnded(HEDGE, error="Broken, too.")))
    assert start.model == "c/three"


def test_if_neither_answers_in_time_the_bot_apologises_at_once() -> None:
    talk = hedged_talk(fallback_models=("b/two",))
    actions = talk.on(TimerFired(), after=FIRST_AUDIO_TIMEOUT - LATE)
    assert of(StopReply, actions) == [StopReply(FIRST), StopReply(HEDGE)]
    (apology,) = of(SpeakText, actions)
    assert apology.text == talk.core.config.apology_message


def test_both_are_stopped_when_the_caller_says_more() -> None:
    talk = hedged_talk()
    actions = talk.on(CallerSpoke("On Sunday?"), after=0.5)
    assert of(StopReply, actions) == [StopReply(FIRST), StopReply(HEDGE)]
    assert started(actions).reply == HEDGE + 1


def test_a_noise_while_a_wait_phrase_plays_stops_neither() -> None:
    talk = hedged_talk(fillers=("One moment.",), answer_filler_seconds=2.5)
    (filler,) = of(SpeakText, talk.on(TimerFired(), after=2.5 - LATE))
    talk.clip(filler.reply, filler.text)
    talk.on(ReplyEnded(filler.reply, filler.text))
    assert not of(StopReply, talk.on(CallerInterrupted(500), after=0.8))
    assert len(of(Play, talk.clip(HEDGE, "At nine."))) == 1
