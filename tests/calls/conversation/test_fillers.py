"""Sentences that bridge the wait for a tool or an answer: when, and which."""

from calls.conversation.actions import Action, DropClips, Play, SpeakText, StopReply
from calls.conversation.events import (
    CallConnected,
    CallerInterrupted,
    CallerSpoke,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.fillers import FILLER_PAUSE
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


# Before an answer


def waiting_talk(**settings: object) -> Talk:
    """Ask something, of a bot that says a wait phrase after 2.5 s."""
    usual = {"fillers": FILLERS, "answer_filler_seconds": 2.5}
    talk = Talk(**{**usual, **settings})
    talk.on(CallConnected())
    talk.on(CallerSpoke("When do you open?"), after=1)
    return talk


def test_an_answer_in_time_needs_no_filler() -> None:
    talk = waiting_talk()
    talk.on(TimerFired(), after=2.4)
    talk.clip(1, "At nine.")
    talk.on(ReplyEnded(1, "At nine."))
    assert fillers(talk.on(TimerFired(), after=9)) == []


def test_a_late_answer_is_bridged_once_and_follows_the_filler() -> None:
    talk = waiting_talk()
    asked_at = talk.now
    spoken = talk.passes()
    assert (talk.now - asked_at, fillers(spoken)) == (2.5, [FILLERS[0]])
    play_latest(talk)
    assert fillers(talk.on(TimerFired(), after=2.4)) == []
    (play,) = of(Play, talk.clip(1, "At nine."))
    talk.on(ReplyEnded(1, "At nine."))
    talk.on(TimerFired(), after=9)
    assert play.clip.text == "At nine."
    rows = [talk.turns[index] for index in sorted(talk.turns)]
    assert [(turn.role, turn.kind, turn.heard_text) for turn in rows] == [
        ("caller", "", "When do you open?"),
        ("system", "filler", "One moment."),
        ("bot", "", "At nine."),
    ]
    start = started(talk.on(CallerSpoke("Thanks")))
    words = [message["content"] for message in start.messages[1:]]
    assert words == ["When do you open?", "At nine.", "Thanks"]


def test_the_next_late_answer_gets_another_phrase() -> None:
    talk = waiting_talk()
    said = fillers(talk.passes())
    play_latest(talk)
    talk.on(CallerSpoke("Hello?"), after=1)
    said += fillers(talk.on(TimerFired(), after=2.8))
    assert said == list(FILLERS)


def test_the_sound_of_the_answer_stops_a_filler_that_is_not_ready() -> None:
    talk = waiting_talk()
    (filler,) = of(SpeakText, talk.passes())
    actions = talk.clip(1, "At nine.")
    assert StopReply(filler.reply) in actions
    late = talk.clip(filler.reply, filler.text)
    assert [type(action) for action in late] == [DropClips]
    assert not any(turn.kind is TurnKind.FILLER for turn in talk.turns.values())


def test_no_filler_is_said_into_the_callers_words() -> None:
    talk = waiting_talk()
    talk.on(CallerSpoke("And do", final=False), after=2.4)
    assert fillers(talk.on(TimerFired(), after=1.9)) == []
    assert fillers(talk.on(TimerFired(), after=0.2)) == [FILLERS[0]]


def test_a_filler_that_is_cut_off_is_not_resumed_and_the_answer_goes_on() -> None:
    talk = waiting_talk()
    talk.passes()
    play_latest(talk, 2.0)
    dropped = of(DropClips, talk.on(CallerInterrupted(1000), after=1.25))
    assert [clip.text for drop in dropped for clip in drop.clips] == ["One moment."]
    assert not of(Play, talk.on(TimerFired(), after=1))
    assert len(of(Play, talk.clip(1, "At nine."))) == 1
    (filler,) = (turn for turn in talk.turns.values() if turn.kind is TurnKind.FILLER)
    assert (filler.heard_text, filler.interrupted) == ("One", True)


def test_an_apology_follows_the_filler_of_an_answer_that_never_comes() -> None:
    talk = waiting_talk()
    said = []
    while talk.core.responder.fallback.due_at is not None:
        for spoken in of(SpeakText, talk.passes()):
            said.append(spoken.text)
            talk.clip(spoken.reply, spoken.text, 1.0)
            talk.on(ReplyEnded(spoken.reply, spoken.text))
    assert said == [FILLERS[0], talk.core.config.apology_message]


def test_a_filler_after_a_tools_filler_is_not_said_for_the_same_answer() -> None:
    talk = tool_talk(answer_filler_seconds=2.5)
    call_tools(talk, call("look_up"))
    assert fillers(talk.passes()) == [FILLERS[0]]
    play_latest(talk)
    talk.on(ToolCallEnded("1", "Sent."), after=1)
    assert fillers(talk.on(TimerFired(), after=4)) == []


def test_phrases_without_words_are_passed_over() -> None:
    blank = waiting_talk(fillers=("{{nobody}}", "Hold on."))
    assert fillers(blank.passes()) == ["Hold on."]
    mute = waiting_talk(fillers=("{{nobody}}",))
    assert fillers(mute.passes()) == []
    off = waiting_talk(answer_filler_seconds=0)
    assert fillers(off.on(TimerFired(), after=4)) == []
