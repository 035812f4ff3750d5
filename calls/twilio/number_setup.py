"""Decides where a Twilio number points, and how to point it at this server. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

# Twilio's default voice URL of a new number.
TWILIO_DEMO = "https://demo.twilio.com/"
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The two addresses of this server that a number needs."""

    voice: str
    status: str


@dataclass(frozen=True, slots=True)
class Number:
    """The voice settings of one number of a Twilio account."""

    sid: str
    number: str
    name: str
    takes_calls: bool
    voice_url: str
    voice_method: str
    status_callback: str
    status_method: str
    application: str
    trunk: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read Twilio's record; missing values become empty."""

        def text(field: str) -> str:
            # PostgreSQL stores no NUL.
            return str(record.get(field) or "").replace("\0", "").strip()

        capabilities = record.get("capabilities")
        return cls(
            sid=text("sid"),
            number=text("phone_number"),
            name=text("friendly_name"),
            takes_calls=not isinstance(capabilities, dict)
            or capabilities.get("voice") is not False,
            voice_url=text("voice_url"),
            voice_method=text("voice_method").upper() or "POST",
            status_callback=text("status_callback"),
            status_method=text("status_callback_method").upper() or "POST",
            application=text("voice_application_sid"),
            trunk=text("trunk_sid"),
        )

    @property
    def label(self) -> str:
        """The name, unless it only repeats the number."""
        digits = "".join(filter(str.isdecimal, self.name))
        return "" if digits and self.number.endswith(digits) else self.name

    @property
    def target(self) -> str:
        """The destination of calls, by Twilio's order of precedence, or empty."""
        if self.trunk:
            return f"SIP trunk {self.trunk}"
        if self.application:
            return f"voice application {self.application}"
        return self.voice_url


class PointsAt(StrEnum):
    """The destination of a number's calls."""

    HERE = "here"
    PARTLY = "partly"
    ELSEWHERE = "elsewhere"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """A number's webhooks, and the consequences of pointing it here."""

    points: PointsAt
    message: str
    consequence: tuple[str, ...] = ()


def number_status(number: Number, ours: Webhooks) -> NumberStatus:
    """Describe for operators where a number's calls go."""
    consequences = tuple(_consequences(number, ours))
    if not number.target:
        return NumberStatus(PointsAt.NOWHERE, "Points nowhere", consequences)
    if number.target.startswith(TWILIO_DEMO):
        message = "Points to Twilio's demo only"
        return NumberStatus(PointsAt.NOWHERE, message, consequences)
    if not _takes_calls_here(number, ours):
        message = f"Points elsewhere: {number.target}"
        return NumberStatus(PointsAt.ELSEWHERE, message, consequences)
    if missing := _missing(number, ours):
        message = f"Points here, but {' and '.join(missing)}"
        return NumberStatus(PointsAt.PARTLY, message, consequences)
    return NumberStatus(PointsAt.HERE, "Points here")


def changes(number: Number, ours: Webhooks) -> dict[str, str]:
    """The form fields that point a number here."""
    fields = {
        "VoiceUrl": ours.voice,
        "VoiceMethod": "POST",
        "StatusCallback": ours.status,
        "StatusCallbackMethod": "POST",
    }
    # Both take precedence over the voice URL.
    if number.trunk:
        fields["TrunkSid"] = ""
    if number.application:
        fields["VoiceApplicationSid"] = ""
    return fields


def _consequences(number: Number, ours: Webhooks) -> list[str]:
    consequences = []
    is_in_use = number.target and not number.target.startswith(TWILIO_DEMO)
    if is_in_use and not _takes_calls_here(number, ours):
        consequences.append(f"Its calls no longer go to {number.target}.")
    other = number.status_callback
    if other and not is_same_address(other, ours.status):
        consequences.append(f"{other} no longer gets a report when a call ends.")
    return consequences


def _takes_calls_here(number: Number, ours: Webhooks) -> bool:
    overridden = number.trunk or number.application
    return not overridden and is_same_address(number.voice_url, ours.voice)


def _missing(number: Number, ours: Webhooks) -> list[str]:
    missing = []
    if number.voice_method != "POST":
        missing.append(
            f"with {number.voice_method} instead of POST: no call is answered"
        )
    if not number.status_callback:
        missing.append("without a status callback")
    elif not is_same_address(number.status_callback, ours.status):
        missing.append(f"its status callback is {number.status_callback}")
    elif number.status_method != "POST":
        missing.append(f"its status callback comes with {number.status_method}")
    return missing


def is_same_address(address: str, ours: str) -> bool:
    """True if two addresses are equal apart from query, default port and slashes."""
    return _place(address) == _place(ours)


def _place(address: str) -> tuple[str, str, int | None, str] | str:
    try:
        url = urlsplit(address)
        port = url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return address
    return url.scheme, url.hostname or "", port, url.path.rstrip("/")
