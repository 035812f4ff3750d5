"""Trying a tool from its page: the real request with values typed into a form."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from bots.admin.usage import bots_with
from bots.config.capabilities import Parameter, ToolSpec
from bots.config.example_values import EXAMPLE_VALUES
from bots.config.placeholders import (
    BUILT_IN,
    SECRET,
    Values,
    flatten,
    names,
    parse_declared,
)
from bots.models import Bot, Tool
from bots.models.menu_key import MenuKey
from bots.responses import PAGE_SECONDS
from bots.tools.runner import ToolResult, look_up, use_tool

ANY_VALUE = ("", "(left out)")
MAX_VALUE_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial. `values` are the variables that a lookup provides."""

    result: ToolResult
    values: Values


class TrialForm(forms.Form):
    """Fields for a tool's arguments and for the variables that its settings use."""

    def __init__(self, tool: Tool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spec = tool.spec()
        seconds = min(spec.timeout_seconds, PAGE_SECONDS)
        self.spec = replace(spec, timeout_seconds=seconds)
        self.only_looks_up = _only_looks_up(tool)
        if not self.only_looks_up:
            for parameter in self.spec.parameters:
                self.fields[f"argument-{parameter.name}"] = _field(parameter)
        for name, example in _variables(tool, self.spec, self.only_looks_up).items():
            self.fields[f"variable-{name}"] = forms.CharField(
                label=f"{{{{{name}}}}}",
                required=False,
                initial=example,
                max_length=MAX_VALUE_LENGTH,
                help_text=BUILT_IN.get(name, "A variable of the call."),
            )

    def run(self) -> Trial:
        """Make the request. The thread must have no running event loop."""
        values = self._values("variable-")
        if self.only_looks_up:
            result = asyncio.run(look_up(self.spec, values))
            return Trial(result, {} if result.error else flatten(result.json))
        arguments = self._values("argument-")
        return Trial(asyncio.run(use_tool(self.spec, arguments, values)), {})

    def _values(self, prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): value
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix) and value not in (None, "")
        }


def _only_looks_up(tool: Tool) -> bool:
    """True if bots use the tool only for lookups, which have no arguments."""
    looks_up = Bot.objects.filter(lookup_tool=tool).exists()
    used = tool.bots.exists() or MenuKey.objects.filter(tool=tool).exists()
    return looks_up and not used


def _variables(tool: Tool, spec: ToolSpec, looks_up: bool) -> dict[str, str]:
    """The variables that the request uses, with the example values of the bots."""
    declared: dict[str, str] = {}
    for bot in bots_with(tool):
        declared |= parse_declared(bot.variables)
    used: Iterable[str] = names(f"{spec.url} {spec.headers}")
    if looks_up and spec.method not in ("GET", "DELETE"):
        used = [*used, *BUILT_IN, *declared]  # a lookup sends all of them in its body
    examples = {**declared, **EXAMPLE_VALUES}
    arguments = {parameter.name for parameter in spec.parameters}
    return {
        name: examples.get(name, "")
        for name in used
        if name not in arguments and not name.startswith(SECRET)
    }


def _field(parameter: Parameter) -> forms.Field:
    """A form field for the parameter's type."""
    options: dict[str, Any] = {
        "label": parameter.name,
        "required": parameter.required,
        "help_text": parameter.description,
    }
    if parameter.type == "integer":
        return forms.IntegerField(**options)
    if parameter.type == "number":
        return forms.FloatField(**options)
    if parameter.type == "boolean":
        choices = [ANY_VALUE, ("yes", "yes"), ("no", "no")]
        return forms.TypedChoiceField(
            choices=choices, coerce=lambda value: value == "yes", **options
        )
    if parameter.choices:
        choices = [ANY_VALUE, *((choice, choice) for choice in parameter.choices)]
        return forms.ChoiceField(choices=choices, **options)
    password = forms.PasswordInput(attrs={"autocomplete": "off"})
    text = forms.TextInput(attrs={"dir": "auto"})
    widget = password if parameter.secret else text
    return forms.CharField(max_length=MAX_VALUE_LENGTH, widget=widget, **options)
