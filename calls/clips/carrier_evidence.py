"""Evidence of one streamed clip: did its sound begin before its end? Pure.

Twilio reports when its output starts and stops, perhaps not for clips. It fetches the
next clip when this one is over, perhaps earlier. So no single sign is trusted.
"""

from enum import StrEnum

from calls.clips.streaming_policy import StreamedClip

# A carrier that streams is audible at most so long after its request (s). If the body
# ends sooner, a late sound says nothing.
START_SECONDS = 0.5
# The next clip is requested at most so long before this one has ended (s).
PREFETCH_SECONDS = 0.3
# Sound that began less than this before the end of the body may have waited for it (s).
CLEARLY = 0.05
# A clip that is requested so soon after it was sent, or after the body before it had
# ended, did not wait for the end of the one before (s).
PROMPTLY = 0.25


class Evidence(StrEnum):
    """Evidence of one clip. Later members count more, if a call shows several."""

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
    start = _reported(clip) or _deduced(clip)
    if start is None or start[0] < clip.fetched_at:
        return Evidence.UNCLEAR
    earliest, latest = start
    if clip.ended_at is None:  # an interruption ended it, while it was heard
        return Evidence.STREAMED if clip.cut else Evidence.UNCLEAR
    if latest < clip.ended_at - CLEARLY:
        return Evidence.STREAMED
    is_conclusive = clip.ended_at - clip.fetched_at > START_SECONDS
    if is_conclusive and earliest >= clip.ended_at:
        return Evidence.WAITED
    return Evidence.UNCLEAR


# When the sound began, at the earliest and at the latest.
Start = tuple[float, float]


def _reported(clip: StreamedClip) -> Start | None:
    """The start by Twilio's reports on its output."""
    if clip.audible_at is None:
        return None
    latest = clip.audible_at
    if clip.silent_at is not None and clip.next_played_at is None and not clip.cut:
        # Its output may have counted as started before there was sound.
        latest = max(latest, clip.silent_at - clip.seconds)
    return clip.audible_at, latest


def _deduced(clip: StreamedClip) -> Start | None:
    """The start by the request for the next clip, which waits for this one's end."""
    sent_at, next_at = clip.next_played_at, clip.next_fetched_at
    if sent_at is None or next_at is None or clip.ended_at is None or clip.cut:
        return None
    if next_at - sent_at <= PROMPTLY or abs(next_at - clip.ended_at) <= PROMPTLY:
        return None
    earliest = next_at - clip.seconds
    return earliest, earliest + PREFETCH_SECONDS
