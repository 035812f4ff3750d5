"""What one streamed clip shows about Twilio: did its sound begin before its end? Pure.

Twilio reports when its output starts and stops, perhaps not for clips. It fetches the
next clip when this one is over, perhaps earlier. So no single sign is trusted.
"""

from collections.abc import Iterator
from enum import StrEnum

from calls.clips.streaming_policy import StreamedClip

# A carrier that streams is audible at most so long after its request (s). If the body
# ends sooner, a late sound says nothing.
START_SECONDS = 0.5
# The next clip is requested at most so long before this one has ended (s).
PREFETCH_SECONDS = 0.3
# A clip that is requested so soon after it was sent, or after the body before it had
# ended, did not wait for the end of the one before (s).
PROMPTLY = 0.25


class Evidence(StrEnum):
    """What a clip shows. Later members count more, if a call shows several."""

    UNCLEAR = "unclear"
    STREAMED = "streamed"  # its sound began before its end
    WAITED = "waited"  # its sound began after its end, which came late enough
    REFUSED = "refused"

    @property
    def weight(self) -> int:
        return [*Evidence].index(self)


def evidence_of(clip: StreamedClip) -> Evidence:
    """Return what a clip shows. It is unclear if it could be otherwise."""
    if clip.refused:
        return Evidence.REFUSED
    if clip.fetched_at is None or not clip.was_idle:
        return Evidence.UNCLEAR
    starts = [*_reported(clip, clip.fetched_at)] or [*_deduced(clip, clip.fetched_at)]
    if not starts or min(at for at, _ in starts) < clip.fetched_at:
        return Evidence.UNCLEAR
    if clip.ended_at is None:  # an interruption ended it, while it was heard
        return Evidence.STREAMED if clip.cut else Evidence.UNCLEAR
    if max(at + error for at, error in starts) < clip.ended_at:
        return Evidence.STREAMED
    is_conclusive = clip.ended_at - clip.fetched_at > START_SECONDS
    if is_conclusive and min(at for at, _ in starts) >= clip.ended_at:
        return Evidence.WAITED
    return Evidence.UNCLEAR


# A start of the sound, and how much later it can have been.
Start = tuple[float, float]


def _reported(clip: StreamedClip, fetched_at: float) -> Iterator[Start]:
    """Yield the starts by Twilio's reports on its output."""
    if clip.audible_at is None:
        return
    yield clip.audible_at, 0.0
    is_alone = clip.next_played_at is None and not clip.cut
    if clip.silent_at is not None and is_alone:
        # Its output may have counted as started before there was sound.
        yield max(clip.silent_at - clip.seconds, fetched_at), 0.0


def _deduced(clip: StreamedClip, fetched_at: float) -> Iterator[Start]:
    """Yield the start by the request for the next clip, which waits for the end."""
    sent_at, next_at = clip.next_played_at, clip.next_fetched_at
    if sent_at is None or next_at is None or clip.ended_at is None or clip.cut:
        return
    if next_at - sent_at > PROMPTLY and abs(next_at - clip.ended_at) > PROMPTLY:
        yield next_at - clip.seconds, PREFETCH_SECONDS
