"""Where a number points, and what to change so that it points here. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

# A new number greets with this until somebody changes it.
TWILIO_DEMO = "https://demo.twilio.com/"
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The two addresses of this server that a number needs."""

    voice: str
    status: str


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a Twilio account, as far as voice calls go."""

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
        """Read Twilio's record; what it leaves out is empty."""

        def text(field: str) -> str:
            # PostgreSQL stores no NUL.
            return str(record.get(field) or "").replace("\0", "").strip()

        able = record.get("capabilities")
        return cls(
            sid=text("sid"),
            number=text("phone_number"),
            name=text("friendly_name"),
            takes_calls=not isinstance(able, dict) or able.get("voice") is not False,
            voice_url=text("voice_url"),
            voice_method=text("voice_method").upper() or "POST",
            status_callback=text("status_callback"),
            status_method=text("status_callback_method").upper() or "POST",
            application=text("voice_application_sid"),
            trunk=text("trunk_sid"),
        )

    @property
    def label(self) -> str:
        """Its name, where that says more than the number."""
        digits = "".join(filter(str.isdecimal, self.name))
        return "" if digits and self.number.endswith(digits) else self.name

    @property
    def target(self) -> str:
        """What takes its calls now, in Twilio's order; empty: nothing."""
        if self.trunk:
            return f"SIP trunk {self.trunk}"
        if self.application:
            return f"voice application {self.application}"
        return self.voice_url


class PointsAt(StrEnum):
    """Where a number's calls go."""

    HERE = "here"
    PARTLY = "partly"
    ELSEWHERE = "elsewhere"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """Where a number points, in words; `cost` is what is lost by pointing it here."""

    points: PointsAt
    message: str
    consequence: tuple[str, ...] = ()


def number_status(number: Number, ours: Webhooks) -> NumberStatus:
    """Say where a number's calls go."""
    cost = tuple(_cost(number, ours))
    if not number.target:
        return NumberStatus(PointsAt.NOWHERE, "Points nowhere", cost)
    if number.target.startswith(TWILIO_DEMO):
        return NumberStatus(
            PointsAt.NOWHERE, "Points nowhere but to Twilio's demo", cost
        )
    if not _takes_calls_here(number, ours):
        return NumberStatus(
            PointsAt.ELSEWHERE, f"Points elsewhere: {number.target}", cost
        )
    if lacks := list(_missing(number, ours)):
        words = f"Points here, but {' and '.join(lacks)}"
        return NumberStatus(PointsAt.PARTLY, words, cost)
    return NumberStatus(PointsAt.HERE, "Points here")


def changes(number: Number, ours: Webhooks) -> dict[str, str]:
    """The form fields that point a number here."""
    fields = {
        "VoiceUrl": ours.voice,
        "VoiceMethod": "POST",
        "StatusCallback": ours.status,
        "StatusCallbackMethod": "POST",
    }
    # Either would win over the address.
    if number.trunk:
        fields["TrunkSid"] = ""
    if number.application:
        fields["VoiceApplicationSid"] = ""
    return fields


def _cost(number: Number, ours: Webhooks) -> list[str]:
    cost = []
    somewhere = number.target and not number.target.startswith(TWILIO_DEMO)
    if somewhere and not _takes_calls_here(number, ours):
        cost.append(f"Its calls no longer go to {number.target}.")
    other = number.status_callback
    if other and not same_place(other, ours.status):
        cost.append(f"{other} is no longer told when a call ends.")
    return cost


def _takes_calls_here(number: Number, ours: Webhooks) -> bool:
    overridden = number.trunk or number.application
    return not overridden and same_place(number.voice_url, ours.voice)


def _missing(number: Number, ours: Webhooks) -> list[str]:
    lacks = []
    if number.voice_method != "POST":
        lacks.append(f"with {number.voice_method} instead of POST: no call is answered")
    if not number.status_callback:
        lacks.append("without a status callback")
    elif not same_place(number.status_callback, ours.status):
        lacks.append(f"its status callback is {number.status_callback}")
    elif number.status_method != "POST":
        lacks.append(f"its status callback comes with {number.status_method}")
    return lacks


def same_place(address: str, ours: str) -> bool:
    """Whether an address leads to ours: with any query, port and slash written out."""
    return _place(address) == _place(ours)


def _place(address: str) -> tuple[str, str, int | None, str] | str:
    try:
        url = urlsplit(address)
        port = url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return address
    return url.scheme, url.hostname or "", port, url.path.rstrip("/")
