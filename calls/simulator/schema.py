"""Twilio's frames and TwiML, as far as Twilio documents them. Pure.

Each line has its source. Values are JSON Schema; those of TwiML attributes are always
strings. Anything else is refused: Twilio would drop the frame (64107), warn
about the attribute and ignore it (12200), or fail the session (64101, 64106).

Left out, because no source that could be read shows their values: the frames `config`
and `hints` and the info `configUpdated` of the dynamic configuration (changelog,
2026-10-28), `<Failover>` (changelog, 2026-11-18), `backgroundNoiseReduction` (SDK).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree.ElementTree import Element as Node

from jsonschema import Draft202012Validator

# Sources. A document of Twilio stands with the date of the copy that was read.
WS = "docs: Getting and sending WebSocket messages, 2026-08-19"
NOUN = "docs: TwiML Voice: <ConversationRelay>, 2026-06-22"
SDK = "twilio-python 9.13.0, twiml/voice_response.py"
TAC = "twilio-agent-connect 2.5.0, tac/models/voice.py"
RECORDED = "recorded calls (ivy/thicket, conversationrelay/*.jsonl, 2026-08-30)"
VERBS = "docs: TwiML Voice: the page of the verb or noun"

Schema = Mapping[str, Any]
STRING: Schema = {"type": "string"}
TEXT: Schema = {"type": "string", "minLength": 1}
BOOLEAN: Schema = {"type": "boolean"}
HTTP: Schema = {"type": "string", "pattern": r"^https?://[^\s/]+"}
TAG: Schema = {"type": "string", "pattern": r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$|^multi$"}
# As the value of an attribute.
FLAG: Schema = {"enum": ["true", "false"]}
INPUT: Schema = {"enum": ["none", "dtmf", "speech", "any"]}
WHOLE: Schema = {"type": "string", "pattern": r"^\d+$"}
URL: Schema = {"type": "string", "pattern": r"^(https?://[^\s/]+|/)\S*$"}
METHOD: Schema = {"enum": ["GET", "POST"]}
TTS: Schema = {"enum": ["Google", "Amazon", "ElevenLabs"]}
STT: Schema = {"enum": ["Google", "Deepgram"]}
NORMALIZATION: Schema = {"enum": ["on", "auto", "off"]}


def _words(*words: str) -> Schema:
    """Some of these words, with spaces between them."""
    one = "|".join(words)
    return {"type": "string", "pattern": rf"^({one})( ({one}))*$"}


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a frame, or an attribute of an element."""

    value: Schema
    source: str
    required: bool = False


def _must(value: Schema, source: str) -> Field:
    return Field(value, source, required=True)


Fields = Mapping[str, Field]

# Frames that Twilio sends, by type.
TO_BOT: dict[str, Fields] = {
    "setup": {
        "sessionId": _must({"type": "string", "pattern": "^VX"}, WS),
        "accountSid": _must({"type": "string", "pattern": "^AC"}, WS),
        "callSid": _must({"type": "string", "pattern": "^CA"}, WS),
        "parentCallSid": _must(STRING, WS),
        "from": _must(STRING, WS),
        "to": _must(STRING, WS),
        "forwardedFrom": _must(STRING, WS),
        "callType": _must({"enum": ["PSTN", "SIP", "CLIENT"]}, WS),
        "callerName": _must(STRING, WS),
        "direction": _must({"enum": ["inbound", "outbound-api"]}, RECORDED),
        "callStatus": _must({"enum": ["RINGING", "IN_PROGRESS"]}, RECORDED),
        "customParameters": _must(
            {"type": "object", "additionalProperties": STRING}, WS
        ),
    },
    "prompt": {
        "voicePrompt": _must(STRING, WS),
        "lang": _must(TAG, WS),
        "last": _must(BOOLEAN, WS),
        "conversationId": Field(STRING, TAC),
    },
    "interrupt": {
        "utteranceUntilInterrupt": _must(STRING, WS),
        # A number since 2025; older documents show it as a string.
        "durationUntilInterruptMs": _must({"type": "integer", "minimum": 0}, WS),
        "conversationId": Field(STRING, TAC),
    },
    "dtmf": {"digit": _must({"type": "string", "pattern": "^[0-9*#]$"}, WS)},
    "error": {"description": _must(TEXT, WS)},
    # Only with the attribute `events`.
    "info": {
        "name": _must(
            {"enum": ["agentSpeaking", "clientSpeaking", "tokensPlayed"]}, RECORDED
        ),
        "value": _must(STRING, RECORDED),
    },
}

# Frames that the bot sends, by type.
TO_TWILIO: dict[str, Fields] = {
    "text": {
        "token": _must(STRING, WS),
        "last": Field(BOOLEAN, WS),
        "lang": Field(TAG, WS),
        # Words such as "none" belong to the attribute of the same name.
        "interruptible": Field(BOOLEAN, WS),
        "preemptible": Field(BOOLEAN, WS),
    },
    "play": {
        "source": _must(HTTP, WS),
        "loop": Field({"type": "integer", "minimum": 0, "maximum": 1000}, WS),
        "interruptible": Field(BOOLEAN, WS),
        "preemptible": Field(BOOLEAN, WS),
    },
    "sendDigits": {"digits": _must({"type": "string", "pattern": "^[0-9w#*]+$"}, WS)},
    # One of the two is needed.
    "language": {
        "ttsLanguage": Field(TAG, WS),
        "transcriptionLanguage": Field(TAG, WS),
    },
    "end": {"handoffData": Field(STRING, WS)},
}


@dataclass(frozen=True, slots=True)
class Element:
    """An element of TwiML: its attributes, children, and whether it has text."""

    attributes: Fields = field(default_factory=dict)
    children: tuple[str, ...] = ()
    text: Literal["needed", "allowed", "none"] = "none"
    needs_child: bool = False  # unless it has text


SAY: Fields = {
    "voice": Field(TEXT, VERBS),
    "language": Field(TAG, VERBS),
    "loop": Field(WHOLE, VERBS),
}

TWIML: dict[str, Element] = {
    "Response": Element(
        children=(
            *("Connect", "Dial", "Gather", "Hangup", "Pause", "Redirect", "Reject"),
            "Say",
        )
    ),
    "Connect": Element(
        {"action": Field(URL, VERBS), "method": Field(METHOD, VERBS)},
        children=("ConversationRelay",),
        needs_child=True,
    ),
    "ConversationRelay": Element(
        {
            # wss:// only (64102): `TwilioClient.socket` makes the one exception.
            "url": _must({"type": "string", "pattern": r"^wss?://\S+$"}, NOUN),
            "welcomeGreeting": Field(TEXT, NOUN),
            "welcomeGreetingInterruptible": Field(INPUT, NOUN),
            "language": Field(TAG, NOUN),
            "ttsLanguage": Field(TAG, NOUN),
            "ttsProvider": Field(TTS, NOUN),
            "voice": Field(TEXT, NOUN),  # empty: 64106 at the first `text`
            "transcriptionLanguage": Field(TAG, NOUN),
            "transcriptionProvider": Field(STT, NOUN),
            "speechModel": Field(TEXT, NOUN),
            "interruptible": Field(
                {"enum": ["none", "dtmf", "speech", "any", "true", "false"]}, NOUN
            ),
            "interruptSensitivity": Field({"enum": ["low", "medium", "high"]}, NOUN),
            "dtmfDetection": Field(FLAG, NOUN),
            "reportInputDuringAgentSpeech": Field(INPUT, NOUN),
            "preemptible": Field(FLAG, NOUN),
            "hints": Field(TEXT, NOUN),
            "events": Field(_words("speaker-events", "tokens-played"), NOUN),
            "debug": Field(
                _words("debugging", "speaker-events", "tokens-played"), NOUN
            ),
            "ignoreBackchannel": Field(FLAG, NOUN),
            "partialPrompts": Field(FLAG, NOUN),  # the model `flux` only
            "speechTimeout": Field(
                {"type": "string", "pattern": r"^(auto|[6-9]\d\d|[1-4]\d{3}|5000)$"},
                NOUN,
            ),
            "eotThreshold": Field(
                {"type": "string", "pattern": r"^0?\.([5-8]\d*|90*)$"}, NOUN
            ),
            "deepgramSmartFormat": Field(FLAG, NOUN),
            "elevenlabsTextNormalization": Field(NORMALIZATION, NOUN),
            "intelligenceService": Field(TEXT, NOUN),
            "conversationConfiguration": Field(TEXT, TAC),
            "profanityFilter": Field(FLAG, SDK),
            "partialPromptOnHangup": Field(FLAG, SDK),
            "eagerEotThreshold": Field(
                {"type": "string", "pattern": r"^0?\.([3-8]\d*|90*)$"}, SDK
            ),
            "asrSmartFormat": Field(FLAG, SDK),
            "ttsTextNormalization": Field(NORMALIZATION, SDK),
            "ttsLanguageTextNormalization": Field(FLAG, SDK),
            "elevenlabsLanguageTextNormalization": Field(FLAG, SDK),
            "includeInPrompt": Field(_words("turn-state", "prompt-segments"), SDK),
            "customerName": Field(TEXT, SDK),
            "applicationReconnect": Field(FLAG, SDK),
            "echoPromptFiltering": Field(FLAG, SDK),
            "turnDetection": Field(FLAG, SDK),
        },
        children=("Language", "Parameter"),
    ),
    "Language": Element(
        {
            "code": _must(TAG, NOUN),
            "ttsProvider": Field(TTS, NOUN),
            "voice": Field(TEXT, NOUN),
            "transcriptionProvider": Field(STT, NOUN),
            "speechModel": Field(TEXT, NOUN),
            "hints": Field(TEXT, SDK),
            "asrSmartFormat": Field(FLAG, SDK),
            "ttsTextNormalization": Field(NORMALIZATION, SDK),
            "ttsLanguageTextNormalization": Field(FLAG, SDK),
        }
    ),
    "Parameter": Element({"name": _must(TEXT, NOUN), "value": _must(STRING, NOUN)}),
    "Dial": Element(
        {
            "action": Field(URL, VERBS),
            "method": Field(METHOD, VERBS),
            "timeout": Field(WHOLE, VERBS),
            "timeLimit": Field(WHOLE, VERBS),
            "callerId": Field(TEXT, VERBS),
            "answerOnBridge": Field(FLAG, VERBS),
            "hangupOnStar": Field(FLAG, VERBS),
            "ringTone": Field(TEXT, VERBS),
        },
        children=("Number",),
        text="allowed",
        needs_child=True,
    ),
    "Number": Element(
        {"url": Field(URL, VERBS), "method": Field(METHOD, VERBS)}, text="needed"
    ),
    "Gather": Element(
        {
            "action": Field(URL, VERBS),
            "method": Field(METHOD, VERBS),
            "input": Field(_words("dtmf", "speech"), VERBS),
            "timeout": Field(WHOLE, VERBS),
            "numDigits": Field(WHOLE, VERBS),
            "finishOnKey": Field({"type": "string", "pattern": "^[0-9*#]?$"}, VERBS),
            "actionOnEmptyResult": Field(FLAG, VERBS),
        },
        children=("Say", "Pause"),
    ),
    "Say": Element(SAY, text="needed"),
    "Pause": Element({"length": Field(WHOLE, VERBS)}),
    "Redirect": Element({"method": Field(METHOD, VERBS)}, text="needed"),
    "Reject": Element({"reason": Field({"enum": ["rejected", "busy"]}, VERBS)}),
    "Hangup": Element(),
}


def frame_fault(message: object, frames: Mapping[str, Fields]) -> str:
    """The first fault of a frame of `TO_BOT` or `TO_TWILIO`; empty if it has none."""
    if not isinstance(message, dict):
        return "not a JSON object"
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in frames:
        return f"unknown type {kind!r}"
    if kind == "language" and len(message) == 1:
        return "language without ttsLanguage or transcriptionLanguage"
    return _fault(message, {"type": _must({"const": kind}, WS), **frames[kind]})


def twiml_faults(node: Node) -> Iterator[str]:
    """The faults of an element and of all elements in it."""
    element = TWIML.get(node.tag)
    if element is None:
        yield f"<{node.tag}> is unknown"
        return
    if fault := _fault(node.attrib, element.attributes):
        yield f"<{node.tag}>: {fault}"
    has_text = bool((node.text or "").strip())
    if has_text and element.text == "none":
        yield f"<{node.tag}> has text"
    if not has_text and (element.text == "needed" or element.needs_child > len(node)):
        yield f"<{node.tag}> is empty"
    for child in node:
        if child.tag in TWIML and child.tag not in element.children:
            yield f"<{child.tag}> in <{node.tag}>"
        yield from twiml_faults(child)


def _fault(values: Mapping[str, object], fields: Fields) -> str:
    schema = {
        "properties": {name: known.value for name, known in fields.items()},
        "required": [name for name, known in fields.items() if known.required],
        "additionalProperties": False,
    }
    for error in Draft202012Validator(schema).iter_errors(values):
        return ": ".join([*map(str, error.absolute_path), error.message])
    return ""
