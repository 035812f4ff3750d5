"""Base of all model admins: lists that take from the address only what they offer."""

from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import (
    BaseModelAdmin,
    IncorrectLookupParameters,
)
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from bots.access.scope import is_bound_to_bots, roles_of, visible
from bots.responses import primary_key
from bots.site_settings.current import moment

# Each word of a search adds a condition for every search field.
MAX_SEARCH_LENGTH = 200
# Errors of values that no column can have: 30 digits, the year 99999, a NUL.
BAD_VALUES = (ValueError, OverflowError, DataError)

M = TypeVar("M", bound=Model)


class ConsoleChangeList(ChangeList):
    """Filters by the parameters of its filters, dates and links, and by no others.

    Django takes any lookup on any field: with `field__regex` an address can keep the
    database busy for hours, and with `secret__startswith` it reads a secret letter by
    letter.
    """

    model_admin: "ConsoleAdmin[Any]"

    def get_filters(self, request: HttpRequest) -> Any:
        """Read the filters. Raises an error that Django answers with 400."""
        try:
            found = super().get_filters(request)
        except BAD_VALUES as error:
            raise IncorrectLookupParameters from error
        except IncorrectLookupParameters as error:
            if isinstance(error.__cause__, FieldDoesNotExist):
                raise DisallowedModelAdminLookup("There is no such field.") from error
            raise
        # Each filter has removed its own parameters from these.
        ours = self._date_bounds() | self.model_admin.link_parameters
        if unknown := found[2].keys() - ours:
            raise DisallowedModelAdminLookup(f"No filter has {min(unknown)[:80]!r}.")
        return found

    def _date_bounds(self) -> set[str]:
        """The lookups that Django makes from the parts of a date in the address."""
        field = self.date_hierarchy
        if not field or f"{field}__year" not in self.filter_params:
            return set()
        return {f"{field}__gte", f"{field}__lt"}

    def get_ordering_field(self, field_name: Any) -> Any:
        """Django sorts by any column if the address says so."""
        is_sortable = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if is_sortable else None

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        """Apply the filters and the search."""
        try:
            return super().get_queryset(request, exclude_parameters)
        except BAD_VALUES as error:
            raise IncorrectLookupParameters from error

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page."""
        try:
            super().get_results(request)
        except BAD_VALUES as error:
            raise IncorrectLookupParameters from error


class VisibleChoices(BaseModelAdmin[Any]):
    """A form whose fields offer nothing of bots that the user may not see."""

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any] | None:
        """The choices of a field, without those of other bots."""
        choices = super().get_field_queryset(db, db_field, request)
        model = db_field.remote_field.model
        if not is_bound_to_bots(model) or not roles_of(request.user):
            return choices
        rows = model._default_manager.all() if choices is None else choices
        return visible(rows, request.user, "bots.view_bot")


class ConsoleAdmin(VisibleChoices, admin.ModelAdmin[M]):
    """An admin whose list takes only its own parameters. Every admin here is one.

    People with roles for single bots see the rows of these bots, and choose from them.
    """

    # Counts beside filters answer no question of an operator, and cost queries.
    show_facets = admin.ShowFacets.NEVER
    # Lookups that links to the list have, and none of its filters.
    link_parameters: frozenset[str] = frozenset()

    def get_changelist(
        self, request: HttpRequest, **options: Any
    ) -> type[ConsoleChangeList]:
        return ConsoleChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """The rows of the bots that the user may see."""
        return visible(super().get_queryset(request), request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may("view", request, obj) or self._may("change", request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may("change", request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may("delete", request, obj)

    def _may(self, action: str, request: HttpRequest, obj: Any) -> bool:
        codename = get_permission_codename(action, self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}", obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse selected rows that cannot exist: databases fail on huge numbers."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if any(primary_key(row) is None for row in selected):
            raise SuspiciousOperation("A selected row is no primary key.")
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Search for the beginning of a term that is too long."""
        term = search_term[:MAX_SEARCH_LENGTH]
        return super().get_search_results(request, queryset, term)


def moment_column(name: str, label: str, *, seconds: bool = False) -> Any:
    """A column with a date and time, in the style of the settings."""

    def shown(self: Any, row: Model) -> str:
        return moment(getattr(row, name), seconds=seconds) or "-"

    return admin.display(description=label, ordering=name)(shown)
