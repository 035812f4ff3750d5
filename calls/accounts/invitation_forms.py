"""Forms of invitations: for the superuser, and for the person who was invited."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from bots.config.text import one_line
from bots.models import Bot
from calls.models import Invitation

HAS_ACCOUNT = "Somebody with this address can sign in already. See the list of people."
IS_INVITED = "This address was invited before. Send that invitation again, below."
CHOOSE_BOTS = "Choose at least one bot."
ALL, SOME = "all", "some"


class InvitationForm(forms.ModelForm[Invitation]):
    """Whom to invite, and for which role."""

    reach = forms.ChoiceField(
        label="For",
        choices=[(ALL, "All bots, also future ones"), (SOME, "Only these bots:")],
        initial=ALL,
        widget=forms.RadioSelect,
    )
    bots = forms.ModelMultipleChoiceField(
        Bot.objects.order_by("name"),
        label="Bots",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Invitation
        fields = ["email", "name", "role"]
        widgets = {"role": forms.RadioSelect}
        labels = {"email": "Mail address", "name": "Name (optional)"}

    def clean_email(self) -> str:
        """Refuse somebody who is here already, or invited."""
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError(HAS_ACCOUNT)
        invited = Invitation.objects.select_related("invited_by")
        if any(each.is_open for each in invited.filter(email__iexact=email)):
            raise ValidationError(IS_INVITED)
        return email

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        """Ask for bots where the role is for some; a superuser has all."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_superuser = cleaned.get("role") == Invitation.Role.SUPERUSER
        self.instance.all_bots = is_superuser or cleaned.get("reach") == ALL
        if self.instance.all_bots:
            cleaned["bots"] = Bot.objects.none()
        elif not cleaned.get("bots"):
            self.add_error("bots", CHOOSE_BOTS)
        return cleaned


class AcceptForm(UserCreationForm[User]):
    """The name and the password of the person who was invited."""

    first_name = forms.CharField(label="Your name", max_length=150)

    class Meta:
        model = User
        fields = ["first_name", "username"]
        labels = {"username": "User name, to sign in with"}
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].widget.attrs.pop("autofocus", None)
        self.fields["first_name"].widget.attrs["autocomplete"] = "name"

    def clean_first_name(self) -> str:
        return one_line(self.cleaned_data["first_name"])

    field_order = ["first_name", "username", "password1", "password2"]
