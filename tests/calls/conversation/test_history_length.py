"""The part of a long call that the model is sent."""

import json

from calls.turns.messages import MAX_HISTORY_LENGTH, OMITTED, messages
from calls.turns.turn import Turn


def long_call(exchanges: int, words: str) -> list[Turn]:
    greeting = Turn(0, "bot", 0.0, "Hello.", "Hello.")
    said = [
        Turn(n, role, 0.0, f"{n} {words}", f"{n} {words}")
        for n in range(1, exchanges)
        for role in ("caller", "bot")
    ]
    last = Turn(exchanges, "caller", 0.0, "And now?", "And now?")
    return [greeting, *said, last]


def length(history: list[dict[str, str]]) -> int:
    return sum(len(message["content"]) for message in history[1:])


def test_of_a_long_call_the_oldest_exchanges_are_left_out() -> None:
    history = messages("Be kind.", long_call(400, "word " * 60))
    assert MAX_HISTORY_LENGTH / 2 < length(history) <= MAX_HISTORY_LENGTH + 100
    assert history[0] == {"role": "system", "content": "Be kind."}
    assert history[2] == {"role": "assistant", "content": "Hello."}
    assert history[3]["content"].startswith(OMITTED)
    assert history[-1] == {"role": "user", "content": "And now?"}
    roles = [message["role"] for message in history[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_a_short_call_is_sent_completely() -> None:
    history = messages("Be kind.", long_call(20, "word"))
    assert len(history) == 2 + 2 * 20
    assert OMITTED not in json.dumps(history)


def test_one_endless_turn_is_cut_to_its_end() -> None:
    turns = [Turn(0, "caller", 0.0, "word " * 60_000 + "at last", "")]
    history = messages("Be kind.", turns)
    assert length(history) <= MAX_HISTORY_LENGTH
    assert history[1]["content"].endswith("at last")
