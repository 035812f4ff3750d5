"""The admin of the rules for alerts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from bots.admin.changelist import ConsoleAdmin
from bots.models import Bot
from calls.models import AlertChannel, AlertRule
from calls.models.alert import Delivery, Event

# The settings that only some rules have, and what each needs to be complete.
OWN_FIELDS = {
    Event.OUTCOME: ("outcome",),
    Event.SLOW: ("max_seconds", "window_minutes"),
    Event.ERRORS: ("max_percent", "window_minutes"),
}
NEEDED = {
    Event.OUTCOME: ("outcome", "Write the outcome."),
    Event.SLOW: ("max_seconds", "Write the seconds."),
    Event.ERRORS: ("max_percent", "Write the share."),
}
OF_ALL_BOTS = "The server is one for all bots. Choose “All bots”."
NO_CHANNEL = "Choose where to send it. If there is nothing to choose, add a channel."
BOT_DELETED = "Its bot was deleted, so it tells nothing. Choose another bot."


class AlertRuleForm(forms.ModelForm[AlertRule]):
    """A rule. Without a bot it is for all of them."""

    bot = forms.ModelChoiceField(
        Bot.objects.all(), required=False, empty_label="All bots", label="Bot"
    )
    channels = forms.ModelMultipleChoiceField(
        AlertChannel.objects.all(),
        label="Send to",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": NO_CHANNEL},
    )

    class Meta:
        model = AlertRule
        fields = [
            *("event", "bot", "outcome", "max_seconds", "max_percent"),
            *("window_minutes", "channels", "delivery", "daily_hour", "is_active"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "channels" in self.fields:
            self.fields["channels"].help_text = format_html(
                '<a href="{}">Alert channels</a> lists them, and adds more.',
                reverse("admin:calls_alertchannel_changelist"),
            )

    def clean(self) -> dict[str, Any] | None:
        """Ask for what the event needs."""
        cleaned = super().clean() or {}
        event = cleaned.get("event")
        if event in NEEDED:
            name, words = NEEDED[Event(event)]
            if name not in self.errors and cleaned.get(name) in (None, ""):
                self.add_error(name, words)
        if event == Event.TROUBLE and cleaned.get("bot"):
            self.add_error("bot", OF_ALL_BOTS)
        return cleaned

    def save(self, commit: bool = True) -> Any:
        self.instance.is_for_all_bots = self.cleaned_data["bot"] is None
        return super().save(commit)


@admin.register(AlertRule)
class AlertRuleAdmin(ConsoleAdmin[AlertRule]):
    """What is told, of which bot, where, and how soon."""

    form = AlertRuleForm
    list_display = ["what", "of_bot", "sent_to", "soon", "is_active"]
    list_display_links = ["what"]
    list_select_related = ["bot"]
    fieldsets = (
        (None, {"fields": ["event", "bot", *OWN_FIELDS[Event.OUTCOME]]}),
        (
            "Bound",
            {
                "fields": ["max_seconds", "max_percent", "window_minutes"],
                "classes": ["alert-bound"],
            },
        ),
        ("Sending", {"fields": ["channels", "delivery", "daily_hour", "is_active"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return super().get_queryset(request).prefetch_related("channels")

    @admin.display(description="tell when", ordering="event")
    def what(self, rule: AlertRule) -> str:
        """The event with its bound."""
        match rule.event:
            case Event.OUTCOME:
                return f"A call had the outcome “{rule.outcome}”"
            case Event.SLOW:
                return f"Answers are slow: more than {rule.max_seconds} s"
            case Event.ERRORS:
                return f"Many calls have errors: more than {rule.max_percent} %"
        return rule.get_event_display()

    @admin.display(description="bot", ordering="bot__name")
    def of_bot(self, rule: AlertRule) -> str:
        if rule.has_lost_its_bot:
            return format_html('<span class="lost">{}</span>', BOT_DELETED)
        return rule.bot_text[:1].upper() + rule.bot_text[1:]

    @admin.display(description="send to")
    def sent_to(self, rule: AlertRule) -> str:
        """The channels; those that are switched off say so."""
        names = (
            channel.name if channel.is_active else f"{channel.name} (off)"
            for channel in rule.channels.all()
        )
        return ", ".join(names) or "Nowhere: choose a channel"

    @admin.display(description="how soon", ordering="delivery")
    def soon(self, rule: AlertRule) -> str:
        if rule.delivery == Delivery.DAILY:
            return f"Collected, once a day at {rule.daily_hour}:00"
        return rule.get_delivery_display()
