"""The groups of console users and their permissions.

A group is created once; afterwards administrators may change it. When a later release
adds a permission, the migration that creates it gives it to the groups, once: a
permission that an administrator removes stays removed.
"""

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.models import Q

# Named as the roles for single bots.
VIEWER = "viewer"
OPERATOR = "operator"
DESCRIPTIONS = {
    OPERATOR: "edits bots, their tools, numbers, alerts, prices, budgets and "
    "passwords; reads calls and hears their recordings, blocks callers, and may end or "
    "transfer a call in progress or have the bot say something in it.",
    VIEWER: "reads bots, tools, numbers, calls and their cost; changes nothing.",
}
ALERTS = ("alertrule", "alertchannel")
SEEING_ALERTS = {
    "calls.view_alertmessage",
    *(f"calls.view_{model}" for model in ALERTS),
}
EDITING_ALERTS = {
    f"calls.{action}_{model}"
    for action in ("add", "change", "delete")
    for model in ALERTS
}
READING = {
    *("bots.view_bot", "bots.view_phonenumber"),
    *("calls.view_call", "calls.view_turn", "calls.view_postcalltask"),
    *("calls.view_price", "calls.view_budget"),
}
EDITING_COSTS = {
    f"calls.{action}_{model}"
    for action in ("add", "change", "delete")
    for model in ("price", "budget")
}
BLOCKING = {
    f"calls.{action}_blockedcaller" for action in ("view", "add", "change", "delete")
}
EDITING = {
    f"bots.{action}_{model}"
    for action in ("add", "change", "delete")
    for model in ("bot", "phonenumber")
}
SEEING_TOOLS = {"bots.view_tool", "bots.view_toolparameter"}
# An editor of tools can send secrets to any host that TOOL_ALLOWED_HOSTS permits, so
# tools and secrets are one permission.
TOOLS = {
    f"bots.{action}_{model}"
    for action in ("view", "add", "change", "delete")
    for model in ("tool", "toolparameter", "secret")
}
# The sound of a call has its numbers, and more than its words.
LISTENING = {"calls.view_recording"}
# Transcripts cannot be edited: the permission to change calls is that to control them.
LIVE_CONTROLS = {"calls.change_call"}
PERMISSIONS = {
    VIEWER: READING | SEEING_TOOLS | SEEING_ALERTS,
    OPERATOR: READING
    | EDITING
    | TOOLS
    | LIVE_CONTROLS
    | BLOCKING
    | LISTENING
    | SEEING_ALERTS
    | EDITING_ALERTS
    | EDITING_COSTS,
}
APPS = ("bots", "calls")


def ensure_groups(
    sender: AppConfig,
    verbosity: int = 1,
    using: str = "default",
    apps: Apps = installed,
    **kwargs: Any,
) -> None:
    """Create missing groups, and give all groups the permissions that are new."""
    try:
        groups = apps.get_model("auth", "Group")
        permissions = apps.get_model("auth", "Permission")
    except LookupError:  # an early migration, before these models
        return
    existing = set(_all(permissions, using))
    for label in APPS:
        create_permissions(
            installed.get_app_config(label), verbosity=0, using=using, apps=apps
        )
    present = _all(permissions, using)
    for group_name, wanted in PERMISSIONS.items():
        group, is_new = groups.objects.using(using).get_or_create(name=group_name)
        added = wanted if is_new else wanted - existing
        group.permissions.add(*(present[name] for name in added if name in present))


def _all(permissions: Any, using: str) -> dict[str, int]:
    """Ids of our apps' permissions, by “app.codename”."""
    ours = Q(content_type__app_label__in=APPS)
    rows = permissions.objects.using(using).filter(ours)
    return {
        f"{label}.{codename}": pk
        for pk, label, codename in rows.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
