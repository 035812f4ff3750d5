"""Validators of operators' input, with messages that say what to write instead."""

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator

from bots.config import backup_voices, speech_recognition
from bots.config.foreign_placeholders import NAME
from bots.config.placeholders import SECRET, problem
from bots.config.request_template import BadTemplate, check_url
from bots.config.text import one_line
from bots.phone_numbers.caller_id import E164
from bots.phone_numbers.transfer_prefixes import is_allowed

# The TTS API takes 2,000 characters in one request.
SPEECH_MAX_LENGTH = 2000
PROMPT_MAX_LENGTH = 50_000
LIST_MAX_LENGTH = 4000
# Control characters and lone surrogates: a database, XML or a voice refuses them.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MAX_QUOTE_LENGTH = 40
Rules = list[Callable[[Any], None]]

language_tag = RegexValidator(
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z",
    "Write a language tag such as en-US, de-DE or fr-FR.",
)
model_id = RegexValidator(
    r"^(auto|[\w.:@-]+(/[\w.:@-]+)*)\Z",
    "Write the model as provider/name, for example openai/gpt-4.1-mini.",
)
google_voice = RegexValidator(
    r"^[a-z]{2,3}-[A-Z]{2}-[A-Za-z0-9-]+\Z",
    "Write a Google voice such as de-DE-Chirp3-HD-Kore, without “Google.” before it.",
)
no_spaces = RegexValidator(r"^\S+\Z", "Must not contain spaces.")
e164 = RegexValidator(
    rf"^{E164.pattern}\Z",
    "Write the number with + and country code, e.g. +14155550100.",
)


def transferable(number: str) -> None:
    """Refuse a number that TRANSFER_PREFIXES does not allow."""
    if not is_allowed(number):
        prefixes = " or ".join(settings.TRANSFER_PREFIXES)
        raise ValidationError(
            f"Callers may only be transferred to numbers that begin with {prefixes}. "
            "The person who runs the server sets this in TRANSFER_PREFIXES."
        )


def plain_text(value: str) -> None:
    """Refuse control characters, which databases, XML or voices do not accept."""
    if match := UNPRINTABLE.search(value):
        line = value.count("\n", 0, match.start()) + 1
        raise ValidationError(
            f"Line {line} has a character that cannot be stored or spoken "
            f"(U+{ord(match[0]):04X}). Remove it, or type the line again."
        )


def placeholders_of_ours(value: str) -> None:
    """Refuse placeholders in the syntax of another product, or half of one."""
    if message := problem(value):
        raise ValidationError(message)


# Also on the model: Django checks max_length of a TextField in forms only.
FILLED: Rules = [plain_text, placeholders_of_ours]
SPOKEN: Rules = [MaxLengthValidator(SPEECH_MAX_LENGTH), *FILLED]
PROMPT: Rules = [MaxLengthValidator(PROMPT_MAX_LENGTH), *FILLED]
LIST: Rules = [MaxLengthValidator(LIST_MAX_LENGTH), plain_text]
FILLED_LIST: Rules = [*LIST, placeholders_of_ours]


def each_line_a_model(value: str) -> None:
    """Refuse a list in which a line is not a model ID."""
    for number, line in enumerate(map(str.strip, value.splitlines()), 1):
        try:
            if line:
                model_id(line)
        except ValidationError as error:
            quote = one_line(line, MAX_QUOTE_LENGTH)
            message = f"Line {number}, “{quote}”: {model_id.message}"
            raise ValidationError(message) from error


def each_line_a_value(value: str) -> None:
    """Refuse a list in which a line is not a variable."""
    for number, line in enumerate(map(str.strip, value.splitlines()), 1):
        name = line.partition("=")[0].strip()
        if line and not NAME.fullmatch(name):
            raise ValidationError(
                f"Line {number}: a name has letters, digits, _ and dots only."
            )
        if name.startswith(SECRET):
            raise ValidationError(
                f"Line {number}: names that begin with {SECRET} are reserved for "
                "passwords and keys. Choose another name."
            )


def each_line_a_field(value: str) -> None:
    """Refuse a list in which a line is not `name: description`."""
    for number, line in enumerate(map(str.strip, value.splitlines()), 1):
        if line and not re.match(r"[A-Za-z]\w{0,39}\s*(:|$)", line, re.ASCII):
            raise ValidationError(
                f"Line {number}: write it as name: what to note. A name has letters, "
                "digits and _ only."
            )


def time_zone(value: str) -> None:
    """Refuse a time zone that does not exist."""
    if value not in available_timezones():
        raise ValidationError("Write it like Europe/Berlin or America/New_York.")


def request_url(value: str) -> None:
    """Refuse a URL that is not complete, or whose host has placeholders."""
    try:
        check_url(value)
    except BadTemplate as error:
        raise ValidationError(str(error)) from error


def check_language(
    language: str, provider: str, speech_model: str, backup_voice: str
) -> None:
    """Refuse settings that do not belong together: Twilio would end every call."""
    errors = {}
    if problem := speech_recognition.refusal(speech_model, provider, language):
        message = f"{problem} Leave the field empty for the best general model."
        errors["speech_model"] = message
    if backup_voice and not backup_voices.speaks(backup_voice, language):
        errors["backup_voice"] = (
            f"The voice “{backup_voice}” does not speak {language}. Leave the field "
            "empty for one that does."
        )
    if errors:
        raise ValidationError(errors)
