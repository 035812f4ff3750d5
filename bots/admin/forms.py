"""The forms of bots, of their inlines and of phone numbers."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bots.admin.concurrent_edits import ConcurrentEditsForm
from bots.admin.editor.fields import DaysInput, HoursInput
from bots.config.phrasebook import NAMES, phrasebook
from bots.models import Bot, PhoneNumber, TransferTarget
from bots.opening.public_holidays import countries, regions
from bots.phone_numbers.fields import PastedNumberField

# OpenAI's models take 128 functions, of which some are built in.
MAX_TOOLS = 100
THREE_ROW_FIELDS = {
    *NAMES,
    *("fallback_models", "hints", "greeting"),
    *("consent_message", "variables", "summary_prompt", "summary_fields"),
    *("when_to_use", "message"),
    *("description", "headers", "failure_instructions"),  # of a tool
}


DAYS_EXAMPLE = """\
2026-12-24: 9:00-13:00 (Christmas Eve)
2026-08-03 to 2026-08-21: closed (Summer break)
12-31: closed (comes every year)"""


class PhoneNumberForm(ConcurrentEditsForm):
    """A phone number and its bot."""

    class Meta:
        model = PhoneNumber
        exclude: list[str] = []
        field_classes = {
            "number": PastedNumberField,
            "transfer_number": PastedNumberField,
        }
        widgets = {
            "opening_hours": HoursInput,
            "holiday_country": forms.Select,
            "holiday_region": forms.Select,
            "special_days": DaysInput(
                {"rows": 5, "dir": "auto", "placeholder": DAYS_EXAMPLE}
            ),
            "closed_message": forms.Textarea({"rows": 3, "dir": "auto"}),
        }
        help_texts = {
            "number": "With + and country code, for example +1 415 555 0100.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(bot := self.fields.get("bot"), forms.ModelChoiceField):
            bot.empty_label = "The default bot"
        if "holiday_country" in self.fields:
            self._list_holidays()

    def _list_holidays(self) -> None:
        """List the countries, and the regions of the one that is chosen."""
        chosen = self["holiday_country"].value() or ""
        lists = {
            "holiday_country": [("", "No holidays"), *countries().items()],
            "holiday_region": [("", "The whole country"), *regions(chosen).items()],
        }
        for name, choices in lists.items():
            widget: Any = self.fields[name].widget
            widget.choices = choices

    def clean_number(self) -> str:
        """Refuse a number that exists, and name the bot that answers it."""
        number: str = self.cleaned_data["number"]
        same = PhoneNumber.objects.filter(number=number).exclude(pk=self.instance.pk)
        if "number" in self.changed_data and (taken := same.first()):
            bot = taken.bot.name if taken.bot else "The default bot"
            raise forms.ValidationError(
                f"{bot} already answers this number. Change it under Phone numbers."
            )
        return number


class ToolChoice(forms.CheckboxSelectMultiple):
    """Checkboxes for tools, each with its description and a link to its page."""

    may_open = may_add = False

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        context = self.get_context(name, value, attrs)
        context |= {"may_open": self.may_open, "may_add": self.may_add}
        return render_to_string("admin/bots/bot/tools.html", context)


class TextForm(forms.ModelForm[Any]):
    """A form without maxlength: a browser would cut pasted text without a word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("maxlength", None)
            if name in THREE_ROW_FIELDS:
                field.widget.attrs["rows"] = 3
            if isinstance(field.widget, forms.Textarea | forms.TextInput):
                field.widget.attrs["dir"] = "auto"
        if language := getattr(self.instance, "language", ""):
            self._show_standard_sentences(language)

    def _show_standard_sentences(self, language: str) -> None:
        """Show in empty fields what the bot says instead."""
        for name, sentence in asdict(phrasebook(language)).items():
            if name in self.fields:
                self.fields[name].widget.attrs["placeholder"] = sentence


class TargetForm(TextForm):
    """A person that callers can be transferred to."""

    class Meta:
        model = TransferTarget
        exclude: list[str] = []
        field_classes = {"number": PastedNumberField}
        widgets = {"opening_hours": HoursInput}
        help_texts = {"number": "With + and country code, for example +1 415 555 0100."}


class BotForm(ConcurrentEditsForm, TextForm):
    """The settings of a bot."""

    lists = "tools, people, keys or languages of this bot"

    class Meta:
        model = Bot
        exclude: list[str] = []
        field_classes = {"transfer_number": PastedNumberField}
        widgets = {"tools": ToolChoice}

    def _get_validation_exclusions(self) -> set[str]:
        """Let a bot be the default while another is: saving takes it from the other."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions | {"is_default"}

    def clean_tools(self) -> Any:
        """Refuse more tools than a model can choose from."""
        tools = self.cleaned_data["tools"]
        if len(tools) > MAX_TOOLS:
            raise forms.ValidationError(f"Choose at most {MAX_TOOLS} tools.")
        return tools

    def clean_retention_days(self) -> int:
        """Read an empty field as 0: calls are never deleted."""
        return self.cleaned_data["retention_days"] or 0
