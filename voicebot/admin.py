"""User accounts: sign-in to the console, groups and permissions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from bots.admin.changelist import ConsoleAdmin
from bots.models import Bot, PhoneNumber, Tool
from calls.accounts.groups import DESCRIPTIONS
from calls.accounts.two_factor import turn_off_two_factor

admin.site.unregister([User, Group])
admin.site.unregister([StaticDevice, TOTPDevice])  # keep their secrets out of the admin

ACCESS = ("is_active", "is_staff", "is_superuser", "groups")


@admin.register(User)
class UserAdmin(ConsoleAdmin[User], auth_admin.UserAdmin[User]):
    """User accounts with sign-in and groups on one page."""

    list_display = ["username", "full_name", "permissions", "is_active", "last_login"]
    list_filter = ["groups", "is_superuser", "is_active"]
    filter_horizontal = ["user_permissions"]
    actions = [turn_off_two_factor]
    add_fieldsets = [
        (
            "1. Account",
            {"fields": ["username", "usable_password", "password1", "password2"]},
        ),
        ("2. Sign-in and 3. group", {"fields": ["is_staff", "groups"]}),
    ]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Name", {"fields": ["first_name", "last_name", "email"]}),
        ("Permissions", {"fields": ACCESS}),
        (
            "Single permissions",
            {"fields": ["user_permissions"], "classes": ["collapse"]},
        ),
        ("Dates", {"fields": ["last_login", "date_joined"], "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Fetch everybody's groups in one query."""
        return super().get_queryset(request).prefetch_related("groups")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list below a description of the groups."""
        return super().changelist_view(
            request, {**(extra_context or {}), "descriptions": DESCRIPTIONS}
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Tick the right to sign in, which every account here needs."""
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Describe each group beside its checkbox."""
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.help_text = format_html_join(
                mark_safe("<br>"), "{}: {}", DESCRIPTIONS.items()
            )
        if field and db_field.name == "is_staff":
            field.label = "Can sign in to this console"
            field.help_text = ""
        return field

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """Keep accounts that the records of changes name."""
        return super().has_delete_permission(request, obj) and not (
            obj and is_referenced(obj)
        )

    @admin.display(description="name", ordering="first_name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name() or "-"

    @admin.display(description="permissions")
    def permissions(self, user: User) -> str:
        """Name the groups, or say why there are none."""
        if not user.is_staff:
            return "none: cannot sign in"
        if user.is_superuser:
            return "all"
        groups = ", ".join(sorted(group.name for group in user.groups.all()))
        return groups or "none: no group"


@admin.register(Group)
class GroupAdmin(ConsoleAdmin[Group], auth_admin.GroupAdmin):
    """Groups as Django shows them."""


def is_referenced(user: User) -> bool:
    """True if a record of changes names this account."""
    histories: list[Any] = [Bot.history, PhoneNumber.history, Tool.history]
    return LogEntry.objects.filter(user=user).exists() or any(
        history.filter(history_user=user).exists() for history in histories
    )
