"""The pages of earlier versions, in place of the admin's own history."""

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from bots.versions import history
from bots.versions.history import NotRestorable, Version

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin

KEY = re.compile("[0-9]{1,18}")
VERSIONS_A_PAGE = 20
VERSIONS_TO_CHOOSE = 100
WHO = (
    "history_type",
    *(f"history_user__{name}" for name in ("username", "first_name", "last_name")),
)


class VersionHistoryMixin(Admin):
    """Shows who changed what and when, and brings an earlier version back."""

    def get_urls(self) -> list[URLPattern]:
        """The pages of versions, before the admin's that take any path."""
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

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """List the versions: who, when, and what changed."""
        self._check_may_look(request)
        pk = _key(object_id)
        found = history.versions(self.model, pk)
        page = Paginator(found, VERSIONS_A_PAGE).get_page(request.GET.get("p"))
        shown = list(page)
        if not shown:
            return self._nothing_known(request)
        return self._page(
            request,
            "history",
            pk,
            title=f"Versions of {self._called(shown[0])}",
            versions=[_described(each) for each in _with_earlier(shown)],
            page=page,
            **(extra_context or {}),
        )

    def version_view(
        self, request: HttpRequest, object_id: int, version_id: int
    ) -> HttpResponse:
        """Show one version beside another: by default, the one it replaced."""
        self._check_may_look(request)
        version = self._version(object_id, version_id)
        other = self._other(request, version)
        latest = history.versions(self.model, object_id).first()
        return self._page(
            request,
            "version",
            object_id,
            title=f"A version of {self._called(version)}",
            version=_described((version, None)),
            other=_described((other, None)) if other else None,
            changes=history.changes(other, version) if other else [],
            settings=history.settings(version),
            latest=latest,
            choices=self._other_versions(version),
            may_restore=self._may_restore(request, object_id)
            and (version != latest or version.history_type == "-"),
        )

    def restore_view(
        self, request: HttpRequest, object_id: int, version_id: int
    ) -> HttpResponse:
        """Bring a version back, or say what is in the way."""
        version = self._version(object_id, version_id)
        if not self._may_restore(request, object_id):
            raise PermissionDenied
        try:
            notes = history.restore(version)
        except NotRestorable as error:
            self.message_user(request, "Not restored.", messages.ERROR)
            for reason in error.args:
                self.message_user(request, reason, messages.ERROR)
            return HttpResponseRedirect(self._address("version", object_id, version_id))
        restored = self.model._default_manager.get(pk=object_id)
        self.log_change(request, restored, f"Restored version {version_id}.")
        self.message_user(request, f"Restored. {' '.join(notes)}".strip())
        return HttpResponseRedirect(self._address("history", object_id))

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """List what was deleted, by whom, with the way back."""
        self._check_may_look(request)
        lost = [(version, None) for version in history.deleted(self.model)]
        return self._page(
            request,
            "deleted",
            title=f"Deleted {self.opts.verbose_name_plural}",
            versions=[
                {**_described(each), "name": self._called(each[0])} for each in lost
            ],
            may_restore=self.has_add_permission(request),
        )

    def _version(self, object_id: int, version_id: int) -> Version:
        found = history.versions(self.model, object_id).filter(pk=version_id).first()
        if found is None:
            raise Http404("There is no such version.")
        return found

    def _other(self, request: HttpRequest, version: Version) -> Version | None:
        """The version asked for, to compare with."""
        asked = request.GET.get("against", "")
        if asked:
            return self._version(version.id, _key(asked))
        return history.before(version)

    def _other_versions(self, version: Version) -> list[dict[str, Any]]:
        others = history.versions(self.model, version.id).exclude(pk=version.pk)
        # Without their texts, of which there can be many megabytes.
        light = others.select_related(None).select_related("history_user")
        light = light.only("id", "history_date", "history_change_reason", *WHO)
        return [_described((each, None)) for each in light[:VERSIONS_TO_CHOOSE]]

    def _check_may_look(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def _may_restore(self, request: HttpRequest, object_id: int) -> bool:
        """What is gone is added again; what is there is changed."""
        if self.model._default_manager.filter(pk=object_id).exists():
            return self.has_change_permission(request)
        return self.has_add_permission(request)

    def _nothing_known(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "No versions are recorded yet.", messages.WARNING)
        return HttpResponseRedirect(self._address("changelist"))

    def _called(self, version: Version) -> str:
        return str(version.history_object)

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _address(self, page: str, *arguments: int) -> str:
        return reverse(f"admin:{self._name(page)}", args=arguments)

    def _page(
        self,
        request: HttpRequest,
        name: str,
        object_id: int | None = None,
        **context: Any,
    ) -> HttpResponse:
        present = self.model._default_manager.filter(pk=object_id).first()
        return TemplateResponse(
            request,
            f"admin/bots/{name}.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "object_id": object_id,
                "original": present,
                **context,
            },
        )


def _key(text: str) -> int:
    """The number somebody wrote into an address."""
    if not KEY.fullmatch(text):
        raise Http404("There is no version with this number.")
    return int(text)


def _with_earlier(shown: list[Version]) -> list[tuple[Version, Version | None]]:
    """Each version with the one it replaced."""
    return list(zip(shown, [*shown[1:], history.before(shown[-1])], strict=True))


def _described(pair: tuple[Version, Version | None]) -> dict[str, Any]:
    """What a page says of a version, given the one it replaced."""
    version, earlier = pair
    return {
        "id": version.pk,
        "object_id": version.id,
        "date": version.history_date,
        "author": history.author(version),
        "action": version.get_history_type_display(),
        "is_deletion": version.history_type == "-",
        "reason": version.history_change_reason or "",
        "changes": history.changes(earlier, version) if earlier else None,
    }
