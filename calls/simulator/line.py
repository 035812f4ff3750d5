"""The line a simulated caller dials on, and how a call on it can fail."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

# Numbers nobody has.
CALLER = "+15005550001"
TEST_NUMBER = "+15005550006"


class CallFailed(Exception):
    """The call did not come about or broke; the message says why."""


class BotSilent(CallFailed):
    """The bot said nothing for longer than the caller waits."""


class CallOver(CallFailed):
    """The line is dead: the call ended before this could happen."""


class Person(StrEnum):
    """What whoever is rung up does."""

    TAKES = "takes"  # picks up, and presses 1 when asked to
    DECLINES = "declines"  # picks up, and presses another key or hangs up
    BUSY = "busy"  # is on the phone
    NO_ANSWER = "no-answer"
    MACHINE = "machine"  # an answering machine picks up, and presses nothing

    @property
    def key(self) -> str:
        """The key they press when they hear of a caller; empty: none."""
        return {Person.TAKES: "1", Person.DECLINES: "2"}.get(self, "")


@dataclass(frozen=True, slots=True)
class Line:
    """Which server is called, between which numbers, and the carrier's manners."""

    server_url: str  # the public origin, which signatures are made over
    auth_token: str = ""  # empty: requests go out unsigned
    to: str = TEST_NUMBER
    from_: str = CALLER
    connect_to: str = ""  # origin to connect to instead of the public one
    others: tuple[str, ...] = ()  # origins behind the same proxy, when that one is gone
    parameters: tuple[tuple[str, str], ...] = ()  # of the number's voice address
    account_sid: str = "AC" + "5" * 32
    status_callback: str = ""  # as set at the number; empty: none
    fast: bool = False  # jump over playback instead of waiting for it
    speaker_events: bool | None = None  # None: as the TwiML's `events` asks
    partials: bool = False  # send partial prompts even if the TwiML does not ask
    keep_audio: bool = True  # off: `Heard.wav` stays empty, for many calls at once
    person: Person = Person.TAKES  # whoever a call is put through to
    timeout: float = 15.0  # seconds of silence before the caller gives up
    pause: float = 1.0  # seconds of silence after which a reply counts as finished

    @property
    def public_origin(self) -> str:
        """The public origin without a trailing slash."""
        return self.server_url.rstrip("/")

    @property
    def voice_url(self) -> str:
        """The address that the number is pointed at."""
        query = f"?{urlencode(self.parameters)}" if self.parameters else ""
        return f"{self.public_origin}/voice{query}"
