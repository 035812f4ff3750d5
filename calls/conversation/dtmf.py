"""Keys pressed on the phone, collected into one entry. Pure."""

import re
from dataclasses import dataclass

# A pause after which an entry counts as complete, in seconds.
INTER_DIGIT_TIMEOUT = 2.0
FINISH_ON_KEY = "#"
# Stands in the transcript for keys that are nobody else's business, such as a PIN.
MASKED = "[pressed ••••]"
_ENTRY = re.compile(r"\[pressed [^\]]*\]")


@dataclass(frozen=True, slots=True)
class DigitRequest:
    """An entry that was asked for; `length` 0 is any, `last` "" is no last key.

    `seconds` is how long a caller may take to begin; `secret` ones are shown to nobody.
    """

    call_id: str
    length: int = 0
    terminator: str = FINISH_ON_KEY
    seconds: float = 10.0
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CompletedRequest:
    """A request that is over, `complete` where all of it was typed.

    `full` says that its length completed it, without a last key.
    """

    request: DigitRequest
    at: float
    complete: bool = False
    full: bool = False


@dataclass(slots=True)
class DigitBuffer:
    """The keys pressed so far; `due_at` is when a pause will complete them.

    Keys that come after the `closed` request may be meant for it; `hides` says that
    those of now may be a secret one's.
    """

    keys: str = ""
    due_at: float | None = None
    request: DigitRequest | None = None
    closed: CompletedRequest | None = None
    masks: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether what is being typed is nobody else's business."""
        return self.masks or (self.request is not None and self.request.secret)

    def expect(self, request: DigitRequest, at: float) -> None:
        """What is pressed, and was already, is what was asked for.

        Time counts from `at`, the end of the question.
        """
        self.request, self.closed = request, None
        self.due_at = at + request.seconds

    def press(self, key: str, at: float) -> bool:
        """Add a key; true when it completes the entry."""
        wanted = self.request or DigitRequest("")
        if key == wanted.terminator and (self.keys or self.request):
            return True
        self.keys += key
        self.due_at = at + max(
            INTER_DIGIT_TIMEOUT, wanted.seconds if self.request else 0
        )
        return key == wanted.terminator or len(self.keys) == wanted.length

    def take(self, at: float) -> str:
        """The keys of the entry; starts a new one."""
        if request := self.request:
            complete = self.due_at is not None and at < self.due_at
            full = complete and len(self.keys) == request.length
            self.closed = CompletedRequest(request, at, complete, full)
        keys, self.keys, self.due_at, self.request = self.keys, "", None, None
        self.masks = False
        return keys

    def give_up(self, at: float) -> DigitRequest | None:
        """Wait no more for what was asked for; what is secret of it is forgotten."""
        request, self.request = self.request, None
        if request is None:
            return None
        self.closed = CompletedRequest(request, at)
        if request.secret:
            self.keys = ""
        if not self.keys:
            self.due_at, self.masks = None, False
        return request


def digits_text(keys: str) -> str:
    """An entry as the model and the transcript see it."""
    return f"[pressed {' '.join(keys)}]"


def masked_digits(text: str) -> str:
    """What a caller said of what they said and pressed."""
    return " ".join(_ENTRY.sub(" ", text).split())
