"""Decides what to ask of Twilio next, so that a recording becomes as wanted. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from calls.turns.recording import RecordingState


class Step(StrEnum):
    """A request to Twilio."""

    FIND = "find"  # is one running? An answer was lost
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    DISCARD = "discard"  # stop, and let nobody hear it


@dataclass(slots=True)
class Progress:
    """A recording as it is: `actual` is what Twilio has confirmed.

    `is_unsure`: Twilio may be recording all the same. `must_stop`: it could not be
    paused. `may_run`: it is paused, but was asked to go on. `has_secret`: a secret key
    was pressed while it may have run. `is_left`: the session is gone, and another
    process may go on with the call. `is_late`: it began after that. `given_up`: the
    call gets no further sound.
    """

    wanted: RecordingState = RecordingState.OFF
    actual: RecordingState = RecordingState.OFF
    is_starting: bool = False
    is_unsure: bool = False
    must_stop: bool = False
    may_run: bool = False
    is_left: bool = False
    is_late: bool = False
    has_secret: bool = False
    given_up: bool = False

    def press_secret_key(self) -> None:
        """A secret key was pressed; only a confirmed pause keeps its sound out."""
        is_on = self.actual is RecordingState.ON or self.may_run
        self.has_secret |= is_on or self.is_starting or self.is_unsure

    def end(self) -> None:
        """Nothing is recorded any more."""
        self.actual = RecordingState.OFF
        self.is_unsure = self.must_stop = self.has_secret = False
        self.may_run = self.is_late = False


def next_step(progress: Progress) -> Step | None:
    """The next request; None if the recording is as wanted."""
    if progress.actual is not RecordingState.OFF and (end := _end(progress)):
        return end
    if progress.is_left:
        return None
    wanted, actual = progress.wanted, progress.actual
    if progress.is_unsure and actual is RecordingState.OFF:
        return Step.FIND
    match wanted, actual:
        case RecordingState.ON, RecordingState.OFF if not progress.given_up:
            return Step.START
        case RecordingState.ON, RecordingState.PAUSED if not progress.given_up:
            return Step.RESUME
        case RecordingState.PAUSED, RecordingState.ON:
            return Step.PAUSE
        case RecordingState.PAUSED, RecordingState.PAUSED if progress.may_run:
            return Step.PAUSE
    return None


def _end(progress: Progress) -> Step | None:
    """The end of a recording that is not to go on."""
    if progress.has_secret or progress.is_late:
        return Step.DISCARD
    if progress.must_stop or progress.wanted is RecordingState.OFF:
        return Step.STOP
    return None
