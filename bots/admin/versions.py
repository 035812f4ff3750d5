"""Pages of versions in place of the admin's own history."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from bots.access.numbers import may_see_numbers
from bots.access.scope import Scope, scope_of
from bots.admin.changelist import ConsoleAdmin
from bots.models import Bot
from bots.models.version_rows import record_rows
from bots.responses import page, primary_key
from bots.site_settings.current import moment
from bots.versions import history
from bots.versions.history import Version
from bots.versions.numbers import read_numbers
from bots.versions.restoring import NotRestorable, restore

VERSIONS_PER_PAGE = 20
MAX_CHOICES = 100
AUTHOR_FIELDS = (
    "history_type",
    *(f"history_user__{name}" for name in ("username", "first_name", "last_name")),
)


class VersionHistoryMixin(ConsoleAdmin[Any]):
    """Shows who changed which setting and when, and restores versions."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of versions before the admin's catch-all path."""
        one = "<int:object_id>/history/<int:version_id>/"
        view = self.admin_site.admin_view
        return [
            path("deleted/", view(self.deleted_view), name=self._name("deleted")),
            path(one, view(self.version_view), name=self._name("version")),
            path(
                f"{one}restore/",
                view(require_POST(self.restore_view)),
                name=self._name("restore"),
            ),
            *super().get_urls(),
        ]

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save the lists below the form, and add them to the new version."""
        super().save_related(request, form, formsets, change)
        if hasattr(self.model, "row_lists"):
            record_rows(form.instance)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """List the versions with author, date and changes."""
        pk = _primary_key(object_id)
        self._require_view_permission(request, pk)
        queryset = history.versions(self.model, pk)
        paginator = Paginator(queryset, VERSIONS_PER_PAGE)
        shown = paginator.get_page(request.GET.get("p"))
        versions = list(shown)
        if not versions:
            return self._no_versions(request)
        original = self._object(pk)
        return self._page(
            request,
            "history",
            pk,
            title=f"Versions of {self._name_of(versions[0])}",
            versions=_with_changes(
                versions, hide=self._hides_numbers(request, original)
            ),
            page=shown,
            can_restore=self._can_restore(request, original),
            **(extra_context or {}),
        )

    def version_view(
        self, request: HttpRequest, object_id: int, version_id: int
    ) -> HttpResponse:
        """Compare a version with another, by default with the one before it."""
        self._require_view_permission(request, object_id)
        version = self._version(object_id, version_id)
        other = self._other(request, version)
        original = self._object(object_id)
        hide = self._hides_numbers(request, original)
        latest = history.versions(self.model, object_id).first()
        return self._page(
            request,
            "version",
            object_id,
            title=f"A version of {self._name_of(version)}",
            version=_context(version),
            other=_context(other) if other else None,
            changes=history.changes(other, version, hide=hide) if other else [],
            settings=history.settings(version, hide=hide),
            latest=latest,
            choices=self._other_versions(version),
            can_restore=self._can_restore(request, original)
            and (version != latest or version.history_type == "-"),
        )

    def restore_view(
        self, request: HttpRequest, object_id: int, version_id: int
    ) -> HttpResponse:
        """Restore a version, or show why that is not possible."""
        version = self._version(object_id, version_id)
        if not self._can_restore(request, self._object(object_id)):
            raise PermissionDenied
        try:
            may_change = request.user.has_perm("bots.change_phonenumber")
            notes = restore(version, may_change_numbers=may_change)
        except NotRestorable as error:
            self.message_user(request, "Not restored.", messages.ERROR)
            for reason in error.args:
                self.message_user(request, reason, messages.ERROR)
            return HttpResponseRedirect(self._url("version", object_id, version_id))
        restored = self.model._default_manager.get(pk=object_id)
        self.log_change(request, restored, f"Restored version {version_id}.")
        done = f"Restored the version of {moment(version.history_date)}."
        self.message_user(request, " ".join([done, *notes]), messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", object_id))

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """List deleted objects with a button to restore them."""
        if not self._scope(request).is_all:  # deleted bots have no people
            raise PermissionDenied
        return self._page(
            request,
            "deleted",
            title=f"Deleted {self.opts.verbose_name_plural}",
            versions=[
                {**_context(version), "name": self._name_of(version)}
                for version in history.deleted(self.model)
            ],
            can_restore=self.has_add_permission(request),
        )

    def _version(self, object_id: int, version_id: int) -> Version:
        return get_object_or_404(history.versions(self.model, object_id), pk=version_id)

    def _other(self, request: HttpRequest, version: Version) -> Version | None:
        """The version to compare with, from the query or else the previous one."""
        if version_id := request.GET.get("against", ""):
            return self._version(version.id, _primary_key(version_id))
        return history.previous(version)

    def _other_versions(self, version: Version) -> list[dict[str, Any]]:
        others = history.versions(self.model, version.id).exclude(pk=version.pk)
        # Deferred: the texts of all versions can take many megabytes.
        others = others.select_related(None).select_related("history_user")
        others = others.only(
            "id", "history_date", "history_change_reason", *AUTHOR_FIELDS
        )
        return [_context(other) for other in others[:MAX_CHOICES]]

    def _hides_numbers(self, request: HttpRequest, obj: Any = None) -> bool:
        """True for users who may see no phone numbers, unless they may edit them."""
        may_see = may_see_numbers(request.user)
        return not may_see and not self.has_change_permission(request, obj)

    def _scope(self, request: HttpRequest) -> Scope:
        name = f"{self.opts.app_label}.{{}}_{self.opts.model_name}".format
        return scope_of(request.user, name("view"), name("change"))

    def _require_view_permission(self, request: HttpRequest, object_id: int) -> None:
        """Refuse versions of other bots; deleted ones are for people with all bots."""
        if self._scope(request).is_all:
            return
        if not self.get_queryset(request).filter(pk=object_id).exists():
            raise PermissionDenied

    def _can_restore(self, request: HttpRequest, original: Any) -> bool:
        """Restoring a deleted object needs the permission to add one."""
        if original:
            return self.has_change_permission(request, original)
        return self.has_add_permission(request)

    def _object(self, object_id: int | None) -> Any:
        return self.model._default_manager.filter(pk=object_id).first()

    def _no_versions(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "No versions are recorded yet.", messages.WARNING)
        return HttpResponseRedirect(self._url("changelist"))

    def _name_of(self, version: Version) -> str:
        return str(version.history_object)

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _url(self, page: str, *arguments: int) -> str:
        return reverse(f"admin:{self._name(page)}", args=arguments)

    def _page(
        self,
        request: HttpRequest,
        name: str,
        object_id: int | None = None,
        **context: Any,
    ) -> HttpResponse:
        original = self._object(object_id)
        return page(
            request,
            f"bots/{name}.html",
            opts=self.opts,
            object_id=object_id,
            original=original,
            **context,
        )


def _primary_key(text: str) -> int:
    """Read a primary key from a URL. Raises Http404 if it cannot be one."""
    pk = primary_key(text)
    if pk is None:
        raise Http404("This version does not exist.")
    return pk


def _with_changes(versions: list[Version], *, hide: bool) -> list[dict[str, Any]]:
    """Describe versions of one page, each with its changes since the one before."""
    earlier = [*versions[1:], history.previous(versions[-1])]
    if versions[0].instance_type is Bot:
        read_numbers([version for version in (versions[0], *earlier) if version])
    return [
        _context(version)
        | {"changes": history.changes(old, version, hide=hide) if old else None}
        for version, old in zip(versions, earlier, strict=True)
    ]


def _context(version: Version) -> dict[str, Any]:
    """Describe a version for the templates."""
    return {
        "id": version.pk,
        "object_id": version.id,
        "date": version.history_date,
        "author": history.author(version),
        "action": version.get_history_type_display(),
        "is_deletion": version.history_type == "-",
        "reason": version.history_change_reason or "",
    }
