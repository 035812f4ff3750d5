"""The small talk of the sandbox."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.sandbox.small_talk import STORY, reply, sentences, shorten
from bots.sandbox.voice import speech
from calls.turns.messages import (
    CONNECTED,
    CUT_OFF,
    OMITTED,
    RECONNECTED,
)
from tests.support.sandbox import (
    STORY_PLEASE,
)

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
        ("The caller pressed 5 #", "You pressed 5, hash."),
        ("Who are you?", "I am Ada, the receptionist of Acme Dental."),
        ("", "I did not catch that."),
        ("😀", "I did not catch that."),
    ],
)
def test_replies_show_that_the_caller_was_heard(said: str, answer: str) -> None:
    assert answers(said).startswith(answer)


def test_replies_remember_the_call() -> None:
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


def test_notes_of_the_server_are_not_the_callers_words() -> None:
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
