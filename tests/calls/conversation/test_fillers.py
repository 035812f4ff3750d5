"""Sentences that bridge the wait for a tool: when, and which."""

from calls.conversation.actions import Action, SpeakText
from calls.conversation.events import (
    CallerInterrupted,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.tool_calls import FILLER_PAUSE
from calls.turns.turn import TurnKind
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.calls.conversation.test_tool_calls import (
    FILLER_SECONDS,
    FILLERS,
    call,
    call_tools,
    history_of,
    tool_talk,
)


def fillers(actions: list[Action]) -> list[str]:
    return [spoken.text for spoken in of(SpeakText, actions)]


def play_latest(talk: Talk, seconds: float = 1.0) -> None:
    """Play the latest reply to its end."""
    number, text = len(talk.core.replies.by_number), "One moment."
    talk.clip(number, text, seconds)
    talk.on(ReplyEnded(number, text))


def test_a_quick_tool_is_waited_for_in_silence() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"))
    assert fillers(talk.on(TimerFired(), after=FILLER_SECONDS - 0.1)) == []
    assert fillers(talk.on(ToolCallEnded("1", "Sent."))) == []
    assert fillers(talk.on(TimerFired(), after=1)) == []


def test_a_slow_tool_is_bridged_by_varied_sentences() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"))
    began = talk.now
    heard: list[tuple[float, str]] = []
    while talk.now < began + 2 * FILLER_PAUSE:
        for text in fillers(talk.passes()):
            heard.append((round(talk.now - began, 1), text))
            play_latest(talk)
    assert heard == [
        (1.2, FILLERS[0]),
        (1.2 + FILLER_PAUSE, FILLERS[1]),
        (1.2 + 2 * FILLER_PAUSE, FILLERS[0]),
    ]
    start = started(talk.on(ToolCallEnded("1", "Sent.")))
    assert history_of(start)[1:] == [("assistant", ["look_up"]), ("tool", "Sent.")]
    filler = next(turn for turn in talk.turns.values() if turn.kind is TurnKind.FILLER)
    assert (filler.role, filler.heard_text) == ("system", "One moment.")


def test_a_filler_waits_until_what_was_said_before_the_tool_is_over() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), said="one two three four", seconds=3.0)
    began = talk.now
    while not fillers(talk.passes()):
        pass
    ends_at = began + 0.25 + 3.0
    assert ends_at + FILLER_SECONDS - 0.1 < talk.now < ends_at + FILLER_SECONDS + 0.6


def test_a_filler_is_not_said_into_what_may_have_been_an_interruption() -> None:
    talk = tool_talk()
    call_tools(talk, call("look_up"), said="one two three four")
    talk.on(CallerInterrupted(1000), after=1.15)
    assert fillers(talk.on(TimerFired(), after=0.1)) == []


def test_no_filler_where_there_is_none_or_only_keys_are_waited_for() -> None:
    talk = tool_talk(fillers=())
    call_tools(talk, call("look_up"))
    assert fillers(talk.on(TimerFired(), after=9)) == []
    talk = tool_talk(can_collect_digits=True)
    call_tools(talk, call("ask_for_keys", question="Which?", seconds=60))
    play_latest(talk)
    assert fillers(talk.on(TimerFired(), after=9)) == []
