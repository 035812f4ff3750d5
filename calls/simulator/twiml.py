"""Parses the TwiML verbs that the simulated Twilio follows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin
from xml.etree import ElementTree

from .line import CallFailed
from .schema import twiml_faults


@dataclass(frozen=True, slots=True)
class Relay:
    """A `<Connect><ConversationRelay>`."""

    url: str
    action: str | None  # absolute
    attributes: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    languages: frozenset[str] = frozenset()  # declared in addition

    @property
    def events(self) -> set[str]:
        # Before `events` existed, `debug` was the attribute for these.
        names = (
            f"{self.attributes.get('events', '')} {self.attributes.get('debug', '')}"
        )
        return set(names.split())

    @property
    def interruptible(self) -> str:
        value = self.attributes.get("interruptible", "any")
        return {"true": "any", "false": "none"}.get(value, value)

    @property
    def reports(self) -> str:
        """Input that is reported while the bot speaks and is not interrupted."""
        return self.attributes.get("reportInputDuringAgentSpeech", "none")

    @property
    def tts_language(self) -> str:
        return self.attributes.get("ttsLanguage", self._language)

    @property
    def language(self) -> str:
        """The language of transcription."""
        return self.attributes.get("transcriptionLanguage", self._language)

    def knows(self, language: str) -> bool:
        """True if the language is declared, so that the bot may switch to it."""
        return language in (self.tts_language, self.language, *self.languages)

    def flag(self, name: str) -> bool:
        """An attribute that is off by default."""
        return self.attributes.get(name) == "true"

    @property
    def _language(self) -> str:
        return self.attributes.get("language", "en-US")


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial a person; `screen` is the URL of the TwiML for the person."""

    number: str
    action: str | None = None  # absolute, like `screen`
    screen: str | None = None
    ring_seconds: float = 30.0
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gather:
    """Say something and wait for a key."""

    text: str
    action: str  # absolute


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the TwiML of another address."""

    url: str  # absolute


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb = Relay | Say | Pause | Redirect | Dial | Gather | Hangup


def read_twiml(document: str, base_url: str) -> list[Verb]:
    """The verbs of a TwiML document, in order, with absolute addresses.

    Raises CallFailed for a document that is not as Twilio has it. Twilio itself only
    warns about some faults (12200) and goes on without the attribute, which then has no
    effect in any call; the others fail the relay (64101, 64106).
    """
    try:
        # Trusted: our server wrote it. expat limits entity expansion by itself.
        root = ElementTree.fromstring(document)  # noqa: S314
    except ElementTree.ParseError as error:
        raise CallFailed(f"{base_url} did not answer with TwiML: {error}.") from error
    if root.tag != "Response":
        raise CallFailed(f"{base_url} answered with <{root.tag}>, not TwiML.")
    if faults := list(twiml_faults(root)):
        raise CallFailed(f"{base_url}: Twilio refuses {'; '.join(faults)}.")
    return list(_verbs(root, base_url))


def _verbs(root: ElementTree.Element, base_url: str) -> Iterator[Verb]:
    for element in root:
        text = " ".join("".join(element.itertext()).split())
        match element.tag:
            case "Connect":
                yield _relay(element, base_url)
            case "Say":
                yield Say(text)
            case "Pause":
                yield Pause(float(element.get("length", "1")))
            case "Redirect":
                yield Redirect(urljoin(base_url, text))
            case "Dial":
                yield _dial(element, text, base_url)
            case "Gather":
                yield Gather(text, urljoin(base_url, element.get("action", "")))
            case "Hangup" | "Reject":
                yield Hangup()


def _dial(element: ElementTree.Element, number: str, base_url: str) -> Dial:
    action, called = element.get("action"), element.find("Number")
    screen = None if called is None else called.get("url")
    return Dial(
        number,
        action=urljoin(base_url, action) if action else None,
        screen=urljoin(base_url, screen) if screen else None,
        ring_seconds=float(element.get("timeout", "30")),
        attributes=dict(element.attrib),
    )


def _relay(connect: ElementTree.Element, base_url: str) -> Relay:
    (relay,) = connect
    action = connect.get("action")
    return Relay(
        url=relay.attrib["url"],
        action=urljoin(base_url, action) if action else None,
        attributes=dict(relay.attrib),
        parameters={
            parameter.attrib["name"]: parameter.attrib["value"]
            for parameter in relay.findall("Parameter")
        },
        languages=frozenset(
            language.attrib["code"] for language in relay.findall("Language")
        ),
    )
