"""Builds a `BotConfig` from a bot's rows, or from the JSON stored with a call."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from bots.config.bot_config import LINE_FIELDS, LIST_FIELDS, BotConfig, lines
from bots.config.capabilities import ToolSpec
from bots.config.phrasebook import resolved
from bots.inworld.catalogue_records import LanguageModel
from bots.models import Bot, InworldCatalogue
from bots.site_settings.current import site_values


def config_of(bot: Bot) -> BotConfig:
    """Resolve a bot's settings. Empty sentences come from the phrasebook.

    Queries the bot's related rows, unless it was loaded `with_related`.
    """
    names = {field.name for field in fields(BotConfig)} - LIST_FIELDS.keys()
    values: dict[str, Any] = {name: getattr(bot, name) for name in names}
    values |= resolved(bot.language, values)
    values["consent_message"] = values["consent_message"].strip()
    values["fallback_models"] = lines(values["fallback_models"])
    secret = bot.webhook_secret
    if bot.pk and not bot.time_zone:
        values["time_zone"] = site_values().time_zone
    values["temperature"] = _temperature(bot)
    values["webhook_secret"] = secret.name if secret else ""
    values["lookup_tool"] = bot.lookup_tool.spec() if bot.lookup_tool else None
    return BotConfig(**values | _related(bot))


def _temperature(bot: Bot) -> float | None:
    """The bot's temperature, unless Inworld lists its model as one that takes none."""
    if bot.temperature is None:
        return None
    listed = InworldCatalogue.objects.filter(kind=InworldCatalogue.Kind.MODELS).first()
    entries = listed.entries if listed else ()
    models = (LanguageModel.stored(x) for x in entries if x["id"] == bot.llm_model)
    is_taken = all(model.takes("temperature") for model in models)
    return bot.temperature if is_taken else None


def config_from_json(stored: Mapping[str, Any]) -> BotConfig:
    """Read the output of `BotConfig.to_json`.

    Missing fields get the values of a new bot; unknown ones are ignored.
    """
    values = {**_defaults(), **stored}
    settings = {field.name: values[field.name] for field in fields(BotConfig)}
    settings |= {name: tuple(settings[name]) for name in LINE_FIELDS}
    for name, kind in LIST_FIELDS.items():
        settings[name] = tuple(map(kind.of, settings[name]))
    if lookup := settings["lookup_tool"]:
        settings["lookup_tool"] = ToolSpec.of(lookup)
    return BotConfig(**settings)


@cache
def _defaults() -> dict[str, Any]:
    return config_of(Bot()).to_json()


def _related(bot: Bot) -> dict[str, tuple[Any, ...]]:
    """Read the settings that have tables of their own; an unsaved bot has none."""
    if bot.pk is None:
        return dict.fromkeys(LIST_FIELDS, ())

    def rows(name: str) -> Iterable[Any]:
        may_have_rows = getattr(bot, f"has_{name}", True)  # `first_with_related`
        return getattr(bot, name).all() if may_have_rows else ()

    return {
        "tools": tuple(tool.spec() for tool in rows("tools")),
        "targets": tuple(target.to_config() for target in rows("targets")),
        "menu": tuple(key.to_config() for key in rows("menu_keys")),
        "languages": tuple(language.to_config() for language in rows("languages")),
    }
