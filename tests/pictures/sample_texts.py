"""The bots and the conversations of the sample calls."""

from typing import Any

Exchange = tuple[str, str]

BOTS: list[dict[str, Any]] = [
    {
        "name": "Bella Italia",
        "is_default": True,
        "greeting": "Bella Italia, good day! Would you like to book a table?",
        "system_prompt": "You are Bella, who takes reservations for the restaurant "
        "Bella Italia. We open at noon and close at ten in the evening, on Sundays "
        "at nine. The terrace has twelve tables. Ask for the day, the hour, the "
        "number of guests and a name, one question at a time, and repeat the "
        "reservation before you say goodbye.",
        "tts_voice": "Olivia",
        "language": "en-GB",
        "fallback_models": "google-ai-studio/gemini-2.5-flash",
        "transfer_number": "+15005550199",
    },
    {
        "name": "Harbour Dental",
        "greeting": "Harbour Dental, this is the practice assistant. How can I help?",
        "system_prompt": "You answer for the dental practice at the harbour. You make "
        "and move appointments. In pain: offer the emergency hour, every day at eight.",
        "tts_voice": "Dennis",
        "fallback_models": "openai/gpt-4o",
    },
    {
        "name": "Nordlicht Support",
        "greeting": "Nordlicht Energie, guten Tag. Worum geht es?",
        "system_prompt": "Du beantwortest Fragen zu Rechnungen und Zählerständen von "
        "Nordlicht Energie, kurz und freundlich.",
        "tts_voice": "Johanna",
        "language": "de-DE",
    },
]
NUMBERS = {
    "+15005550110": ("Reservations", "Bella Italia"),
    "+15005550111": ("Terrace and events", "Bella Italia"),
    "+15005550120": ("Practice", "Harbour Dental"),
    "+15005550130": ("Kundendienst", "Nordlicht Support"),
}
EXCHANGES: dict[str, list[Exchange]] = {
    "Bella Italia": [
        (
            "Hi, do you have a table for four on Friday evening?",
            "On Friday I have a table for four at half past six or at a quarter to "
            "nine. Which one suits you better?",
        ),
        (
            "Half past six, please. And could we sit outside?",
            "The terrace is open until eight, and after that it gets chilly. I can "
            "put you beside the window instead, where you see the harbour and stay "
            "warm. Shall I do that?",
        ),
        ("Yes, the window sounds lovely.", "Wonderful. Under which name, please?"),
        (
            "The name is Okafor.",
            "Thank you. That is a table for four by the window, on Friday at half "
            "past six, for Okafor. We look forward to seeing you.",
        ),
        (
            "Is there anything on the menu without gluten?",
            "There is. The risotto, all the fish and the panna cotta have no gluten, "
            "and the kitchen makes pasta from rice flour if you tell us in advance.",
        ),
    ],
    "Harbour Dental": [
        (
            "Hello, I need to move my appointment on Tuesday.",
            "Of course. I see Tuesday at ten with Doctor Lindgren. Which day would "
            "be better for you?",
        ),
        (
            "Thursday, if possible in the afternoon.",
            "On Thursday there is a quarter past two and four o'clock. Which one "
            "shall I take?",
        ),
        ("Four o'clock is perfect.", "Done: Thursday at four. Anything else?"),
        ("No, that's all. Thank you!", "You are welcome. Goodbye."),
    ],
    "Nordlicht Support": [
        (
            "Guten Tag, meine Abschlagszahlung ist viel zu hoch.",
            "Das sehen wir uns an. Nennen Sie mir bitte Ihre Kundennummer.",
        ),
        (
            "Einen Moment, die Nummer ist vier sieben eins null zwei.",
            "Danke. Ihr Abschlag liegt bei achtzig Euro im Monat. Mit einem neuen "
            "Zählerstand kann ich ihn senken. Haben Sie ihn zur Hand?",
        ),
        (
            "Der Zähler steht auf zwölftausenddreihundert.",
            "Vielen Dank. Der neue Abschlag ist fünfundsechzig Euro, ab dem nächsten "
            "Monat.",
        ),
    ],
}
ERROR = "Inworld is busy (429): too many requests at once."
