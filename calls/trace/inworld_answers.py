"""Questions about Inworld's replies, answered from a trace. Pure."""

from collections.abc import Iterator, Mapping

from calls.trace.answer import Answer, counted
from calls.trace.trace_file import Line, Trace
from calls.turns.pace import Pace

REFUSED = ("temperature", "parameter", "unsupported", "invalid", "400")


def speaks_at_a_plausible_pace(trace: Trace) -> Answer | None:
    """2: is the sound of a reply what the server takes it for?"""
    pace = Pace()
    for line in _of_models(trace, "ClipReady"):
        clip = line.get("clip")
        if isinstance(clip, Mapping) and clip.get("id"):
            pace.add(str(clip.get("text", "")), float(clip.get("seconds") or 0))
    if not pace.is_certain:
        return None
    seen = f"{pace.seconds_per_word:.2f} s a word in {pace.seconds:.1f} s of speech."
    setting = "INWORLD_REPLY_SAMPLE_RATE: the doctor without --trace measures it"
    return Answer(seen, pace.is_plausible, setting)


def uses_fallback_models(trace: Trace) -> Answer | None:
    """10: does Inworld use the backup models by itself?"""
    asked = str(trace.settings.get("llm_model") or "")
    steps = trace.of("action", action="CountFallback", step="fallback")
    others = [
        line.text("model")
        for line in _of_models(trace, "ReplyEnded")
        if line.text("model") and not _is_model(line.text("model"), asked)
    ]
    if steps:
        seen = (
            f"No: the bot itself asked the backup model {counted(len(steps), 'time')}."
        )
        return Answer(seen, good=False, setting="AI model: one that answers")
    if others:
        return Answer(f"Yes: {asked} was asked, {others[-1]} answered.")
    return None


def accepts_parameters(trace: Trace) -> Answer | None:
    """11: does the AI model take the temperature and the other parameters?"""
    replies = list(_of_models(trace, "ReplyEnded"))
    if not replies:
        return None
    refused = [line for line in replies if _is_refusal(line.text("error"))]
    if refused:
        error = refused[0].text("error")[:120]
        return Answer(error, good=False, setting="Temperature, or another AI model")
    temperature = trace.settings.get("temperature")
    sent = "no temperature" if temperature is None else f"temperature {temperature}"
    failed = sum(bool(line.text("error")) for line in replies)
    others = f", {failed} failed for other reasons" if failed else ""
    return Answer(
        f"{sent}: {counted(len(replies), 'reply')}, none failed because of one{others}."
    )


def _of_models(trace: Trace, event: str) -> Iterator[Line]:
    """Events about replies that a model wrote. Each session counts its replies anew."""
    numbers: set[object] = set()
    for line in trace.lines:
        if line.kind == "socket":
            numbers.clear()
        elif line.get("action") == "StartReply":
            numbers.add(line.get("reply"))
        elif line.get("event") == event and line.get("reply") in numbers:
            yield line


def _is_model(answered: str, asked: str) -> bool:
    """True if the names mean the same model; Inworld may add or drop the provider."""
    return asked.rpartition("/")[2] in answered or answered in asked


def _is_refusal(error: str) -> bool:
    return any(word in error.lower() for word in REFUSED)
