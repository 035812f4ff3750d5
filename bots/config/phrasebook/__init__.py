"""Default sentences and phrases of a bot, per language. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The default sentences of a language, and its comma-separated phrase lists."""

    idle_prompt: str
    time_limit_message: str
    goodbye_message: str
    apology_message: str
    transfer_notice: str
    backchannels: str  # comma-separated
    reconnected: str
    line_lost: str
    fillers: str  # one a line
    goodbye_phrases: str  # comma-separated
    screening_prompt: str  # spoken to a transfer target; {} is the summary
    screening_prompt_without_summary: str
    screening_accepted: str
    screening_declined: str


PHRASEBOOKS = {
    "en": Phrasebook(
        "Are you still there?",
        "Just so you know, we have about a minute left on this call.",
        "Thank you for calling. Goodbye.",
        "I'm sorry, I have some trouble at the moment. Could you say that again?",
        "One moment please, I'll put you through to a colleague.",
        "mhm, mm-hmm, mm, hmm, uh-huh, aha, ah, oh, okay, ok, yeah, yep, right, "
        "alright, sure, I see, got it, good, great",
        reconnected="Sorry, we were cut off for a moment.",
        line_lost="I'm sorry, our line keeps breaking off.",
        fillers="One moment, please.\nLet me check that for you.\nI'm looking it up.",
        goodbye_phrases="goodbye, bye, bye-bye, have a good day, have a great day, "
        "have a nice day, take care, talk to you soon, good night",
        screening_prompt="A caller is on the line for you. {} Press 1 to take the "
        "call.",
        screening_prompt_without_summary="A caller is on the line for you. Press 1 to "
        "take the call.",
        screening_accepted="I'll connect you.",
        screening_declined="You have not taken the call. Goodbye.",
    ),
    "de": Phrasebook(
        "Sind Sie noch da?",
        "Nur zur Information: Wir haben noch etwa eine Minute.",
        "Danke für Ihren Anruf. Auf Wiederhören.",
        "Entschuldigung, ich habe gerade ein Problem. Könnten Sie das wiederholen?",
        "Einen Moment bitte, ich verbinde Sie mit einer Kollegin oder einem Kollegen.",
        "mhm, hm, hmm, aha, ach so, achso, okay, ok, ja, genau, gut, alles klar, "
        "verstehe, stimmt",
        reconnected="Entschuldigung, wir waren kurz unterbrochen.",
        line_lost="Es tut mir leid, die Verbindung bricht immer wieder ab.",
        fillers="Einen Moment, bitte.\nIch sehe kurz nach.\nDas haben wir gleich.",
        goodbye_phrases="auf wiederhören, auf wiedersehen, tschüss, tschüs, "
        "schönen tag noch, einen schönen tag, bis bald, gute nacht",
        screening_prompt="Ein Anruf für Sie. {} Drücken Sie die 1, um ihn anzunehmen.",
        screening_prompt_without_summary="Ein Anruf für Sie. Drücken Sie die 1, um "
        "ihn anzunehmen.",
        screening_accepted="Ich verbinde.",
        screening_declined="Sie haben den Anruf nicht angenommen. Auf Wiederhören.",
    ),
    "fr": Phrasebook(
        "Êtes-vous toujours là ?",
        "Pour information, il nous reste environ une minute.",
        "Merci de votre appel. Au revoir.",
        "Pardon, j'ai un petit problème en ce moment. Pourriez-vous répéter ?",
        "Un instant s'il vous plaît, je vous passe un collègue.",
        "mhm, hmm, hum, ah, d'accord, ok, okay, oui, ouais, très bien, je vois, "
        "voilà, entendu",
        reconnected="Pardon, nous avons été coupés un instant.",
        line_lost="Toutes nos excuses, la ligne est sans cesse coupée.",
        fillers="Un instant, s'il vous plaît.\nJe vérifie tout de suite.\nJe regarde.",
        goodbye_phrases="au revoir, bonne journée, bonne soirée, à bientôt, bonne nuit",
        screening_prompt="Un appel pour vous. {} Appuyez sur 1 pour le prendre.",
        screening_prompt_without_summary="Un appel pour vous. Appuyez sur 1 pour le "
        "prendre.",
        screening_accepted="Je vous mets en relation.",
        screening_declined="Vous n'avez pas pris l'appel. Au revoir.",
    ),
    "es": Phrasebook(
        "¿Sigue ahí?",
        "Le aviso de que nos queda aproximadamente un minuto.",
        "Gracias por su llamada. Adiós.",
        "Perdone, tengo un problema en este momento. ¿Podría repetirlo?",
        "Un momento, por favor, le paso con un compañero.",
        "mhm, ajá, eh, ah, vale, ok, okay, sí, claro, bueno, bien, de acuerdo, "
        "entiendo, ya",
        reconnected="Perdone, se ha cortado un momento.",
        line_lost="Lo siento, la línea se corta una y otra vez.",
        fillers="Un momento, por favor.\nLo compruebo ahora mismo.\nDéjeme ver.",
        goodbye_phrases="adiós, hasta luego, hasta pronto, que tenga un buen día",
        screening_prompt="Tiene una llamada. {} Pulse 1 para atenderla.",
        screening_prompt_without_summary="Tiene una llamada. Pulse 1 para atenderla.",
        screening_accepted="Le paso la llamada.",
        screening_declined="No ha atendido la llamada. Adiós.",
    ),
    "it": Phrasebook(
        "È ancora in linea?",
        "La informo che ci resta circa un minuto.",
        "Grazie per aver chiamato. Arrivederci.",
        "Mi scusi, ho un problema in questo momento. Può ripetere?",
        "Un momento, per favore, la metto in contatto con un collega.",
        "mhm, mm, ah, ok, okay, sì, va bene, certo, capisco, d'accordo, esatto, bene",
        reconnected="Mi scusi, è caduta la linea per un momento.",
        line_lost="Mi dispiace, la linea continua a cadere.",
        fillers="Un momento, per favore.\nControllo subito.\nVedo.",
        goodbye_phrases="arrivederci, a presto, buona giornata, buona serata, "
        "buonanotte",
        screening_prompt="Una chiamata per lei. {} Prema 1 per rispondere.",
        screening_prompt_without_summary="Una chiamata per lei. Prema 1 per "
        "rispondere.",
        screening_accepted="La metto in comunicazione.",
        screening_declined="Non ha accettato la chiamata. Arrivederci.",
    ),
    "pt": Phrasebook(
        "Ainda está aí?",
        "Só para avisar: temos cerca de um minuto.",
        "Obrigado pela sua chamada. Até logo.",
        "Desculpe, estou com um problema neste momento. Pode repetir?",
        "Um momento, por favor, vou passar a um colega.",
        "mhm, hum, ah, ok, okay, sim, tá, certo, claro, entendi, está bem, pois",
        reconnected="Desculpe, a ligação caiu por um momento.",
        line_lost="Lamento, a ligação está sempre a cair.",
        fillers="Um momento, por favor.\nVou verificar.\nDeixe-me ver.",
        goodbye_phrases="adeus, até logo, até breve, tenha um bom dia, tchau",
        screening_prompt="Tem uma chamada. {} Prima 1 para atender.",
        screening_prompt_without_summary="Tem uma chamada. Prima 1 para atender.",
        screening_accepted="Vou passar a chamada.",
        screening_declined="Não atendeu a chamada. Até logo.",
    ),
    "nl": Phrasebook(
        "Bent u er nog?",
        "Ter informatie: we hebben nog ongeveer een minuut.",
        "Bedankt voor uw telefoontje. Tot ziens.",
        "Sorry, ik heb even een probleem. Kunt u dat herhalen?",
        "Een ogenblik alstublieft, ik verbind u door met een collega.",
        "mhm, hm, aha, oké, ok, okay, ja, precies, goed, juist, begrijp ik, prima",
        reconnected="Sorry, de verbinding was even weg.",
        line_lost="Het spijt me, de verbinding valt steeds weg.",
        fillers="Een ogenblik, alstublieft.\nIk kijk het even na.\nIk zoek het op.",
        goodbye_phrases="tot ziens, fijne dag, tot straks, goedenacht, doei",
        screening_prompt="Er is een beller voor u. {} Druk op 1 om het gesprek aan te "
        "nemen.",
        screening_prompt_without_summary="Er is een beller voor u. Druk op 1 om het "
        "gesprek aan te nemen.",
        screening_accepted="Ik verbind u door.",
        screening_declined="U hebt het gesprek niet aangenomen. Tot ziens.",
    ),
}


def phrasebook(language: str) -> Phrasebook:
    """Return the sentences for a tag such as de-AT; English for other languages."""
    return PHRASEBOOKS.get(language.split("-")[0].lower(), PHRASEBOOKS["en"])
