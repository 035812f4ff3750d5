"""The admin of the rules for alerts."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from bots.admin.changelist import ConsoleAdmin
from bots.config.summary_spec import SummarySpec
from bots.config.text import one_line
from bots.models import Bot
from bots.opening.diversion import OUTCOMES
from calls.models import AlertChannel, AlertRule
from calls.models.alert import FIRST_HOUR, FIRST_WINDOW, Delivery, Event

# The settings that only rules of some events have, and their values in all others.
OWN_FIELDS: dict[str, tuple[tuple[Event, ...], Any]] = {
    "outcome": ((Event.OUTCOME,), ""),
    "max_seconds": ((Event.SLOW,), None),
    "max_percent": ((Event.ERRORS,), None),
    "window_minutes": (AlertRule.MEASURED, FIRST_WINDOW),
    "bot": (tuple(event for event in Event if event is not Event.TROUBLE), None),
}
NEEDED = {
    Event.OUTCOME: ("outcome", "Write the outcome."),
    Event.SLOW: ("max_seconds", "Write the seconds."),
    Event.ERRORS: ("max_percent", "Write the share."),
}
NO_SUCH_OUTCOME = "No call can have this outcome. There are: {}."
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
        widgets = {
            "outcome": forms.TextInput({"list": "outcomes", "autocomplete": "off"})
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "channels" in self.fields:
            self.fields["channels"].help_text = format_html(
                '<a href="{}">Alert channels</a> lists them, and adds more.',
                reverse("admin:calls_alertchannel_changelist"),
            )

    def clean(self) -> dict[str, Any] | None:
        """Ask for what the event needs, and leave out what the page hides for it."""
        cleaned = super().clean() or {}
        event = cleaned.get("event")
        for name, (events, otherwise) in OWN_FIELDS.items():
            if event and event not in events:
                self.errors.pop(name, None)
                cleaned[name] = otherwise
        if event in NEEDED:
            name, words = NEEDED[Event(event)]
            if name not in self.errors and cleaned.get(name) in (None, ""):
                self.add_error(name, words)
        if event == Event.OUTCOME and cleaned.get("outcome"):
            cleaned["outcome"] = self._known_outcome(cleaned)
        if cleaned.get("delivery") != Delivery.DAILY:
            self.errors.pop("daily_hour", None)
            cleaned["daily_hour"] = FIRST_HOUR
        return cleaned

    def _known_outcome(self, cleaned: dict[str, Any]) -> str:
        """The outcome as it is written at the bot: one that none has is never told."""
        bot, typed = cleaned.get("bot"), one_line(cleaned["outcome"])
        known = outcomes_of([bot] if bot else Bot.objects.all())
        for outcome in known:
            if outcome.casefold() == typed.casefold():
                return outcome
        self.add_error("outcome", NO_SUCH_OUTCOME.format(", ".join(known)))
        return typed

    def save(self, commit: bool = True) -> Any:
        self.instance.is_for_all_bots = self.cleaned_data["bot"] is None
        return super().save(commit)


def outcomes_of(bots: Iterable[Bot]) -> list[str]:
    """The outcomes of calls of some bots, and of messages taken for them."""
    written = [*(bot.outcomes for bot in bots), OUTCOMES]
    found = (SummarySpec.of("", text, "").outcomes for text in written)
    return list(dict.fromkeys(one_line(name) for names in found for name in names))


@admin.register(AlertRule)
class AlertRuleAdmin(ConsoleAdmin[AlertRule]):
    """The list of rules and their form."""

    form = AlertRuleForm
    list_display = ["what", "of_bot", "sent_to", "soon", "is_active"]
    list_display_links = ["what"]
    list_select_related = ["bot"]
    fieldsets = (
        (None, {"fields": ["event", "bot", "outcome"]}),
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

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Suggest the outcomes of all bots."""
        context["outcomes"] = outcomes_of(Bot.objects.all())
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Without a channel, the first step is to add one."""
        context = {"has_channels": AlertChannel.objects.exists()}
        return super().changelist_view(request, {**context, **(extra_context or {})})

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
