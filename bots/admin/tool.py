"""The admin of tools: their form, and a page to try one with typed values."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from bots.admin.changelist import ConsoleAdmin
from bots.admin.concurrent_edits import ConcurrentEditsForm
from bots.admin.editor.tabs import section
from bots.admin.forms import TextForm
from bots.admin.tool_advice import remarks
from bots.admin.tool_trial import TrialForm
from bots.admin.usage import bots_with, linked, users_of
from bots.admin.versions import VersionHistoryMixin
from bots.models import Bot, Tool, ToolParameter
from bots.responses import page
from bots.tools.guarded_http import NOT_PUBLIC, PRIVATE_HOST_HINT
from bots.versions.history import record_change

TOOL_DELETED = "A tool was deleted"


class ParameterForm(forms.ModelForm[ToolParameter]):
    """One argument of a tool."""

    class Meta:
        model = ToolParameter
        exclude: list[str] = []
        help_texts = {
            "name": "The AI model uses this name. Write {{name}} to use the value in "
            "the address or a header.",
            "type": "The kind of value. Other values are refused.",
            "required": "The bot asks the caller for this value before it uses the "
            "tool.",
        }


class ParameterInline(admin.StackedInline[ToolParameter, Tool]):
    """The arguments of a tool, below its settings."""

    model = ToolParameter
    form = ParameterForm
    extra = 0
    max_num = 40
    verbose_name = "argument"
    verbose_name_plural = "Arguments that the AI model fills in"
    fields = [("name", "type"), "description", ("required", "secret"), "choices"]


class ToolForm(ConcurrentEditsForm, TextForm):
    """The settings of a tool."""

    lists = "arguments of this tool"

    class Meta:
        model = Tool
        exclude: list[str] = []
        help_texts = {
            "method": "GET reads data. The other methods change data. POST, PUT and "
            "PATCH send the arguments in the body."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & {"url", "headers"}:
            self.fields[name].widget.attrs |= {"spellcheck": "false", "dir": "ltr"}
        if "url" in self.fields:
            self.fields["url"].widget.attrs["class"] = "vLargeTextField"


class ShowsUsage(ConsoleAdmin[Any]):
    """Names the bots and tools that use an object before it is deleted."""

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Add the users of the object to the page that asks for confirmation."""
        obj = self.get_object(request, object_id)
        users = {"users": linked(users_of(obj))} if obj else {}
        context = (extra_context or {}) | users
        return super().delete_view(request, object_id, context)


@admin.register(Tool)
class ToolAdmin(ShowsUsage, VersionHistoryMixin):
    """The list of tools, their form, and a page to try one."""

    form = ToolForm
    inlines = [ParameterInline]
    list_display = ["name", "method", "url", "used_in"]
    list_filter = ["method"]
    search_fields = ["name", "description", "url"]
    readonly_fields = ["used_by"]
    fieldsets = [
        section(
            "Purpose",
            "The AI model reads this to decide when to use the tool.",
            *("name", "description", "used_by"),
        ),
        section(
            "Request",
            "Where the tool sends its request. The host name must be written out, so "
            "that neither a caller nor the AI model can change it. Add a server of "
            "your own network to TOOL_ALLOWED_PRIVATE_HOSTS.",
            *("method", "url", "headers"),
        ),
        section(
            "Time limit and failure",
            "While callers wait for the tool, the bot says a wait phrase. You can "
            "change the wait phrases on the bot's page.",
            *("timeout_seconds", "failure_instructions"),
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        """Prefetch the bots of all tools."""
        tools: QuerySet[Tool] = super().get_queryset(request)
        looks_up = Exists(Bot.objects.filter(lookup_tool=OuterRef("pk")))
        return tools.prefetch_related("bots").annotate(looks_up=looks_up)

    def get_urls(self) -> list[URLPattern]:
        """Add the page to try a tool."""
        view = self.admin_site.admin_view(self.try_view)
        return [
            path("<int:tool_id>/try/", view, name="bots_tool_try"),
            *super().get_urls(),
        ]

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save, then show warnings."""
        super().save_related(request, form, formsets, change)
        for remark in remarks(form.instance):
            self.message_user(request, remark, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Tool) -> None:
        """Delete the tool; the versions of its bots show that."""
        bots = list(bots_with(obj).values_list("pk", flat=True))
        super().delete_model(request, obj)
        record_change(bots, TOOL_DELETED)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tool]) -> None:
        """Delete the ticked tools; the versions of their bots show that."""
        bots = {bot.pk for tool in queryset for bot in bots_with(tool)}
        super().delete_queryset(request, queryset)
        record_change(bots, TOOL_DELETED)

    @method_decorator(sensitive_post_parameters())
    def try_view(self, request: HttpRequest, tool_id: int) -> HttpResponse:
        """Ask for arguments, make the request and show its result."""
        tool = get_object_or_404(Tool, pk=tool_id)
        if not self.has_change_permission(request, tool):
            raise PermissionDenied
        form = TrialForm(tool, request.POST if request.method == "POST" else None)
        trial = form.run() if form.is_valid() else None
        if trial:
            status = trial.result.status or "no answer"
            self.log_change(request, tool, f"Tried: {status}.")
        is_refused = trial is not None and trial.result.error == NOT_PUBLIC
        return page(
            request,
            "bots/tool/try.html",
            f"Try {tool.name}",
            opts=self.opts,
            original=tool,
            form=form,
            trial=trial,
            advice=PRIVATE_HOST_HINT if is_refused else "",
        )

    @admin.display(description="used by")
    def used_by(self, tool: Tool) -> str:
        """Link to the bots that use the tool in any way."""
        if tool.pk is None:
            return "No bot yet. Choose the tool on a bot's page."
        return linked(users_of(tool)) or "No bot. Choose the tool on a bot's page."

    @admin.display(description="used by")
    def used_in(self, tool: Tool) -> str:
        """Name the bots that have the tool, without a query per row."""
        names = [bot.name for bot in tool.bots.all()]
        if tool.looks_up:  # type: ignore[attr-defined]  # annotated above
            names.append("as a lookup")
        return ", ".join(names) or "-"
