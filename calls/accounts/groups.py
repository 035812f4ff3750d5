"""The groups people of the desk belong to, and what each may do.

A group is made once; afterwards it is the administrator's. A permission that a later
release brings is given to the groups by the very migration that creates it, and never
again: what an administrator takes away stays away.
"""

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.models import Q

VIEWER = "viewer"
OPERATOR = "operator"
DESCRIPTIONS = {
    OPERATOR: "changes bots, their tools and numbers, keeps secrets, reads calls, "
    "blocks callers, and may end a call in progress, put it through or say a line in "
    "it.",
    VIEWER: "reads bots, tools, numbers and calls; changes nothing.",
}
READING = {
    *("bots.view_bot", "bots.view_phonenumber"),
    *("calls.view_call", "calls.view_turn", "calls.view_postcalltask"),
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
# Whoever edits a tool can send a secret where TOOL_ALLOWED_HOSTS lets it go, so both are one.
TOOLS = {
    f"bots.{action}_{model}"
    for action in ("view", "add", "change", "delete")
    for model in ("tool", "toolparameter", "secret")
}
# Nobody changes what was said: of a call, to change means to take part in it.
LIVE_CONTROLS = {"calls.change_call"}
PERMISSIONS = {
    VIEWER: READING | SEEING_TOOLS,
    OPERATOR: READING | EDITING | TOOLS | LIVE_CONTROLS | BLOCKING,
}
APPS = ("bots", "calls")


def ensure_groups(
    sender: AppConfig,
    verbosity: int = 1,
    using: str = "default",
    apps: Apps = installed,
    **kwargs: Any,
) -> None:
    """Make the groups that are missing; give the others what is new."""
    try:
        groups = apps.get_model("auth", "Group")
        permissions = apps.get_model("auth", "Permission")
    except LookupError:  # a database on its way there
        return
    known = set(_all(permissions, using))
    for label in APPS:
        create_permissions(
            installed.get_app_config(label), verbosity=0, using=using, apps=apps
        )
    present = _all(permissions, using)
    for name, wanted in PERMISSIONS.items():
        group, is_new = groups.objects.using(using).get_or_create(name=name)
        given = wanted if is_new else wanted - known
        group.permissions.add(*(present[each] for each in given if each in present))


def _all(permissions: Any, using: str) -> dict[str, int]:
    """The permissions there are, with their keys."""
    ours = Q(content_type__app_label__in=APPS)
    rows = permissions.objects.using(using).filter(ours)
    return {
        f"{label}.{codename}": pk
        for pk, label, codename in rows.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
