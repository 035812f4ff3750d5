"""The values of a file are saved as its form would save them, or refused as it does."""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import ForeignKey
from django.forms import ModelForm, model_to_dict, modelform_factory

from bots.admin.bot_files.bot_file import Values, settings_of
from bots.admin.editor.inlines import BOT_INLINES, missing_person
from bots.admin.forms import MAX_TOOLS
from bots.admin.tool import ParameterInline
from bots.config.bot_config import TRANSFER_NUMBER
from bots.models import Bot, MenuKey, Tool
from bots.models.version_rows import record_rows, row_values, rows_of
from bots.phone_numbers.fields import PastedNumberField
from bots.versions.change import label_of
from bots.versions.row_changes import LISTS, TOOLS

REASON = "Applied from a file"
# Fields that take a number in any spelling.
NUMBERS = {"transfer_number", "number"}
MOST_ROWS = {
    "parameters": ParameterInline.max_num,
    **{inline.prefix(): inline.max_num for inline in BOT_INLINES},
}


def save(instance: Bot | Tool, values: Values, where: str) -> list[str]:
    """Save settings and lists; returns the reasons if they are refused.

    Nothing is saved then, or the caller rolls it back.
    """
    form = _form(instance, values, [*settings_of(type(instance))])
    reasons = _reasons(form, where)
    if reasons:
        return reasons
    instance._change_reason = REASON  # type: ignore[union-attr]
    form.save()
    present = rows_of(instance)
    # People before keys, because keys name them.
    for name in (name for name in instance.row_lists if name in values):
        if name == TOOLS:
            reasons += _save_tools(instance, values[TOOLS], where)
        else:
            reasons += _save_rows(instance, name, values[name], present[name], where)
    record_rows(instance)
    return reasons


def _save_tools(bot: Any, names: list[str], where: str) -> list[str]:
    if len(names) > MAX_TOOLS:
        return [f"{where}: choose at most {MAX_TOOLS} tools."]
    bot.tools.set(Tool.objects.filter(name__in=names))
    return []


def _save_rows(
    owner: Any, name: str, rows: list[Values], present: list[Values], where: str
) -> list[str]:
    """Replace a list, unless it is the same."""
    kind, most = LISTS[name], MOST_ROWS[name]
    if most is not None and len(rows) > most:
        return [f"{where}: at most {most} {kind.plural} are possible. Delete some."]
    names = [field.name for field in kind.value_fields]
    forms = [_form(kind.model(**{kind.owner: owner}), row, names) for row in rows]
    reasons = []
    for form, row in zip(forms, rows, strict=True):
        place = f"{where}, {kind.name_of(row[kind.key])}"
        reasons += _reasons(form, place) or _missing_person(form.instance, place)
    built = [row_values(form.instance, kind.owner) for form in forms]
    if reasons or built == present:
        return reasons
    getattr(owner, name).all().delete()
    for form in forms:
        form.save()
    return []


def _missing_person(row: Any, where: str) -> list[str]:
    """The reason against a key that transfers to nobody."""
    if not isinstance(row, MenuKey) or row.action != MenuKey.Action.TRANSFER:
        return []
    people = [person.name for person in row.bot.targets.all()]
    people += [TRANSFER_NUMBER] if row.bot.transfer_number else []
    if not row.target or row.target in people:
        return []
    return [f"{where}: {missing_person(row.target, people)}"]


def _form(instance: Any, values: Values, names: list[str]) -> "ModelForm[Any]":
    """A form of all fields: the values, and for the rest what is there already."""
    kinds = dict.fromkeys(NUMBERS.intersection(names), PastedNumberField)
    form = modelform_factory(type(instance), fields=names, field_classes=kinds)
    known = {name: value for name, value in values.items() if name in names}
    for name, value in known.items():
        field = instance._meta.get_field(name)
        if isinstance(field, ForeignKey) and value is not None:
            known[name] = field.related_model._default_manager.get(name=value).pk
    return form({**model_to_dict(instance, names), **known}, instance=instance)


def _reasons(form: "ModelForm[Any]", where: str) -> list[str]:
    reasons = []
    for name, errors in form.errors.items():
        text = " ".join(map(str, errors))
        if name != NON_FIELD_ERRORS:
            text = f"{label_of(form.instance._meta.get_field(name))}: {text}"
        reasons.append(f"{where}, {text}")
    return reasons
