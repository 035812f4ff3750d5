"""The usual time to a bot's first token."""

from calls.speech.first_tokens import MAX_ANSWERS, MIN_LATE_SECONDS, FirstTokens


def learned(*seconds: float) -> FirstTokens:
    tokens = FirstTokens()
    for each in seconds:
        tokens.learn(10.0, 10.0 + each, 99.0)
    return tokens


def test_a_bot_without_answers_and_a_fast_one_have_the_least_limit() -> None:
    assert learned().late_after == MIN_LATE_SECONDS
    assert learned(0.3, 0.4).late_after == MIN_LATE_SECONDS


def test_one_answer_in_twenty_is_later_than_usual() -> None:
    assert learned(*[2.0] * 19, 9.0).late_after == 2.0
    assert learned(*[2.0] * 18, 9.0, 9.0).late_after == 9.0


def test_only_the_latest_answers_count() -> None:
    assert learned(*[9.0] * MAX_ANSWERS, *[2.0] * MAX_ANSWERS).late_after == 2.0


def test_an_answer_that_was_stopped_counts_if_it_was_already_late() -> None:
    tokens = learned(*[2.0] * 20)
    tokens.learn(10.0, None, 11.0)
    assert len(tokens.seconds) == 20
    for _ in range(2):
        tokens.learn(10.0, None, 13.0)
    assert tokens.late_after == 3.0
