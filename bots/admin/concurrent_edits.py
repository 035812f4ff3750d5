"""Two people, or two tabs, that edit one object at the same time.

A form carries the version with which it was opened. What somebody else has changed
since is kept if the form still has the old value. If both changed a field, the second
person sees the other value and chooses: saving again keeps their own.
"""

import json
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.html import format_html

from bots.config.text import one_line
from bots.models.version_rows import rows_of
from bots.versions import history

MAX_SHOWN = 500  # characters of the other value
CHANGED = "{} changed this meanwhile, to “{}”. Save again to keep yours."
TAKE = ' <button type="button" class="take" data-field="{}" data-value="{}">{}</button>'
ROWS_CHANGED = (
    "{} changed the {} after you opened this page. Open it in a second tab to see how. "
    "Save again to keep yours."
)


class ConcurrentEditsForm(forms.ModelForm[Any]):
    """A form of an object with versions that overwrites nobody's change unseen."""

    opened_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    opened_rows = forms.CharField(required=False, widget=forms.HiddenInput)
    lists = ""  # the lists on the page, in words

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._latest: Any = None
        if self.instance.pk:
            self._versions = history.versions(type(self.instance), self.instance.pk)
            self._latest = self._versions.first()
            self._rows = digest(self.instance)
            latest = self._latest and self._latest.history_id
            self.initial["opened_version"] = latest
            self.initial["opened_rows"] = self._rows

    def clean(self) -> dict[str, Any] | None:
        """Compare with what somebody else has saved since the form was opened."""
        cleaned = super().clean()
        opened = self.cleaned_data.get("opened_version")
        latest = self._latest
        if not (latest and opened) or opened >= latest.history_id:
            return cleaned
        # Shown again, the form shows what the other person did.
        data: Any = self.data
        self.data = data.copy()
        if before := self._versions.filter(history_id=opened).first():
            self._merge(before, history.author(latest))
        self._put("opened_version", latest.history_id)
        if self.cleaned_data.get("opened_rows") != self._rows:
            self._put("opened_rows", self._rows)
            self.add_error(
                None, ROWS_CHANGED.format(history.author(latest), self.lists)
            )
        return cleaned

    def _merge(self, before: Any, author: str) -> None:
        for field in self.instance._meta.concrete_fields:
            name = field.name
            if name not in self.cleaned_data or not hasattr(before, field.attname):
                continue
            was, theirs = (
                field.value_from_object(value) for value in (before, self.instance)
            )
            mine = self.cleaned_data[name]
            mine = mine.pk if isinstance(mine, Model) else mine
            if theirs in (was, mine):
                continue
            if mine == was:
                self.cleaned_data[name] = getattr(self.instance, name)
                self._put(name, theirs)
            else:
                self.add_error(name, _conflict(self.add_prefix(name), theirs, author))

    def _put(self, name: str, value: Any) -> None:
        self.data[self.add_prefix(name)] = "" if value is None else str(value)  # type: ignore[index]


def digest(instance: Any) -> str:
    """A short text that changes when a row of the object's lists does."""
    rows = rows_of(instance) if hasattr(instance, "row_lists") else {}
    return sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _conflict(field: str, theirs: Any, author: str) -> ValidationError:
    value = "" if theirs is None else str(theirs)
    shown = one_line(value, MAX_SHOWN) if value else "nothing"
    text = format_html(CHANGED, author, shown)
    return ValidationError(text + format_html(TAKE, field, value, "Use the other one"))
