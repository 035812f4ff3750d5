"""The time at which a number opens again, as callers of each language say it. Pure."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

from bots.config.language_tags import lookup_tags

# Later than this, a day of the week alone could be another week's.
DAYS_BY_NAME = 7
ENGLISH = Locale("en")
# The Unicode locale data has these words, but the library leaves them out.
TODAY = {
    "af": "vandag",
    "ar": "اليوم",
    "bg": "днес",
    "bn": "আজ",
    "ca": "avui",
    "cs": "dnes",
    "da": "i dag",
    "de": "heute",
    "el": "σήμερα",
    "en": "today",
    "es": "hoy",
    "et": "täna",
    "eu": "gaur",
    "fa": "امروز",
    "fi": "tänään",
    "fr": "aujourd'hui",
    "gl": "hoxe",
    "gu": "આજે",
    "he": "היום",
    "hi": "आज",
    "hr": "danas",
    "hu": "ma",
    "id": "hari ini",
    "is": "í dag",
    "it": "oggi",
    "ja": "本日",
    "kn": "ಇಂದು",
    "ko": "오늘",
    "lt": "šiandien",
    "lv": "šodien",
    "ml": "ഇന്ന്",
    "mr": "आज",
    "ms": "hari ini",
    "nl": "vandaag",
    "no": "i dag",
    "pa": "ਅੱਜ",
    "pl": "dzisiaj",
    "pt": "hoje",
    "pt-PT": "hoje",
    "ro": "astăzi",
    "ru": "сегодня",
    "sk": "dnes",
    "sl": "danes",
    "sr": "данас",
    "sv": "i dag",
    "sr-Latn": "danas",
    "sw": "leo",
    "ta": "இன்று",
    "te": "ఈరోజు",
    "th": "วันนี้",
    "tl": "ngayong araw",
    "tr": "bugün",
    "uk": "сьогодні",
    "ur": "آج",
    "vi": "hôm nay",
    "zh": "今天",
    "zh-HK": "今日",
    "zh-TW": "今天",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """The time at which a number opens, `today` as seen from there."""

    at: datetime
    today: date

    @property
    def for_model(self) -> str:
        """In English and with the date, for instructions of a model."""
        at = self.at
        return f"{at:%A}, {at.day} {at:%B %Y}, {at.hour}:{at:%M}"

    def spoken(self, language: str) -> str:
        """“Monday, 9:00 AM”; `language` is a tag such as de-AT."""
        locale = _locale(language)
        pattern = str(locale.datetime_formats["full"]).replace("'", "")
        # No dashes or brackets: some voices read them out.
        pattern = pattern.replace(" - ", ", ").replace("({0})", "{0}")
        time = format_time(self.at, "short", locale=locale)
        # With ordinary spaces: a voice may not know the narrow one before AM.
        return " ".join(pattern.format(time, self._day(language, locale)).split())

    def _day(self, language: str, locale: Locale) -> str:
        days = (self.at.date() - self.today).days
        if days >= DAYS_BY_NAME:
            return format_date(self.at, "full", locale=locale)
        words = (TODAY.get(tag) for tag in lookup_tags(language) if days == 0)
        named = format_date(self.at, "EEEE", locale=locale)
        return next(filter(None, words), named)


@lru_cache(maxsize=256)
def _locale(language: str) -> Locale:
    """The nearest locale with data; English if there is none."""
    for tag in lookup_tags(language):
        with suppress(UnknownLocaleError, ValueError):
            return Locale.parse(tag, sep="-")
    return ENGLISH
