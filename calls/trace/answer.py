"""The answer that a trace gives to a question. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """`seen` is in plain words. If it is not `good`, `setting` should be changed."""

    seen: str
    good: bool = True
    setting: str = ""


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 frame, 2 frames."""
    plural = noun[:-1] + "ies" if noun.endswith("ly") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def seconds(milliseconds: float) -> str:
    """A duration in seconds, as people read it."""
    return f"{milliseconds / 1000:.1f} s"
