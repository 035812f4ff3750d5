"""Settings of a simulated call, and the errors it can end with."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

# Numbers that Twilio reserves for tests.
CALLER = "+15005550001"
TEST_NUMBER = "+15005550006"
MP3_TYPE = "audio/mpeg"
# The account of simulated calls, which no real account can have.
SIMULATED_ACCOUNT = "AC" + "5" * 32
# The beginning of their call SIDs: Twilio gives one call in 2**32 such a SID.
SIMULATED_CALL = "CAfa15eca1"


class CallFailed(Exception):
    """The call was not connected, or broke; the message says why."""


class BotSilent(CallFailed):
    """The bot was silent for longer than the caller waits."""


class CallOver(CallFailed):
    """The call ended before the caller could do this."""


class Person(StrEnum):
    """The behaviour of a person who is dialled during a transfer."""

    TAKES = "takes"  # answers, and presses 1 when asked to
    DECLINES = "declines"  # answers, and presses another key or hangs up
    BUSY = "busy"  # is on the phone
    NO_ANSWER = "no-answer"
    MACHINE = "machine"  # an answering machine answers, and presses nothing

    @property
    def key(self) -> str:
        """The key they press after the announcement; empty for none."""
        return {Person.TAKES: "1", Person.DECLINES: "2"}.get(self, "")


class Carrier(StrEnum):
    """The behaviour towards a clip whose length is not known, because it still grows.

    Nobody has seen yet which of them is Twilio's.
    """

    STREAMS = "streams"  # plays as sound arrives
    STREAMS_MP3 = "streams-mp3"  # ...if it is an MP3, and waits for the end of a WAV
    WAITS = "waits"  # plays when the whole clip has arrived
    REFUSES = "refuses"  # answers with an error and plays nothing

    def streams(self, content_type: str) -> bool:
        """True if it plays such a clip as its sound arrives."""
        if self is Carrier.STREAMS_MP3:
            return content_type == MP3_TYPE
        return self is Carrier.STREAMS


@dataclass(frozen=True, slots=True)
class Line:
    """The server to call, the numbers, and how the simulated Twilio behaves."""

    server_url: str  # the public origin; signatures cover it
    auth_token: str = ""  # empty: requests are unsigned
    shared_key: tuple[str, str] | None = None  # id and secret; signs instead
    to: str = TEST_NUMBER
    from_: str = CALLER
    connect_to: str = ""  # origin to connect to instead of the public one
    others: tuple[str, ...] = ()  # origins behind the same proxy, if that one is gone
    parameters: tuple[tuple[str, str], ...] = ()  # query of the number's voice URL
    account_sid: str = SIMULATED_ACCOUNT
    status_callback: str = ""  # of the number; empty for none
    voice: str = ""  # of the caller, whose words then take time; empty: no sound
    fast: bool = False  # jump over playback instead of waiting for it
    speaker_events: bool | None = None  # None: if the TwiML asks for them
    carrier: Carrier = Carrier.WAITS
    refused_sounds: int = 0  # so many first sounds of each session are refused
    partials: bool = False  # send partial prompts even if the TwiML does not ask
    keep_audio: bool = True  # off: `Heard.wav` stays empty, for many calls at once
    person: Person = Person.TAKES  # answers a transferred call
    refuses: frozenset[str] = frozenset()  # attributes that end a session at once
    timeout: float = 15.0  # seconds of silence before the caller gives up
    pause: float = 1.0  # seconds of silence after which a reply counts as finished

    @property
    def public_origin(self) -> str:
        """The public origin without a trailing slash."""
        return self.server_url.rstrip("/")

    @property
    def voice_url(self) -> str:
        """The voice URL of the number."""
        query = f"?{urlencode(self.parameters)}" if self.parameters else ""
        return f"{self.public_origin}/voice{query}"
