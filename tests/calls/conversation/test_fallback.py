"""The fallback policy: its steps, their order and their deadlines."""

from dataclasses import replace

import pytest

from calls.conversation.actions import (
    CountFallback,
    HangUp,
    Play,
    SpeakText,
    StartReply,
)
from calls.conversation.call_state import MAX_TRANSFERS
from calls.conversation.events import (
    CallerInterrupted,
    CallerSpoke,
    ReplyEnded,
    TimerFired,
)
from calls.conversation.fallback import (
    FALLBACK_BUDGET,
    FIRST_AUDIO_TIMEOUT,
    HANG_UP_AFTER,
    TRANSFER_AFTER,
    FallbackPolicy,
    FallbackStep,
    NextAttempt,
)
from calls.conversation.responder import TTS_TIMEOUT
from calls.turns.turn import ToolCallRecord, Turn
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.support.transfer_targets import SALES

APOLOGY = "Sorry, trouble."


def started_policy(*, models: tuple[str, ...] = ()) -> FallbackPolicy:
    """Return the policy of a question asked at time 0."""
    policy = FallbackPolicy(models)
    policy.begin(0)
    return policy


def steps(
    policy: FallbackPolicy, times: int, at: float = 1, *, can_transfer: bool = False
) -> list[tuple[str, str]]:
    attempts = [policy.failed(at, can_transfer=can_transfer) for _ in range(times)]
    return [(attempt.step, attempt.model) for attempt in attempts]


def test_a_question_must_be_answered_within_the_limit() -> None:
    assert started_policy().due_at == FIRST_AUDIO_TIMEOUT


def test_a_failed_answer_is_tried_again_once_and_then_apologised_for() -> None:
    assert steps(started_policy(), 2) == [("retry", ""), ("apology", "")]


def test_the_fallback_models_follow_the_retry_in_their_order() -> None:
    assert steps(started_policy(models=("a", "b")), 4) == [
        *(("retry", ""), ("fallback", "a"), ("fallback", "b"), ("apology", ""))
    ]


def test_what_cannot_succeed_is_not_repeated() -> None:
    step = started_policy(models=("a",)).failed(1, retryable=False)
    assert step == NextAttempt(FallbackStep.FALLBACK, 1, "a")
    assert started_policy().failed(1, retryable=False).step is FallbackStep.APOLOGY


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (None, NextAttempt(FallbackStep.RETRY, 1)),
        (0.4, NextAttempt(FallbackStep.RETRY, 1.4)),
        (
            FALLBACK_BUDGET - 0.01,
            NextAttempt(FallbackStep.RETRY, 1 + FALLBACK_BUDGET - 0.01),
        ),
        (FALLBACK_BUDGET, NextAttempt(FallbackStep.FALLBACK, 1, "a")),
        (60, NextAttempt(FallbackStep.FALLBACK, 1, "a")),
    ],
)
def test_a_requested_wait_is_respected_unless_the_caller_would_wait_too_long(
    wait: float | None, expected: NextAttempt
) -> None:
    assert started_policy(models=("a",)).failed(1, retry_after=wait) == expected


def test_nothing_more_is_tried_once_the_budget_is_spent() -> None:
    policy = started_policy(models=("a", "b"))
    policy.failed(1)
    assert policy.due_at == 1 + FALLBACK_BUDGET
    assert policy.failed(2).step is FallbackStep.FALLBACK
    assert policy.due_at == 1 + FALLBACK_BUDGET, "counts from the first failure"
    assert policy.failed(1 + FALLBACK_BUDGET).step is FallbackStep.APOLOGY
    assert policy.due_at is None


def last_steps(
    policy: FallbackPolicy, times: int, *, can_transfer: bool = False
) -> list[str]:
    last = []
    for time in range(times):
        policy.begin(10 * time)
        tried = steps(policy, 2, at=10 * time + 1, can_transfer=can_transfer)
        last.append(tried[-1][0])
    return last


def test_the_call_is_ended_after_three_answers_in_a_row_that_failed() -> None:
    apologies = ["apology"] * (HANG_UP_AFTER - 1)
    assert last_steps(started_policy(), HANG_UP_AFTER) == [*apologies, "hang_up"]


def test_the_caller_is_transferred_after_two_where_that_is_possible() -> None:
    apologies = ["apology"] * (TRANSFER_AFTER - 1)
    taken = last_steps(started_policy(), TRANSFER_AFTER, can_transfer=True)
    assert taken == [*apologies, "transfer"]


def test_an_answer_that_is_heard_lets_the_count_start_anew() -> None:
    policy = started_policy()
    assert last_steps(policy, HANG_UP_AFTER - 1)[-1] == "apology"
    policy.succeeded()
    assert last_steps(policy, HANG_UP_AFTER - 1)[-1] == "apology"


def test_the_time_of_every_step_is_stored_and_cleared_with_the_next_question() -> None:
    policy = started_policy(models=("a", "b"))
    for at in (1, 1.2, 1.4, 1.6):
        policy.failed(at)
    assert policy.steps_taken == {"retry": 1, "fallback": 1.2, "apology": 1.6}
    policy.begin(9)
    assert policy.steps_taken == {}


# In a call


def failing_talk(**settings: object) -> tuple[Talk, int]:
    talk = Talk(apology_message=APOLOGY, **settings)
    return talk, started(talk.on(CallerSpoke("Why?"))).reply


def apologised(talk: Talk, number: int) -> int:
    """Let an answer and its retry fail; return the number of the apology."""
    retry = started(talk.on(ReplyEnded(number, error="Broken."))).reply
    (apology,) = of(SpeakText, talk.on(ReplyEnded(retry, error="Broken.")))
    assert apology.text == APOLOGY
    return apology.reply


def hears_an_apology(talk: Talk) -> None:
    """Let the caller ask something that cannot be answered."""
    apology = apologised(talk, started(talk.on(CallerSpoke("Why?"), after=1)).reply)
    talk.clip(apology, APOLOGY)
    talk.on(ReplyEnded(apology, APOLOGY))
    talk.passes()


def test_a_retry_asks_for_the_same_and_names_no_other_model() -> None:
    talk = Talk()
    first = started(talk.on(CallerSpoke("Why?")))
    again = started(talk.on(ReplyEnded(first.reply, error="Broken.")))
    assert (again.messages, again.model) == (first.messages, "")


def test_an_empty_answer_is_a_failure_like_any_other() -> None:
    talk, number = failing_talk(fallback_models=("a",))
    retry = talk.on(ReplyEnded(number))
    assert of(CountFallback, retry) == [CountFallback("retry")]
    fallback = talk.on(ReplyEnded(started(retry).reply))
    assert started(fallback).model == "a"


def test_a_retry_waits_as_long_as_the_upstream_asked() -> None:
    talk, number = failing_talk()
    asked_to_wait = talk.on(ReplyEnded(number, error="Busy.", retry_after=0.5))
    assert not of(StartReply, asked_to_wait)
    assert talk.core.next_deadline() == pytest.approx(talk.now + 0.5)
    assert of(StartReply, talk.passes())


def test_a_question_during_the_wait_replaces_the_retry() -> None:
    talk, number = failing_talk()
    talk.on(ReplyEnded(number, error="Busy.", retry_after=1.0))
    start = started(talk.on(CallerSpoke("And when?"), after=0.5))
    assert start.messages[-1]["content"] == "Why? And when?"
    assert not of(StartReply, talk.on(TimerFired(), after=0.6))


def test_an_upstream_that_says_nothing_is_apologised_for_in_time() -> None:
    talk, _ = failing_talk()
    asked_at = talk.now
    spoken: list[SpeakText] = []
    while not spoken:
        spoken = of(SpeakText, talk.passes())
    assert (spoken[0].text, spoken[0].timeout) == (APOLOGY, TTS_TIMEOUT)
    assert talk.now == pytest.approx(asked_at + FIRST_AUDIO_TIMEOUT + FALLBACK_BUDGET)


def test_a_caller_who_asks_again_and_again_hears_something_in_the_end() -> None:
    talk, _ = failing_talk()
    spoken: list[SpeakText] = []
    for _ in range(10):
        spoken += of(SpeakText, talk.on(TimerFired(), after=FIRST_AUDIO_TIMEOUT - 1))
        spoken += of(SpeakText, talk.on(CallerSpoke("Hello?")))
    assert spoken


def test_a_reply_that_falls_silent_for_ever_is_last_steps() -> None:
    talk, number = failing_talk(idle_timeout_seconds=5.0)
    talk.clip(number, "Well,")
    talk.passes()
    assert talk.core.next_deadline() is not None


def test_an_error_after_the_first_clip_ends_the_answer_without_an_apology() -> None:
    talk, number = failing_talk()
    talk.clip(number, "Well,")
    actions = talk.on(ReplyEnded(number, "Well, I think", error="Broken."))
    assert not of(SpeakText, actions)
    assert not of(StartReply, actions)
    assert (talk.turns[1].heard_text, talk.turns[1].error) == ("", "Broken.")
    talk.passes()
    assert talk.transcript()[1] == ("bot", "Well, I think", "Well,")


def test_an_apology_stands_in_the_transcript_but_not_in_the_history() -> None:
    talk, number = failing_talk()
    apology = apologised(talk, number)
    talk.clip(apology, APOLOGY)
    talk.on(ReplyEnded(apology, APOLOGY))
    talk.passes()
    assert talk.transcript()[1] == ("system", APOLOGY, APOLOGY)
    assert talk.turns[1].error == "Broken."
    start = started(talk.on(CallerSpoke("Why not?"), after=1))
    assert [m["role"] for m in start.messages] == ["system", "user"]
    assert start.messages[-1]["content"] == "Why? Why not?"


def test_an_apology_that_is_cut_off_keeps_its_heard_part() -> None:
    talk, number = failing_talk()
    apology = apologised(talk, number)
    talk.clip(apology, APOLOGY, seconds=2)
    talk.on(ReplyEnded(apology, APOLOGY))
    talk.on(CallerInterrupted(1200), after=1.5)
    assert talk.transcript()[1] == ("system", APOLOGY, "Sorry,")


def test_an_answer_keeps_when_each_step_was_taken() -> None:
    talk, number = failing_talk()
    again = started(talk.on(ReplyEnded(number, error="Broken."), after=0.7)).reply
    talk.clip(again, "There.")
    talk.on(ReplyEnded(again, "There."))
    assert talk.turns[1].latency_ms == {"play_sent": 700, "retry": 700}


@pytest.mark.parametrize("can_transfer", [False, True])
def test_the_call_ends_with_a_last_word_when_answers_keep_asked(
    can_transfer: bool,
) -> None:
    targets = (SALES,) if can_transfer else ()
    talk = Talk(apology_message=APOLOGY, targets=targets, transfer_notice="One sec.")
    for _ in range((TRANSFER_AFTER if can_transfer else HANG_UP_AFTER) - 1):
        hears_an_apology(talk)
    number = started(talk.on(CallerSpoke("Why?"), after=1)).reply
    retry = started(talk.on(ReplyEnded(number, error="Broken."))).reply
    (last_word,) = of(SpeakText, talk.on(ReplyEnded(retry, error="Broken.")))
    assert last_word.text == ("One sec." if can_transfer else "Goodbye.")
    (play,) = of(Play, talk.clip(last_word.reply, last_word.text))
    assert not play.interruptible
    assert not of(HangUp, talk.on(ReplyEnded(last_word.reply, last_word.text)))
    reason = "transferred" if can_transfer else "bot-failed"
    assert of(HangUp, talk.passes()) == [
        HangUp(reason, SALES if can_transfer else None)
    ]


AWAY = replace(SALES, opening_hours="Mon 9:00-9:01")


@pytest.mark.parametrize("why", ["nobody", "closed", "tried enough"])
def test_where_nobody_is_there_a_caller_gets_the_same_third_chance(why: str) -> None:
    targets = {"nobody": (), "closed": (AWAY,), "tried enough": (SALES,)}[why]
    talk = Talk(apology_message=APOLOGY, targets=targets)
    if why == "tried enough":
        for index in range(MAX_TRANSFERS):
            record = ToolCallRecord(
                f"t{index}", "transfer_call", result="Nobody picked up."
            )
            turn = Turn(
                index, "tool", 0.0, text=record.name, tool_call=record, ended_at=1.0
            )
            talk.core.turns.append(turn)
    for _ in range(HANG_UP_AFTER - 1):
        hears_an_apology(talk)
    number = started(talk.on(CallerSpoke("Why?"), after=1)).reply
    retry = started(talk.on(ReplyEnded(number, error="Broken."))).reply
    actions = talk.on(ReplyEnded(retry, error="Broken."))
    assert of(CountFallback, actions) == [CountFallback("hang_up")]
    assert [each.text for each in of(SpeakText, actions)] == ["Goodbye."]
