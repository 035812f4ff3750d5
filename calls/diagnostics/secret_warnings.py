"""Tools and webhooks of active bots whose secrets are missing or do not open."""

from collections.abc import Iterable, Iterator

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from bots.config.placeholders import SECRET
from bots.config.request_template import secrets_of
from bots.models import Bot, Secret, Tool
from bots.models.secret import SecretUnreadable
from calls.diagnostics.warnings import Finding

LOST = "Enter its value again: SECRET_KEY is another than when it was kept."


def in_the_secrets() -> list[Finding]:
    """What cannot be sent; two queries where no bot sends a secret."""
    wanted = [*_of_tools(), *_of_webhooks()]
    names = {name for _, name in wanted}
    there = Secret.objects.filter(name__in=names) if names else Secret.objects.none()
    opens = {secret.name: _opens(secret) for secret in there}
    return list(_told(wanted, opens))


def _of_tools() -> Iterator[tuple[str, str]]:
    """Each tool that an active bot uses, with each secret that it sends."""
    looked_up = Bot.objects.filter(is_active=True, lookup_tool__isnull=False)
    used = Q(bots__is_active=True) | Q(pk__in=looked_up.values("lookup_tool"))
    sends = Q(url__contains=SECRET) | Q(headers__contains=SECRET)
    tools = Tool.objects.filter(used, sends).distinct()
    for tool, url, headers in tools.values_list("name", "url", "headers"):
        for name in dict.fromkeys(secrets_of(url, headers)):
            yield f"The tool {tool}", name


def _of_webhooks() -> Iterator[tuple[str, str]]:
    """Each active bot with a webhook, with the secret that signs it."""
    bots = Bot.objects.filter(is_active=True, webhook_secret__isnull=False)
    signed = bots.exclude(webhook_url="")
    for bot, secret in signed.values_list("name", "webhook_secret__name"):
        yield f"The webhook of {bot}", secret


def _opens(secret: Secret) -> bool:
    try:
        secret.get_value()
    except SecretUnreadable:
        return False
    return True


def _told(
    wanted: Iterable[tuple[str, str]], opens: dict[str, bool]
) -> Iterator[Finding]:
    for sender, name in wanted:
        if opens.get(name):
            continue
        if name in opens:
            what, remedy = f"cannot open the secret “{name}”: it fails.", LOST
        else:
            what = f"needs the secret “{name}”, and there is none: it fails."
            remedy = "Make a secret of that name, or name another."
        place = _secrets_page()
        yield Finding(f"{sender} {what}", remedy, place, "All secrets", is_urgent=True)


def _secrets_page() -> str:
    try:
        return reverse("admin:bots_secret_changelist")
    except NoReverseMatch:
        return reverse("admin:bots_bot_changelist")
