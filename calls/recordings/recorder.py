"""Records one call, as its session says."""

from typing import Protocol

from calls.turns.recording import RecordingState


class Recorder(Protocol):
    """Records a call. Its methods return at once: no call waits for a recording."""

    def set_state(self, state: RecordingState) -> None:
        """Record from now on, pause, or stop for good."""

    def hide_key(self) -> None:
        """A secret key was pressed just now: no sound of it may be kept."""


class NoRecorder:
    """Records nothing."""

    def set_state(self, state: RecordingState) -> None:
        """Ignore it."""

    def hide_key(self) -> None:
        """Ignore it."""


NOT_RECORDED = NoRecorder()
