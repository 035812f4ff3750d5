"""The admin of sign-ins and exports, for superusers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from bots.admin.changelist import moment_column
from calls.admin.read_only import FullNumbersMixin, ReadOnlyMixin
from calls.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyMixin, FullNumbersMixin):
    """A list that nobody edits. Old events are deleted every night."""

    list_display = ["time", "kind", "name", "address", "details"]
    time = moment_column("at", "time", seconds=True)
    list_filter = ["kind"]
    search_fields = ["name", "address"]
    date_hierarchy = "at"
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False
