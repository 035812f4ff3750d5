"""Turn-taking: the rules, without a socket."""

from collections.abc import Sequence
from typing import Any, TypeVar

from calls.conversation.actions import (
    Action,
    DropClips,
    Play,
    SaveTurn,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    ClipFetched,
    ClipReady,
    DtmfReceived,
    Event,
    ReplyEnded,
    TimerFired,
)
from calls.conversation.responder import GREETING_TTS_TIMEOUT
from calls.turns.clip import Clip
from calls.turns.turn import Turn
from tests.support.bot_configs import bot_config

A = TypeVar("A", bound=Action)
GREETING = "Hello, how can I help?"


class Talk:
    """A conversation with the turns it saved, and a clock that the test advances."""

    def __init__(self, **settings: Any) -> None:
        self.core = Conversation(bot_config(**settings))
        self.now = 100.0
        self.turns: dict[int, Turn] = {}

    def on(self, event: Event, after: float = 0.0) -> list[Action]:
        self.now += after
        actions = self.core.receive(event, self.now)
        for action in actions:
            if isinstance(action, SaveTurn):
                self.turns[action.turn.index] = action.turn
        return actions

    def clip(self, reply: int, text: str, seconds: float = 2.0) -> list[Action]:
        clip = Clip(f"{reply}/{text}", f"https://x/{text}", text, seconds)
        return self.on(ClipReady(reply, clip))

    def fetch(self, reply: int, text: str) -> list[Action]:
        """Report that Twilio downloaded a clip."""
        return self.on(ClipFetched(f"{reply}/{text}"))

    def passes(self) -> list[Action]:
        """Advance the clock to the next deadline."""
        deadline = self.core.next_deadline()
        assert deadline is not None
        return self.on(TimerFired(), after=deadline - self.now)

    def transcript(self) -> list[tuple[str, str, str]]:
        rows = [self.turns[index] for index in sorted(self.turns)]
        return [(turn.role, turn.text, turn.heard_text) for turn in rows]


def started(actions: Sequence[Action]) -> StartReply:
    (start,) = [action for action in actions if isinstance(action, StartReply)]
    return start


def of(kind: type[A], actions: Sequence[Action]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def answered(talk: Talk, question: str = "Question?") -> int:
    """Ask, and hear the first clip of the answer begin."""
    number = started(talk.on(CallerSpoke(question), after=1)).reply
    talk.clip(number, "one two three four")
    talk.now += 1.25  # 0.25 until it sounds, then half of it
    return number


def test_the_greeting_is_spoken_word_for_word_and_stands_in_the_history() -> None:
    talk = Talk(greeting=GREETING)
    assert talk.on(CallConnected()) == [SpeakText(1, GREETING, GREETING_TTS_TIMEOUT)]
    talk.clip(1, GREETING)
    talk.on(ReplyEnded(1, GREETING))
    talk.passes()
    start = started(talk.on(CallerSpoke("Hi")))
    assert [m["role"] for m in start.messages] == [
        *("system", "user", "assistant", "user")
    ]
    assert start.messages[2]["content"] == GREETING


def test_blank_prompts_and_partials_start_nothing() -> None:
    talk = Talk()
    assert talk.on(CallerSpoke("  \n")) == []
    assert talk.on(CallerSpoke("Half a", final=False)) == []


def test_noise_is_neither_a_question_nor_stored_when_the_caller_hangs_up() -> None:
    talk = Talk()
    talk.on(CallerSpoke("[BLANK_AUDIO]"))
    talk.on(CallerSpoke("(music", final=False))
    talk.on(CallerSpoke("(music)", final=False))
    talk.on(CallEnded(), after=0.3)
    assert talk.transcript() == []


def test_words_that_a_caller_does_not_finish_before_hanging_up_are_stored() -> None:
    talk = Talk()
    talk.on(CallerSpoke("My number is", final=False))
    talk.on(CallerSpoke("My number is five", final=False), after=0.3)
    assert not of(StartReply, talk.on(CallEnded(), after=0.3))
    talk.on(CallEnded())
    assert talk.transcript() == [("caller", *["My number is five"] * 2)]


def test_partial_words_that_came_to_nothing_are_not_stored() -> None:
    corrected, old = Talk(), Talk()
    corrected.on(CallerSpoke("Four", final=False))
    corrected.on(CallerSpoke("For two.", final=True), after=0.3)
    corrected.on(CallEnded())
    assert [text for _, text, _ in corrected.transcript()] == ["For two."]
    old.on(CallerSpoke("Hm", final=False))
    old.on(CallEnded(), after=3)
    assert old.transcript() == []


def test_an_utterance_in_several_finals_is_one_question() -> None:
    talk = Talk()
    first = started(talk.on(CallerSpoke("I'd like")))
    actions = talk.on(CallerSpoke("a table for two"), after=0.2)
    assert StopReply(first.reply) in actions
    assert started(actions).messages[-1]["content"] == "I'd like a table for two"
    assert talk.transcript() == [("caller", *["I'd like a table for two"] * 2)]


def test_a_second_prompt_before_anything_is_audible_withdraws_the_clips() -> None:
    talk = Talk()
    first = started(talk.on(CallerSpoke("One"))).reply
    talk.clip(first, "Answer to one")
    actions = talk.on(CallerSpoke("Two"), after=0.1)
    (discard,) = of(DropClips, actions)
    assert discard == DropClips(discard.clips, queued=True)
    assert started(actions).messages[-1]["content"] == "One Two"


def test_clips_of_an_abandoned_reply_are_never_played() -> None:
    talk = Talk()
    first = started(talk.on(CallerSpoke("One"))).reply
    talk.on(CallerSpoke("Two"))
    assert of(Play, talk.clip(first, "Too late")) == []


def test_an_interrupt_keeps_the_heard_text_and_informs_the_model() -> None:
    talk = Talk()
    number = answered(talk)
    actions = talk.on(CallerInterrupted(1000))
    assert StopReply(number) in actions
    talk.on(ReplyEnded(number, "one two three four five six"))
    start = started(talk.on(CallerSpoke("Wait"), after=1))
    assert start.messages[-2] == {"role": "assistant", "content": "one two"}
    assert "cut you off" in start.messages[-1]["content"]
    assert start.messages[-1]["content"].endswith("Wait")
    turn = talk.turns[1]
    assert (turn.text, turn.heard_text) == ("one two three four five six", "one two")
    assert turn.interrupted


def test_an_interrupt_while_nothing_plays_costs_no_answer() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Question?"))).reply
    assert talk.on(CallerInterrupted(0), after=0.3) == []
    assert of(Play, talk.clip(number, "The answer"))


def test_the_late_interrupt_of_a_key_leaves_the_answer_to_the_key() -> None:
    talk = Talk()
    answered(talk)
    number = started(talk.on(DtmfReceived("#"))).reply
    talk.clip(number, "You pressed hash")
    talk.on(CallerInterrupted(15), after=0.1)
    talk.on(ReplyEnded(number, "You pressed hash"))
    talk.passes()
    assert talk.transcript()[-1] == ("bot", *["You pressed hash"] * 2)
    assert not talk.turns[3].interrupted
    assert talk.turns[1].interrupted


def test_an_interrupt_soon_after_the_question_stops_the_answer() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    talk.clip(number, "one two three four")
    assert StopReply(number) in talk.on(CallerInterrupted(500), after=0.75)
    assert talk.turns[1].heard_text == "one"


def test_keys_are_one_entry_after_a_pause_or_a_hash() -> None:
    talk = Talk()
    for key in "123":
        assert talk.on(DtmfReceived(key), after=0.5) == []
    assert started(talk.passes()).messages[-1]["content"] == "[pressed 1 2 3]"
    start = started(talk.on(DtmfReceived("#"), after=5))
    assert start.messages[-1]["content"] == "[pressed 1 2 3] [pressed #]"


def test_a_bot_that_may_not_be_interrupted_finishes_first_and_answers_then() -> None:
    talk = Talk(interruptible="dtmf")
    number = answered(talk)
    actions = talk.on(CallerSpoke("And on Sunday?"))
    assert not of(StopReply, actions)
    assert not of(StartReply, actions)
    talk.clip(number, "five six")
    start = started(talk.on(ReplyEnded(number, "one two three four five six")))
    assert start.messages[-1]["content"] == "And on Sunday?"
    assert start.messages[-2]["content"] == "one two three four five six"


def test_a_reply_played_to_its_end_is_recorded_as_heard() -> None:
    talk = Talk()
    number = answered(talk)
    talk.on(ReplyEnded(number, "one two three four", model="m", prompt_tokens=3))
    talk.passes()
    turn = talk.turns[1]
    assert (turn.text, turn.heard_text) == ("one two three four", "one two three four")
    assert (turn.model, turn.prompt_tokens, turn.interrupted) == ("m", 3, False)


def test_a_hang_up_in_the_middle_keeps_what_was_heard() -> None:
    talk = Talk()
    number = answered(talk)
    assert StopReply(number) in talk.on(CallEnded())
    assert talk.turns[1].heard_text == "one two"
    assert talk.turns[1].interrupted


def test_marks_become_milliseconds_from_the_callers_last_word() -> None:
    talk = Talk()
    number = started(talk.on(CallerSpoke("Hi"))).reply
    asked = talk.now
    talk.now += 0.5
    talk.clip(number, "Hello")
    talk.on(ReplyEnded(number, "Hello", timestamps={"first_token": asked + 0.123}))
    assert talk.turns[1].latency_ms == {"play_sent": 500, "first_token": 123}
