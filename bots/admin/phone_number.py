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
    """Filter by bot; numbers without one are listed under the default bot."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Label the choice for numbers without a bot."""
        self.empty_value_display = SafeString("The default bot")
        return super().choices(changelist)


@admin.register(PhoneNumber)
class PhoneNumberAdmin(VersionHistoryMixin):
    """The list of phone numbers and their form."""

    form = PhoneNumberForm
    list_display = ["number", "label", "answered_by", "is_active"]
    list_filter = ["is_active", ("bot", OwnBotFilter)]
    list_select_related = ["bot"]
    search_fields = ["number", "label", "bot__name"]

    def save_model(
        self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool
    ) -> None:
        """Save, then link to the page that shows what callers hear."""
        super().save_model(request, obj, form, change)
        query = urlencode({"number": obj.number})
        url = f"{reverse('admin:number-preview')}?{query}"
        link = format_html('<a href="{}">Test {}</a>', url, obj.number)
        self.message_user(request, link, messages.SUCCESS)

    @admin.display(description="bot", ordering="bot__name")
    def answered_by(self, number: PhoneNumber) -> str:
        """Name the bot that answers."""
        return number.bot.name if number.bot else "The default bot"
