"""The errors with which Twilio ends relay sessions: meaning and remedy. Pure.

Sources: Twilio, "Error and Warning Dictionary", pages 64101 to 64109 and 64114; for
64111 and 64112 only a second-hand table of the same dictionary.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MESSAGE_MAX_LENGTH = 200
INVALID_MESSAGE = "64107"
DICTIONARY = "https://www.twilio.com/docs/api/errors/"


class ErrorKind(StrEnum):
    """Kinds of errors, as operators read them."""

    CONNECTION = "lost connection"
    SETTINGS = "refused settings"
    TIME_LIMIT = "time limit reached"
    CALL_LIMIT = "too many calls"
    SPEECH = "speech provider failed"
    RECOGNITION = "speech recognition failed"
    MESSAGE = "refused message"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One error of Twilio's list. `is_seen_late`: calls may go well despite it."""

    kind: ErrorKind
    meaning: str
    remedy: str
    is_seen_late: bool = False


CHECK_SOCKETS = (
    "Check the proxy's or tunnel's time limits for WebSockets, and the network; "
    "`manage.py doctor` opens one itself."
)
PROVIDER_IS_AWAY = (
    "Wait; it usually passes. If not, look at status.twilio.com, or choose another "
    "provider on the bot's page."
)
ERROR_CODES = {
    "64101": ErrorCode(
        ErrorKind.SETTINGS,
        "Twilio refuses a setting of the bot: its value is wrong, or the account may "
        "not use that provider.",
        "Compare the bot's languages, speech model and backup voice with Twilio's "
        "lists; in Twilio's Console, accept the agreement on AI features.",
    ),
    "64102": ErrorCode(
        ErrorKind.CONNECTION,
        "Twilio could not open the WebSocket to this server.",
        CHECK_SOCKETS,
    ),
    "64103": ErrorCode(
        ErrorKind.CONNECTION,
        "An error inside Twilio ended the session.",
        "If it happens again, give Twilio's support the call SID.",
    ),
    "64104": ErrorCode(
        ErrorKind.TIME_LIMIT,
        "The call reached the longest time that Twilio allows.",
        "Nothing to do. The bot's own time limit can end calls earlier and politely.",
    ),
    "64105": ErrorCode(
        ErrorKind.CONNECTION,
        "The WebSocket to this server broke off during the call.",
        CHECK_SOCKETS,
    ),
    "64106": ErrorCode(
        ErrorKind.SETTINGS,
        "The provider of speech recognition or of Twilio's voice refuses a setting of "
        "the bot, often a voice or a model that the language does not have.",
        "On the bot's page, choose another backup voice, or leave the speech model "
        "empty.",
        is_seen_late=True,  # a voice is checked when it first speaks
    ),
    INVALID_MESSAGE: ErrorCode(
        ErrorKind.MESSAGE,
        "Twilio did not understand a message of this server, or of a proxy before it.",
        "Have proxies send nothing of their own on the WebSocket; otherwise report it "
        "as an error of voicebot.",
    ),
    "64108": ErrorCode(
        ErrorKind.CONNECTION,
        "No more sound came from the caller's telephone.",
        "Nothing to do: the caller hung up or lost the connection. If it happens "
        "often, ask Twilio's support.",
    ),
    "64109": ErrorCode(
        ErrorKind.CALL_LIMIT,
        "The Twilio account had as many such calls at once as it may have.",
        "Ask Twilio to allow more calls at once (a higher limit of ConversationRelay).",
    ),
    "64111": ErrorCode(
        ErrorKind.SPEECH, "The provider of Twilio's voice failed.", PROVIDER_IS_AWAY
    ),
    "64112": ErrorCode(
        ErrorKind.SPEECH,
        "Twilio could not turn the sound of its voice into a telephone's.",
        PROVIDER_IS_AWAY,
    ),
    "64114": ErrorCode(
        ErrorKind.RECOGNITION,
        "Twilio lost its connection to the speech recognition.",
        PROVIDER_IS_AWAY,
    ),
}
WITHOUT_CODE = ErrorCode(
    ErrorKind.CONNECTION, "Twilio gave no reason.", "Look into Twilio's Console."
)
# Errors after which Twilio ends the session, although the socket closes normally.
ENDS_SESSION = (ErrorKind.SETTINGS, ErrorKind.TIME_LIMIT, ErrorKind.CALL_LIMIT)
# Kinds of errors that are not about what we sent: none of it is lost.
NOT_ABOUT_FRAMES = (
    ErrorKind.CONNECTION,
    ErrorKind.TIME_LIMIT,
    ErrorKind.CALL_LIMIT,
    ErrorKind.RECOGNITION,
)


def explain(code: str) -> ErrorCode:
    """The entry of a code, or one that says that it is not known."""
    if not code:
        return WITHOUT_CODE
    return ERROR_CODES.get(code) or ErrorCode(
        ErrorKind.UNKNOWN,
        f"Twilio reported error {code}, which voicebot does not know.",
        f"Read {DICTIONARY}{code}.",
    )


@dataclass(frozen=True, slots=True)
class SessionError:
    """The error in Twilio's report on a session; both fields may be empty."""

    code: str = ""
    message: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        """Read and clean the fields of the report."""
        code = form.get("ErrorCode", "").strip()
        code = code if re.fullmatch("[0-9]{1,8}", code) else ""
        # The message of this error repeats ours: words of the call.
        message = "" if code == INVALID_MESSAGE else form.get("ErrorMessage", "")
        return cls(code, _without_personal_data(message))

    @property
    def kind(self) -> ErrorKind:
        return explain(self.code).kind


def _without_personal_data(message: str) -> str:
    """Shorten a message, and take out what could be about a person.

    Twilio may repeat settings and frames: JSON, addresses with a token, numbers.
    """
    text, _, _ = message[: 10 * MESSAGE_MAX_LENGTH].partition("{")
    text = re.sub(r"\b(wss?|https?)://\S+", r"\1://…", text)
    text = re.sub(r"\S+@\S+", "…", text)
    text = re.sub(r"\+?\d[\d ()./-]{4,}\d", "…", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:MESSAGE_MAX_LENGTH]
