"""The admin of alert channels, with a button that sends a test message."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from bots.admin.changelist import ConsoleAdmin
from bots.models.secret import SecretUnreadable
from bots.phone_numbers.caller_id import E164
from bots.phone_numbers.fields import PastedNumberField
from bots.phone_numbers.masking import masked
from bots.tools.guarded_http import refused_by_policy
from calls.alerts.attempt import Result
from calls.alerts.trial import send_test
from calls.models import AlertChannel

Kind = AlertChannel.Kind
MAY_CHANGE = "calls.change_alertchannel"
MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
MAX_URL_LENGTH = 2000
# The field that each way of sending needs.
ADDRESS_FIELDS = {
    Kind.MAIL: "mail",
    Kind.SMS: "phone",
    **dict.fromkeys(AlertChannel.WEBHOOKS, "url"),
}
HIDDEN_FIELDS = {*ADDRESS_FIELDS.values(), "sender"}
NOT_A_NUMBER = "Write the number with + and country code: +14155550100."
NOT_A_SENDER = (
    "Write a number of your Twilio account, or the SID of a Messaging Service."
)
NO_ADDRESS = "Write the address."
NOT_SENT = "was not sent"
RESULTS = {
    Result.SENT: ("was sent", messages.SUCCESS),
    Result.UNKNOWN: ("was perhaps sent", messages.WARNING),
}
NEXT_STEPS = "Now send it a test message, then add a rule that says what is sent here."
ADD_RULE = 'Nothing is sent here yet. <a href="{}">Add a rule</a> that says what.'
KEEPS_URL = "Stored encrypted and never shown again. Empty: the old address stays."
NEW_URL = (
    "Copy it from Slack (Incoming Webhooks), Teams (Workflows: “Send webhook alerts to "
    "a channel”) or Discord (Integrations). Stored encrypted, never shown again."
)


class AlertChannelForm(forms.ModelForm[AlertChannel]):
    """A channel. The address of a webhook can be entered, but is never sent back."""

    mail = forms.EmailField(
        label="Mail address",
        required=False,
        max_length=254,
        help_text="One person or list. For more people, add more channels.",
    )
    url = forms.CharField(
        label="Address of the webhook",
        required=False,
        max_length=MAX_URL_LENGTH,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password", "class": "vLargeTextField"}
        ),
    )
    phone = PastedNumberField(label="Mobile number", required=False, max_length=16)

    class Meta:
        model = AlertChannel
        fields = ["name", "kind", "sender", "hourly_limit", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = ADDRESS_FIELDS[Kind(self.instance.kind)]
        self.initial[name] = self.instance.address
        has_url = bool(self.instance.encrypted_url)
        self.fields["url"].help_text = KEEPS_URL if has_url else NEW_URL

    def clean_url(self) -> str:
        """Refuse addresses that are never called."""
        url: str = self.cleaned_data["url"].strip()
        if url and (problem := refused_by_policy(url)):
            raise forms.ValidationError(problem)
        return url

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and not E164.fullmatch(phone):
            raise forms.ValidationError(NOT_A_NUMBER)
        return phone

    def clean_sender(self) -> str:
        sender: str = self.cleaned_data["sender"].strip()
        compact = re.sub(r"[\s().-]", "", sender)
        if sender and not (E164.fullmatch(compact) or is_service(sender)):
            raise forms.ValidationError(NOT_A_SENDER)
        return sender if is_service(sender) else compact

    def clean(self) -> dict[str, Any] | None:
        """Ask for what the kind needs, and leave out what the page hides for it."""
        cleaned = super().clean() or {}
        kind = cleaned.get("kind")
        if kind is None:
            return cleaned
        name = ADDRESS_FIELDS[Kind(kind)]
        for hidden in HIDDEN_FIELDS - {name, *(["sender"] if kind == Kind.SMS else [])}:
            self.errors.pop(hidden, None)
            cleaned[hidden] = ""
        keeps = name == "url" and self.instance.encrypted_url and not self._new_kind
        if name not in self.errors and not cleaned.get(name) and not keeps:
            self.add_error(name, NO_ADDRESS)
        if (
            kind == Kind.SMS
            and not cleaned.get("sender")
            and "sender" not in self.errors
        ):
            self.add_error("sender", NOT_A_SENDER)
        return cleaned

    @property
    def _new_kind(self) -> bool:
        return "kind" in self.changed_data

    def save(self, commit: bool = True) -> Any:
        """Store the address of this kind, and forget those of others."""
        channel, name = self.instance, ADDRESS_FIELDS[Kind(self.cleaned_data["kind"])]
        if name != "url":
            channel.address, channel.encrypted_url = self.cleaned_data[name], ""
        else:
            channel.address = ""
            if url := self.cleaned_data["url"]:
                channel.set_url(url)
        return super().save(commit)


def is_service(sender: str) -> bool:
    """True for the SID of a Messaging Service."""
    return bool(MESSAGING_SERVICE.fullmatch(sender))


def shown_address(channel: AlertChannel, *, hide: bool) -> str:
    """The address for lists: that of a webhook is always masked."""
    if channel.kind in AlertChannel.WEBHOOKS:
        return _masked_url(channel)
    if not hide:
        return channel.address
    if channel.kind == Kind.SMS:
        return masked(channel.address)
    name, _, host = channel.address.partition("@")
    return f"{name[:1]}•••@{host}"


def _masked_url(channel: AlertChannel) -> str:
    try:
        url = channel.get_url()
    except SecretUnreadable:
        return "Unreadable: saved with another SECRET_KEY. Enter it again."
    return f"{urlsplit(url).hostname or ''}/•••{url[-4:]}" if url else "-"


@admin.register(AlertChannel)
class AlertChannelAdmin(ConsoleAdmin[AlertChannel]):
    """The list of channels and their form."""

    form = AlertChannelForm
    list_display = ["name", "kind", "shown", "hourly_limit", "is_active"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """People who may not change a channel see its address masked."""
        rest = ["hourly_limit", "is_active"]
        if obj is not None and not self.has_change_permission(request, obj):
            return ["name", "kind", "hidden", "sender_hidden", *rest]
        return ["name", "kind", "mail", "url", "phone", "sender", *rest]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["hidden", "sender_hidden"]

    def get_list_display(self, request: HttpRequest) -> Any:
        may_see = self.has_change_permission(request)
        shown = "shown" if may_see else "hidden"
        return ["name", "kind", shown, "hourly_limit", "is_active"]

    def get_urls(self) -> list[URLPattern]:
        """Add the target of the button that sends a test message."""
        view = self.admin_site.admin_view(require_POST(self.test_view))
        test = path("<int:pk>/test/", view, name="calls_alertchannel_test")
        return [test, *super().get_urls()]

    @method_decorator(sensitive_post_parameters("url"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Keep the address out of error reports."""
        return super().changeform_view(request, object_id, form_url, extra_context)

    def response_add(
        self, request: HttpRequest, obj: AlertChannel, post_url_continue: Any = None
    ) -> HttpResponse:
        """Stay on the page of a new channel: the next step is its test."""
        another = {"_addanother", "_continue", "_popup"} & set(request.POST)
        if another or not self.has_change_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"“{obj}” was added. {NEXT_STEPS}", messages.SUCCESS)
        return redirect("admin:calls_alertchannel_change", obj.pk)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test message with the settings as last saved, and show the answer."""
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        channel = get_object_or_404(AlertChannel, pk=pk)
        attempt = send_test(channel, request.user.pk)
        answer = f" It answered: {attempt.answer}" if attempt.answer else ""
        status = f" (status {attempt.status})" if attempt.status else ""
        result, level = RESULTS.get(attempt.result, (NOT_SENT, messages.ERROR))
        words = f"The test message {result}{status}. {attempt.words}{answer}"
        messages.add_message(request, level, words)
        if not channel.rules.exists():
            add = reverse("admin:calls_alertrule_add")
            next_step = format_html(ADD_RULE, f"{add}?channels={channel.pk}")
            messages.info(request, next_step)
        return redirect("admin:calls_alertchannel_change", pk)

    @admin.display(description="address")
    def shown(self, channel: AlertChannel) -> str:
        return shown_address(channel, hide=False)

    @admin.display(description="address")
    def hidden(self, channel: AlertChannel) -> str:
        return shown_address(channel, hide=True)

    @admin.display(description="from")
    def sender_hidden(self, channel: AlertChannel) -> str:
        return masked(channel.sender) or "-"
