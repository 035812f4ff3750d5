"""Masks what a trace must not contain: secrets, telephone numbers, addresses. Pure.

The words of a call stay: without them it could not be replayed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

DOTS = "•••"
# A key of the telephone that may belong to a secret entry.
MASKED_DIGIT = "•"
# The first characters of a clip's id: enough to find it, too few to download it.
CLIP_ID_LENGTH = 12
MIN_SECRET_LENGTH = 8

PHONE_NUMBER = re.compile(r"(\+|%2[Bb])\d{5,13}(\d{2})(?!\d)")
SIP_USER = re.compile(r"\b(sips?|client|whatsapp|tel):[^@\s\"<]+", re.IGNORECASE)
CREDENTIALS = re.compile(r"\b(Basic|Bearer)(:? )[\w.+/=~-]{8,}", re.IGNORECASE)
RELAY_TOKEN = re.compile(r"(/conversation/)[^\s\"'?<]+")
CLIP_ID = re.compile(r"(/audio/[\w-]{%d})[\w-]+" % CLIP_ID_LENGTH)  # noqa: UP031
PARAMETER = re.compile(r"(<Parameter\b[^>]*?\bvalue=)\"[^\"]*\"")

# Keys whose values say who called, from where, or how to sign in somewhere. Those of
# forms and frames are Twilio's, the others belong to the settings of a bot.
PRIVATE = frozenset(
    (
        *(
            "From",
            "To",
            "Caller",
            "Called",
            "ForwardedFrom",
            "CallerName",
            "CallToken",
            "AccountSid",
            "Digits",
            "ParentAccountSid",
            "StirPassportToken",
        ),
        *(
            "from",
            "to",
            "forwardedFrom",
            "callerName",
            "accountSid",
            "customParameters",
        ),
        *(
            "number",
            "transfer_number",
            "system_prompt",
            "summary_prompt",
            "variables",
            "url",
            "headers",
            "webhook_url",
            "webhook_secret",
        ),
    )
)
PLACES = ("City", "State", "Zip", "Country")


def clip_id(full: str) -> str:
    """The part of a clip's id that a trace shows."""
    return full[:CLIP_ID_LENGTH]


def masked(value: Any, secrets: Sequence[str] = ()) -> Any:
    """The value with everything masked that a trace must not contain."""
    match value:
        case str():
            return masked_text(value, secrets)
        case Mapping():
            return {
                str(key): hidden(inner)
                if is_private(str(key))
                else masked(inner, secrets)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [masked(inner, secrets) for inner in value]
    return value


def is_private(key: str) -> bool:
    """True if the value of a form field, frame or setting is masked whole."""
    return key in PRIVATE or key.endswith(PLACES) or key.startswith("SipHeader")


def hidden(value: Any) -> Any:
    """Dots in place of a value; nothing stays nothing, and keys stay."""
    match value:
        case Mapping():
            return {str(key): hidden(inner) for key, inner in value.items()}
        case list() | tuple():
            return [hidden(inner) for inner in value]
        case str() if not value:
            return ""
        case None | bool():
            return value
    return DOTS


def masked_text(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without secrets, numbers and the addresses that admit anybody."""
    for secret in secrets:
        text = text.replace(secret, DOTS)
    text = PHONE_NUMBER.sub(rf"\1{DOTS}\2", text)
    text = SIP_USER.sub(rf"\1:{DOTS}", text)
    text = CREDENTIALS.sub(rf"\1\2{DOTS}", text)
    text = RELAY_TOKEN.sub(rf"\1{DOTS}", text)
    text = PARAMETER.sub(rf'\1"{DOTS}"', text)
    return CLIP_ID.sub(r"\1", text)
