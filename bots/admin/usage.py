"""What uses a tool or a secret, and would do without it."""

from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html_join

from bots.config.request_template import secrets_of
from bots.models import Bot, Secret, Tool
from bots.models.menu_key import MenuKey

Users = Iterable[tuple[Tool | Bot, str]]


def bots_with(tool: Tool) -> "QuerySet[Bot]":
    """The bots that use a tool: their model, their lookup or a key of theirs."""
    used = Q(tools=tool) | Q(lookup_tool=tool) | Q(menu_keys__tool=tool)
    return Bot.objects.filter(used).distinct()


def users_of(thing: Tool | Secret) -> Iterator[tuple[Tool | Bot, str]]:
    """What would do without it, by name."""
    return _of_tool(thing) if isinstance(thing, Tool) else _of_secret(thing)


def _of_tool(tool: Tool) -> Iterator[tuple[Tool | Bot, str]]:
    for bot in tool.bots.all():
        yield bot, bot.name
    for bot in Bot.objects.filter(lookup_tool=tool):
        yield bot, f"{bot.name} (lookup)"
    for key in MenuKey.objects.filter(tool=tool).select_related("bot"):
        yield key.bot, f"{key.bot.name} (key {key.key})"


def _of_secret(secret: Secret) -> Iterator[tuple[Tool | Bot, str]]:
    named = Q(headers__contains=secret.name) | Q(url__contains=secret.name)
    for tool in Tool.objects.filter(named):
        if secret.name in secrets_of(tool.url, tool.headers):
            yield tool, tool.name
    if secret.pk:
        for bot in Bot.objects.filter(webhook_secret=secret):
            yield bot, f"{bot.name} (webhook)"


def linked(places: Users) -> str:
    """Links to tools and bots, with their names."""
    return format_html_join(
        ", ",
        '<a href="{}">{}</a>',
        (
            (
                reverse(f"admin:bots_{each._meta.model_name}_change", args=[each.pk]),
                name,
            )
            for each, name in places
        ),
    )
