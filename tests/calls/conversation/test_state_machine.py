"""The conversation under any order of events."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from bots.inworld.tool_calls import ToolCall
from calls.conversation.conversation import Conversation
from calls.conversation.events import (
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    ClipReady,
    DtmfReceived,
    FirstToken,
    OperatorEnded,
    OperatorSaid,
    OperatorTransferred,
    PlaybackChanged,
    ReplyEnded,
)
from tests.calls.conversation.state_machine_call import ModelledCall
from tests.calls.conversation.state_machine_model import (
    FUNCTIONS,
    GERMAN,
    SOON,
    TwilioPlayer,
)


class TurnMachine(ModelledCall):
    """A call; every rule is an action of the caller, Twilio or the upstream."""

    def is_answering(self) -> bool:
        """Return true if the upstream is writing a reply, not reciting a sentence."""
        return self.call_model.writing is not None and (
            self.call_model.writing not in self.recited
        )

    def answering(self) -> int:
        """Return the number of an answer that is being written."""
        call_model = self.call_model
        assert call_model.writing is not None
        return self.random.choice(
            [call_model.writing, call_model.hedge or call_model.writing]
        )

    @precondition(is_answering)
    @rule()
    def upstream_begins(self) -> None:
        self.feed(FirstToken(self.answering()))

    def is_open(self) -> bool:
        return not self.over

    @precondition(is_answering)
    @rule(
        clips=st.lists(
            st.tuples(st.integers(1, 6), st.sampled_from([0.2, 0.9, 2.0, 6.0])),
            min_size=1,
            max_size=4,
        ),
        end=st.sampled_from(["", "?", ".", " bye."]),
        ends=st.booleans(),
        gap=st.sampled_from([0.0, 0.1, 0.9]),
    )
    def upstream_writes(
        self, clips: list[tuple[int, float]], end: str, ends: bool, gap: float
    ) -> None:
        number = self.answering()
        for words, seconds in clips:
            self.feed(ClipReady(number, self.segment(words, seconds, end)))
            self.pass_time(gap)
        if ends:
            self.report(number)

    @precondition(is_answering)
    @rule(
        retryable=st.booleans(),
        retry_after=st.sampled_from([None, None, 0.3, 1.9, 30.0]),
        error=st.sampled_from(["", "Broken.", "Broken."]),
    )
    def upstream_fails(
        self, retryable: bool, retry_after: float | None, error: str
    ) -> None:
        number = self.answering()
        self.feed(
            ReplyEnded(
                number, error=error, retryable=retryable, retry_after=retry_after
            )
        )

    @precondition(is_answering)
    @rule(
        said=st.sampled_from([0, 0, 1]),
        names=st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=3),
    )
    def upstream_uses_tools(self, said: int, names: list[str]) -> None:
        self.calls_functions(said, names)

    @precondition(lambda self: self.is_answering() and self.call_model.begun > 3)
    @rule(said=st.sampled_from([0, 1]), rarely=st.sampled_from([False, False, True]))
    def upstream_ends_the_call(self, said: int, rarely: bool) -> None:
        if rarely:
            self.calls_functions(said, ["end_call"])

    def calls_functions(self, said: int, names: list[str]) -> None:
        number = self.answering()
        for _ in range(said):
            self.feed(ClipReady(number, self.segment(3, 1.0, ".")))
        secret = self.random.choice(["false", "true"])
        asking = '"question": "Which?", "length": 2, "seconds": 4'
        given = {
            "ask_for_keys": f'{{{asking}, "secret": {secret}}}',
            "transfer_call": '{"target": "Sales", "summary": "An order."}',
            "switch_language": f'{{"language": "{GERMAN}"}}',
            "broken_off": '{"id": "4',
        }
        calls = tuple(
            ToolCall(f"id{next(self.names)}", name, given.get(name, "{}"))
            for name in names
        )
        text = " ".join(clip.text for clip in self.call_model.clips[number])
        self.feed(ReplyEnded(number, text, calls=calls))

    def late(self) -> set[int]:
        return {n for n in self.reporting if not self.call_model.is_written(n)}

    def has_late(self) -> bool:
        return bool(self.late())

    @precondition(has_late)
    @rule(report=st.booleans())
    def upstream_is_late(self, report: bool) -> None:
        number = min(self.late())
        if report:
            self.report(number)
        else:
            self.feed(ClipReady(number, self.segment(2, 1.0)))

    def report(self, number: int) -> None:
        """The reply is written; the clips of it may have been fewer."""
        if number not in self.reporting:
            return
        clips = self.call_model.clips[number]
        self.feed(ReplyEnded(number, " ".join(clip.text for clip in clips)))

    # The caller

    @rule(seconds=st.sampled_from([0.05, 0.3, 0.8, 2.0, 2.0, 5.0, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @precondition(is_open)
    @rule(finals=st.integers(1, 3), gap=SOON, partial=st.booleans())
    def caller_asks(self, finals: int, gap: float, partial: bool) -> None:
        for _ in range(finals):
            word = f" w{next(self.names)}"
            if partial:
                self.feed(CallerSpoke(word, final=False))
            self.feed(CallerSpoke(word))
            self.pass_time(gap)

    @precondition(is_open)
    @rule(words=st.sampled_from(["mhm", "okay", "mhm", " ", "", "\n"]))
    def caller_mumbles(self, words: str) -> None:
        self.feed(CallerSpoke(words))

    @precondition(is_open)
    @rule(gap=SOON)
    def caller_begins_to_speak(self, gap: float) -> None:
        self.feed(CallerSpoke("hal", final=False))
        self.pass_time(gap)

    @precondition(is_open)
    @rule(on=st.booleans())
    def caller_makes_sound(self, on: bool) -> None:
        self.speaking = on
        self.feed(CallerSpeaking(on))

    @precondition(is_open)
    @rule(position=st.sampled_from([None, -1, -1, 0, 15, 99_000]))
    def caller_cuts_in(self, position: float | None) -> None:
        self.interrupt(self.now, position)

    @precondition(is_open)
    @rule(
        cough=SOON,
        then=st.sampled_from(["", "", "mhm", "question"]),
        gap=SOON,
        reported=st.booleans(),
    )
    def caller_barges_in(
        self, cough: float, then: str, gap: float, reported: bool
    ) -> None:
        if reported:
            self.caller_makes_sound(on=True)
        self.interrupt(self.now, -1)
        self.pass_time(cough)
        if self.over:
            return
        if reported:
            self.caller_makes_sound(on=False)
        self.pass_time(gap)
        if then:
            word = f"w{next(self.names)}" if then == "question" else then
            self.feed(CallerSpoke(word))

    @precondition(is_open)
    @rule(
        keys=st.text("0123456789*#", min_size=1, max_size=4),
        gap=SOON,
        late=st.sampled_from([None, 0.0, 0.1, 0.5, 1.5]),
    )
    def caller_presses_keys(self, keys: str, gap: float, late: float | None) -> None:
        pressed_at = self.now
        for key in keys:
            self.feed(DtmfReceived(key))
            self.pass_time(gap if len(keys) > 1 else 0)
        if late is not None:
            self.pass_time(late)
            self.interrupt(pressed_at, -1)

    def interrupt(self, began_at: float, position: float | None) -> None:
        """Cut off what was sent before; -1 for the true position in a clip."""
        if position == -1:
            position = self.twilio.position(self.now)
        self.twilio.purge(self.now, began_at or self.now)
        self.feed(CallerInterrupted(position))
        if "off" in self.twilio.reports:
            self.feed(PlaybackChanged(False))

    # The operator

    @precondition(is_open)
    @rule(nows=st.lists(st.booleans(), min_size=1, max_size=2), gap=SOON)
    def operator_says(self, nows: list[bool], gap: float) -> None:
        for now in nows:
            line = f"line{next(self.names)}"
            if self.leaves_by is None:
                lines = self.call_model.lines
                (lines.appendleft if now else lines.append)(line)
            self.feed(OperatorSaid(line, now))
            self.pass_time(gap)

    @precondition(lambda self: not self.over and self.call_model.begun > 3)
    @rule(event=st.sampled_from([OperatorEnded(), OperatorTransferred(), None, None]))
    def operator_is_done_with_it(
        self, event: OperatorEnded | OperatorTransferred | None
    ) -> None:
        if event:
            self.feed(event)

    @precondition(lambda self: not self.over and self.call_model.begun > 2)
    @rule(really=st.sampled_from([False, False, True]))
    def caller_hangs_up(self, really: bool) -> None:
        if really:
            self.feed(CallEnded())

    @precondition(
        lambda self: (
            self.call_model.begun > 0 and not (self.over or self.call_model.hung_up)
        )
    )
    @rule(noticed=st.booleans(), rarely=st.sampled_from([False, False, True]), gap=SOON)
    def line_breaks(self, noticed: bool, rarely: bool, gap: float) -> None:
        """The session is lost, perhaps with its server; another goes on."""
        if not rarely:
            return
        if noticed:
            self.feed(CallEnded())
        self.goes_on(gap)

    @precondition(lambda self: self.rings and not self.over)
    @rule(noticed=st.booleans(), gap=SOON)
    def nobody_takes_the_call(self, noticed: bool, gap: float) -> None:
        """The caller is back from a person; their session may not have ended well."""
        if noticed:
            self.feed(CallEnded())
        self.goes_on(gap, returned="Sales is on the phone.")

    def goes_on(self, gap: float, returned: str = "") -> None:
        self.over, self.keys, self.partial = False, "", ""
        disconnected_at = self.now
        self.rings = self.last_word = self.call_model.hung_up = False
        self.leaves_by = None
        self.call_model.break_off()
        self.planned, self.reporting, self.recited = [], set(), set()
        self.waiting_since, self.asked, self.asked_number = None, [], 0
        self.now += gap
        language = self.core.config.language
        self.core, self.twilio = Conversation(self.config), TwilioPlayer(self.random)
        said = [replace(turn) for _, turn in sorted(self.call_model.turns.items())]
        seconds = disconnected_at - 1000.0
        event = CallResumed(tuple(said), disconnected_at, seconds, returned=returned)
        self.feed(replace(event, late_after=self.late_after))
        assert self.core.config.language == language

    def teardown(self) -> None:
        if not self.holds:  # an invariant failed, and the run ends already
            return
        if not self.over:
            self.feed(CallEnded())
        for number in sorted(self.reporting):
            self.report(number)
        turns = self.call_model.turns
        assert sorted(turns) == [turn.index for turn in self.core.turns]
        spoken = [turn for turn in turns.values() if turn.role != "caller"]
        assert all(turn.ended_at is not None for turn in spoken)


TurnMachine.TestCase.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
)


test_any_order_of_events = TurnMachine.TestCase
