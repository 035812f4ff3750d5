"""The sandbox's replies to callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.sandbox.small_talk import STORY, misbehaviour, reply, sentences, shorten
from bots.sandbox.voice import speech
from calls.conversation.messages import (
    CONNECTED,
    CUT_OFF,
    OMITTED,
    RECONNECTED,
    messages,
)
from calls.turns.turn import Role, Turn
from tests.bots.sandbox.sandbox_client import STORY_PLEASE

ADA = (
    "You are Ada, the receptionist of Acme Dental. We are open from nine to five. "
    "Parking is free behind the house. Never give medical advice."
)


def answers(*said: str, prompt: str = ADA) -> str:
    messages: list[dict[str, str]] = [{"role": "system", "content": prompt}]
    for turn in said:
        messages.append({"role": "user", "content": turn})
        messages.append({"role": "assistant", "content": reply(messages)})
    return messages[-1]["content"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Hello?", "Hello, I am Ada, the receptionist of Acme Dental."),
        (
            "I want to ask about my order forty two.",
            "You asked about your order forty two.",
        ),
        ("I lost my card.", "You said that you lost your card. Ada has noted it."),
        ("What are your opening hours?", "We are open from nine to five."),
        ("When do you close?", "We are open from nine to five."),
        ("Can I get a parking space, and where?", "Parking is free behind the house."),
        ("Thanks a lot.", "You are welcome."),
        ("Goodbye!", "Goodbye from Ada"),
        ("Yes.", "Good, yes it is."),
        ("No thanks", "You are welcome."),
        ("4 2", "I heard the number 4 2."),
        ("The caller pressed 5 #", "You pressed 5, hash."),
        ("Who are you?", "I am Ada, the receptionist of Acme Dental."),
        ("", "I did not catch that."),
        ("😀", "I did not catch that."),
    ],
)
def test_replies_show_that_the_caller_was_heard(said: str, answer: str) -> None:
    assert answers(said).startswith(answer)


def test_replies_remember_the_call() -> None:
    assert answers("Hello.", "I lost my card.", "What did I say?").startswith(
        "You said: Hello. Then: I lost my card."
    )
    assert (
        answers("hello", "hello", "How many times did I say hello?")
        == "You said hello twice."
    )
    assert answers("My name is peter.", "What is my name?") == "Your name is Peter."
    assert answers("Thanks.", "Say that again.").startswith("I said: You are welcome.")


def test_two_bots_answer_differently() -> None:
    pirate = answers(
        "I lost my card.", prompt="You are a grumpy pirate who sells boats."
    )
    assert "Your grumpy pirate" in pirate
    assert answers("Hello", prompt="") != answers("Hello")


def test_a_story_is_long_enough_to_interrupt() -> None:
    assert len(sentences(answers(STORY_PLEASE))) >= 8


def cut_off(*said: tuple[Role, str]) -> str:
    """What is said after a noise cut the bot off in its last words."""
    turns = [Turn(0, role, 0.0, text, text) for role, text in said]
    return reply(messages(ADA, turns, continues=True))


def test_a_reply_cut_off_by_a_noise_goes_on_where_it_was() -> None:
    begun = "Once upon a time there was a small telephone that li"
    asked: list[tuple[Role, str]] = [("bot", "Hello."), ("caller", STORY_PLEASE)]
    assert cut_off(*asked, ("bot", begun)).startswith("lived in the hall of a big")
    assert cut_off(*asked) == STORY
    assert cut_off(*asked, ("bot", STORY)) == "What can I do for you?"
    assert cut_off(("bot", "Hel")) == "What can I do for you?"
    assert cut_off() == "What can I do for you?"


def test_what_the_server_tells_the_model_is_not_the_callers_word() -> None:
    for note in (CONNECTED, CUT_OFF, RECONNECTED, OMITTED):
        assert answers(f"{note} Thanks a lot.").startswith("You are welcome.")


def test_content_may_come_in_parts_and_roles_in_any_order() -> None:
    parts = [
        {"type": "text", "text": "I lost"},
        {"type": "image_url"},
        {"text": "my card."},
    ]
    messages = [
        {"role": "user", "content": parts},
        {"role": "developer", "content": ADA},
    ]
    assert reply(messages).startswith("You said that you lost your card. Ada")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


messages_of_any_kind = json_values | st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(
                ["system", "developer", "user", "assistant", "tool"]
            ),
            "content": json_values
            | st.sampled_from(
                [
                    ADA,
                    "well",
                    "about",
                    "my name is",
                    "How often did I say",
                    STORY_PLEASE,
                ]
            ),
        },
        optional={"tool_calls": json_values, "tool_call_id": json_values},
    ),
    max_size=5,
)


@given(messages_of_any_kind)
def test_there_is_always_something_to_say(messages: object) -> None:
    text = reply(messages)
    misbehaviour(messages)
    assert any(character.isalnum() for character in text)
    assert text == reply(messages)
    assert not set(text) & set("<>[]{}*_`\n")
    assert speech.speakable(text) == text
    assert "".join(sentences(text)) == text


@given(st.integers(1, 60))
def test_a_shortened_text_is_its_beginning(max_tokens: int) -> None:
    text, cut = shorten(STORY, max_tokens)
    assert STORY.startswith(text)
    assert cut
