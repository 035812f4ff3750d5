"""Sentences that a bot says word for word, and phrases that it knows, per language."""

from django.db import models

from bots import validators as rules


def _sentence(
    label: str | None = None, *, help_text: str
) -> "models.TextField[str, str]":
    """A field for a text that is spoken word for word."""
    return models.TextField(
        label,
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text=help_text,
    )


class FixedSentences(models.Model):
    """Fixed sentences of a bot or of one of its languages; empty: the standard one."""

    backchannels = models.TextField(
        "words that don't interrupt",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Separated by commas: mhm, okay, I see. After a question they still "
        "count as an answer. Empty: the usual words in its language.",
    )
    fillers = models.TextField(
        "wait phrases",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.FILLED_LIST,
        help_text="Said while the caller waits for a tool or a late answer, one after "
        "the other. One per line. Empty: the usual phrases in its language.",
    )
    idle_prompt = _sentence(
        "reminder text",
        help_text="Said to a silent caller. Empty: “Are you still there?” in its "
        "language.",
    )
    time_limit_message = _sentence(
        "time limit warning",
        help_text="Said one minute before the call reaches its maximum length. Empty: "
        "a standard sentence in its language.",
    )
    goodbye_message = _sentence(
        help_text="Said before the bot hangs up. Empty: a standard sentence in the "
        "bot's language.",
    )
    apology_message = _sentence(
        help_text="Said when the bot cannot answer because of a technical problem. "
        "Empty: a standard sentence in its language that asks the caller to say "
        "it again.",
    )
    transfer_notice = _sentence(
        "transfer message",
        help_text="Said before a caller is transferred. Empty: a standard sentence in "
        "the bot's language.",
    )
    reconnected = _sentence(
        "after a lost connection",
        help_text="Said when a caller is back after the connection was lost for a "
        "moment. Empty: a standard sentence in its language.",
    )
    line_lost = _sentence(
        "when the line is lost",
        help_text="Said when the connection cannot be kept, before the goodbye or a "
        "transfer. Empty: a standard sentence in its language.",
    )
    busy_message = _sentence(
        "when all lines are busy",
        help_text="Said when too many calls come in at once and nobody is there to "
        "take the call. Empty: a standard sentence in its language.",
    )
    closed_message = _sentence(
        "when a number is closed",
        help_text="Said while a number is closed or out of order, unless the number "
        "has a text of its own. {{opens|soon}} becomes the time at which it opens, if "
        "that is known. Empty: a standard sentence in its language.",
    )
    take_message_prompt = _sentence(
        "before taking a message",
        help_text="Said after that sentence if the bot takes a message while a number "
        "is closed. Empty: a standard sentence in its language that offers to take a "
        "message and asks for the name.",
    )
    goodbye_phrases = models.TextField(
        "words of goodbye",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Separated by commas: goodbye, have a nice day. When the bot ends "
        "with one of them and the caller stays silent, the call ends.",
    )
    screening_prompt = _sentence(
        "announcement of a caller",
        help_text="Said to the person who takes over a call. {{summary}} says why "
        "the caller is calling. Key 1 takes the call. Empty: a standard sentence in "
        "its language.",
    )
    screening_prompt_without_summary = _sentence(
        "announcement without a summary",
        help_text="Said to the person instead if nobody knows why the caller is "
        "calling. Empty: a standard sentence in its language.",
    )
    screening_accepted = _sentence(
        "after the person accepts",
        help_text="Said to the person who pressed 1, before the caller is connected. "
        "Empty: a standard sentence in its language.",
    )
    screening_declined = _sentence(
        "after the person declines",
        help_text="Said to the person who pressed another key. Empty: a standard "
        "sentence in its language.",
    )

    class Meta:
        abstract = True
