"""The Google voice with which Twilio speaks each language when ours cannot. Pure.

Twilio refuses a call whose language and voice do not belong together, so a voice comes
with the tag that Google uses for its language. Source of the names: the table
"Available voices and languages" of Twilio's page on text-to-speech, as copied by a
program in May 2025 (github.com/dra11y/twilio-voice, src/twiml/voices). Chirp3-HD comes
first, because its names stay: Google has renumbered the letters of the other families.
The relay has been seen to work with en-US-Chirp3-HD-Aoede, nl-NL-Chirp3-HD-Kore,
bn-IN-Chirp3-HD-Charon and cmn-CN-Wavenet-A. A language that is not in the table gets no
voice: Twilio chooses.
"""

from bots.config.language_tags import primary, region

# The first voice of a language serves its other regions, too.
NAMES = """
en-US-Chirp3-HD-Aoede en-GB-Chirp3-HD-Aoede en-AU-Chirp3-HD-Aoede en-IN-Chirp3-HD-Aoede
es-US-Chirp3-HD-Aoede es-ES-Chirp3-HD-Aoede fr-FR-Chirp3-HD-Aoede fr-CA-Chirp3-HD-Aoede
de-DE-Chirp3-HD-Aoede it-IT-Chirp3-HD-Aoede pt-BR-Chirp3-HD-Aoede nl-NL-Chirp3-HD-Aoede
pl-PL-Chirp3-HD-Aoede ru-RU-Chirp3-HD-Aoede tr-TR-Chirp3-HD-Aoede ar-XA-Chirp3-HD-Aoede
hi-IN-Chirp3-HD-Aoede bn-IN-Chirp3-HD-Aoede te-IN-Chirp3-HD-Aoede id-ID-Chirp3-HD-Aoede
th-TH-Chirp3-HD-Aoede vi-VN-Chirp3-HD-Aoede ja-JP-Chirp3-HD-Aoede ko-KR-Chirp3-HD-Aoede
cmn-CN-Chirp3-HD-Aoede
cmn-TW-Wavenet-A yue-HK-Standard-B pt-PT-Wavenet-E nl-BE-Wavenet-C nb-NO-Wavenet-F
da-DK-Wavenet-F sv-SE-Wavenet-F fi-FI-Wavenet-B is-IS-Standard-B el-GR-Wavenet-B
cs-CZ-Wavenet-B sk-SK-Wavenet-B hu-HU-Wavenet-B ro-RO-Wavenet-B bg-BG-Standard-B
he-IL-Wavenet-A lt-LT-Standard-B lv-LV-Standard-B ca-ES-Standard-B gl-ES-Standard-B
ms-MY-Wavenet-A fil-PH-Wavenet-C
"""
# Regions that are closer to another voice of their language than to the first.
NEAREST = {
    "en-IE": "en-GB",
    "en-NZ": "en-AU",
    "en-ZA": "en-GB",
    "pt-AO": "pt-PT",
    "pt-MZ": "pt-PT",
    "zh-MO": "zh-HK",
}


# Further languages that can be chosen: speech recognition and our own voice know them.
MORE_TAGS = """
ar ar-AE ar-EG ar-SA de-AT de-CH en-CA es-AR es-CO es-MX fr-BE fr-CH it-CH
bs-BA et-EE fa-IR hr-HR kn-IN mr-IN sl-SI sr-RS ta-IN uk-UA ur-PK
"""


def language_of(voice: str) -> str:
    """Google's tag for the language of a voice: "nb-NO" of nb-NO-Wavenet-F."""
    return "-".join(voice.split("-")[:2])


def _usual_tag(tag: str) -> str:
    return f"{primary(tag)}-{region(tag)}"


def with_region(tag: str) -> str:
    """The tag with a region, which speech recognition likes to know: "de-DE" for de."""
    usual = language_of(BY_LANGUAGE.get(primary(tag), ""))
    if region(tag) or region(usual) in ("", "XA"):  # XA: Google's word for no region
        return tag
    return _usual_tag(usual)


VOICES = NAMES.split()
BY_TAG = {_usual_tag(language_of(voice)): voice for voice in VOICES}
BY_LANGUAGE = {primary(voice): voice for voice in reversed(VOICES)}


def backup_voice(language: str) -> str:
    """The voice for a tag such as de-AT or zh-CN; empty for an unknown language."""
    tag = _usual_tag(language)
    voice = BY_TAG.get(NEAREST.get(tag, tag))
    return voice or BY_LANGUAGE.get(primary(language), "")


def known_tags() -> list[str]:
    """Tags of languages to choose from; of each language the usual region is first."""
    return [tag for tag in (*BY_TAG, *NEAREST, *MORE_TAGS.split()) if "-XA" not in tag]


def speaks(voice: str, language: str) -> bool:
    """True if the voice belongs to the language, in whichever region."""
    return primary(voice) == primary(language)
