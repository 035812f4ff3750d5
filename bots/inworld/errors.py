"""Every exception the Inworld client raises.

InworldError
├── InworldUnavailable    no connection, or it broke
│   └── InworldTimeout    nothing came in time
├── InworldRejected       an HTTP status other than success
│   ├── BadCredentials    401 or 403
│   └── RateLimited       429
├── StreamFailed          a success whose content is an error or unusable
└── StreamTruncated       the connection ended before the reply did
"""

import re

from bots.config.text import clean, read_json

MESSAGE_MAX_LENGTH = 300


class InworldError(Exception):
    """Something went wrong with Inworld; `kind` names it in logs and metrics."""

    kind = "error"

    @property
    def retryable(self) -> bool:
        """True if the same request may succeed a moment later."""
        return True


class InworldUnavailable(InworldError):
    kind = "unavailable"


class InworldTimeout(InworldUnavailable):
    kind = "timeout"


class InworldRejected(InworldError):
    """Inworld answered with an HTTP error `status`."""

    kind = "rejected"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Inworld answered {status}: {message}")
        self.status = status
        self.message = message

    @property
    def retryable(self) -> bool:
        """True for a fault of Inworld (5xx) and for a rate limit (429)."""
        return self.status >= 500 or self.status == 429


class BadCredentials(InworldRejected):
    """The API key is wrong or lacks a permission."""

    kind = "credentials"


class RateLimited(InworldRejected):
    """Over the plan's limit; `retry_after` in seconds if Inworld said so."""

    kind = "rate-limited"

    def __init__(
        self, status: int, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(status, message)
        self.retry_after = retry_after


class StreamFailed(InworldError):
    """An error that arrived with status 200; `code` is Inworld's, perhaps empty."""

    kind = "stream-error"

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(f"Inworld failed during a reply: {message}")
        self.message = message
        self.code = code


class StreamTruncated(InworldError):
    kind = "truncated"


def rejection(
    status: int, body: bytes, retry_after: str | None = None
) -> InworldRejected:
    """Choose the exception for an HTTP error; `retry_after` is the header as sent."""
    message = message_of(body)
    if status in (401, 403):
        return BadCredentials(status, message)
    if status == 429:
        return RateLimited(status, message, _seconds(retry_after))
    return InworldRejected(status, message)


def message_of(body: bytes) -> str:
    """Find the message in an error body of the Router, of TTS or of a gateway."""
    text = body.decode(errors="replace").strip()
    answer = read_json(text)
    if isinstance(answer, dict):
        inner = answer.get("error")
        stated = inner.get("message") if isinstance(inner, dict) else inner
        for message in (stated, answer.get("message")):
            if isinstance(message, str) and message.strip():
                text = message.strip()
                break
    return clean(text, MESSAGE_MAX_LENGTH) or "no explanation"


def _seconds(header: str | None) -> float | None:
    # The header may also hold a date, which no rate limiter we know of sends.
    text = (header or "").strip()
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else None
