"""User accounts: sign-in to the console, groups and permissions."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from bots.admin.changelist import ConsoleAdmin, moment_column
from bots.models import Bot, BotRole, PhoneNumber, Tool
from calls.accounts.groups import DESCRIPTIONS
from calls.accounts.people import without_role
from calls.accounts.two_factor import turn_off_two_factor

admin.site.unregister([User, Group])
admin.site.unregister([StaticDevice, TOTPDevice])  # keep their secrets out of the admin

ACCESS = ("is_active", "is_staff", "is_superuser", "groups")


class BotRoleInline(admin.TabularInline[BotRole, User]):
    """The roles of a person for single bots."""

    model = BotRole
    fields = ["bot", "role"]
    extra = 0
    verbose_name = "role for a bot"
    verbose_name_plural = "Roles for single bots"

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Choose a bot; bots are made and changed on their own pages."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "bot":
            for action in ("add", "change", "view", "delete"):
                setattr(field.widget, f"can_{action}_related", False)
        return field


class RoleFilter(admin.SimpleListFilter):
    """People by role, for all bots or for some."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((role.value, role.label) for role in BotRole.Role), ("none", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        match self.value():
            case "none":
                return queryset.filter(pk__in=without_role().values("pk"))
            case str(role):
                has_role = Q(groups__name=role) | Q(bot_roles__role=role)
                return queryset.filter(has_role).distinct()
        return None


# The labels and help texts of a person's switches.
SWITCHES = {
    "is_active": (
        "Active",
        "Untick it when somebody leaves, instead of deleting the account.",
    ),
    "is_staff": ("Can sign in to this console", ""),
    "is_superuser": ("Superuser", "May do everything, and manages the people."),
}


@admin.register(User)
class UserAdmin(ConsoleAdmin[User], auth_admin.UserAdmin[User]):
    """User accounts with sign-in and groups on one page."""

    list_display = ["username", "full_name", "role", "is_active", "last_sign_in"]
    list_filter = [RoleFilter, "is_superuser", "is_active"]
    filter_horizontal = ["user_permissions"]
    actions = [turn_off_two_factor]
    inlines = [BotRoleInline]
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

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        """Roles for single bots come after the account."""
        return self.inlines if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Fetch everybody's roles in two queries."""
        users = super().get_queryset(request)
        return users.prefetch_related("groups", "bot_roles__bot")

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
            field.label = "Roles for all bots"
            field.help_text = format_html_join(
                mark_safe("<br>"), "{}: {}", DESCRIPTIONS.items()
            )
        if field and db_field.name in SWITCHES:
            field.label, field.help_text = SWITCHES[db_field.name]
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

    last_sign_in = moment_column("last_login", "last sign-in")

    @admin.display(description="role")
    def role(self, user: User) -> str:
        """Name the roles, or say why there are none."""
        if not user.is_staff:
            return "none: cannot sign in"
        if user.is_superuser:
            return "superuser"
        return "; ".join(_roles(user)) or format_html(
            '<strong class="no-role">{}</strong>', "no role: sees nothing"
        )


@admin.register(Group)
class GroupAdmin(ConsoleAdmin[Group], auth_admin.GroupAdmin):
    """Groups as Django shows them."""


def _roles(user: User) -> Iterator[str]:
    """The groups, which are roles for all bots, then the bots of each other role."""
    for group in sorted(user.groups.all(), key=str):
        yield f"{group.name} of all bots" if group.name in DESCRIPTIONS else group.name
    for role in BotRole.Role:
        bots = [each.bot.name for each in user.bot_roles.all() if each.role == role]
        if bots:
            yield f"{role} of {', '.join(sorted(bots))}"


def is_referenced(user: User) -> bool:
    """True if a record of changes names this account."""
    histories: list[Any] = [Bot.history, PhoneNumber.history, Tool.history]
    return LogEntry.objects.filter(user=user).exists() or any(
        history.filter(history_user=user).exists() for history in histories
    )
