"""The bot's side of a call: numbered replies, their clips on the line, their turns.

What arrives of a reply that was stopped is recognised by its number. Pure.
"""

from collections import deque
from dataclasses import dataclass, replace

from calls.conversation.actions import Action, DropClips, Play, SaveTurn, StopReply
from calls.conversation.events import ClipReady, ReplyEnded
from calls.turns.playback import Playback, QueuedClip
from calls.turns.turn import OPERATOR, Role, Turn, next_index
from calls.turns.word_timing import joined


@dataclass(slots=True)
class Reply:
    """One thing the bot says; `turn` is None until something of it was sent.

    `asked_at` is when the caller finished asking (seconds, monotonic): all latencies
    count from there. Role `system` marks words that are not the bot's own; a `wanted`
    reply is one the caller waits for; one that `goes_on` is the rest of the one before,
    one that `follows` says more of the same answer, after the use of a tool.
    `line` is what an operator wrote for the bot to say; `mark` stands in the turn for
    the model, where none wrote it.
    """

    number: int
    caller_done_at: float
    role: Role = "bot"
    interruptible: bool = True
    is_answer: bool = False
    continues: bool = False
    after_tool: bool = False
    operator_line: str = ""
    kind: str = ""
    writing: bool = True
    turn: Turn | None = None


class Replies:
    """Every reply of a call; `turns` is shared with whoever adds the caller's."""

    def __init__(self, turns: list[Turn]) -> None:
        self.turns = turns
        self.playback = Playback()
        self.by_number: list[Reply] = []
        self.unfinished: list[Reply] = []  # begun, but not yet known how far heard
        self.lines: deque[str] = deque()  # of an operator, not yet said

    @property
    def current(self) -> Reply | None:
        """The latest reply, whether it is still written or not."""
        return self.by_number[-1] if self.by_number else None

    @property
    def is_writing(self) -> bool:
        """Whether more is to come of the current reply."""
        return self.current is not None and self.current.writing

    def is_speaking(self, at: float) -> bool:
        """Whether the caller is in the middle of hearing a reply that is written."""
        reply = self.current
        if reply is None or not reply.writing:
            return False
        return self.playback.started(reply.number, at)

    def begin(
        self,
        asked_at: float,
        role: Role = "bot",
        *,
        interruptible: bool = True,
        wanted: bool = False,
        goes_on: bool = False,
    ) -> Reply:
        """Start a reply; the one before must have been stopped or have ended."""
        number = len(self.by_number) + 1
        reply = Reply(number, asked_at, role, interruptible, wanted, goes_on)
        self.by_number.append(reply)
        return reply

    def clip_ready(self, event: ClipReady, at: float) -> list[Action]:
        """Play a clip of the current reply; any other is too late."""
        reply = self.by_number[event.reply - 1]
        if not reply.writing:
            return [DropClips((event.clip,), queued=False)]
        turn = reply.turn or self.open_turn(reply, at)
        if not reply.operator_line:  # nobody waited for that
            turn.latency_ms.setdefault(
                "play_sent", milliseconds(at - reply.caller_done_at)
            )
        turn.text = joined([turn.text, event.clip.text])
        self.playback.add(reply.number, event.clip, at)
        turn.clip_ids = self.playback.clip_ids(reply.number)
        return [SaveTurn(replace(turn)), Play(event.clip, reply.interruptible)]

    def ended(self, event: ReplyEnded, at: float) -> list[Action]:
        """Fill in what is known of a reply once it is written."""
        reply = self.by_number[event.reply - 1]
        reply.writing = False
        turn = reply.turn
        if turn is None:
            return []
        turn.text = event.text or turn.text
        turn.error = event.error or turn.error
        turn.model = event.model or turn.model
        turn.prompt_tokens = event.prompt_tokens
        turn.completion_tokens = event.completion_tokens
        for stage, moment in event.timestamps.items():
            turn.latency_ms[stage] = milliseconds(moment - reply.caller_done_at)
        return [SaveTurn(replace(turn))]

    def open_turn(self, reply: Reply, at: float) -> Turn:
        """Give a reply its place in the transcript."""
        model = OPERATOR if reply.operator_line else reply.kind
        reply.turn = Turn(
            next_index(self.turns), reply.role, started_at=at, model=model
        )
        self.turns.append(reply.turn)
        self.unfinished.append(reply)
        return reply.turn

    def stop(self) -> list[Action]:
        """Stop the current reply from being written any further."""
        reply = self.current
        if reply is None or not reply.writing:
            return []
        reply.writing = False
        if reply.turn:
            reply.turn.interrupted = True
        elif reply.operator_line:
            self.lines.appendleft(reply.operator_line)  # it has yet to be said
        return [StopReply(reply.number)]

    def abandon(self, at: float) -> list[Action]:
        """Give up the current reply; what of it is audible already plays out."""
        reply = self.current
        if reply and not reply.interruptible:
            return []
        actions = self.stop()
        if reply and reply.turn and not self.playback.is_playing(reply.number, at):
            clips = tuple(self.playback.withdraw(reply.number))
            if clips:
                reply.turn.interrupted = True
                actions.append(DropClips(clips, queued=True))
        return actions

    def interrupt(
        self, at: float, position: float | None, since: float
    ) -> list[QueuedClip]:
        """The line was cut: settle what was heard and return what was not."""
        lost = self.playback.interrupt(at, position, since)
        for reply in self.unfinished:
            if reply.turn and any(cue.reply == reply.number for cue in lost):
                reply.turn.interrupted = True
        return lost

    def replay(self, cues: list[QueuedClip], at: float) -> list[Action]:
        """Play clips again that were cut off."""
        actions: list[Action] = []
        for cue in cues:
            reply = self.by_number[cue.reply - 1]
            if reply.turn:
                reply.turn.interrupted = False
                if reply not in self.unfinished:
                    self.unfinished.append(reply)
            self.playback.cues.remove(cue)
            self.playback.add(cue.reply, cue.clip, at, before=cue.heard or 0.0)
            actions.append(Play(cue.clip, reply.interruptible))
        return actions

    def fetched(self, clip_id: str, at: float) -> None:
        """The carrier downloaded a clip."""
        self.playback.fetched(clip_id, at)
        for reply in self.unfinished:
            first = self.playback.first(reply.number)
            if first and first.clip.id == clip_id and reply.turn:
                fetched = milliseconds(at - reply.caller_done_at)
                reply.turn.latency_ms.setdefault("clip_fetched", fetched)

    def assume_heard(self) -> None:
        """Count what is on its way to the caller as heard, for the next history."""
        for reply in self.unfinished:
            if turn := reply.turn:
                turn.heard_text = self.playback.expected_text(reply.number, turn.text)

    def settled(self, at: float) -> list[Action]:
        """Record replies of which it is now known how much was heard."""
        pending = {cue.reply for cue in self.playback.pending()}
        actions: list[Action] = []
        for reply in list(self.unfinished):
            turn = reply.turn
            if reply.writing or reply.number in pending or turn is None:
                continue
            self.unfinished.remove(reply)
            turn.heard_text = self.playback.heard_text(reply.number, turn.text)
            turn.clip_ids = self.playback.clip_ids(reply.number)
            turn.ended_at = at
            if (begun := self.playback.audible_at(reply.number)) is not None:
                turn.latency_ms["playback_started"] = milliseconds(
                    begun - reply.caller_done_at
                )
            actions.append(SaveTurn(replace(turn)))
        return actions


def milliseconds(seconds: float) -> int:
    """As latencies are kept."""
    return round(seconds * 1000)
