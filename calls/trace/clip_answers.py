"""Questions about clips and how Twilio plays them, answered from a trace. Pure."""

from collections import Counter

from calls.trace.answer import Answer, counted, seconds
from calls.trace.played_clips import PlayedClip, played_clips
from calls.trace.trace_file import Line, Trace

SLOW_MS = 1_000.0
# An event so soon after a failed download is taken for its consequence.
CONSEQUENCE_MS = 5_000.0
# How much longer or shorter than its length a clip may play.
FASTEST, SLOWEST = 0.8, 1.3
# Shorter stretches of sound say little about the rate.
MIN_MEASURED_MS = 1_000.0


def survives_bad_clips(trace: Trace) -> Answer | None:
    """4: are clips downloaded in time, and what follows if one is not?"""
    fetches = trace.of("fetch")
    if not fetches:
        return None
    slowest = max(line.number("took_ms") or 0.0 for line in fetches)
    bad = [
        line
        for line in fetches
        if (line.number("status") or 0) >= 400
        or line.get("replaced")
        or (line.number("took_ms") or 0) > SLOW_MS
    ]
    if not bad:
        count = counted(len(fetches), "download")
        return Answer(f"{count} without a failure, the slowest took {slowest:.0f} ms.")
    after = [
        line
        for line in (
            *trace.frames_in("error"),
            *trace.of("callback", SessionStatus="failed"),
        )
        if bad[0].ms <= line.ms <= bad[0].ms + CONSEQUENCE_MS
    ]
    sent = bad[0].text("status")
    if replaced := bad[0].text("replaced"):
        sent = f"silence, because the clip was {replaced},"
    status = f"A download was answered with {sent} in "
    status += f"{bad[0].text('took_ms')} ms; "
    if not after:
        return Answer(f"{status}the call went on.")
    code = after[0].text("ErrorCode") or after[0].text("description")[:60]
    setting = "CLIP_TTL_SECONDS; is Redis fast enough?"
    return Answer(f"{status}then came {code}.", good=False, setting=setting)


def plays_wav(trace: Trace) -> Answer | None:
    """7: are our WAV clips heard, at the right pitch?"""
    clips = [
        clip for clip in played_clips(trace) if clip.id and clip.fetched is not None
    ]
    if not clips:
        return None
    measured = [
        (off - on, length)
        for (on, off), length in _lengths(clips, _runs(trace)).items()
        if length >= MIN_MEASURED_MS
    ]
    setting = "TELEPHONE_RATE in bots/audio/pcm.py"
    if not measured:
        count = counted(len(clips), "clip")
        seen = f"{count} downloaded; how long they played is not reported."
        return Answer(f"{seen} Ask the caller if they sounded right.", setting="")
    took = sum(pair[0] for pair in measured)
    length = sum(pair[1] for pair in measured)
    good = FASTEST <= took / length <= SLOWEST
    seen = f"Clips of {seconds(length)} played for {seconds(took)}."
    return Answer(seen, good, "" if good else setting)


def _lengths(
    clips: list[PlayedClip], runs: list[tuple[float, float]]
) -> Counter[tuple[float, float]]:
    """The milliseconds of clips in each stretch: those that play there for longest.

    A report on a stretch may come later than our clock expects.
    """
    lengths = Counter[tuple[float, float]]()
    for clip in clips:
        longest = max(runs, key=clip.plays_within, default=(0.0, 0.0))
        if clip.plays_within(longest):
            lengths[longest] += round(clip.seconds * 1000)
    return lengths


def _runs(trace: Trace) -> list[tuple[float, float]]:
    """Stretches in which Twilio reports sound, without interrupted ones."""
    runs: list[tuple[float, float]] = []
    began: float | None = None
    cuts = [line.ms for line in trace.frames_in("interrupt")]
    own_voice = [line.ms for line in trace.frames_out("text")]
    for line in trace.of("in", name="agentSpeaking"):
        if line.get("value") == "on":
            began = line.ms if began is None else began
        elif began is not None:
            spoiled = [ms for ms in (*cuts, *own_voice) if began - 500 <= ms <= line.ms]
            runs += [] if spoiled else [(began, line.ms)]
            began = None
    return runs


def fetches_each_time(trace: Trace) -> Answer | None:
    """8: is every clip downloaded each time it is played, in one plain request?"""
    fetches = trace.of("fetch")
    clips = [clip for clip in played_clips(trace) if clip.id]
    if not fetches or not clips:
        return None
    odd = [line for line in fetches if line.get("method") != "GET" or _partial(line)]
    missing = [clip for clip in clips if _was_cached(clip)]
    repeated = len(clips) - len({clip.id for clip in clips})
    seen = [f"{counted(len(fetches), 'download')} of {counted(len(clips), 'clip')}"]
    seen += [f"{repeated} of them played again" if repeated else "none played twice"]
    if odd:
        kinds = sorted(
            {f"{line.text('method')} {_partial(line)}".strip() for line in odd}
        )
        seen += [f"also {', '.join(kinds)}"]
    if missing:
        seen += [f"{counted(len(missing), 'clip')} played without a download"]
    setting = "Consent message: put {{now}} into it, so that each call has its own clip"
    good = not odd and not missing
    return Answer(f"{', '.join(seen)}.", good, "" if not missing else setting)


def _partial(line: Line) -> str:
    headers = line.get("seen_headers")
    names = ("Range", "If-None-Match", "If-Modified-Since")
    return ", ".join(
        name for name in names if isinstance(headers, dict) and name in headers
    )


def _was_cached(clip: PlayedClip) -> bool:
    return clip.fetched is None and clip.was_played
