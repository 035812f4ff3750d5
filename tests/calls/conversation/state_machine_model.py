"""The events of callers, Twilio and Inworld, and the invariants of every call."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from bots.config.bot_config import BotConfig
from bots.config.capabilities import MenuEntry, ToolSpec
from bots.config.phrasebook import phrasebook
from calls.conversation.dtmf import (
    MASKED,
    digits_text,
)
from calls.conversation.events import (
    ClipFetched,
    Event,
    PlaybackChanged,
)
from calls.turns.clip import Clip
from calls.turns.messages import (
    CONNECTED,
    CONTINUE,
    CUT_OFF,
    GO_AHEAD,
    RECONNECTED,
    Message,
)
from calls.turns.turn import Turn, TurnKind
from tests.support.bot_configs import bot_config
from tests.support.transfer_targets import SALES

# Every timer fires this much late at most (s); a few of them may follow one another.
LATE = 0.04


SLACK = 0.5


MUTED_SECONDS = 0.05


GREETING, APOLOGY = "Hello, what can I do?", "Sorry, please repeat."


CONSENT = "Recording this call."


GOODBYE, NOTICE = "Goodbye now.", "Connecting you."


# The first is nothing but a variable that no call has.
FILLERS, CHOSEN = ("{{missing}}", "One moment.", "Just so."), "Open at nine."


TOOL = ToolSpec("look_up")


MENU = (
    MenuEntry("7", "say", CHOSEN),
    MenuEntry("8", "tool", tool=TOOL),
    MenuEntry("9", "end"),
    MenuEntry("0", "transfer"),
)


CONFIGS = st.builds(
    bot_config,
    greeting=st.sampled_from(["", GREETING]),
    consent_message=st.sampled_from(["", "", CONSENT]),
    interruptible=st.sampled_from([*["any"] * 4, *["speech", "dtmf"] * 2, "none"]),
    fallback_models=st.sampled_from([(), ("one",), ("one", "two")]),
    backchannels=st.just("mhm, okay"),
    mask_dtmf=st.booleans(),
    recording=st.sampled_from(["never", "always", "consent"]),
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
    fillers=st.sampled_from([(), FILLERS[:1], FILLERS[1:2], FILLERS]),
    filler_delay_seconds=st.sampled_from([0.3, 1.2]),
    answer_filler_seconds=st.sampled_from([0, 0.5, 2.5]),
)


GERMAN = "de-DE"
# In either language.
ALL_FILLERS = (*FILLERS, *phrasebook(GERMAN).fillers.splitlines())


FUNCTIONS = [
    *(TOOL.name, TOOL.name, "transfer_call", "ask_for_keys", "switch_language"),
    *("unheard_of", "broken_off"),
]


SEGMENT = re.compile(r"b\d+\.0")


SOON = st.integers(0, 800).map(lambda ms: ms / 1000)


@dataclass(slots=True)
class Item:
    """A clip in Twilio's queue; `delay` and `gap` are before its sound (s)."""

    clip: Clip
    arrived: float
    delay: float
    gap: float
    seconds: float
    notices: deque[str] = field(default_factory=lambda: deque(["fetch", "on", "off"]))


class TwilioPlayer:
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

    def refuse(self, clip: Clip) -> bool:
        """Drop the latest such clip, if it is not fetched yet; false if it is."""
        for item in reversed(self.queue):
            if item.clip is clip:
                if "fetch" not in item.notices:
                    return False
                self.queue.remove(item)
                return True
        return False

    def mute(self, clips: Iterable[Clip]) -> None:
        for item in self.queue:
            if item.clip in clips and "fetch" in item.notices:
                item.seconds = MUTED_SECONDS

    def purge(self, now: float, arrived_before: float) -> None:
        self.queue = [item for item in self.queue if item.arrived >= arrived_before]
        self.free_at = min(self.free_at, now)

    def starts_at(self) -> float:
        """Return the time at which the first clip of the queue starts."""
        item = self.queue[0]
        return max(item.arrived + item.delay, self.free_at + item.gap)

    def position(self, now: float) -> float:
        """Return the milliseconds that the first clip has been playing."""
        return max(now - self.starts_at(), 0.0) * 1000 if self.queue else 0.0

    def next_at(self) -> float | None:
        if not self.queue:
            return None
        item, starts_at = self.queue[0], self.starts_at()
        return starts_at + item.seconds if item.notices[0] == "off" else starts_at

    def next_notice(self) -> Event | None:
        """Return the next event, or None if this Twilio does not report it."""
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


class CallModel:
    """The invariants after every action, in any order of events."""

    def __init__(self, config: BotConfig) -> None:
        self.config = config
        self.turns: dict[int, Turn] = {}
        self.begun = 0
        self.writing: int | None = None
        self.beside: set[int] = set()  # fillers written at the same time
        self.hedge: int | None = None  # another model's answer, at the same time
        self.rivals: list[tuple[int, int]] = []  # answers of which one is heard
        self.clips: dict[int, list[Clip]] = {}  # of each reply, in order
        self.earlier: list[Clip] = []  # of sessions that were lost
        self.awaited: Clip | None = None  # may be played now for the first time
        self.played: list[Clip] = []
        self.replayable: list[Clip] = []  # cut off, so it may be resumed
        self.gone: list[Clip] = []  # discarded
        self.refused: list[Clip] = []  # by Twilio
        self.said: list[str] = []  # everything the caller said and entered
        self.lines: deque[str] = deque()  # of the operator, not yet said
        self.hung_up = False

    def break_off(self) -> None:
        """Record a lost line: heard turns stay, everything else is gone."""
        self.earlier += [clip for clips in self.clips.values() for clip in clips]
        self.begun, self.writing, self.awaited = 0, None, None
        self.beside, self.hedge, self.rivals = set(), None, []
        self.clips, self.replayable = {}, []
        self.refused = []  # another process estimates what was heard by the time
        self.lines.clear()

    def begin(self, number: int) -> None:
        assert self.writing is None, "two replies at once"
        assert number == self.begun + 1
        self.begun = self.writing = number
        self.clips[number] = []

    def begin_beside(self, number: int) -> None:
        assert number == self.begun + 1
        self.begun = number
        self.beside.add(number)
        self.clips[number] = []

    def begin_hedge(self, number: int) -> None:
        assert self.writing is not None, "nothing to hedge"
        assert self.hedge is None, "two hedges"
        assert not self.has_sounded(self.writing), "a hedge after the answer's sound"
        self.begin_beside(number)
        self.beside.discard(number)
        self.hedge = number
        self.rivals.append((self.writing, number))

    def is_written(self, number: int) -> bool:
        return number in (self.writing, self.hedge, *self.beside)

    def end(self, number: int) -> None:
        if number == self.writing:
            self.writing, self.hedge = self.hedge, None
        elif number == self.hedge:
            self.hedge = None
        self.beside.discard(number)

    def check_rivals(self) -> None:
        for rivals in self.rivals:
            sounded = [number for number in rivals if self.has_sounded(number)]
            assert len(sounded) < 2, "both answers are heard"
            for other in set(rivals) - set(sounded) if sounded else ():
                assert not self.is_written(other), "the slower answer goes on"
        if self.writing and self.has_sounded(self.writing):
            assert not self.beside, "a filler is made after the answer's sound"

    def stop(self, number: int) -> None:
        assert self.is_written(number), "stopped what was not written"
        self.end(number)

    def has_sounded(self, number: int) -> bool:
        """Return true if a clip of a reply was sent."""
        return any(clip is c for clip in self.played for c in self.clips[number])

    def play(self, clip: Clip, *, replayed: bool) -> None:
        assert not any(clip is gone for gone in self.gone), "played after Discard"
        if clip is self.awaited:
            self.awaited = None
            if clip.text.startswith("line"):
                assert clip.text == self.lines.popleft(), "not next, or twice"
        else:
            assert any(clip is cut for cut in self.replayable), "played a stale clip"
            indexes = [i for i, cut in enumerate(self.replayable) if cut is clip]
            # This checks the order, too; replayed clips overtake held ones.
            del self.replayable[indexes[0] if replayed else 0 : indexes[0] + 1]
        self.played.append(clip)

    def read_by_twilio(self, clip: Clip) -> None:
        """Note that Twilio's voice says a lost clip."""
        self.played.append(clip)
        self.refused = [lost for lost in self.refused if lost.text != clip.text]
        texts = {number: [c.text for c in said] for number, said in self.clips.items()}
        number = max(number for number in texts if clip.text in texts[number])
        self.clips[number].append(clip)

    def record(self, turn: Turn, bot_clips: list[Clip]) -> None:
        before = self.turns.get(turn.index)
        assert before is None or before.role == turn.role
        self.turns[turn.index] = turn
        if turn.role == "caller":
            assert turn.heard_text == turn.text
            if self.config.mask_dtmf and "[pressed" in turn.text:
                assert turn.redacted is not None
                assert MASKED in turn.redacted
                assert digits_text("") not in turn.redacted
        else:
            assert is_heard_of(turn.heard_text, bot_clips), (turn.heard_text, bot_clips)
            heard = set(turn.heard_text.split())
            for clip in self.refused:  # fixed sentences may be read by Twilio's voice
                assert not heard & set(SEGMENT.findall(clip.text))
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
        for filler in ALL_FILLERS[1:]:
            assert filler not in by_role["assistant"]
        now = [clip for clips in self.clips.values() for clip in clips]
        heard = [*self.earlier, *now]
        assert is_heard_of(by_role["assistant"], heard), by_role["assistant"]
        asked = by_role["user"]
        for note in (CONNECTED, CUT_OFF, CONTINUE, RECONNECTED, GO_AHEAD):
            asked = asked.replace(note, " ")
        wanted = " ".join(
            turn.text for turn in self.caller_turns() if not turn.is_backchannel
        )
        assert asked.split() == wanted.split(), "the model does not get all words"

    def check_words(self) -> None:
        words = " ".join(turn.text for turn in self.caller_turns())
        assert words == " ".join(self.said), "the caller's words are lost"


def check_order(messages: list[Message]) -> None:
    """Check that roles alternate and that every tool call has one result at once."""
    assert messages[0]["role"] == "system"
    before = "assistant"
    pending_ids: list[str] = []
    for message in messages[1:]:
        role = message["role"]
        if role == "tool":
            assert message["tool_call_id"] == pending_ids.pop(0), (
                "a result nobody asked for"
            )
            assert message["content"]
        else:
            assert not pending_ids, "no result of a tool"
            follows = before == "tool" or role != before
            assert role == "assistant" if before == "user" else follows, before
            pending_ids = [call["id"] for call in message.get("tool_calls", ())]
            assert message["content"] or pending_ids
        before = role
    assert before in ("user", "tool")


def is_heard_of(heard: str, clips: list[Clip]) -> bool:
    """Return true if the words are beginnings of the clips, in order, perhaps empty."""
    words = deque(heard.split())
    for clip in clips:
        for word in clip.text.split():
            if not words or words[0] != word:
                break
            words.popleft()
    return not words
