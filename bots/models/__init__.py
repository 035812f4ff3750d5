"""Tables: bots, phone numbers, tools, and passwords and keys."""

from bots.models.bot import MAX_RETENTION_DAYS, Bot
from bots.models.bot_role import BotRole
from bots.models.bot_turn_taking import MAX_CALL_MINUTES
from bots.models.catalogue import InworldCatalogue
from bots.models.menu_key import MenuKey
from bots.models.phone_number import Outage, PhoneNumber, is_answered
from bots.models.secret import Secret
from bots.models.spoken_language import SpokenLanguage
from bots.models.tool import Tool, ToolParameter
from bots.models.transfer_target import MAX_HOURS_LENGTH, TransferTarget
from bots.models.voice_check import VoiceCheck
from bots.site_settings.model import SiteSettings

__all__ = [
    "MAX_CALL_MINUTES",
    "MAX_HOURS_LENGTH",
    "MAX_RETENTION_DAYS",
    "Bot",
    "BotRole",
    "InworldCatalogue",
    "MenuKey",
    "Outage",
    "PhoneNumber",
    "Secret",
    "SiteSettings",
    "SpokenLanguage",
    "Tool",
    "ToolParameter",
    "TransferTarget",
    "VoiceCheck",
    "is_answered",
]
