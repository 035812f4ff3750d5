"""A recorded call is played again: the same conversation does the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bots.config.bot_config import BotConfig
from bots.config.capabilities import MenuEntry, ToolSpec
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import SpeakText
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    ClipFetched,
    ClipReady,
    ClipRefused,
    ClipReplaced,
    DtmfReceived,
    Event,
    LookupDone,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    PlaybackChanged,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.trace.replay import NO_SETTINGS, Replayed, replay
from calls.trace.steps import action_json, event_json, event_of
from calls.trace.timeline import timeline
from calls.trace.trace_file import Trace, read
from calls.turns.clip import Clip
from tests.support.bot_configs import bot_config
from tests.support.traces import TraceBuilder

LOOK_UP = ToolSpec("look_up")
BOT = bot_config(
    greeting="Hello.",
    consent_message="This call is recorded.",
    idle_timeout_seconds=8,
    menu=(MenuEntry("5", "say", "Nine to five."),),
    can_collect_digits=True,
    can_end_call=True,
    tools=(LOOK_UP,),
)


class RecordedCall:
    """Plays a call with a conversation, and writes its trace as the server does."""

    def __init__(self, config: BotConfig = BOT) -> None:
        self.core = Conversation(config)
        self.now = 0.0
        self.busy = 0.0
        self.builder = TraceBuilder().opened(0.0, **config.to_json())
        self.receive(CallConnected())

    def receive(self, event: Event) -> None:
        due, late = self.core.next_deadline(), {}
        if due is not None and due < self.now:
            late = {"late_ms": (self.now - due) * 1000}
        self.builder.add(self.now, "event", **event_json(event), **late)
        actions = self.core.receive(event, self.now)
        for action in actions:
            self.builder.add(self.now, "action", **action_json(action))
        for action in actions:
            if isinstance(action, SpeakText):
                self.speaks(action.reply, action.text)

    def speaks(self, reply: int, *sentences: str, **ended: Any) -> None:
        """A reply's clips are ready a little later, then it is complete."""
        for place, text in enumerate(sentences):
            self.waits(0.2)
            clip = Clip(f"{reply}-{place}", f"/audio/{reply}-{place}", text, 1.5)
            self.receive(ClipReady(reply, clip))
        self.waits(0.05)
        self.receive(ReplyEnded(reply, " ".join(sentences), **ended))

    def waits(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.core.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due) + self.busy
            self.receive(TimerFired())
        self.now = max(self.now, until)

    def hears(self, event: Event, **frame: Any) -> None:
        """Twilio sends a frame that means this event; the server is busy at first."""
        self.builder.add(self.now, "in", frame=frame)
        self.now += self.busy
        self.receive(event)

    def says(self, text: str) -> int:
        self.hears(CallerSpoke(text), type="prompt", voicePrompt=text, last=True)
        return len(self.core.replies.by_number)

    def presses(self, key: str, shown: str = "") -> None:
        self.hears(DtmfReceived(key), type="dtmf", digit=shown or key)

    def closes(self) -> None:
        self.receive(CallEnded())
        self.builder.add(self.now, "socket", state="closed", code=1000)

    def trace(self) -> Trace:
        return self.builder.trace()


def whole_call() -> RecordedCall:
    """Consent, answer, interruption, menu, keys, a tool, silence, goodbye."""
    call = RecordedCall()
    call.waits(5)
    call.speaks(call.says("When do you open?"), "At nine.", "Every day.")
    call.waits(1)
    call.hears(CallerInterrupted(400), type="interrupt", durationUntilInterruptMs=400)
    call.waits(0.5)
    call.speaks(call.says("Stop, please."), "Fine.")
    call.waits(3)
    call.presses("5")
    call.waits(3)
    asked = ToolCall("1", "ask_for_keys", '{"question": "Go.", "secret": true}')
    call.speaks(call.says("I will type my PIN."), calls=(asked,))
    call.waits(2)
    for key in "12#":
        call.presses(key, shown=key if key == "#" else "•")
    call.speaks(len(call.core.replies.by_number), "Thank you.")
    call.waits(2)
    used = ToolCall("2", "look_up", '{"secret": "hidden"}')
    call.speaks(call.says("Look it up."), calls=(used,))
    call.waits(0.7)
    call.receive(ToolCallEnded("2", "A result that nobody may see."))
    call.speaks(len(call.core.replies.by_number), "Here it is.")
    call.waits(15)  # the bot asks if the caller is still there
    ended = ToolCall("3", "end_call", '{"goodbye": "Goodbye then."}')
    call.speaks(call.says("Goodbye."), calls=(ended,))
    call.waits(5)
    call.closes()
    return call


def shown(trace: Trace, replayed: Replayed) -> str:
    return "\n".join(timeline(trace, replayed))


def test_the_same_conversation_does_the_same() -> None:
    call = whole_call()
    trace = call.trace()
    replayed = replay(trace, BOT)
    text = shown(trace, replayed)
    assert replayed.problems == ()
    assert replayed.differences == 0, text
    assert len(replayed.steps) > 50
    assert {step.moved_ms for step in replayed.steps} == {0.0}
    assert text.endswith(f"The replay does the same: {len(replayed.steps)} actions.")
    names = {step.facts["action"] for step in replayed.steps}
    assert {"HangUp", "StartReply", "Play", "CallTool", "DropClips"} <= names
    assert "nobody may see" not in "".join(call.builder.lines)
    assert "hidden" not in "".join(call.builder.lines)


def test_a_busy_server_makes_no_difference() -> None:
    for busy in (0.003, 0.03, 0.3):
        call = RecordedCall()
        call.busy = busy
        call.waits(5)
        reply = call.says("Tell me a long story.")
        call.waits(0.5)
        clip = Clip("story", "/audio/story", "Once upon a time.", 5.0)
        call.receive(ClipReady(reply, clip))
        call.waits(1)
        frame = {"type": "interrupt", "durationUntilInterruptMs": 700}
        call.hears(CallerInterrupted(700), **frame)
        # The reply was stopped, and says so in the same millisecond.
        call.receive(ReplyEnded(reply, "Once upon a time."))
        call.waits(30)
        call.closes()
        trace = call.trace()
        replayed = replay(trace, BOT)
        assert replayed.differences == 0, shown(trace, replayed)
        assert {step.moved_ms for step in replayed.steps} == {0.0}


def test_a_frame_that_the_server_dropped_is_not_replayed() -> None:
    call = RecordedCall()
    call.waits(5)
    for _ in range(3):
        call.builder.hears(call.now, "prompt", voicePrompt="Flood", last=True)
    call.speaks(call.says("When do you open?"), "At nine.")
    call.waits(3)
    call.closes()
    trace = call.trace()
    replayed = replay(trace, BOT)
    assert replayed.differences == 0, shown(trace, replayed)


def test_other_settings_show_what_would_be_different() -> None:
    trace = whole_call().trace()
    replayed = replay(trace, replace(BOT, consent_message=""))
    text = shown(trace, replayed)
    assert "- SaveTurn role: system, turn_kind: consent" in text
    assert "The replay differs in" in text
    assert replayed.differences >= 2


def test_an_action_at_another_time_is_marked() -> None:
    call = RecordedCall()
    call.waits(30)
    call.closes()
    trace = call.trace()
    replayed = replay(trace, replace(BOT, idle_timeout_seconds=5))
    moved = [step for step in replayed.steps if step.moved_ms < -2000]
    assert [step.facts["action"] for step in moved][:1] == ["SpeakText"]
    assert " ms)" in shown(trace, replayed)


def test_a_cut_trace_is_replayed_as_far_as_it_goes() -> None:
    lines = whole_call().builder.lines
    for length in range(0, len(lines), 7):
        half = lines[length][: len(lines[length]) // 2]
        trace = read([*lines[:length], half])
        replayed = replay(trace, BOT)
        assert not [text for text in replayed.problems if "failed" in text]
        assert "\n".join(timeline(trace, replayed)).count("cut off") == 1


def test_lines_of_other_versions_are_passed_over() -> None:
    call = RecordedCall()
    call.builder.add(1, "hologram", x=1).hears(1, "odour", smell="rose")
    call.builder.add(1, "event", event="CallerWaved", hands=2)
    call.builder.add(1, "event", event="ClipReady", reply="one", clip=None)
    call.builder.add(1, "in", frame="not a frame").add(1, "action", action="Wave")
    call.waits(3)
    call.closes()
    trace = call.trace()
    replayed = replay(trace, BOT)
    assert replayed.differences == 1  # nobody waves any more
    assert "- Wave" in shown(trace, replayed)


def test_a_reply_that_the_trace_does_not_have_is_said_to_be_missing() -> None:
    builder = TraceBuilder().opened(0.0, **BOT.to_json())
    builder.add(0, "event", event="CallConnected", has_lookup=False, minute_of_week=0)
    replayed = replay(builder.hears(9, "prompt", voicePrompt="Hi").trace(), BOT)
    assert "Reply 1 is not in the trace." in replayed.problems
    assert any(step.facts["action"] == "SpeakText" for step in replayed.steps)


def test_a_trace_without_settings_says_so() -> None:
    trace = TraceBuilder().add(0, "socket", state="open").trace()
    assert replay(trace, BOT).problems == (NO_SETTINGS,)


def test_a_second_session_goes_on_with_the_turns_of_the_first() -> None:
    call = RecordedCall()
    call.waits(5)
    call.speaks(call.says("When do you open?"), "At nine.")
    call.waits(1)
    call.builder.add(call.now, "socket", state="closed", code=1006)
    turns = tuple(call.core.turns)
    call.receive(CallEnded())
    call.now += 1
    call.builder.opened(call.now, **BOT.to_json())
    call.core = Conversation(BOT)
    call.receive(CallResumed(turns, call.now - 1, 7.0))
    call.waits(3)
    call.closes()
    trace = call.trace()
    replayed = replay(trace, BOT)
    assert replayed.differences == 0, shown(trace, replayed)


EVENTS: Sequence[Event] = (
    CallConnected({}, has_lookup=True, minute_of_week=7),
    CallResumed((), 0.0, 7.0, {}, 3, "Nobody answered.", 1.5),
    *(TimerFired(), CallEnded()),
    ClipReady(1, Clip("a", "/audio/a", "Hello.", 1.5, b"\x01\x02", shared=True)),
    ClipReady(1, Clip("", "", "Hello.", 1.5)),
    ClipFetched("a"),
    ClipReplaced("a"),
    *(ClipRefused(""), ClipRefused("Hello."), ClipRefused("/audio/a")),
    ReplyEnded(2, "Hi.", "no", retryable=False, retry_after=2.0, model="m"),
    ReplyEnded(2, calls=(ToolCall("1", "end_call", '{"goodbye": "Bye."}'),)),
    LookupDone({}, "It failed."),
    OperatorSaid("Hello."),
    OperatorSaid("Hello.", now=True),
    OperatorTransferred("Sales"),
    OperatorEnded(),
)


@pytest.mark.parametrize("event", EVENTS)
def test_events_come_back_from_a_trace(event: Event) -> None:
    facts = event_json(event)
    assert facts
    assert event_of(json.loads(json.dumps(facts))) == event


FRAMES: Sequence[Event] = (
    CallerSpoke("Hi"),
    CallerInterrupted(),
    CallerSpeaking(on=True),
    DtmfReceived("1"),
    PlaybackChanged(on=True),
)


@pytest.mark.parametrize("event", FRAMES)
def test_contents_of_frames_are_not_recorded_twice(event: Event) -> None:
    assert event_json(event) == {"event": type(event).__name__}


def test_the_command_prints_the_timeline(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text("\n".join(whole_call().builder.lines))
    out = StringIO()
    call_command("replay_trace", str(path), stdout=out)
    assert "The replay does the same" in out.getvalue()
    assert "> dtmf digit: •" in out.getvalue()


def test_the_command_refuses_another_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"\xff\xfe Buy milk.")
    with pytest.raises(CommandError, match="is not a trace"):
        call_command("replay_trace", str(path), stdout=StringIO())
