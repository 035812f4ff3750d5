"""The bots and tools that use a tool or a secret."""

from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html_join

from bots.config.request_template import secrets_of
from bots.models import Bot, Secret, Tool
from bots.models.menu_key import MenuKey

Users = Iterable[tuple[Tool | Bot, str]]


def bots_with(tool: Tool) -> "QuerySet[Bot]":
    """Bots that have the tool, use it for their lookup or for a key."""
    used = Q(tools=tool) | Q(lookup_tool=tool) | Q(menu_keys__tool=tool)
    return Bot.objects.filter(used).distinct()


def users_of(obj: Tool | Secret) -> Iterator[tuple[Tool | Bot, str]]:
    """The users of a tool or secret, each with a label."""
    return _of_tool(obj) if isinstance(obj, Tool) else _of_secret(obj)


def _of_tool(tool: Tool) -> Iterator[tuple[Tool | Bot, str]]:
    for bot in tool.bots.all():
        yield bot, bot.name
    for bot in Bot.objects.filter(lookup_tool=tool):
        yield bot, f"{bot.name} (lookup)"
    for key in MenuKey.objects.filter(tool=tool).select_related("bot"):
        yield key.bot, f"{key.bot.name} (key {key.key})"


def _of_secret(secret: Secret) -> Iterator[tuple[Tool | Bot, str]]:
    mentions = Q(headers__contains=secret.name) | Q(url__contains=secret.name)
    for tool in Tool.objects.filter(mentions):
        if secret.name in secrets_of(tool.url, tool.headers):
            yield tool, tool.name
    if secret.pk:
        for bot in Bot.objects.filter(webhook_secret=secret):
            yield bot, f"{bot.name} (webhook)"


def linked(users: Users) -> str:
    """HTML links to tools and bots."""
    return format_html_join(
        ", ",
        '<a href="{}">{}</a>',
        (
            (
                reverse(f"admin:bots_{user._meta.model_name}_change", args=[user.pk]),
                label,
            )
            for user, label in users
        ),
    )
