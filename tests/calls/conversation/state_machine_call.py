"""Runs a conversation against the model: time, actions and their checks."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from random import Random
from typing import assert_never

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
)

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language
from calls.conversation.actions import (
    Action,
    CallTool,
    ChangeLanguage,
    CountFallback,
    DropClips,
    HangUp,
    HideKey,
    MuteClips,
    Play,
    SaveTurn,
    SetRecording,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.conversation import Conversation
from calls.conversation.dtmf import (
    FINISH_ON_KEY,
    INTER_DIGIT_TIMEOUT,
    DigitRequest,
    digits_text,
)
from calls.conversation.ending import FINAL_MESSAGE_TIMEOUT
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    ClipReady,
    ClipRefused,
    DtmfReceived,
    Event,
    LookupDone,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.fallback import FALLBACK_BUDGET, FIRST_AUDIO_TIMEOUT
from calls.conversation.timeouts import MAX_UNTRANSCRIBED_SPEECH, PARTIAL_LASTS
from calls.turns.clip import Clip, QueuedClip, twilio_tts_clip
from calls.turns.lost_session import is_unanswered
from calls.turns.messages import (
    CONTINUE,
    Message,
)
from calls.turns.recording import RecordingState
from calls.turns.turn import Turn, TurnKind
from tests.calls.conversation.state_machine_model import (
    ALL_FILLERS,
    CONFIGS,
    CONSENT,
    GERMAN,
    GOODBYE,
    LATE,
    NOTICE,
    SLACK,
    TOOL,
    CallModel,
    TwilioPlayer,
)


class ModelledCall(RuleBasedStateMachine):
    """A call whose every action is checked against the model; it has no rules yet."""

    holds = False

    @initialize(config=CONFIGS, seed=st.integers(0, 2**16))
    def call(self, config: BotConfig, seed: int) -> None:
        self.random = Random(seed)
        if self.random.random() < 0.5:
            config = replace(config, languages=(Language(GERMAN, "Johanna"),))
        self.config = config
        self.now = 1000.0
        self.core = Conversation(config)
        self.twilio = TwilioPlayer(self.random)
        self.call_model = CallModel(config)
        self.names = count(1)
        self.planned: list[tuple[float, int, Callable[[], None]]] = []
        self.reporting: set[int] = set()  # replies that have not reported their end
        self.recited: set[int] = set()  # of fixed sentences
        self.late_by = 0.0
        self.keys, self.keys_at = "", 0.0
        self.partial, self.partial_at = "", 0.0  # words that are not final
        self.speaking = False  # by Twilio's word
        self.asked: list[str] = []  # what the latest answer is to
        self.asked_number = 0
        self.waiting_since: float | None = None  # the caller, for an answer
        self.caller_silent_since = 0.0
        self.results_at = 0.0  # when a tool has answered
        self.filler_for = 0.0  # the time of the words whose answer a filler bridged
        self.leaves_by: float | None = None
        self.last_word = False
        self.over = self.rings = False
        looks_up = self.random.random() < 0.2
        if looks_up:
            self.plan(
                self.random.uniform(0, 1),
                lambda: self.feed(
                    LookupDone({"a": "b"}, self.random.choice(["", "No"]))
                ),
            )
        self.late_after = self.random.choice([None, 0.4, 1.2])
        self.feed(CallConnected(has_lookup=looks_up, late_after=self.late_after))

    # What happens

    def feed(self, event: Event) -> None:
        call_model, leaving = self.call_model, self.leaves_by is not None
        self.holds = False
        if not isinstance(event, TimerFired):
            self.now += 0.001  # no two things are at one moment
        expected = self.record_event(event)
        asked = self.core.digits.request
        self.actions = self.core.receive(event, self.now)
        if isinstance(event, CallerSpoke) and event.final and event.text.strip():
            self.caller_said(event.text.strip(), asked)
        for action in self.actions:
            self.perform(action, event)
        if asked or self.core.digits.request:
            self.keys = self.core.digits.keys  # for the request, in its own time
            self.keys_at = self.now
            if isinstance(event, DtmfReceived):  # as good as an answer
                self.asked_number = call_model.begun + (call_model.writing is None)
        entered = self.keys and self.now >= self.keys_at + INTER_DIGIT_TIMEOUT
        left_first = isinstance(event, ReplyEnded) and self.leaves_by is not None
        if entered and not (leaving or left_first or call_model.hung_up or self.over):
            self.enter_keys()
        call_model.check_words()
        call_model.check_rivals()
        call_model.awaited = None
        assert expected or not self.of(Play), "played although it was too late"
        self.check_turn()
        self.holds = True

    def of(self, kind: type[Action]) -> list[Action]:
        return [action for action in self.actions if isinstance(action, kind)]

    def record_event(self, event: Event) -> bool:  # noqa: C901
        """Record an event before the core receives it; false if it must not play it."""
        call_model = self.call_model
        self.caller_silent_since = self.silent_since(event)
        match event:
            case DtmfReceived(key) if self.is_chosen(key):
                self.enter_keys()
                call_model.said.append(digits_text(key))
                self.asked_number = call_model.begun + 1
                self.waiting_since = None
            case DtmfReceived() if self.core.caller_input.is_trailing_terminator(
                self.now
            ):
                pass
            case DtmfReceived() if self.core.digits.request or call_model.hung_up:
                pass
            case DtmfReceived(key):
                ends = key == FINISH_ON_KEY
                self.keys += "" if ends and self.keys else key
                self.keys_at = self.now
                if ends:
                    self.enter_keys()
            case CallerSpoke(text, final) if not call_model.hung_up:
                self.partial = "" if final else text.strip()
                self.partial_at = self.now
            case CallEnded():
                self.enter_keys(forgotten=self.core.digits.request)
                if self.partial and self.now < self.partial_at + PARTIAL_LASTS:
                    call_model.said.append(self.partial)
                self.over = True
            case ClipReady(number, clip):
                call_model.clips[number].append(clip)
                in_time = call_model.is_written(number) and not self.over
                call_model.awaited = clip if in_time else None
                return in_time
            case ReplyEnded(number, calls=calls):
                call_model.end(number)
                if calls and self.waiting_since is not None:
                    self.waiting_since = self.now  # each request has its own time
                self.reporting.discard(number)
            case ToolCallEnded():
                self.results_at = self.now
            case CallerInterrupted():
                cut = [cue.clip for cue in self.core.playback.pending()]
                call_model.replayable += cut
        return True

    def caller_said(self, text: str, asked: DigitRequest | None) -> None:
        if self.call_model.hung_up:
            return
        records = [a for a in self.actions if isinstance(a, SaveTurn)]
        if any(a.turn.is_backchannel and a.turn.text == text for a in records):
            assert self.config.is_backchannel(text)
        else:
            self.enter_keys(forgotten=asked)  # they belong to what is said
        self.call_model.said.append(text)

    def enter_keys(self, forgotten: DigitRequest | None = None) -> None:
        if self.keys and not (forgotten and forgotten.secret):
            self.call_model.said.append(digits_text(self.keys))
        self.keys = ""

    def perform(self, action: Action, event: Event) -> None:  # noqa: C901
        call_model = self.call_model
        if call_model.hung_up or self.over:
            allowed = SaveTurn | StopReply if isinstance(event, CallEnded) else SaveTurn
            assert isinstance(action, allowed | DropClips), "after the end"
        if self.core.final_message and self.leaves_by is None:
            queued = max((self.core.playback.ends_at() or 0) - self.now, 0)
            self.leaves_by = self.now + queued + FINAL_MESSAGE_TIMEOUT
        match action:
            case StartReply(number, messages):
                stopped = StopReply(number) in self.actions  # its time is up already
                assert stopped or self.leaves_by is None, "answers after the last word"
                begin = call_model.begin_hedge if action.is_hedge else call_model.begin
                begin(number)
                self.reporting.add(number)
                call_model.check_messages(messages)
                self.question_asked(number, messages)
            case SpeakText(number, text, within):
                if text in ALL_FILLERS:
                    self.check_filler(text)
                    call_model.begin_beside(number)
                else:
                    call_model.begin(number)
                self.reporting.add(number)
                if text in (GOODBYE, NOTICE):
                    assert not self.last_word, "said goodbye twice"
                    self.last_word = True
                self.recited.add(number)
                takes = self.random.uniform(0, within)
                self.plan(takes, lambda: self.recite(number, text))
            case StopReply(number):
                call_model.stop(number)
            case Play(clip, interruptible):
                if self.is_read_by_twilio(clip):
                    call_model.read_by_twilio(clip)
                else:
                    call_model.play(clip, replayed=not interruptible)
                call_model.refused = [c for c in call_model.refused if c is not clip]
                self.twilio.play(clip, self.now)
                if self.random.random() < 0.04:
                    self.plan(self.random.uniform(0, 0.3), lambda: self.refuse(clip))
                if clip.text not in ALL_FILLERS:
                    self.waiting_since = None
                elif call_model.writing:
                    sounded = call_model.has_sounded(call_model.writing)
                    assert not sounded, "a filler after the answer's sound"
                if clip.text == CONSENT:
                    assert not interruptible
                else:
                    assert interruptible or self.leaves_by is not None
            case DropClips(clips, queued):
                assert self.leaves_by or CONSENT not in [clip.text for clip in clips]
                if queued:
                    self.twilio.mute(clips)
                assert not queued or not any(clip.shared for clip in clips)
                words = [clip for clip in clips if clip.text not in ALL_FILLERS]
                is_interrupted = isinstance(event, CallerInterrupted) and words
                if is_interrupted and self.leaves_by is None:
                    meant = self.of(StartReply) or self.are_superseded(clips)
                    # An apology or a question for keys comes: what led to it may go.
                    current = self.core.replies.current
                    turn = current.turn if current else None
                    overtaken = turn and (
                        turn.role == "system" or turn.kind is TurnKind.DIGIT_PROMPT
                    )
                    assert meant or overtaken, "a noise ended a reply"
                call_model.gone += clips
            case SaveTurn(turn):
                call_model.record(turn, self.clips_of(turn))
            case HangUp(transfer=person):
                self.rings = person is not None
                assert not call_model.hung_up, "hung up twice"
                assert self.leaves_by is not None
                call_model.hung_up = True
            case MuteClips(clips):
                assert isinstance(event, CallerInterrupted)
                assert not any(cue.heard for cue in self.cues_of(clips))
            case CallTool(call_id, tool):
                assert tool is TOOL
                self.waiting_since, self.asked = None, []
                takes = self.random.uniform(0, 6)
                self.plan(takes, lambda: self.feed(ToolCallEnded(call_id, "Found.")))
            case HideKey():
                goes_on = SetRecording(RecordingState.ON) in self.actions
                assert goes_on or self.core.recording.state is RecordingState.PAUSED
            case CountFallback() | ChangeLanguage() | SetRecording():
                pass
            case _:
                assert_never(action)

    def check_filler(self, text: str) -> None:
        """Check that a wait phrase is said in the bot's rest, and once an answer."""
        core, spoken = self.core, self.core.state.caller_done_at
        assert text != ALL_FILLERS[0], "a filler without words"
        assert not self.call_model.beside, "two fillers at once"
        assert not core.playback.pending(), "a filler into the bot's words"
        if not core.state.pending_results:  # a tool may take several
            assert self.call_model.writing or core.responder.next_attempt
            assert self.filler_for != spoken, "two fillers for one answer"
        self.filler_for = spoken

    def silent_since(self, event: Event) -> float:
        """Return when the caller falls silent, as far as is known."""
        match event:
            case CallerSpeaking(on=True):
                return self.now + MAX_UNTRANSCRIBED_SPEECH
            case CallerSpoke(final=False):
                return max(self.caller_silent_since, self.now + PARTIAL_LASTS)
            case CallerInterrupted():
                return max(self.caller_silent_since, self.now)
            case CallerSpoke() | CallerSpeaking() | DtmfReceived():
                return self.now
        return self.caller_silent_since

    def check_silence(self) -> None:
        """Check that a caller who waits for an answer hears a wait phrase."""
        core, config = self.core, self.core.config
        is_active = core.interruptions.paused or core.digits.keys
        if is_active or not set(config.fillers) - {ALL_FILLERS[0]}:
            return
        awaited = core.responder.fallback.due_at is not None
        said = self.filler_for == core.state.caller_done_at
        delay = config.answer_filler_seconds
        if delay and awaited and not said and not core.state.tool_rounds:
            bot = core.playback.ends_at() or core.playback.ended_at
            done_at = max(core.state.caller_done_at, self.results_at)
            silent_since = max(done_at, bot, self.caller_silent_since)
            assert self.now <= silent_since + delay + SLACK, "no filler"

    def is_chosen(self, key: str) -> bool:
        """Return true if a key of the menu takes effect at once."""
        core, left = self.core, self.leaves_by is not None or self.call_model.hung_up
        late = core.caller_input.is_masked(
            self.now
        ) or core.caller_input.is_trailing_terminator(self.now)
        typing = core.digits.request or core.digits.masks
        busy = typing or core.responder.is_uninterruptible or late
        return self.config.menu_entry(key) is not None and not (
            busy or left or self.over
        )

    def is_read_by_twilio(self, clip: Clip) -> bool:
        """Return true if this stands for a clip that was lost."""
        lost = [cue.clip.text for cue in self.core.playback.clips if cue.lost]
        is_new = (
            clip is not self.call_model.awaited
            and clip not in self.call_model.replayable
        )
        return not clip.url and clip.text in lost and is_new

    def refuse(self, clip: Clip) -> None:
        """Have Twilio refuse a clip that it does not play yet."""
        if self.twilio.refuse(clip):
            # Of a clip that is played again, something was heard before.
            if not any(cue.heard_before for cue in self.cues_of([clip])):
                self.call_model.refused.append(clip)
            named = (
                self.random.random() < 0.7
                or self.core.playback.clips[-1].clip is not clip
            )
            self.feed(ClipRefused((clip.url or clip.text) if named else ""))

    def cues_of(self, clips: Iterable[Clip]) -> list[QueuedClip]:
        """Return the queued clips of these clips, in the core's view."""
        cues = self.core.playback.clips  # what Twilio speaks has no id
        return [cue for cue in cues if any(cue.clip is clip for clip in clips)]

    def are_superseded(self, clips: Iterable[Clip]) -> bool:
        """Return true if the caller has asked something else since these clips."""
        older = [
            self.call_model.clips[number] for number in range(1, self.asked_number)
        ]
        return all(any(clip is c for said in older for c in said) for clip in clips)

    def clips_of(self, turn: Turn) -> list[Clip]:
        replies = self.core.replies.by_number
        numbers = [r.number for r in replies if r.turn and r.turn.index == turn.index]
        if not numbers:  # said before the line broke
            return [twilio_tts_clip(turn.text)]
        return [clip for number in numbers for clip in self.call_model.clips[number]]

    def question_asked(self, number: int, messages: list[Message]) -> None:
        """Start the caller's wait, unless this is another attempt."""
        words = [
            turn.text
            for turn in self.call_model.caller_turns()
            if not turn.is_backchannel
        ]
        if CONTINUE not in messages[-1]["content"] and words != self.asked:
            self.asked, self.asked_number = words, number
            self.waiting_since = self.now

    def check_turn(self) -> None:
        """Check that it is somebody's turn, and that every turn ends."""
        core, call_model, now = self.core, self.call_model, self.now
        wakes_at = core.next_deadline()
        if self.over or call_model.hung_up:
            assert wakes_at is None
            return
        if self.leaves_by is not None:
            assert now <= self.leaves_by + SLACK, "does not hang up"
            assert wakes_at is not None
            return
        self.check_silence()
        if self.waiting_since is not None:
            waited = now - self.waiting_since
            assert waited <= FIRST_AUDIO_TIMEOUT + FALLBACK_BUDGET + 1 + SLACK, (
                "dead air"
            )
        # Of what Twilio refuses to read, nothing is left to be tried.
        lost = any(not clip.url for clip in call_model.refused)
        if core.is_idle and not core.replies.unfinished and not lost:
            assert not is_unanswered(core.turns), "an answer was forgotten"
        if core.state.pending_results:
            return
        if call_model.writing is None and not core.is_idle:
            assert wakes_at is not None, "stuck"
        assert not (call_model.lines and core.is_idle), "a line was forgotten"
        if call_model.writing is None and self.config.idle_timeout_seconds:
            assert wakes_at is not None, "nobody's turn"
            patience: float = self.config.idle_timeout_seconds
            patience += MAX_UNTRANSCRIBED_SPEECH if self.speaking else 3
            queued = sum(cue.clip.seconds + 0.7 for cue in core.playback.pending())
            assert wakes_at <= now + patience + queued, "the silence timer is late"

    # Time

    def plan(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.planned, (self.now + seconds, next(self.names), what))

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            wakes_at = None if self.over else self.core.next_deadline()
            if wakes_at is not None:
                wakes_at = max(wakes_at, self.now) + self.late_by
            planned = self.planned[0][0] if self.planned else None
            times = [wakes_at, planned, None if self.over else self.twilio.next_at()]
            next_time = min((m for m in times if m is not None), default=until)
            if next_time >= until:
                break
            self.now = max(self.now, next_time)
            if next_time == planned:
                heapq.heappop(self.planned)[2]()
            elif next_time == wakes_at:
                self.fire_timer()
            elif (notice := self.twilio.next_notice()) is not None:
                self.feed(notice)
        self.now = max(self.now, until)  # events took a moment each

    def fire_timer(self) -> None:
        """Fire the timer; it must not fire again and again at one time."""
        for _ in range(4):
            self.feed(TimerFired())
            wakes_at = self.core.next_deadline()
            if wakes_at is None or wakes_at > self.now:
                break
        else:
            raise AssertionError("a busy loop")
        self.late_by = self.random.choice([0.0, 0.0, LATE])

    # The upstream

    def recite(self, number: int, text: str) -> None:
        in_time = self.call_model.is_written(number)
        if not in_time and self.random.random() < 0.5:
            return
        clip = Clip(text, f"https://x/{text}", text, len(text) / 15, shared=True)
        if self.random.random() < 0.3:
            clip = twilio_tts_clip(text)
        self.feed(ClipReady(number, clip))
        self.feed(ReplyEnded(number, text))

    def segment(self, words: int, seconds: float, end: str = "") -> Clip:
        name = next(self.names)
        text = " ".join(f"b{name}.{index}" for index in range(words)) + end
        return Clip(f"{name}", f"https://x/{name}", text, seconds)
