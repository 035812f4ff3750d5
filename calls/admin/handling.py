"""Notes, tags and “handled” on a call's page and in the list of calls."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from bots.access.numbers import may_see_numbers_of
from bots.access.scope import visible
from bots.admin.changelist import ConsoleAdmin
from bots.responses import primary_key
from calls.models import Call
from calls.review import handling
from calls.review.visibility import mask_of

# Users who may control calls may write about them.
MAY_HANDLE = "calls.change_call"
# The messages name no words of a note: the admin's log is kept for longer.
DONE = {
    "handled": "Marked as handled.",
    "unhandled": "Marked as not handled.",
    "add-note": "Added a note.",
    "delete-note": "Deleted a note.",
    "add-tag": "Added a tag.",
    "remove-tag": "Removed a tag.",
}


class HandlesCalls(ConsoleAdmin[Call]):
    """Lets operators write about calls, and everybody who sees calls read it."""

    def get_urls(self) -> list[URLPattern]:
        """Add the target of the call page's forms."""
        view = self.admin_site.admin_view(require_POST(self.handle_view))
        address = "<int:call_id>/handle/"
        return [path(address, view, name="calls_call_handle"), *super().get_urls()]

    def has_handle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_HANDLE)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show notes and tags, with forms for those who may change them."""
        call = context.get("original")
        if isinstance(call, Call):
            may_handle = request.user.has_perm(MAY_HANDLE, call)
            context["may_handle"] = may_handle
            context["tag_names"] = (
                handling.tag_names(request.user) if may_handle else []
            )
            context |= _written(call, request.user)
        return super().render_change_form(request, context, *args, **kwargs)

    def handle_view(self, request: HttpRequest, call_id: int) -> HttpResponse:
        """Do one thing that a form of the call's page asks for."""
        if not self.has_handle_permission(request):
            raise PermissionDenied
        calls = visible(Call.objects.defer("settings"), request.user, MAY_HANDLE)
        call = get_object_or_404(calls, pk=call_id)
        done = request.POST.get("do", "")
        try:
            changed = _do(request, call, done)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            if changed:
                self.log_change(request, call, DONE[done])
                messages.success(request, DONE[done])
        page = reverse("admin:calls_call_change", args=[call_id])
        return redirect(f"{page}#handling")

    @admin.action(description="Mark as handled", permissions=["handle"])
    def mark_handled(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        """Mark the selected calls as handled."""
        changed = handling.mark_handled(_own(queryset, request), request.user)
        self._report(request, changed, "handled")

    @admin.action(description="Mark as not handled", permissions=["handle"])
    def mark_unhandled(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        """Take back that the selected calls are handled."""
        self._report(
            request, handling.mark_unhandled(_own(queryset, request)), "unhandled"
        )

    def _report(self, request: HttpRequest, changed: list[Call], done: str) -> None:
        for call in changed:
            self.log_change(request, call, DONE[done])
        count = f"{len(changed)} call{pluralize(len(changed))}"
        messages.success(request, f"{DONE[done].removesuffix('.')}: {count}.")


def _own(chosen: QuerySet[Call], request: HttpRequest) -> Any:
    """The chosen calls that the user may handle."""
    calls = Call.objects.filter(pk__in=chosen.order_by().values("pk"))
    return visible(calls, request.user, MAY_HANDLE)


def _written(call: Call, user: Any) -> dict[str, Any]:
    """The notes and tags as the user may see them."""
    notes = list(call.notes.select_related("author"))
    tags = list(call.tags.select_related("added_by"))
    if not may_see_numbers_of(user, call.bot_id):
        mask = mask_of(call)
        for note in notes:
            note.text = mask.made(note.text)
        for tag in tags:
            tag.name = mask.made(tag.name)
    rows = [(note, handling.may_delete(note, user)) for note in notes]
    return {"notes": rows, "tags": tags}


def _do(request: HttpRequest, call: Call, done: str) -> bool:
    """Do what was asked; False if somebody else has done it already."""
    user, text = request.user, request.POST.get("text", "")
    same: Any = Call.objects.filter(pk=call.pk)
    actions: dict[str, Callable[[], Any]] = {
        "handled": lambda: handling.mark_handled(same, user),
        "unhandled": lambda: handling.mark_unhandled(same),
        "add-note": lambda: handling.add_note(call, text, user) or True,
        "add-tag": lambda: handling.add_tag(call, text, user),
        "delete-note": lambda: _delete_note(request, call),
        "remove-tag": lambda: _remove_tag(request, call),
    }
    if done not in actions:
        raise ValidationError("There is no such button.")
    return bool(actions[done]())


def _delete_note(request: HttpRequest, call: Call) -> bool:
    note = call.notes.filter(pk=_key(request)).first()
    if note and not handling.may_delete(note, request.user):
        raise PermissionDenied
    if note:
        handling.delete_note(note)
    return note is not None


def _remove_tag(request: HttpRequest, call: Call) -> bool:
    tag = call.tags.filter(pk=_key(request)).first()
    if tag:
        handling.remove_tag(tag)
    return tag is not None


def _key(request: HttpRequest) -> int:
    return primary_key(request.POST.get("key", "")) or 0
