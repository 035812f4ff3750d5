"""The twelve open questions about Twilio and Inworld, and their answers. Pure.

Nothing of this could be tried without an account; a trace of one real call shows it.
docs/first-real-call.md has the same questions, with a script for the telephone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from calls.trace import clip_answers, inworld_answers, relay_answers
from calls.trace.answer import Answer
from calls.trace.trace_file import Trace

NOT_SEEN = "Not seen in this call."


@dataclass(frozen=True, slots=True)
class Question:
    """A question, how to answer it on the telephone, and how to read a trace."""

    number: int
    text: str
    do: str
    read: Callable[[Trace], Answer | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `setting` is what to change, or to do."""

    number: int
    question: str
    seen: str
    setting: str
    verdict: str  # good, bad or open


QUESTIONS = (
    Question(
        1,
        "Does Twilio accept sentences that nobody may interrupt?",
        "Give the bot a consent message and listen to it.",
        relay_answers.accepts_frames,
    ),
    Question(
        2,
        "Is the sound of Inworld's answers what the server takes it for?",
        "Ask something that takes a few words to answer.",
        inworld_answers.speaks_at_a_plausible_pace,
    ),
    Question(
        3,
        "What does Twilio report when you interrupt?",
        "Ask for a long story, and say “Stop” in its second sentence.",
        relay_answers.reports_interrupts,
    ),
    Question(
        4,
        "Are clips downloaded in time, and what if one is not?",
        "Let the bot say anything in its own voice.",
        clip_answers.survives_bad_clips,
    ),
    Question(
        5,
        "Does Twilio's own voice speak the bot's language?",
        "Set the bot's voice to “nobody”, call and hear the greeting, set it back.",
        relay_answers.speaks_itself,
    ),
    Question(
        6,
        "Is the last sentence heard to its end?",
        "Say goodbye and let the bot hang up.",
        relay_answers.plays_out,
    ),
    Question(
        7,
        "Are our clips heard at the right pitch?",
        "Listen to one answer without interrupting it.",
        clip_answers.plays_wav,
    ),
    Question(
        8,
        "Is a clip downloaded each time it is played?",
        "Press the same menu key twice.",
        clip_answers.fetches_each_time,
    ),
    Question(
        9,
        "Are you heard during a sentence that nobody may interrupt?",
        "Speak while the consent message plays.",
        relay_answers.hears_protected_input,
    ),
    Question(
        10,
        "Does Inworld use the backup models by itself?",
        "Set the AI model to “openai/missing”, keep a backup model, ask anything.",
        inworld_answers.uses_fallback_models,
    ),
    Question(
        11,
        "Does the AI model take the parameters that we send?",
        "Ask anything.",
        inworld_answers.accepts_parameters,
    ),
    Question(
        12,
        "What does Twilio report about a transfer?",
        "Ask to be transferred to a person.",
        relay_answers.dials,
    ),
)


def answers(trace: Trace) -> list[Row]:
    """One row for each question."""
    return [_row(question, question.read(trace)) for question in QUESTIONS]


def _row(question: Question, answer: Answer | None) -> Row:
    if answer is None:
        seen, to_do, verdict = NOT_SEEN, question.do, "open"
    elif answer.good:
        seen, to_do, verdict = answer.seen, "nothing", "good"
    else:
        setting = answer.setting or "none yet: please report this"
        seen, to_do, verdict = answer.seen, setting, "bad"
    return Row(question.number, question.text, seen, to_do, verdict)
