"""Languages and models that Twilio's speech recognition knows, or does not. Pure.

Twilio ends a call whose provider, language and model do not belong together. Its own
list is not public, so these are the lists of the providers. Source: Deepgram's
changelog: 2024-05-14 (nova-2), 2025-09-02 to 2026-03-31 (nova-3), and its page on flux.
"""

from bots.config.language_tags import primary

DEEPGRAM, GOOGLE = "Deepgram", "Google"
NOVA_2_CODES = """
bg ca cs da de el en es et fi fr hi hu id it ja ko lt lv ms nl no pl pt ro ru sk sv th
tr uk vi zh
"""
NOVA_3_CODES = "ar be bn bs fa he hr kn mk mr sl sr ta te tl ur"  # besides those
FLUX_CODES = "de en es fr hi it ja nl pt ru"
NOVA_2 = frozenset(NOVA_2_CODES.split())
NOVA_3 = NOVA_2.union(NOVA_3_CODES.split())
FLUX_MULTILINGUAL = frozenset(FLUX_CODES.split())
# Google's recognition was seen to be refused for these in calls through Twilio.
NOT_WITH_GOOGLE = frozenset(("bn", "he", "zh"))


def refusal(model: str, provider: str, language: str) -> str:
    """Say why Twilio would end every call; empty if nothing is known against it."""
    is_deepgrams = model.startswith(("nova", "flux"))
    if model and is_deepgrams != (provider == DEEPGRAM):
        return f"{provider} has no model “{model}”."
    if model and primary(language) not in _languages_of(model, language):
        return f"The speech recognition model “{model}” does not understand {language}."
    return ""


def doubt(model: str, provider: str, language: str) -> str:
    """Say what is uncertain about a choice that is not refused; empty if nothing is."""
    code = primary(language)
    if provider == DEEPGRAM and code not in NOVA_3:
        return f"Deepgram is not known to understand {language}. Choose Google."
    if provider == GOOGLE and code in NOT_WITH_GOOGLE:
        return (
            f"Twilio has refused calls with Google's speech recognition for {language}."
            " Choose Deepgram."
        )
    if model == "flux" and code != "en":
        return f"The model “flux” may understand English only, not {language}."
    return ""


def _languages_of(model: str, language: str) -> frozenset[str]:
    """The languages of a model whose list is closed; else the given one."""
    if model.startswith("nova-2"):
        return NOVA_2
    if model == "flux-general-en":
        return frozenset(("en",))
    if model == "flux-general-multi":
        return FLUX_MULTILINGUAL
    return frozenset((primary(language),))
