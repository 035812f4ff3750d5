"""Tools and webhooks of active bots whose secrets are missing or cannot be read."""

from collections.abc import Collection, Iterator

from django.db.models import Q
from django.urls import reverse

from bots.config.placeholders import SECRET
from bots.config.request_template import secrets_of
from bots.models import Bot, Secret, Tool
from calls.diagnostics.findings import Finding, failure

NAME = "Secrets"
ENTER_AGAIN = (
    "Enter its value again: SECRET_KEY has changed since the secret was saved."
)
# A tool or webhook as messages name it, and its secret; None if none was chosen.
Use = tuple[str, str | None]


def secret_findings() -> list[Finding]:
    """Problems of all secrets in use; two queries if no bot sends a secret."""
    return _findings([*_tools(), *_webhooks()])


def webhook_secret_findings() -> list[Finding]:
    """Problems of the secrets that sign webhooks."""
    return _findings([*_webhooks()])


def _tools() -> Iterator[Use]:
    """The secrets that tools of active bots send."""
    with_lookup = Bot.objects.filter(is_active=True, lookup_tool__isnull=False)
    in_use = Q(bots__is_active=True) | Q(pk__in=with_lookup.values("lookup_tool"))
    sends_secret = Q(url__contains=SECRET) | Q(headers__contains=SECRET)
    tools = Tool.objects.filter(in_use, sends_secret).distinct()
    for tool, url, headers in tools.values_list("name", "url", "headers"):
        for name in dict.fromkeys(secrets_of(url, headers)):
            yield f"The tool {tool}", name


def _webhooks() -> Iterator[Use]:
    bots = Bot.objects.filter(is_active=True).exclude(webhook_url="").order_by("name")
    for bot, secret in bots.values_list("name", "webhook_secret__name"):
        yield f"The webhook of {bot}", secret


def _findings(uses: list[Use]) -> list[Finding]:
    is_readable = _readable({name for _, name in uses if name})
    return [
        _finding(sender, name, exists=name in is_readable)
        for sender, name in uses
        if not (name and is_readable.get(name))
    ]


def _finding(sender: str, name: str | None, *, exists: bool) -> Finding:
    if name is None:
        return failure(
            NAME,
            f"{sender} has no secret, so nothing is sent to it.",
            "Choose a secret on the bot's page.",
            link=reverse("admin:bots_bot_changelist"),
            link_text="All bots",
        )
    if exists:
        message = f"{sender} cannot open the secret “{name}”: it fails."
        hint = ENTER_AGAIN
    else:
        message = f"{sender} needs the secret “{name}”, and there is none: it fails."
        hint = "Add a secret of that name, or use another one."
    page = reverse("admin:bots_secret_changelist")
    return failure(NAME, message, hint, link=page, link_text="All secrets")


def _readable(names: Collection[str]) -> dict[str, bool]:
    """The existing secrets of these names, and for each if it can be read."""
    secrets = Secret.objects.filter(name__in=names)
    return {secret.name: secret.is_readable for secret in secrets}
