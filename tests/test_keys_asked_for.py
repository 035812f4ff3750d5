"""Keys that a model asks a caller for: a PIN, an order number."""

from typing import Any

import pytest

from bots.abilities import MenuEntry
from calls.actions import SpeakText, StartReply
from calls.events import CallEnded, CallerInterrupted, CallerSpoke, KeyPressed
from calls.glimpse import Glimpse
from calls.keypad import MASKED
from calls.models import Call
from calls.playback import CHARACTERS_PER_SECOND
from calls.tool_uses import ENDED_FIRST, NOTHING_TYPED, SPOKE_INSTEAD
from tests.test_conversation import Talk, of, started
from tests.test_own_deeds import spoken, voiced
from tests.test_tool_uses import call, result_of, told, uses, working

QUESTION = "Type your PIN, please."


def asked(talk: Talk | None = None, **arguments: Any) -> Talk:
    """A caller who has just heard what to type."""
    talk = talk or working(can_ask_for_keys=True)
    given = {"question": QUESTION, **arguments}
    voiced(talk, spoken(uses(talk, call("ask_for_keys", **given))))
    return talk


def typed(talk: Talk, keys: str, after: float = 0.3) -> list[StartReply]:
    """Press keys one after the other; the answers that began."""
    return [
        start
        for key in keys
        for start in of(StartReply, talk.on(KeyPressed(key), after=after))
    ]


def test_the_question_is_asked_word_for_word() -> None:
    actions = uses(
        working(can_ask_for_keys=True), call("ask_for_keys", question=f" {QUESTION}\n")
    )
    assert (spoken(actions).text, spoken(actions).kept) == (QUESTION, False)
    assert not of(StartReply, actions)


def test_the_last_key_ends_an_entry_and_is_no_part_of_it() -> None:
    talk = asked()
    (start,) = typed(talk, "123#")
    assert told(start)[-1] == ("tool", "The caller pressed 1 2 3.")
    assert not talk.turns[1].tool or result_of(talk, 1)[1] is False
    assert [turn.role for turn in talk.core.turns if turn.text.startswith("[")] == []


@pytest.mark.parametrize(
    ("given", "keys", "result"),
    [
        ({"length": 3}, "123", "1 2 3"),
        ({"length": 3}, "12#", "1 2"),
        ({"length": 3, "last_key": "none"}, "#1#", "# 1 #"),
        ({"last_key": "*"}, "12#*", "1 2 #"),
        ({"length": 99, "last_key": "none"}, "1" * 20, " ".join("1" * 20)),
        ({"length": "3"}, "1234#", "1 2 3 4"),
        ({"length": True}, "12#", "1 2"),
    ],
)
def test_an_entry_is_complete_by_its_length_or_last_key(
    given: dict[str, Any], keys: str, result: str
) -> None:
    talk = asked(**given)
    assert typed(talk, keys[:-1]) == []
    (start,) = typed(talk, keys[-1])
    assert told(start)[-1] == ("tool", f"The caller pressed {result}.")


@pytest.mark.parametrize(
    ("seconds", "patience"), [(5, 5), (1, 3), (999, 60), ("5", 10), (None, 10)]
)
def test_a_caller_has_so_long_to_begin(seconds: object, patience: float) -> None:
    talk = working(can_ask_for_keys=True)
    asking = call("ask_for_keys", question=QUESTION, seconds=seconds)
    question = spoken(uses(talk, asking))
    began = talk.now
    voiced(talk, question)
    while not (starts := of(StartReply, talk.passes())):
        pass
    asked_in = len(QUESTION) / CHARACTERS_PER_SECOND
    assert talk.now == pytest.approx(began + asked_in + patience)
    assert told(starts[0])[-1] == ("tool", NOTHING_TYPED)
    assert result_of(talk, 1) == (NOTHING_TYPED, True)


def test_a_pause_ends_an_entry_without_a_last_key() -> None:
    talk = asked(last_key="none", seconds=5)
    assert typed(talk, "12") == []
    began = talk.now
    while not (starts := of(StartReply, talk.passes())):
        pass
    assert talk.now == began + 5
    assert told(starts[0])[-1] == ("tool", "The caller pressed 1 2.")


def test_a_caller_who_speaks_instead_is_answered() -> None:
    talk = asked()
    start = started(talk.on(CallerSpoke("I do not know it."), after=1))
    assert told(start)[-2:] == [
        ("tool", SPOKE_INSTEAD),
        ("user", "I do not know it."),
    ]
    # From here on keys are an entry like any other.
    assert told(typed(talk, "12#")[0])[-1][1].endswith("[pressed 1 2]")


def test_an_interruption_by_the_first_key_is_none() -> None:
    talk = working(can_ask_for_keys=True)
    question = spoken(uses(talk, call("ask_for_keys", question=QUESTION)))
    talk.clip(question.reply, QUESTION, seconds=4.0)
    assert typed(talk, "1", after=1) == []
    assert not of(StartReply, talk.on(CallerInterrupted(750), after=0.05))
    (start,) = typed(talk, "2#")
    assert told(start)[-1] == ("tool", "The caller pressed 1 2.")


@pytest.mark.parametrize("question", ["", "  ", 7, None])
def test_nothing_is_waited_for_without_a_question(question: object) -> None:
    talk = working(can_ask_for_keys=True)
    actions = uses(talk, call("ask_for_keys", question=question))
    assert result_of(talk, 1)[1]
    assert started(actions)


def test_two_entries_at_once_are_one_too_many() -> None:
    talk = working(can_ask_for_keys=True)
    both = [call("ask_for_keys", each, question=f"{each}?") for each in "ab"]
    actions = uses(talk, *both)
    assert [each.text for each in of(SpeakText, actions)] == ["a?"]
    assert result_of(talk, 3) == ("Say what to ask, once.", True)
    voiced(talk, spoken(actions))
    assert len(typed(talk, "1#")) == 1


def test_keys_that_were_asked_for_are_not_those_of_the_menu() -> None:
    menu = {"1": MenuEntry("1", "end")}
    talk = asked(working(can_ask_for_keys=True, menu=menu), length=2)
    (start,) = typed(talk, "11")
    assert told(start)[-1] == ("tool", "The caller pressed 1 1.")
    assert talk.core.farewell is None


# A secret one


@pytest.mark.parametrize("by", ["the model", "the bot"])
def test_a_secret_is_told_to_the_model_and_shown_to_nobody(by: str) -> None:
    talk = working(can_ask_for_keys=True, mask_keys=by == "the bot")
    asked(talk, secret=by == "the model")
    assert typed(talk, "471") == []
    glimpse = Glimpse(Call(), None, talk.core)  # type: ignore[arg-type]
    news = glimpse.state_news()
    assert news
    assert news["state"]["keys"] == MASKED
    (start,) = typed(talk, "#")
    assert told(start)[-1] == ("tool", "The caller pressed 4 7 1.")
    use = talk.turns[1].tool
    assert use
    assert use.to_json()["result"] == "The caller pressed ••••."
    assert "4 7 1" not in str([turn.told for turn in talk.core.turns])


@pytest.mark.parametrize("secret", [True, False])
def test_what_is_half_typed_at_the_end_is_kept_unless_it_is_secret(
    secret: bool,
) -> None:
    talk = asked(secret=secret)
    typed(talk, "47")
    talk.on(CallEnded())
    assert result_of(talk, 1) == (ENDED_FIRST, True)
    kept = any("4 7" in turn.text for turn in talk.turns.values())
    assert kept is not secret


def test_a_secret_that_is_half_typed_is_forgotten_by_who_speaks() -> None:
    talk = asked(secret=True)
    typed(talk, "47")
    start = started(talk.on(CallerSpoke("Sorry, wrong card."), after=0.5))
    assert told(start)[-1] == ("user", "Sorry, wrong card.")
