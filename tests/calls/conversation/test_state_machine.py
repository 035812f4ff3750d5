"""Thousands of random calls: a carrier and an upstream that do what they like."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import assert_never

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language, MenuEntry, ToolSpec
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    Action,
    CallTool,
    ChangeLanguage,
    CountFallback,
    DropClips,
    HangUp,
    MuteClips,
    Play,
    SaveTurn,
    SpeakText,
    StartReply,
    StopReply,
)
from calls.conversation.conversation import Conversation
from calls.conversation.dtmf import (
    FINISH_ON_KEY,
    INTER_DIGIT_TIMEOUT,
    MASKED,
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
    CallResumed,
    ClipFetched,
    ClipReady,
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
from calls.conversation.fallback import FALLBACK_BUDGET, FIRST_AUDIO_TIMEOUT
from calls.conversation.messages import (
    CONNECTED,
    CONTINUE,
    CUT_OFF,
    RECONNECTED,
    Message,
)
from calls.conversation.timeouts import MAX_UNTRANSCRIBED_SPEECH
from calls.turns.playback import Clip, QueuedClip, twilio_tts_clip
from calls.turns.resume import is_unanswered
from calls.turns.turn import Turn, TurnKind
from tests.support.bot_configs import bot_config
from tests.support.transfer_targets import SALES

# Every alarm rings this much late at most; a few of them may follow one another (s).
LATE = 0.04
SLACK = 0.5
HUSH = 0.05
GREETING, APOLOGY = "Hello, what can I do?", "Sorry, please repeat."
CONSENT = "Recording this call."
GOODBYE, NOTICE = "Goodbye now.", "Connecting you."
FILLER, CHOSEN = "One moment.", "Open at nine."
TOOL = ToolSpec("look_up")
MENU = (
    MenuEntry("7", "say", CHOSEN),
    MenuEntry("8", "tool", tool=TOOL),
    MenuEntry("9", "end"),
    MenuEntry("0", "transfer"),
)

MANNERS = st.builds(
    bot_config,
    greeting=st.sampled_from(["", GREETING]),
    consent_message=st.sampled_from(["", "", CONSENT]),
    interruptible=st.sampled_from([*["any"] * 4, *["speech", "dtmf"] * 2, "none"]),
    fallback_models=st.sampled_from([(), ("one",), ("one", "two")]),
    backchannels=st.just("mhm, okay"),
    mask_dtmf=st.booleans(),
    idle_timeout_seconds=st.sampled_from([0.0, 4.0, 9.0]),
    idle_reprompts=st.integers(0, 2),
    max_call_minutes=st.sampled_from([0, 0, 0.75, 2]),
    goodbye_message=st.just(GOODBYE),
    apology_message=st.just(APOLOGY),
    transfer_notice=st.just(NOTICE),
    targets=st.sampled_from([(), (SALES,)]),
    tools=st.sampled_from([(), (TOOL,), (TOOL,)]),
    menu=st.sampled_from([(), (), (), MENU]),
    can_end_call=st.booleans(),
    can_collect_digits=st.booleans(),
    fillers=st.sampled_from([(), (FILLER,)]),
    filler_delay_ms=st.sampled_from([300, 1200]),
)
GERMAN = "de-DE"
FUNCTIONS = [
    *(TOOL.name, TOOL.name, "transfer_call", "ask_for_keys", "switch_language"),
    *("unheard_of", "broken_off"),
]
SOON = st.integers(0, 800).map(lambda ms: ms / 1000)


@dataclass(slots=True)
class Item:
    """A clip in the carrier's queue; `delay` and `gap` are before its sound (s)."""

    clip: Clip
    arrived: float
    delay: float
    gap: float
    seconds: float
    notices: deque[str] = field(default_factory=lambda: deque(["fetch", "on", "off"]))


class Carrier:
    """Plays clips first in, first out, by a clock that is not the core's."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.queue: list[Item] = []
        self.free_at = 0.0
        self.reports = [k for k in ("fetch", "on", "off") if random.random() < 0.6]
        self.reports_each_clip = random.random() < 0.5

    def play(self, clip: Clip, now: float) -> None:
        delay, gap = self.random.uniform(0.05, 0.6), self.random.uniform(0, 0.15)
        self.queue.append(Item(clip, now, delay, gap, clip.seconds))

    def hush(self, clips: Iterable[Clip]) -> None:
        for item in self.queue:
            if item.clip in clips and "fetch" in item.notices:
                item.seconds = HUSH

    def purge(self, now: float, arrived_before: float) -> None:
        self.queue = [item for item in self.queue if item.arrived >= arrived_before]
        self.free_at = min(self.free_at, now)

    def starts_at(self) -> float:
        """When the first clip of the queue sounds."""
        item = self.queue[0]
        return max(item.arrived + item.delay, self.free_at + item.gap)

    def position(self, now: float) -> float:
        """How long the first clip has been playing, in milliseconds."""
        return max(now - self.starts_at(), 0.0) * 1000 if self.queue else 0.0

    def next_at(self) -> float | None:
        if not self.queue:
            return None
        item, starts_at = self.queue[0], self.starts_at()
        return starts_at + item.seconds if item.notices[0] == "off" else starts_at

    def next_notice(self) -> Event | None:
        """What happens next; None when this carrier does not say so."""
        item = self.queue[0]
        kind = item.notices.popleft()
        if kind == "off":
            self.free_at = self.starts_at() + item.seconds
            del self.queue[0]
        if kind not in self.reports:
            return None
        if kind == "fetch":
            return ClipFetched(item.clip.id) if item.clip.url else None
        if kind == "off" and self.queue and not self.reports_each_clip:
            return None
        return PlaybackChanged(kind == "on")


class Ledger:
    """What must hold after every action, whatever the order of events."""

    def __init__(self, manners: BotConfig) -> None:
        self.manners = manners
        self.turns: dict[int, Turn] = {}
        self.begun = 0
        self.writing: int | None = None
        self.clips: dict[int, list[Clip]] = {}  # of each reply, in order
        self.earlier: list[Clip] = []  # of sessions that were lost
        self.awaited: Clip | None = None  # may be played now for the first time
        self.played: list[Clip] = []
        self.replayable: list[Clip] = []  # cut off, so it may be resumed
        self.gone: list[Clip] = []  # discarded
        self.said: list[str] = []  # everything the caller said and entered
        self.lines: deque[str] = deque()  # of the operator, not yet said
        self.hung_up = False

    def break_off(self) -> None:
        """The line broke: what was said stays said, all else is gone."""
        self.earlier += [clip for clips in self.clips.values() for clip in clips]
        self.begun, self.writing, self.awaited = 0, None, None
        self.clips, self.replayable = {}, []
        self.lines.clear()

    def begin(self, number: int) -> None:
        assert self.writing is None, "two replies at once"
        assert number == self.begun + 1
        self.begun = self.writing = number
        self.clips[number] = []

    def stop(self, number: int) -> None:
        assert number == self.writing, "stopped what was not written"
        self.writing = None

    def play(self, clip: Clip, *, spared: bool) -> None:
        assert not any(clip is gone for gone in self.gone), "played after Discard"
        if clip is self.awaited:
            self.awaited = None
            if clip.text.startswith("line"):
                assert clip.text == self.lines.popleft(), "not next, or twice"
        else:
            assert any(clip is cut for cut in self.replayable), "played a stale clip"
            places = [i for i, cut in enumerate(self.replayable) if cut is clip]
            # So the order is kept, too; what is spared overtakes what is held.
            del self.replayable[places[0] if spared else 0 : places[0] + 1]
        self.played.append(clip)

    def record(self, turn: Turn, bot_clips: list[Clip]) -> None:
        before = self.turns.get(turn.index)
        assert before is None or before.role == turn.role
        self.turns[turn.index] = turn
        if turn.role == "caller":
            assert turn.heard_text == turn.text
            if self.manners.mask_dtmf and "[pressed" in turn.text:
                assert turn.redacted is not None
                assert MASKED in turn.redacted
                assert digits_text("") not in turn.redacted
        else:
            assert is_heard_of(turn.heard_text, bot_clips), (turn.heard_text, bot_clips)
            assert (turn.kind is TurnKind.OPERATOR) == turn.text.startswith("line")

    def caller_turns(self) -> list[Turn]:
        turns = [self.turns[index] for index in sorted(self.turns)]
        return [turn for turn in turns if turn.role == "caller"]

    def check_messages(self, messages: list[Message]) -> None:
        check_order(messages)
        by_role = {
            role: " ".join(m["content"] or "" for m in messages if m["role"] == role)
            for role in ("user", "assistant")
        }
        assert APOLOGY.split()[0] not in by_role["assistant"]
        assert FILLER.split()[0] not in by_role["assistant"]
        now = [clip for clips in self.clips.values() for clip in clips]
        heard = [*self.earlier, *now]
        assert is_heard_of(by_role["assistant"], heard), by_role["assistant"]
        asked = by_role["user"]
        for note in (CONNECTED, CUT_OFF, CONTINUE, RECONNECTED):
            asked = asked.replace(note, " ")
        wanted = " ".join(
            turn.text for turn in self.caller_turns() if not turn.is_backchannel
        )
        assert asked.split() == wanted.split(), "the model does not get all words"

    def check_words(self) -> None:
        kept = " ".join(turn.text for turn in self.caller_turns())
        assert kept == " ".join(self.said), "the caller's words are lost"


def check_order(messages: list[Message]) -> None:
    """User and assistant in turn; every tool asked for has its one result at once."""
    assert messages[0]["role"] == "system"
    before = "assistant"
    owed: list[str] = []
    for message in messages[1:]:
        role = message["role"]
        if role == "tool":
            assert message["tool_call_id"] == owed.pop(0), "a result nobody asked for"
            assert message["content"]
        else:
            assert not owed, "no result of a tool"
            follows = before == "tool" or role != before
            assert role == "assistant" if before == "user" else follows, before
            owed = [use["id"] for use in message.get("tool_calls", ())]
            assert message["content"] or owed
        before = role
    assert before in ("user", "tool")


def is_heard_of(heard: str, clips: list[Clip]) -> bool:
    """Whether words are the beginnings of clips, each perhaps empty, in order."""
    words = deque(heard.split())
    for clip in clips:
        for word in clip.text.split():
            if not words or words[0] != word:
                break
            words.popleft()
    return not words


class TurnMachine(RuleBasedStateMachine):
    """A call; every rule is something the caller, carrier or upstream may do."""

    holds = False

    @initialize(manners=MANNERS, seed=st.integers(0, 2**16))
    def call(self, manners: BotConfig, seed: int) -> None:
        self.random = Random(seed)
        if self.random.random() < 0.5:
            manners = replace(manners, languages=(Language(GERMAN, "Johanna"),))
        self.manners = manners
        self.now = 1000.0
        self.core = Conversation(manners)
        self.carrier = Carrier(self.random)
        self.ledger = Ledger(manners)
        self.names = count(1)
        self.planned: list[tuple[float, int, Callable[[], None]]] = []
        self.reporting: set[int] = set()  # replies that have not reported their end
        self.recited: set[int] = set()  # of fixed sentences
        self.late_by = 0.0
        self.keys, self.keys_at = "", 0.0
        self.speaking = False  # by the carrier's word
        self.asked: list[str] = []  # what the latest answer is to
        self.asked_number = 0
        self.waiting_since: float | None = None  # the caller, for a sound
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
        self.feed(CallConnected(has_lookup=looks_up))

    # What happens

    def feed(self, event: Event) -> None:
        ledger, leaving = self.ledger, self.leaves_by is not None
        self.holds = False
        if not isinstance(event, TimerFired):
            self.now += 0.001  # no two things are at one moment
        expected = self.take_in(event)
        asked = self.core.digits.request
        self.actions = self.core.receive(event, self.now)
        if isinstance(event, CallerSpoke) and event.final and event.text.strip():
            self.caller_said(event.text.strip(), asked)
        for action in self.actions:
            self.perform(action, event)
        if asked or self.core.digits.request:
            self.keys = self.core.digits.keys  # for whoever asked, in its own time
            self.keys_at = self.now
            if isinstance(event, DtmfReceived):  # as good as an answer
                self.asked_number = ledger.begun + (ledger.writing is None)
        entered = self.keys and self.now >= self.keys_at + INTER_DIGIT_TIMEOUT
        left_first = isinstance(event, ReplyEnded) and self.leaves_by is not None
        if entered and not (leaving or left_first or ledger.hung_up or self.over):
            self.enter_keys()
        ledger.check_words()
        ledger.awaited = None
        assert expected or not self.of(Play), "played although it was too late"
        self.check_turn()
        self.holds = True

    def of(self, kind: type[Action]) -> list[Action]:
        return [action for action in self.actions if isinstance(action, kind)]

    def take_in(self, event: Event) -> bool:
        """Note what the core is about to be told; false when it must not play it."""
        ledger = self.ledger
        match event:
            case DtmfReceived(key) if self.is_chosen(key):
                self.enter_keys()
                ledger.said.append(digits_text(key))
                self.asked_number = ledger.begun + 1
                self.waiting_since = None
            case DtmfReceived() if self.core.caller_input.is_trailing_terminator(
                self.now
            ):
                pass
            case DtmfReceived() if self.core.digits.request or ledger.hung_up:
                pass
            case DtmfReceived(key):
                ends = key == FINISH_ON_KEY
                self.keys += "" if ends and self.keys else key
                self.keys_at = self.now
                if ends:
                    self.enter_keys()
            case CallEnded():
                self.enter_keys(forgotten=self.core.digits.request)
                self.over = True
            case ClipReady(number, clip):
                ledger.clips[number].append(clip)
                in_time = ledger.writing == number and not self.over
                ledger.awaited = clip if in_time else None
                return in_time
            case ReplyEnded(number, calls=calls):
                if ledger.writing == number:
                    ledger.writing = None
                if calls and self.waiting_since is not None:
                    self.waiting_since = self.now  # each request has its own time
                self.reporting.discard(number)
            case CallerInterrupted():
                cut = [cue.clip for cue in self.core.playback.pending()]
                ledger.replayable += cut
        return True

    def caller_said(self, text: str, asked: DigitRequest | None) -> None:
        if self.ledger.hung_up:
            return
        records = [a for a in self.actions if isinstance(a, SaveTurn)]
        if any(a.turn.is_backchannel and a.turn.text == text for a in records):
            assert self.manners.is_backchannel(text)
        else:
            self.enter_keys(forgotten=asked)  # they belong to what is said
        self.ledger.said.append(text)

    def enter_keys(self, forgotten: DigitRequest | None = None) -> None:
        if self.keys and not (forgotten and forgotten.secret):
            self.ledger.said.append(digits_text(self.keys))
        self.keys = ""

    def perform(self, action: Action, event: Event) -> None:
        ledger = self.ledger
        if ledger.hung_up or self.over:
            allowed = SaveTurn | StopReply if isinstance(event, CallEnded) else SaveTurn
            assert isinstance(action, allowed | DropClips), "after the end"
        if self.core.final_message and self.leaves_by is None:
            queued = max((self.core.playback.ends_at() or 0) - self.now, 0)
            self.leaves_by = self.now + queued + FINAL_MESSAGE_TIMEOUT
        match action:
            case StartReply(number, messages):
                stopped = StopReply(number) in self.actions  # its time is up already
                assert stopped or self.leaves_by is None, "answers after the last word"
                ledger.begin(number)
                self.reporting.add(number)
                ledger.check_messages(messages)
                self.question_asked(number, messages)
            case SpeakText(number, text, within):
                ledger.begin(number)
                self.reporting.add(number)
                if text in (GOODBYE, NOTICE):
                    assert not self.last_word, "said goodbye twice"
                    self.last_word = True
                self.recited.add(number)
                takes = self.random.uniform(0, within)
                self.plan(takes, lambda: self.recite(number, text))
            case StopReply(number):
                ledger.stop(number)
            case Play(clip, interruptible):
                ledger.play(clip, spared=not interruptible)
                self.carrier.play(clip, self.now)
                self.waiting_since = None
                if clip.text == CONSENT:
                    assert not interruptible
                else:
                    assert interruptible or self.leaves_by is not None
            case DropClips(clips, queued):
                assert self.leaves_by or CONSENT not in [clip.text for clip in clips]
                if queued:
                    self.carrier.hush(clips)
                assert not queued or not any(clip.shared for clip in clips)
                if isinstance(event, CallerInterrupted) and self.leaves_by is None:
                    meant = self.of(StartReply) or self.are_superseded(clips)
                    # An apology or a question for keys comes: what led to it may go.
                    current = self.core.replies.current
                    turn = current.turn if current else None
                    overtaken = turn and (
                        turn.role == "system" or turn.kind is TurnKind.DIGIT_PROMPT
                    )
                    assert meant or overtaken, "a noise ended a reply"
                ledger.gone += clips
            case SaveTurn(turn):
                ledger.record(turn, self.clips_of(turn))
            case HangUp(transfer=person):
                self.rings = person is not None
                assert not ledger.hung_up, "hung up twice"
                assert self.leaves_by is not None
                ledger.hung_up = True
            case MuteClips(clips):
                assert isinstance(event, CallerInterrupted)
                assert not any(cue.heard for cue in self.cues_of(clips))
            case CallTool(call_id, tool):
                assert tool is TOOL
                self.waiting_since, self.asked = None, []
                takes = self.random.uniform(0, 6)
                self.plan(takes, lambda: self.feed(ToolCallEnded(call_id, "Found.")))
            case CountFallback() | ChangeLanguage():
                pass
            case _:
                assert_never(action)

    def is_chosen(self, key: str) -> bool:
        """Whether a key is one of the menu, and does what it is for at once."""
        core, left = self.core, self.leaves_by is not None or self.ledger.hung_up
        late = core.caller_input.is_masked(
            self.now
        ) or core.caller_input.is_trailing_terminator(self.now)
        typing = core.digits.request or core.digits.masks
        busy = typing or core.responder.is_uninterruptible or late
        return self.manners.menu_entry(key) is not None and not (
            busy or left or self.over
        )

    def cues_of(self, clips: Iterable[Clip]) -> list[QueuedClip]:
        """Where these stand in the queue, as the core believes."""
        cues = self.core.playback.clips  # what the carrier speaks has no id
        return [cue for cue in cues if any(cue.clip is clip for clip in clips)]

    def are_superseded(self, clips: Iterable[Clip]) -> bool:
        """Whether the caller has asked something else since these were said."""
        older = [self.ledger.clips[number] for number in range(1, self.asked_number)]
        return all(any(clip is c for said in older for c in said) for clip in clips)

    def clips_of(self, turn: Turn) -> list[Clip]:
        replies = self.core.replies.by_number
        numbers = [r.number for r in replies if r.turn and r.turn.index == turn.index]
        if not numbers:  # said before the line broke
            return [twilio_tts_clip(turn.text)]
        return [clip for number in numbers for clip in self.ledger.clips[number]]

    def question_asked(self, number: int, messages: list[Message]) -> None:
        """The caller waits from now on, unless this is another attempt."""
        words = [
            turn.text for turn in self.ledger.caller_turns() if not turn.is_backchannel
        ]
        if CONTINUE not in messages[-1]["content"] and words != self.asked:
            self.asked, self.asked_number = words, number
            self.waiting_since = self.now

    def check_turn(self) -> None:
        """It is always somebody's turn, and nobody's lasts for ever."""
        core, ledger, now = self.core, self.ledger, self.now
        wakes_at = core.next_deadline()
        if self.over or ledger.hung_up:
            assert wakes_at is None
            return
        if self.leaves_by is not None:
            assert now <= self.leaves_by + SLACK, "does not hang up"
            assert wakes_at is not None
            return
        if self.waiting_since is not None:
            waited = now - self.waiting_since
            assert waited <= FIRST_AUDIO_TIMEOUT + FALLBACK_BUDGET + 1 + SLACK, (
                "dead air"
            )
        if core.is_idle and not core.replies.unfinished:
            assert not is_unanswered(core.turns), "an answer is owed, and forgotten"
        if core.state.pending_results:
            return
        if ledger.writing is None and not core.is_idle:
            assert wakes_at is not None, "stuck"
        assert not (ledger.lines and core.is_idle), "a line was forgotten"
        if ledger.writing is None and self.manners.idle_timeout_seconds:
            assert wakes_at is not None, "nobody's turn"
            patience: float = self.manners.idle_timeout_seconds
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
            moments = [wakes_at, planned, None if self.over else self.carrier.next_at()]
            moment = min((m for m in moments if m is not None), default=until)
            if moment >= until:
                break
            self.now = max(self.now, moment)
            if moment == planned:
                heapq.heappop(self.planned)[2]()
            elif moment == wakes_at:
                self.ring()
            elif (notice := self.carrier.next_notice()) is not None:
                self.feed(notice)
        self.now = until

    def ring(self) -> None:
        """The alarm: it must not have to ring again and again at one moment."""
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
        in_time = self.ledger.writing == number
        if not in_time and self.random.random() < 0.5:
            return
        clip = Clip(text, "https://x/", text, len(text) / 15, shared=True)
        if self.random.random() < 0.3:
            clip = twilio_tts_clip(text)
        self.feed(ClipReady(number, clip))
        self.feed(ReplyEnded(number, text))

    def segment(self, words: int, seconds: float, end: str = "") -> Clip:
        name = next(self.names)
        text = " ".join(f"b{name}.{place}" for place in range(words)) + end
        return Clip(f"{name}", f"https://x/{name}", text, seconds)

    def is_answering(self) -> bool:
        """Whether the upstream is writing a reply, not reciting a sentence."""
        return self.ledger.writing is not None and (
            self.ledger.writing not in self.recited
        )

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
        number = self.ledger.writing
        assert number is not None
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
        number = self.ledger.writing
        assert number is not None
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

    @precondition(lambda self: self.is_answering() and self.ledger.begun > 3)
    @rule(said=st.sampled_from([0, 1]), rarely=st.sampled_from([False, False, True]))
    def upstream_ends_the_call(self, said: int, rarely: bool) -> None:
        if rarely:
            self.calls_functions(said, ["end_call"])

    def calls_functions(self, said: int, names: list[str]) -> None:
        number = self.ledger.writing
        assert number is not None
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
        text = " ".join(clip.text for clip in self.ledger.clips[number])
        self.feed(ReplyEnded(number, text, calls=calls))

    def has_late(self) -> bool:
        return bool(self.reporting - {self.ledger.writing})

    @precondition(has_late)
    @rule(report=st.booleans())
    def upstream_is_late(self, report: bool) -> None:
        number = min(self.reporting - {self.ledger.writing})
        if report:
            self.report(number)
        else:
            self.feed(ClipReady(number, self.segment(2, 1.0)))

    def report(self, number: int) -> None:
        """The reply is written; the clips of it may have been fewer."""
        if number not in self.reporting:
            return
        clips = self.ledger.clips[number]
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
            position = self.carrier.position(self.now)
        self.carrier.purge(self.now, began_at or self.now)
        self.feed(CallerInterrupted(position))
        if "off" in self.carrier.reports:
            self.feed(PlaybackChanged(False))

    # The operator

    @precondition(is_open)
    @rule(lines=st.integers(1, 2), gap=SOON)
    def operator_says(self, lines: int, gap: float) -> None:
        for _ in range(lines):
            line = f"line{next(self.names)}"
            if self.leaves_by is None:
                self.ledger.lines.append(line)
            self.feed(OperatorSaid(line))
            self.pass_time(gap)

    @precondition(lambda self: not self.over and self.ledger.begun > 3)
    @rule(event=st.sampled_from([OperatorEnded(), OperatorTransferred(), None, None]))
    def operator_is_done_with_it(
        self, event: OperatorEnded | OperatorTransferred | None
    ) -> None:
        if event:
            self.feed(event)

    @precondition(lambda self: not self.over and self.ledger.begun > 2)
    @rule(really=st.sampled_from([False, False, True]))
    def caller_hangs_up(self, really: bool) -> None:
        if really:
            self.feed(CallEnded())

    @precondition(
        lambda self: self.ledger.begun > 0 and not (self.over or self.ledger.hung_up)
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
        self.over, self.keys, disconnected_at = False, "", self.now
        self.rings = self.last_word = self.ledger.hung_up = False
        self.leaves_by = None
        self.ledger.break_off()
        self.planned, self.reporting, self.recited = [], set(), set()
        self.waiting_since, self.asked, self.asked_number = None, [], 0
        self.now += gap
        language = self.core.config.language
        self.core, self.carrier = Conversation(self.manners), Carrier(self.random)
        said = [replace(turn) for _, turn in sorted(self.ledger.turns.items())]
        seconds = disconnected_at - 1000.0
        self.feed(CallResumed(tuple(said), disconnected_at, seconds, returned=returned))
        assert self.core.config.language == language

    def teardown(self) -> None:
        if not self.holds:  # whatever must, and the run ends already
            return
        if not self.over:
            self.feed(CallEnded())
        for number in sorted(self.reporting):
            self.report(number)
        turns = self.ledger.turns
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
