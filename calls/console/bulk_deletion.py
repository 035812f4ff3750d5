"""Deleting what is ticked in a list, as far as one form can hold it."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy

# The page that asks for confirmation sends one field for each; Django takes 1,000.
MAX_DELETED = 500


@admin.action(
    permissions=["delete"],
    description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
)
def delete_selected(
    modeladmin: admin.ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponseBase | None:
    """Django's action, which would fail after the confirmation for longer lists."""
    if (count := queryset.count()) > MAX_DELETED:
        words = (
            f"At most {MAX_DELETED} can be deleted at a time, and these are {count}."
        )
        hint = "Nothing was deleted. Narrow the list with a search or a filter."
        modeladmin.message_user(request, f"{words} {hint}", messages.ERROR)
        return None
    return actions.delete_selected(modeladmin, request, queryset)
