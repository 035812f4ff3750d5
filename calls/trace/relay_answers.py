"""Questions about Twilio's relay, answered from a trace. Pure."""

from calls.trace.answer import Answer, counted, seconds
from calls.trace.played_clips import PlayedClip, played_clips
from calls.trace.trace_file import Line, Trace

# How far Twilio's position in a clip may be from ours, in milliseconds.
POSITION_TOLERANCE = 500.0
# A clip sent so shortly before an interrupt may have crossed it on the way.
IN_FLIGHT_MS = 300.0
# An error that comes so long after Twilio's own voice began is about something else.
VOICE_ERROR_MS = 10_000.0
# A caller's words that come so soon after a sentence belong to it: transcribing them
# takes a moment.
TRANSCRIPTION_MS = 1_500.0


def accepts_frames(trace: Trace) -> Answer | None:
    """1: are sentences that nobody may interrupt accepted?"""
    errors = trace.frames_in("error")
    if errors:
        text = _without_frame(errors[0])
        before = [line for line in trace.of("out") if line.ms <= errors[0].ms]
        frame = before[-1].text("type") if before else "nothing"
        seen = f"{counted(len(errors), 'frame')} refused. The first, {frame}: {text}."
        return Answer(seen, good=False, setting="Consent message: leave it empty")
    protected = [
        line for line in trace.of("out") if line.get("interruptible") is not None
    ]
    if not protected:
        return None
    values = ", ".join(sorted({str(line.get("interruptible")) for line in protected}))
    count = counted(len(protected), "protected sentence")
    return Answer(f"{count} (interruptible: {values}), none refused.")


def reports_interrupts(trace: Trace) -> Answer | None:
    """3: what does Twilio report when the caller interrupts a clip?"""
    seen: list[str] = []
    good = True
    clips = played_clips(trace)
    for line in trace.frames_in("interrupt"):
        reported = line.number("durationUntilInterruptMs")
        cut = [clip for clip in clips if clip.id and clip.starts < line.ms == clip.ends]
        if not cut or reported is None:
            continue
        ours = line.ms - cut[0].starts
        good = good and abs(ours - reported) <= POSITION_TOLERANCE
        certain = line.ms - IN_FLIGHT_MS
        purged = [
            clip for clip in clips if clip.sent < certain and line.ms < clip.starts
        ]
        late = _fetched_later(trace, line, clips, purged)
        good = good and not late
        queue = f"{counted(len(purged) - late, 'queued clip')} not played"
        seen.append(f"{reported:.0f} ms reported, {ours:.0f} ms by our clock, {queue}")
    if not seen:
        return None
    events = "reported" if trace.of("in", name="agentSpeaking") else "not reported"
    text = "; ".join(seen[:3])
    setting = "START_DELAY in calls/turns/playback.py"
    return Answer(f"{text}. agentSpeaking is {events}.", good, "" if good else setting)


def _fetched_later(
    trace: Trace, interrupt: Line, clips: list[PlayedClip], purged: list[PlayedClip]
) -> int:
    """How many clips Twilio downloads although it should have purged them."""
    ids = {clip.id for clip in purged}
    later = {line.text("clip") for line in trace.of("fetch") if line.ms > interrupt.ms}
    again = {clip.id for clip in clips if clip.sent > interrupt.ms}
    return len(ids & later - again)


def speaks_itself(trace: Trace) -> Answer | None:
    """5: does Twilio's own voice speak the bot's language?"""
    said = trace.frames_out("text")
    if not said:
        return None
    language = trace.settings.get("language") or "the bot's language"
    setting = "The bot's language, or its backup voice"
    for line in said:
        until = line.ms + VOICE_ERROR_MS
        for error in trace.frames_in("error"):
            if line.ms <= error.ms <= until:
                text = f"After a sentence in {language}: {_without_frame(error)}."
                return Answer(text, good=False, setting=setting)
    failed = [
        line
        for line in trace.of("callback", SessionStatus="failed")
        if any(text.ms <= line.ms <= text.ms + VOICE_ERROR_MS for text in said)
    ]
    if failed:
        code = failed[0].text("ErrorCode") or "no code"
        return Answer(f"The session failed after it ({code}).", False, setting)
    count = counted(len(said), "sentence")
    return Answer(f"It said {count} in {language}, and the session went on.")


def plays_out(trace: Trace) -> Answer | None:
    """6: is the goodbye heard to its end, or does `end` cut it off?"""
    ends = trace.frames_out("end")
    clips = [clip for clip in played_clips(trace) if clip.was_played]
    if not ends:
        return None
    end = ends[-1]
    before = [clip for clip in clips if clip.sent <= end.ms]
    reports = [
        line for line in trace.of("in", name="agentSpeaking") if line.ms <= end.ms
    ]
    setting = "SETTLE_MARGIN in calls/conversation/ending.py"
    if reports and reports[-1].get("value") == "off":
        quiet = seconds(end.ms - reports[-1].ms)
        return Answer(f"Twilio was silent for {quiet} when the session ended.")
    if reports:
        return Answer("Twilio was still speaking when it ended.", False, setting)
    if not before:
        return None
    margin = end.ms - before[-1].ends
    seen = f"It ended {seconds(margin)} after the last sound by our clock."
    return Answer(
        f"{seen} Only the caller knows if that was enough.", margin >= 0, setting
    )


def hears_protected_input(trace: Trace) -> Answer | None:
    """9: do the caller's words arrive while a protected sentence plays?"""
    clips = [clip for clip in played_clips(trace) if not clip.interruptible]
    for clip in clips:
        until = clip.ends + TRANSCRIPTION_MS
        during = [line for line in trace.of("in") if clip.starts <= line.ms <= until]
        if any(line.get("type") == "interrupt" for line in during):
            cut = "A protected sentence was interrupted."
            return Answer(cut, good=False, setting="Interruptions: nothing interrupts")
        for line in during:
            if line.get("type") in ("prompt", "dtmf"):
                after = seconds(line.ms - clip.starts)
                kind = "Words" if line.get("type") == "prompt" else "A key"
                return Answer(
                    f"{kind} arrived {after} after it began, and it played on."
                )
    spoke = [
        line
        for clip in clips
        for line in trace.of("in", name="clientSpeaking", value="on")
        if clip.starts <= line.ms <= clip.ends
    ]
    if not spoke:
        return None
    return Answer("The caller spoke during it, and no words arrived.", good=False)


def dials(trace: Trace) -> Answer | None:
    """12: what does Twilio report about a transfer?"""
    reports = [
        line for line in trace.of("callback") if line.get("DialCallStatus") is not None
    ]
    if not reports:
        return None
    report = reports[-1]
    asked = [
        line
        for line in trace.of("twiml")
        if "<Dial" in line.text("document") and line.ms <= report.ms
    ]
    waited = f" after {seconds(report.ms - asked[-1].ms)}" if asked else ""
    bridged = report.text("DialBridged") or "not sent"
    status = report.text("DialCallStatus")
    known = status in (
        "completed",
        "answered",
        "busy",
        "no-answer",
        "failed",
        "canceled",
    )
    seen = f"DialCallStatus {status}, DialBridged {bridged}{waited}."
    return Answer(seen, known and bridged in ("true", "false"))


def _without_frame(error: Line) -> str:
    """Twilio's description of an error, without the frame that it quotes."""
    return error.text("description").partition("{")[0].strip(" ,")
