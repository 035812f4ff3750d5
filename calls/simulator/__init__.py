"""A caller without a telephone: plays Twilio's part against a running server."""

from .call import SimulatedCall
from .line import (
    CALLER,
    TEST_NUMBER,
    BotSilent,
    CallFailed,
    CallOver,
    Carrier,
    Line,
    Person,
)
from .record import Frame, Heard
from .sound.clip_check import BadClip
from .sound.recording import pieces, save_recording

__all__ = [
    "CALLER",
    "TEST_NUMBER",
    "BadClip",
    "BotSilent",
    "CallFailed",
    "CallOver",
    "Carrier",
    "Frame",
    "Heard",
    "Line",
    "Person",
    "SimulatedCall",
    "pieces",
    "save_recording",
]
