"""The few sentences that the sandbox knows in other languages than English."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """How the sandbox gets by in a language."""

    welcome: str
    repeat: str  # begins the repetition of what was said
    found: str  # begins what a tool has answered
    failed: str
    goodbye: str


TONGUES = {
    "de": Tongue(
        "Gern, jetzt auf Deutsch. Was kann ich für Sie tun?",
        "Sie sagten",
        "Das habe ich gefunden",
        "Das hat leider nicht geklappt.",
        "Danke für Ihren Anruf. Auf Wiederhören.",
    ),
    "fr": Tongue(
        "Volontiers, en français. Que puis-je faire pour vous ?",
        "Vous avez dit",
        "Voici ce que j'ai trouvé",
        "Cela n'a pas marché, désolé.",
        "Merci de votre appel. Au revoir.",
    ),
    "es": Tongue(
        "Con gusto, en español. ¿Qué puedo hacer por usted?",
        "Usted ha dicho",
        "Esto es lo que he encontrado",
        "Lo siento, no ha funcionado.",
        "Gracias por su llamada. Adiós.",
    ),
    "it": Tongue(
        "Volentieri, in italiano. Che cosa posso fare per lei?",
        "Lei ha detto",
        "Ecco che cosa ho trovato",
        "Mi dispiace, non ha funzionato.",
        "Grazie per aver chiamato. Arrivederci.",
    ),
    "nl": Tongue(
        "Graag, in het Nederlands. Wat kan ik voor u doen?",
        "U zei",
        "Dit heb ik gevonden",
        "Dat is helaas niet gelukt.",
        "Bedankt voor uw telefoontje. Tot ziens.",
    ),
}
ENGLISH_WELCOME = "All right, in English. What can I do for you?"
NAMES = {
    "en": "english|englisch|anglais|inglés|inglese|engels",
    "de": "german|deutsch|allemand|alemán|tedesco|duits",
    "fr": "french|französisch|français|francés|francese|frans",
    "es": "spanish|spanisch|espagnol|español|spagnolo|spaans",
    "it": "italian|italienisch|italien|italiano|italiaans",
    "nl": "dutch|niederländisch|néerlandais|holandés|olandese|nederlands",
}
ASKING = (
    r"\b(?:speak|talk|switch|change|go on|in|to|auf|sprechen|spreche|en|parle\w*"
    r"|habl\w*|parl\w*|spreek\w*)\b.*\b(?:{})\b"
)


def language(language: str) -> Tongue | None:
    """The sentences of a language tag; None for English, and where there are none."""
    return TONGUES.get(language.split("-")[0].lower())


def asked_for(said: str, tags: Sequence[str]) -> str:
    """Which of the offered languages the caller's plain words ask for, if any."""
    for tag in tags:
        names = NAMES.get(tag.split("-")[0].lower())
        if names and re.search(ASKING.format(names), said):
            return tag
    return ""
