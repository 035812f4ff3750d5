"""The bot's side of a call: numbered replies with their clips and turns. Pure.

Clips that arrive for a reply that was stopped are recognised by its number.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from calls.conversation.actions import Action, DropClips, Play, SaveTurn, StopReply
from calls.conversation.events import ClipGrew, ClipReady, ReplyEnded
from calls.turns.clip import Clip, QueuedClip, twilio_tts_clip
from calls.turns.operator_line import OperatorLine
from calls.turns.playback import Playback
from calls.turns.turn import Role, Turn, TurnKind, next_index
from calls.turns.word_timing import joined


@dataclass(slots=True)
class Reply:
    """One thing the bot says; `turn` is None until something of it was sent.

    Latencies count from `caller_done_at` (seconds, monotonic). Role `system` marks
    words that are not the bot's own.
    """

    number: int
    caller_done_at: float
    role: Role = "bot"
    kind: TurnKind = TurnKind.ORDINARY
    interruptible: bool = True
    is_answer: bool = False  # the caller waits for it
    continues: bool = False  # the rest of the reply before
    after_tool: bool = False  # more of the same answer, after a tool call
    model: str = ""  # the language model that is asked for it
    operator_line: OperatorLine | None = None
    writing: bool = True
    turn: Turn | None = None
    lost_to: "Reply | None" = None  # the answer that was faster
    hedge: dict[str, Any] = field(default_factory=dict)  # see `Turn.hedge`


class Replies:
    """Every reply of a call. The list of turns is shared with `CallState`."""

    def __init__(self, turns: list[Turn]) -> None:
        self.turns = turns
        self.playback = Playback()
        self.by_number: list[Reply] = []
        self.current: Reply | None = None  # the latest reply, finished or not
        self.beside: list[Reply] = []  # written at the same time as the current one
        self.unfinished: list[Reply] = []  # their heard text is not final yet
        self.operator_lines: list[OperatorLine] = []  # said or not
        self.lines: deque[OperatorLine] = deque()  # those not said yet

    @property
    def is_writing(self) -> bool:
        """True if the current reply is incomplete."""
        return self.current is not None and self.current.writing

    def is_speaking(self, at: float) -> bool:
        """True if the caller hears a reply that is still being written."""
        reply = self.current
        if reply is None or not reply.writing:
            return False
        return self.playback.started(reply.number, at)

    def begin(
        self,
        caller_done_at: float,
        role: Role = "bot",
        *,
        kind: TurnKind = TurnKind.ORDINARY,
        interruptible: bool = True,
        is_answer: bool = False,
        continues: bool = False,
        beside: bool = False,
    ) -> Reply:
        """Start a reply; the one before must have been stopped or have ended.

        One that is written `beside` the current reply is stopped with it. The sound of
        an answer stops all others.
        """
        number = len(self.by_number) + 1
        reply = Reply(
            number, caller_done_at, role, kind, interruptible, is_answer, continues
        )
        self.by_number.append(reply)
        if beside:
            self.beside.append(reply)
        else:
            self.current = reply
        return reply

    def clip_ready(self, event: ClipReady, at: float) -> list[Action]:
        """Play a clip of the current reply; drop one of an earlier reply."""
        reply = self.by_number[event.reply - 1]
        if not reply.writing:
            return [DropClips((event.clip,), queued=False)]
        is_filler = reply.kind is TurnKind.FILLER
        stopped = [] if is_filler else self.make_current(reply, sounds=True)
        turn = reply.turn or self.open_turn(reply, at)
        if not reply.operator_line:  # nobody waits for one
            latency = milliseconds(at - reply.caller_done_at)
            turn.latency_ms.setdefault("play_sent", latency)
        turn.text = joined([turn.text, event.clip.text])
        # A consent that nobody can have heard must not be on record as heard.
        needs_fetch = reply.kind is TurnKind.CONSENT and bool(event.clip.url)
        self.playback.add(reply.number, event.clip, at, needs_fetch=needs_fetch)
        turn.clip_ids = self.playback.clip_ids(reply.number)
        played = Play(event.clip, reply.interruptible)
        return [*stopped, SaveTurn(replace(turn)), played]

    def clip_grew(self, event: ClipGrew, at: float) -> list[Action]:
        """A clip that was sent while it grows has more sound, or all of it."""
        queued = self.playback.latest(event.clip.id)
        if queued is None:
            return []
        reply, before = self.by_number[queued.reply - 1], queued.clip.text
        self.playback.grew(queued, event.clip, event.reached, at)
        turn, text = reply.turn, event.clip.text
        is_known = turn and reply.writing and turn.text.endswith(before)
        if turn is None or not is_known or text == before:
            return []
        turn.text = joined([turn.text.removesuffix(before).rstrip(), text])
        return [SaveTurn(replace(turn))]

    def ended(self, event: ReplyEnded, at: float) -> list[Action]:
        """Complete the turn of a reply that was written or stopped."""
        reply = self.by_number[event.reply - 1]
        reply.writing = False
        if reply in self.beside:
            self.beside.remove(reply)
        turn = reply.turn
        if turn is None:
            return []
        turn.text = event.text or turn.text
        turn.error = event.error or turn.error
        turn.model = event.model or turn.model
        turn.prompt_tokens = event.prompt_tokens
        turn.completion_tokens = event.completion_tokens
        for stage, reached_at in event.timestamps.items():
            turn.latency_ms[stage] = milliseconds(reached_at - reply.caller_done_at)
        return [SaveTurn(replace(turn))]

    def open_turn(self, reply: Reply, at: float) -> Turn:
        """Give a reply its place in the transcript."""
        index = next_index(self.turns)
        reply.turn = Turn(index, reply.role, at, kind=reply.kind, hedge=reply.hedge)
        self.turns.append(reply.turn)
        self.unfinished.append(reply)
        if reply.operator_line:
            reply.operator_line.turn = reply.turn
        return reply.turn

    def make_current(self, reply: Reply, *, sounds: bool) -> list[Action]:
        """Stop the other answer, and a filler that would come after the sound."""
        others = [
            other
            for other in self._being_written
            if other is not reply and (sounds or other.is_answer)
        ]
        for other in others:
            other.writing = False
            other.lost_to = reply if other.is_answer else None
        self.current = reply
        self.beside = [
            each for each in self.beside if each.writing and each is not reply
        ]
        return [StopReply(other.number) for other in others]

    def give_way(self, reply: Reply) -> Reply | None:
        """Go on with the other answer that is being written, if there is one."""
        others = [other for other in self._being_written if other.is_answer]
        if not reply.is_answer or not others:
            return None
        reply.lost_to = self.current = other = others[0]
        self.beside = [each for each in self.beside if each is not other]
        return other

    def record_loser(self, event: ReplyEnded) -> list[Action]:
        """Record in the faster answer what was used of the slower one."""
        loser = self.by_number[event.reply - 1]
        winner = loser.lost_to
        if winner is None:
            return []
        winner.hedge |= {
            "model": event.model or loser.model,
            "characters": len(event.text),
            "prompt_tokens": event.prompt_tokens,
            "completion_tokens": event.completion_tokens,
            "error": event.error,
        }
        return [SaveTurn(replace(winner.turn))] if winner.turn else []

    @property
    def _being_written(self) -> list[Reply]:
        replies = [self.current, *self.beside] if self.current else self.beside
        return [reply for reply in replies if reply.writing]

    def stop(self) -> list[Action]:
        """Stop writing the current reply, and those beside it."""
        stopped, self.beside = self._being_written, []
        for reply in stopped:
            reply.writing = False
            if reply.turn:
                reply.turn.interrupted = True
            elif reply.operator_line:
                self.lines.appendleft(reply.operator_line)  # it was not said
        return [StopReply(reply.number) for reply in stopped]

    def abandon(self, at: float) -> list[Action]:
        """Drop the current reply. A clip that is playing plays to its end."""
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

    def make_way(self, at: float) -> list[Action]:
        """Drop what would be heard next. A clip that is playing plays to its end."""
        clips: list[Clip] = []
        for reply in self.unfinished:
            if reply.interruptible and reply.turn:
                withdrawn = self.playback.withdraw(reply.number, starts_after=at)
                reply.turn.interrupted |= bool(withdrawn)
                clips += withdrawn
        return [DropClips(tuple(clips), queued=True)] if clips else []

    def interrupt(
        self, at: float, position: float | None, cutoff: float
    ) -> list[QueuedClip]:
        """Settle what was heard before an interruption; return the unheard clips."""
        lost = self.playback.interrupt(at, position, cutoff)
        for reply in self.unfinished:
            if reply.turn and any(queued.reply == reply.number for queued in lost):
                reply.turn.interrupted = True
        return lost

    def replay(self, clips: list[QueuedClip], at: float) -> list[Action]:
        """Play clips again that were interrupted."""
        actions: list[Action] = []
        for queued in clips:
            reply = self.by_number[queued.reply - 1]
            if reply.turn:
                reply.turn.interrupted = False
                if reply not in self.unfinished:
                    self.unfinished.append(reply)
            self.playback.requeue(queued, at)
            actions.append(Play(queued.clip, reply.interruptible))
        return actions

    def fetched(self, clip_id: str, at: float) -> None:
        """Twilio downloaded a clip."""
        self.playback.fetched(clip_id, at)
        for reply in self.unfinished:
            first = self.playback.first(reply.number)
            if first and first.clip.id == clip_id and reply.turn:
                latency = milliseconds(at - reply.caller_done_at)
                reply.turn.latency_ms.setdefault("clip_fetched", latency)

    def repeat_lost(self, at: float) -> list[Action]:
        """Have Twilio's voice say what Twilio did not play."""
        actions: list[Action] = []
        for queued in self.playback.take_lost():
            reply, clip = self.by_number[queued.reply - 1], queued.clip
            turn = reply.turn
            if turn is None:
                continue
            if queued.streamed and self._can_be_read(queued, reply):
                actions += self._play_whole(queued, reply, at)
                continue
            turn.error = queued.lost
            turn.heard_text = self.playback.expected_text(reply.number, turn.text)
            if reply not in self.unfinished:  # the clock was wrong about its end
                self.unfinished.append(reply)
            if self._can_be_read(queued, reply):
                turn.error += " Twilio's own voice read it."
                queued.heard = 0.0  # what was heard of it is said again
                spoken = twilio_tts_clip(clip.text)
                self.playback.add(reply.number, spoken, at)
                actions.append(Play(spoken, reply.interruptible))
            actions.append(SaveTurn(replace(turn)))
        return actions

    def _play_whole(self, lost: QueuedClip, reply: Reply, at: float) -> list[Action]:
        """Play a clip once more that Twilio refused while it grew."""
        lost.heard = 0.0
        self.playback.add(reply.number, lost.clip, at)
        if reply not in self.unfinished:
            self.unfinished.append(reply)
        return [Play(lost.clip, reply.interruptible)]

    def _can_be_read(self, lost: QueuedClip, reply: Reply) -> bool:
        """True if reading a lost clip now still makes sense: it would come next."""
        if not (lost.clip.url and lost.clip.text):
            return False
        is_latest = reply is self.current and self.playback.clips[-1] is lost
        return not reply.interruptible or (is_latest and lost.was_due)

    def assume_heard(self) -> None:
        """For the next history, count what is queued as heard."""
        for reply in self.unfinished:
            if turn := reply.turn:
                turn.heard_text = self.playback.expected_text(reply.number, turn.text)

    def settled(self, at: float) -> list[Action]:
        """Save the turns of replies whose playback has ended."""
        pending = {queued.reply for queued in self.playback.pending()}
        actions: list[Action] = []
        for reply in list(self.unfinished):
            turn = reply.turn
            if reply.writing or reply.number in pending or turn is None:
                continue
            self.unfinished.remove(reply)
            turn.heard_text = self.playback.heard_text(reply.number, turn.text)
            turn.clip_ids = self.playback.clip_ids(reply.number)
            turn.ended_at = at
            if (audible_at := self.playback.audible_at(reply.number)) is not None:
                latency = milliseconds(audible_at - reply.caller_done_at)
                # Counted back from the end of the sound, which a simulated caller
                # hears faster than it lasts.
                sent = turn.latency_ms.get("play_sent", 0)
                turn.latency_ms["playback_started"] = max(latency, sent)
            actions.append(SaveTurn(replace(turn)))
        return actions


def milliseconds(seconds: float) -> int:
    """Return a duration as turns store it."""
    return round(seconds * 1000)
