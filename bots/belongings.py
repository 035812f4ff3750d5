"""Bots with what belongs to them: tools, people, keys, languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef

from bots.models.menu_key import MenuKey
from bots.models.spoken_language import SpokenLanguage
from bots.models.transfer_target import TransferTarget

if TYPE_CHECKING:
    from bots.models import Bot

# What belongs to a bot in tables of its own, and what belongs to that.
BELONGINGS = {
    "tools": "tools__parameters",
    "targets": "targets",
    "menu_keys": "menu_keys__tool__parameters",
    "languages": "languages",
}


class BotQuerySet(models.QuerySet["Bot"]):
    """Bots with what belongs to them."""

    def with_related(self) -> BotQuerySet:
        """With everything that a call's settings are made of."""
        related = self.select_related("lookup_tool", "webhook_secret")
        return related.prefetch_related("lookup_tool__parameters", *BELONGINGS.values())

    def first_with_related(self) -> Bot | None:
        """The first, whole; looks only for what it has, which for a call is sooner."""
        own = {
            "tools": self.model.tools.through.objects.filter(bot=OuterRef("pk")),
            "targets": TransferTarget.objects.filter(bot=OuterRef("pk")),
            "menu_keys": MenuKey.objects.filter(bot=OuterRef("pk")),
            "languages": SpokenLanguage.objects.filter(bot=OuterRef("pk")),
        }
        has = {f"has_{name}": Exists(rows) for name, rows in own.items()}
        related = self.select_related("lookup_tool", "webhook_secret").annotate(**has)
        if bot := related.first():
            found = [BELONGINGS[name] for name in own if getattr(bot, f"has_{name}")]
            more = ["lookup_tool__parameters"] if bot.lookup_tool_id else []
            models.prefetch_related_objects([bot], *more, *found)
        return bot
