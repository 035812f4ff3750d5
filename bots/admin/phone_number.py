"""The admin of phone numbers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.admin.forms import PhoneNumberForm
from bots.admin.versions import VersionHistoryMixin
from bots.models import PhoneNumber


class OwnBotFilter(admin.RelatedFieldListFilter):
    """The bot of a number's own."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name who answers the numbers without one."""
        self.empty_value_display = SafeString("The default bot")
        return super().choices(changelist)


@admin.register(PhoneNumber)
class PhoneNumberAdmin(VersionHistoryMixin, admin.ModelAdmin):
    """The numbers callers dial."""

    form = PhoneNumberForm
    list_display = ["number", "label", "answered_by", "is_active"]
    list_filter = ["is_active", ("bot", OwnBotFilter)]
    list_select_related = ["bot"]
    search_fields = ["number", "label", "bot__name"]

    def save_model(
        self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool
    ) -> None:
        """Save, and lead to what a caller will hear now."""
        super().save_model(request, obj, form, change)
        query = urlencode({"number": obj.number})
        address = f"{reverse('admin:number-preview')}?{query}"
        link = format_html('<a href="{}">Test {}</a>', address, obj.number)
        self.message_user(request, link, messages.SUCCESS)

    @admin.display(description="bot", ordering="bot__name")
    def answered_by(self, number: PhoneNumber) -> str:
        """Name the bot, or say that the default one answers."""
        return number.bot.name if number.bot else "The default bot"
