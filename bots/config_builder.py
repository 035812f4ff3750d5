"""Builds the settings of a call: from a bot's rows, or from JSON kept with a call."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Any

from bots.config.bot_config import LINE_FIELDS, LIST_FIELDS, BotConfig, lines
from bots.config.capabilities import ToolSpec
from bots.config.phrasebook import phrasebook
from bots.models import Bot


def config_of(bot: Bot) -> BotConfig:
    """Resolve a bot's settings; its language fills in what the bot leaves open.

    Reads the bot's related rows from the database, unless they came `with_related`.
    """
    names = {field.name for field in fields(BotConfig)} - LIST_FIELDS.keys()
    values: dict[str, Any] = {name: getattr(bot, name) for name in names}
    for name, usual in asdict(phrasebook(bot.language)).items():
        if name in values:
            values[name] = values[name].strip() or usual
    values |= {name: lines(values[name]) for name in LINE_FIELDS}
    secret = bot.webhook_secret
    values["webhook_secret"] = secret.name if secret else ""
    values["lookup_tool"] = bot.lookup_tool.spec() if bot.lookup_tool else None
    return BotConfig(**values | _related(bot))


def config_from_json(stored: Mapping[str, Any]) -> BotConfig:
    """Read what `BotConfig.to_json` wrote; missing fields get a new bot's values."""
    values = {**_defaults(), **stored}
    known = {field.name: values[field.name] for field in fields(BotConfig)}
    known |= {name: tuple(known[name]) for name in LINE_FIELDS}
    for name, kind in LIST_FIELDS.items():
        known[name] = tuple(map(kind.of, known[name]))
    lookup = known["lookup_tool"]
    known["lookup_tool"] = ToolSpec.of(lookup) if lookup else None
    return BotConfig(**known)


@cache
def _defaults() -> dict[str, Any]:
    return config_of(Bot()).to_json()


def _related(bot: Bot) -> dict[str, tuple[Any, ...]]:
    """Settings that stand in tables of their own; an unsaved bot has none."""
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
