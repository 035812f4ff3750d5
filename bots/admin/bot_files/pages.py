"""Pages of a bot: duplicate it, download it as a file, and import such a file."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from bots.access.scope import scope_of
from bots.admin.bot_files.applying import Applied, apply
from bots.admin.bot_files.bot_file import MAX_BYTES, BadFile, written
from bots.admin.bot_files.duplicate import duplicate
from bots.admin.bot_files.reading import read
from bots.admin.versions import VersionHistoryMixin
from bots.models import Bot
from bots.responses import page
from bots.versions import history

TOOL_PERMISSIONS = ("bots.add_tool", "bots.change_tool")
CHANGED_SINCE = "Somebody changed this bot meanwhile. Look at the changes once more."


class BotFilesMixin(VersionHistoryMixin):
    """Duplicates bots, and moves them between servers as files."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages before the admin's catch-all path."""
        view = self.admin_site.admin_view
        copy, upload = require_POST(self.duplicate_view), self.import_view
        return [
            path("<int:pk>/duplicate/", view(copy), name=self._name("duplicate")),
            path("<int:pk>/file/", view(self.file_view), name=self._name("file")),
            path("import/", view(upload), name=self._name("import")),
            *super().get_urls(),
        ]

    @admin.action(description="Duplicate the selected bots", permissions=["add"])
    def duplicate_selected(
        self, request: HttpRequest, queryset: "QuerySet[Bot]"
    ) -> None:
        """Copy each selected bot."""
        copies = [copy for bot in queryset if (copy := self._duplicate(request, bot))]
        if copies:
            names = ", ".join(f"“{copy}”" for copy in copies)
            count = f"{len(copies)} cop{pluralize(copies, 'y,ies')}"
            self.message_user(request, f"Made {count}: {names}.", messages.SUCCESS)

    def duplicate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy a bot and open the copy."""
        bot = get_object_or_404(Bot, pk=pk)
        may_view = self.has_view_or_change_permission(request, bot)
        if not (may_view and self.has_add_permission(request)):
            raise PermissionDenied
        copy = self._duplicate(request, bot)
        if copy is None:
            return redirect(self._url("change", pk))
        text = f"This is the copy of “{bot}”. It answers no number yet."
        self.message_user(request, text, messages.SUCCESS)
        return redirect(self._url("change", copy.pk))

    def _duplicate(self, request: HttpRequest, bot: Bot) -> Bot | None:
        try:
            copy = duplicate(bot)
        except ValidationError as error:
            text = f"“{bot}” was not copied. {' '.join(error.messages)}"
            self.message_user(request, text, messages.ERROR)
            return None
        except IntegrityError:
            text = "Somebody else saved at the same time. Try again."
            self.message_user(request, text, messages.ERROR)
            return None
        self.log_addition(request, copy, f"Copied from “{bot}”.")
        return copy

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a bot as a file, which has the numbers of people in full."""
        bot = get_object_or_404(Bot, pk=pk)
        may_view = self.has_view_or_change_permission(request, bot)
        if not may_view or self._hides_numbers(request, bot):
            raise PermissionDenied
        self.log_change(request, bot, "Downloaded as a file.")
        name = f"{slugify(bot.name) or 'bot'}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        may_view_tools = scope_of(request.user, "bots.view_tool").is_all
        text = written(bot, with_tools=may_view_tools)
        return HttpResponse(text, content_type="application/json", headers=headers)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, show what it would change, and apply it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_sent = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
        if not form.is_valid():
            return self._import_page(request, form=form)
        content: bytes = form.cleaned_data["content"]
        is_confirmed = "apply" in request.POST
        try:
            file = read(content)
            self._require_permission(request, file.bot["name"])
            seen = _latest_version(file.bot["name"])
            if is_confirmed and request.POST.get("seen") != seen:
                self.message_user(request, CHANGED_SINCE, messages.WARNING)
                is_confirmed = False
            may_change_tools = request.user.has_perms(TOOL_PERMISSIONS)
            applied = apply(file, dry_run=not is_confirmed, with_tools=may_change_tools)
        except BadFile as error:
            return self._import_page(request, form=form, reasons=error.args)
        if is_confirmed:
            return self._imported(request, applied)
        title = f"Import “{applied.name}”"
        text = content.decode("utf-8-sig")
        return self._import_page(request, title, applied=applied, text=text, seen=seen)

    def _require_permission(self, request: HttpRequest, name: str) -> None:
        bot = Bot.objects.filter(name=name).first()
        if bot and not self.has_change_permission(request, bot):
            raise PermissionDenied

    def _imported(self, request: HttpRequest, applied: Applied) -> HttpResponse:
        bot = get_object_or_404(Bot, pk=applied.pk)
        log = self.log_addition if applied.is_new else self.log_change
        log(request, bot, f"Imported from a file: {', '.join(applied.changes)}.")
        done = "Created" if applied.is_new else "Changed"
        text = f"{done} as the file says." if applied.changes else "Nothing to change."
        self.message_user(request, text, messages.SUCCESS)
        for note in applied.notes:
            self.message_user(request, note, messages.WARNING)
        return redirect(self._url("change", bot.pk))

    def _import_page(
        self, request: HttpRequest, title: str = "Import a bot", **context: Any
    ) -> HttpResponse:
        return page(request, "bots/bot/import.html", title, opts=self.opts, **context)


class UploadForm(forms.Form):
    """A file, or the text of one that was shown already."""

    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        help_text="A file that was downloaded from the page of a bot, or written by "
        "manage.py bots export.",
    )
    text = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Take the content from either."""
        file, text = self.cleaned_data.get("file"), self.cleaned_data.get("text")
        if not (file or text):
            self.add_error("file", "Choose a file.")
        content = file.read(MAX_BYTES + 1) if file else (text or "").encode()
        return {**self.cleaned_data, "content": content}


def _latest_version(name: str) -> str:
    """The version that the preview is about; empty for a new bot."""
    bot = Bot.objects.filter(name=name).first()
    latest = bot and history.versions(Bot, bot.pk).first()
    return str(latest.pk) if latest else ""
