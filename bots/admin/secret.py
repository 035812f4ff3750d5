"""The admin of passwords and keys. A value can be entered, but never read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MinLengthValidator, RegexValidator
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from bots.admin.changelist import moment_column
from bots.admin.tool import ShowsUsage
from bots.admin.usage import linked, users_of
from bots.models import Secret

MIN_SECRET_LENGTH = 6
UNREADABLE = "Unreadable: saved with another SECRET_KEY. Enter the value again."


class SecretForm(forms.ModelForm[Secret]):
    """The form of a secret. Its value can be entered, but is never sent back."""

    value = forms.CharField(
        max_length=4000,
        validators=[
            MinLengthValidator(MIN_SECRET_LENGTH),
            RegexValidator(
                r"^[\x20-\x7e]+\Z",
                "Use one line of letters (without accents), digits and signs.",
            ),
        ],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Secret
        fields = ["name", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = self.instance.pk is None
        self.fields["value"].required = is_new
        self.fields["value"].help_text = (
            "Stored encrypted. It is never shown again."
            if is_new
            else "Enter a new value to replace the old one. Empty: the old value stays."
        )

    def save(self, commit: bool = True) -> Any:
        """Encrypt the value if a new one was entered."""
        if value := self.cleaned_data["value"]:
            self.instance.set_value(value)
        return super().save(commit)


@admin.register(Secret)
class SecretAdmin(ShowsUsage):
    """Passwords and keys that tools and webhooks send."""

    form = SecretForm
    fields = ["name", "value", "note", "state", "used_by"]
    list_display = ["name", "note", "state", "changed"]
    changed = moment_column("changed_at", "changed")
    search_fields = ["name", "note"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Make the name of a saved secret read-only: settings refer to it."""
        return ["state", "used_by", *(["name"] if obj else [])]

    @method_decorator(sensitive_post_parameters("value"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Keep the value out of error reports."""
        return super().changeform_view(request, object_id, form_url, extra_context)

    @admin.display(description="state")
    def state(self, secret: Secret) -> str:
        """Show if the value can still be decrypted."""
        if secret.pk is None:
            return "Not saved yet."
        return "Saved, encrypted." if secret.is_readable else UNREADABLE

    @admin.display(description="used by")
    def used_by(self, secret: Secret) -> str:
        """Link to the tools that name it and the bots whose webhook it signs."""
        return linked(users_of(secret)) or "Nothing yet."
