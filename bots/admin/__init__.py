"""The admin of bots, numbers, tools and secrets. Importing it registers them."""

from bots.admin.bot import BotAdmin
from bots.admin.phone_number import PhoneNumberAdmin
from bots.admin.secret import SecretAdmin
from bots.admin.tool import ToolAdmin

__all__ = ["BotAdmin", "PhoneNumberAdmin", "SecretAdmin", "ToolAdmin"]
