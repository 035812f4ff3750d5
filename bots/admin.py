"""The operator's desk: bots and the numbers that lead to them."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bots.models import Bot, PhoneNumber

# What people write between digits, and the invisible marks that come with a copy
# from a contact list: every kind of dash, and the signs for writing direction.
SEPARATORS = re.compile(
    r"[\s().\-/\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
TRUNK_ZERO = re.compile(r"(?<=\d)\s*\(0\)")  # as in +44 (0)20: not dialled from abroad
NUMBERS_SHOWN = 3
SHORT_TEXTS = {
    *("fallback_models", "hints", "greeting", "backchannels", "silence_question"),
    *("time_warning", "goodbye", "apology", "transfer_notice"),
}


class PastedNumberField(forms.CharField):
    """A phone number, written any way people write them."""

    def to_python(self, value: Any) -> str:
        """Reduce what was pasted to + and digits; the model refuses the rest."""
        number = SEPARATORS.sub("", TRUNK_ZERO.sub("", super().to_python(value) or ""))
        return f"+{number[2:]}" if number.startswith("00") else number

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser take more than the bare number is long."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return {**attrs, "inputmode": "tel", "placeholder": "+14155550100"}


class PhoneNumberForm(forms.ModelForm):
    """A number and the bot that answers it."""

    class Meta:
        model = PhoneNumber
        fields = ["number", "label", "bot", "is_active"]
        field_classes = {"number": PastedNumberField}
        help_texts = {"number": "With + and country code, for example +1 415 555 0100."}


class BotForm(forms.ModelForm):
    """A bot's settings; the number to put callers through to may be pasted."""

    class Meta:
        model = Bot
        exclude: list[str] = []
        field_classes = {"transfer_number": PastedNumberField}


class PhoneNumberInline(admin.TabularInline):
    """The numbers of one bot, on its own page."""

    model = PhoneNumber
    form = PhoneNumberForm
    fields = ["number", "label", "is_active"]
    extra = 0
    verbose_name_plural = "Numbers this bot answers"


@admin.register(Bot)
class BotAdmin(admin.ModelAdmin):
    """Everything about a bot on one page, in the order one thinks about it."""

    list_display = [
        "name",
        "is_active",
        "is_default",
        "llm_model",
        "tts_voice",
        "answers",
    ]
    list_filter = ["is_active", "transcription_provider"]
    search_fields = ["name", "system_prompt", "numbers__number", "numbers__label"]
    form = BotForm
    inlines = [PhoneNumberInline]
    fieldsets = [
        (
            "Who it is",
            {
                "description": "Its name in this desk, and whether it answers calls.",
                "fields": ["name", "is_active", "is_default"],
            },
        ),
        (
            "What it says",
            {
                "description": "The first sentence, and the instructions for the rest.",
                "fields": ["greeting", "system_prompt"],
            },
        ),
        (
            "Brain",
            {
                "description": "The language model that writes the answers.",
                "fields": [
                    "llm_model",
                    "fallback_models",
                    "max_reply_tokens",
                    "temperature",
                ],
            },
        ),
        (
            "Voice",
            {
                "description": "What the answers sound like.",
                "fields": ["tts_voice", "tts_model", "quick_start"],
            },
        ),
        (
            "Listening",
            {
                "description": "How the caller's words are turned into text.",
                "fields": [
                    "language",
                    "transcription_provider",
                    "speech_model",
                    "hints",
                ],
            },
        ),
        (
            "On the line",
            {
                "description": "Its manners when a caller speaks up or presses a key.",
                "fields": [
                    "interruptible",
                    "interrupt_sensitivity",
                    "backchannels",
                    "dtmf_detection",
                    "mask_keys",
                ],
            },
        ),
        (
            "Silence and length",
            {
                "description": "What it does when nobody speaks, and how long a call "
                "may take.",
                "fields": [
                    "silence_seconds",
                    "silence_prompts",
                    "silence_question",
                    "max_call_minutes",
                    "time_warning",
                    "goodbye",
                ],
            },
        ),
        (
            "When things fail",
            {
                "description": "What a caller hears when no answer can be had.",
                "fields": ["apology", "transfer_number", "transfer_notice"],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bot]:
        """Fetch every bot's numbers in one query."""
        return super().get_queryset(request).prefetch_related("numbers")

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Give lists of a few short lines a small box."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in SHORT_TEXTS:
            field.widget.attrs["rows"] = 3
        return field

    @admin.display(description="numbers")
    def answers(self, bot: Bot) -> str:
        """List the first few numbers that lead to the bot."""
        numbers = [number.number for number in bot.numbers.all()]
        more = len(numbers) - NUMBERS_SHOWN
        shown = ", ".join(numbers[:NUMBERS_SHOWN])
        return f"{shown} and {more} more" if more > 0 else shown or "-"


@admin.register(PhoneNumber)
class PhoneNumberAdmin(admin.ModelAdmin):
    """The numbers callers dial."""

    form = PhoneNumberForm
    list_display = ["number", "label", "answered_by", "is_active"]
    list_filter = ["is_active", "bot"]
    list_select_related = ["bot"]
    search_fields = ["number", "label", "bot__name"]

    @admin.display(description="bot", ordering="bot__name")
    def answered_by(self, number: PhoneNumber) -> str:
        """Name the bot, or say that the default one answers."""
        return number.bot.name if number.bot else "(the default bot)"
