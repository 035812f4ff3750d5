"""Records a test call: the browser says what it plays, a local voice reads the caller.

The browser's microphone is not recorded: most callers of a test call type.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from bots.audio.dtmf import tone
from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.stereo import Channel, Piece
from bots.audio.wav import BadWav, read
from bots.sandbox.voice.speech import speak
from calls.clips.clip_store import ClipsUnavailable
from calls.recordings.local import Tape
from calls.turns.recording import RecordingState

CALLERS_VOICE = "Olivia"
# Reads what Twilio's own voice would say.
TWILIO_VOICE = "Alex"
# A growing clip is stored as a whole a moment after its end.
FETCH_PAUSES = (0.0, 0.2, 0.5)
# The sound of a key may begin before it is reported, and go on after.
KEY_LASTS = 0.5


@dataclass(slots=True)
class Played:
    """A sound of the bot that the browser plays: a clip, or a text that it reads.

    Times are monotonic seconds.
    """

    began: float
    text: str = ""
    language: str = ""
    ended: float | None = None
    samples: bytes = b""

    def piece(self, start: float) -> Piece:
        """The part that was heard."""
        ended = monotonic() if self.ended is None else self.ended
        count = round((ended - self.began) * TELEPHONE_RATE) * 2
        samples = self.samples
        if self.text:
            samples = _spoken(self.text, TWILIO_VOICE, self.language)
        return Piece(Channel.BOT, self.began - start, samples[:count])


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the caller, who had stopped speaking at `at`."""

    at: float
    text: str
    language: str
    quiet_since: float  # the bot had stopped speaking

    def piece(self, start: float) -> Piece:
        """Their sound, behind that of the bot."""
        samples = _spoken(self.text, CALLERS_VOICE, self.language)
        begins = self.at - Pcm(TELEPHONE_RATE, samples).seconds
        begins = min(max(begins, self.quiet_since), self.at)
        return Piece(Channel.CALLER, begins - start, samples)


@dataclass(slots=True)
class BrowserTape:
    """Everything that was heard in one session of a test call."""

    fetch: Callable[[str], Awaitable[bytes | None]]  # a clip by its id
    started: float = field(default_factory=monotonic)
    played: list[Played] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    keys: list[Piece] = field(default_factory=list)
    states: list[tuple[float, RecordingState]] = field(default_factory=list)
    hidden: list[float] = field(default_factory=list)  # when secret keys were pressed

    # As the recorder of the call

    def set_state(self, state: RecordingState) -> None:
        """Record from now on, pause, or stop."""
        self.states.append((monotonic(), state))

    def hide_key(self) -> None:
        """A secret key was pressed just now: no sound of it may be kept."""
        self.hidden.append(monotonic())

    def leave(self) -> None:
        """Nobody else goes on with a test call."""

    # What is heard

    def plays(self, text: str = "", language: str = "") -> Played:
        """The browser begins to play a clip, or to read a text in its own voice."""
        self.played.append(playing := Played(monotonic(), text, language))
        return playing

    async def load(self, playing: Played, clip_id: str) -> None:
        """Fetch the clip that is played, while it is stored."""
        for pause in FETCH_PAUSES:
            await asyncio.sleep(pause)
            try:
                body = await self.fetch(clip_id)
                playing.samples = read(body).data if body else b""
            except (ClipsUnavailable, BadWav):
                return  # silence in its place
            if playing.samples:
                return

    def stops(self, seconds: float) -> None:
        """The browser has played so much of what it played last."""
        if self.played and self.played[-1].ended is None:
            self.played[-1].ended = self.played[-1].began + max(seconds, 0.0)

    def says(self, text: str, language: str) -> None:
        """The caller has said something."""
        now = monotonic()
        self.said.append(Said(now, text, language, self._quiet_since(now)))

    def presses(self, key: str) -> None:
        """The caller presses a key."""
        begins = monotonic() - self.started
        self.keys.append(Piece(Channel.CALLER, begins, tone(key)))

    def finished(self, began_at: datetime) -> Tape | None:
        """The tape of a session that is over; None if it was not to be recorded.

        Takes some milliseconds for each sentence that is read.
        """
        now = monotonic()
        recording = [at for at, state in self.states if state is RecordingState.ON]
        if not recording:
            return None
        stops = [at for at, state in self.states if state is RecordingState.OFF]
        ends = next((at for at in stops if at >= recording[0]), now)
        played = [sound.piece(self.started) for sound in self.played]
        said = [words.piece(self.started) for words in self.said]
        return Tape(
            began_at,
            [*played, *said, *self.keys],
            recording[0] - self.started,
            ends - self.started,
            [(a - self.started, b - self.started) for a, b in self._silent(now)],
        )

    def _silent(self, now: float) -> list[tuple[float, float]]:
        """The times in which nothing may be recorded."""
        ends = [*(at for at, _ in self.states[1:]), now]
        paused = [
            (at, end)
            for (at, state), end in zip(self.states, ends, strict=True)
            if state is not RecordingState.ON
        ]
        return [*paused, *((at - KEY_LASTS, at + KEY_LASTS) for at in self.hidden)]

    def _quiet_since(self, now: float) -> float:
        if not self.played:
            return self.started
        ended = self.played[-1].ended
        return now if ended is None else ended


def _spoken(text: str, voice: str, language: str) -> bytes:
    return speak(text, voice, language=language, sample_rate=TELEPHONE_RATE).pcm
