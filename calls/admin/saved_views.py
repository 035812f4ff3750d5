"""Saved views: filters and search of the list of calls, under a name.

Everybody has their own; superusers share some with all. A view is a link to the list,
so a relative period in it stays relative, and the list checks it like any other link.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from bots.access.numbers import may_see_numbers
from bots.admin.changelist import ConsoleAdmin
from bots.phone_numbers.masking import NumberMask
from calls.models import Call, SavedView
from calls.models.saved_view import MAX_NAME_LENGTH, MAX_QUERY_LENGTH
from calls.review.search import has_digit, words_of

MAX_VIEWS = 30
# A page of the list, an error, and “show all” belong to no view.
LEFT_OUT = ("p", "e", "all")

UNKNOWN_FILTER = "This view has a filter that does not exist."


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A view as the list offers it; `is_current` if it is what the list shows."""

    pk: int
    name: str
    query: str
    is_shared: bool
    is_current: bool
    may_delete: bool


def normalised(query: str) -> str:
    """The parameters that belong to a view, in one order."""
    pairs = parse_qsl(query, keep_blank_values=False)
    return urlencode(sorted(pair for pair in pairs if pair[0] not in LEFT_OUT))


def view_links(user: Any, query: str) -> list[ViewLink]:
    """The user's own views and the shared ones that they may see."""
    views = SavedView.objects.filter(Q(user=user.pk) | Q(is_shared=True))
    current, may_see = normalised(query), may_see_numbers(user)
    return [
        ViewLink(
            pk=view.pk,
            name=view.name if may_see else NumberMask().made(view.name),
            query=view.query,
            is_shared=view.is_shared,
            is_current=view.query == current,
            may_delete=_may_delete(view, user),
        )
        for view in views
        if may_see or view.user_id == user.pk or not _has_number(view.query)
    ]


def _has_number(query: str) -> bool:
    """True if a view searches for digits, which may be a caller's."""
    words = words_of(QueryDict(query).get("q", ""))
    return any(map(has_digit, words))


def _may_delete(view: SavedView, user: Any) -> bool:
    return bool(view.user_id == user.pk or (view.is_shared and user.is_superuser))


class SavesViews(ConsoleAdmin[Call]):
    """Lets everybody who sees the list of calls save views of it."""

    def get_urls(self) -> list[URLPattern]:
        """Add the targets of the list's forms."""
        view = self.admin_site.admin_view
        return [
            path(
                "views/save/",
                view(require_POST(self.save_view)),
                name="calls_call_save_view",
            ),
            path(
                "views/<int:pk>/delete/",
                view(require_POST(self.delete_view_of_list)),
                name="calls_call_delete_view",
            ),
            *super().get_urls(),
        ]

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Save what the list shows; a view of the same name is replaced."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = normalised(request.POST.get("query", ""))
        name = " ".join(request.POST.get("name", "").split())
        if problem := self._problem(request, name, query):
            messages.error(request, problem)
            return _to_list("" if problem == UNKNOWN_FILTER else query)
        is_shared = "shared" in request.POST and bool(request.user.is_superuser)
        SavedView.objects.update_or_create(
            user_id=int(request.user.pk or 0),
            name=name,
            defaults={"query": query, "is_shared": is_shared},
        )
        messages.success(request, f"Saved the view “{name}”.")
        return _to_list(query)

    def delete_view_of_list(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete a view; the list goes on to show the same calls."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        view = get_object_or_404(SavedView, pk=pk)
        if not _may_delete(view, request.user):
            raise PermissionDenied
        view.delete()
        messages.success(request, f"Deleted the view “{view.name}”.")
        return _to_list(view.query)

    def _problem(self, request: HttpRequest, name: str, query: str) -> str:
        """The reason why a view cannot be saved, in plain words."""
        if not name:
            return "Give the view a name."
        if len(name) > MAX_NAME_LENGTH:
            return f"A name has {MAX_NAME_LENGTH} characters at most."
        if not query:
            return "Choose a filter or search for something first."
        if len(query) > MAX_QUERY_LENGTH:
            return "This view has too many filters."
        others = SavedView.objects.filter(user=request.user.pk).exclude(name=name)
        if others.count() >= MAX_VIEWS:
            return f"You have {MAX_VIEWS} views already. Delete one of them first."
        return "" if self._is_understood(request, query) else UNKNOWN_FILTER

    def _is_understood(self, request: HttpRequest, query: str) -> bool:
        """True if the list takes this view."""
        asked = request.GET
        request.GET = QueryDict(query)
        try:
            self.get_changelist_instance(request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            return False
        finally:
            request.GET = asked
        return True


def _to_list(query: str) -> HttpResponse:
    address = reverse("admin:calls_call_changelist")
    return redirect(f"{address}?{query}" if query else address)
