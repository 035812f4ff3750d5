"""Collects DTMF digits into one entry. Pure."""

import re
from dataclasses import dataclass

# A pause after a key that completes an entry, in seconds.
INTER_DIGIT_TIMEOUT = 2.0
FINISH_ON_KEY = "#"
# Replaces masked digits in the transcript, such as those of a PIN.
MASKED = "[pressed ••••]"
_ENTRY = re.compile(r"\[pressed [^\]]*\]")


@dataclass(frozen=True, slots=True)
class DigitRequest:
    """Digits that the model asked for.

    `length` 0 is any length, an empty `terminator` none. `timeout` is how long the
    caller may take to begin, in seconds. `secret` digits are masked.
    """

    call_id: str
    length: int = 0
    terminator: str = FINISH_ON_KEY
    timeout: float = 10.0
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CompletedRequest:
    """A request that is over, with or without a complete entry.

    With `by_length` the number of digits completed it, without a terminator.
    """

    request: DigitRequest
    at: float
    is_complete: bool = False
    by_length: bool = False


@dataclass(slots=True)
class DigitBuffer:
    """The keys pressed so far.

    A pause completes them at `due_at`. With `masks` they may belong to the `completed`
    request, which asked for secret digits.
    """

    keys: str = ""
    due_at: float | None = None
    request: DigitRequest | None = None
    completed: CompletedRequest | None = None
    masks: bool = False

    @property
    def is_secret(self) -> bool:
        """True if the keys must be masked."""
        return self.masks or (self.request is not None and self.request.secret)

    def expect(self, request: DigitRequest, at: float) -> None:
        """Wait for an entry. Keys pressed before belong to it.

        The timeout counts from `at`, the end of the question.
        """
        self.request, self.completed = request, None
        self.due_at = at + request.timeout

    def press(self, key: str, at: float) -> bool:
        """Add a key; true if it completes the entry."""
        request = self.request or DigitRequest("")
        if key == request.terminator and (self.keys or self.request):
            return True
        self.keys += key
        timeout = request.timeout if self.request else 0
        self.due_at = at + max(INTER_DIGIT_TIMEOUT, timeout)
        return key == request.terminator or len(self.keys) == request.length

    def take(self, at: float) -> str:
        """Return the keys of the entry and start a new one."""
        if request := self.request:
            is_complete = self.due_at is not None and at < self.due_at
            by_length = is_complete and len(self.keys) == request.length
            self.completed = CompletedRequest(request, at, is_complete, by_length)
        keys, self.keys, self.due_at, self.request = self.keys, "", None, None
        self.masks = False
        return keys

    def cancel_request(self, at: float) -> DigitRequest | None:
        """Stop waiting for the entry, and forget its digits if they are secret."""
        request, self.request = self.request, None
        if request is None:
            return None
        self.completed = CompletedRequest(request, at)
        if request.secret:
            self.keys = ""
        if not self.keys:
            self.due_at, self.masks = None, False
        return request


def digits_text(keys: str) -> str:
    """Return an entry as the model and the transcript show it."""
    return f"[pressed {' '.join(keys)}]"


def without_digits(text: str) -> str:
    """Return only the words of a text that may contain entries."""
    return " ".join(_ENTRY.sub(" ", text).split())
