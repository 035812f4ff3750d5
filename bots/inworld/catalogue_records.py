"""Voices and models in Inworld's lists, as records to store. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from bots.config.text import clean

TEXT_LENGTH = 400
PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class CatalogueRecord:
    """A voice or a model; requests name it by `id`."""

    id: str

    @classmethod
    def stored(cls, record: Mapping[str, Any]) -> Self:
        """Read a record that `asdict` wrote, perhaps in an earlier version."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: record[name] for name in names & set(record)})


@dataclass(frozen=True, slots=True)
class Voice(CatalogueRecord):
    """A voice; `languages` are tags such as en-GB, empty for a voice of any."""

    name: str = ""
    languages: Sequence[str] = ()
    gender: str = ""
    age: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    is_own: bool = False

    @classmethod
    def from_inworld(cls, record: Mapping[str, Any]) -> Self | None:
        """Read Inworld's description; None if it has no id."""
        voice_id = _text(record.get("voiceId"))
        if not voice_id:
            return None
        spoken = [record.get("langCode"), *_texts(record.get("promptLanguages"))]
        return cls(
            voice_id,
            name=_text(record.get("displayName")) or voice_id,
            languages=_unique(_tag(_text(code)) for code in spoken),
            gender=_text(record.get("gender")).lower(),
            age=_text(record.get("ageGroup")).replace("_", " "),
            description=_text(record.get("description")),
            tags=_unique(_texts(record.get("tags"))),
            is_own=_text(record.get("source")) in ("IVC", "PVC"),
        )


@dataclass(frozen=True, slots=True)
class LanguageModel(CatalogueRecord):
    """A model; prices in dollars for a million tokens, `context` in tokens.

    `parameters` are those of requests that it takes, empty if Inworld does not say.
    """

    vendor: str = ""
    provider: str = ""
    context: int | None = None
    price_read: float | None = None
    price_written: float | None = None
    is_supported: bool = True
    parameters: Sequence[str] = ()

    def takes(self, parameter: str) -> bool:
        """False if Inworld lists the model's parameters, and this is none of them."""
        return not self.parameters or parameter in self.parameters

    @classmethod
    def from_inworld(cls, record: Mapping[str, Any]) -> Self | None:
        """Read Inworld's description; None if it has no id or does not write text."""
        model, provider = _text(record.get("model")), _text(record.get("provider"))
        spec, pricing = _object(record.get("spec")), _object(record.get("pricing"))
        written = spec.get("outputModalities")
        if not model or (written is not None and "text" not in _texts(written)):
            return None
        named = not provider or model.startswith(f"{provider}/")
        context = _number(spec.get("contextLength"))
        return cls(
            model if named else f"{provider}/{model}",
            vendor=_text(record.get("modelCreator")),
            provider=provider or model.partition("/")[0],
            context=None if context is None else int(context),
            price_read=_price(pricing, "prompt", "promptToken"),
            price_written=_price(pricing, "completion", "completionToken"),
            is_supported=record.get("isSupported") is not False,
            parameters=_unique(map(str.lower, _texts(spec.get("supportedParameters")))),
        )


RecordType = type[Voice] | type[LanguageModel]


def from_inworld(
    record_type: RecordType, descriptions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Records to store, sorted by id; each id occurs once."""
    records = (record_type.from_inworld(description) for description in descriptions)
    by_id = {record.id: record for record in records if record}
    return [asdict(by_id[key]) for key in sorted(by_id, key=lambda key: key.casefold())]


def _text(value: object) -> str:
    return clean(value, TEXT_LENGTH).strip() if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [_text(text) for text in value] if isinstance(value, list) else []


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, texts)))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tag(code: str) -> str:
    """Write EN_US as en-US; AUTO means any language."""
    language, *rest = code.replace("_", "-").split("-")
    if language.lower() == "auto":
        return ""
    regions = (part.upper() if len(part) == 2 else part for part in rest)
    return "-".join([language.lower(), *regions])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _price(pricing: Mapping[str, Any], *keys: str) -> float | None:
    # The documentation and Inworld's own plugin disagree on the key.
    prices = (_number(pricing.get(key)) for key in keys)
    price = next((number for number in prices if number is not None), None)
    return None if price is None else round(price * PER_MILLION, 4)
