"""The admin of tools: their form, and a page to try one with typed values."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from bots.admin.fieldsets import section
from bots.admin.tool_advice import remarks
from bots.admin.tool_trial import TrialForm
from bots.admin.usage import linked, users_of
from bots.models import Bot, Tool, ToolParameter
from bots.tools.guarded_http import NOT_PUBLIC, PRIVATE_HOST_HINT

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Inline = admin.StackedInline[Any, Any]
else:
    Admin, Inline = admin.ModelAdmin, admin.StackedInline


class ParameterForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable
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


class ParameterInline(Inline):
    """What the model fills in."""

    model = ToolParameter
    form = ParameterForm
    extra = 0
    verbose_name = "argument"
    verbose_name_plural = "Arguments that the AI model fills in"
    fields = [("name", "type"), "description", ("required", "secret"), "choices"]


class ToolForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable
    """A tool's settings; the browser cuts nothing off, so that a refusal can tell."""

    class Meta:
        model = Tool
        exclude: list[str] = []
        help_texts = {
            "method": "GET reads data. The other methods change data. POST, PUT and "
            "PATCH send the arguments in the body."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("maxlength", None)
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs |= {"rows": 3, "dir": "auto"}
            if name in ("url", "headers"):
                field.widget.attrs |= {"spellcheck": "false", "dir": "ltr"}
        if "url" in self.fields:
            self.fields["url"].widget.attrs["class"] = "vLargeTextField"


class ShowsUsage(Admin):
    """Says what uses a thing before it is deleted."""

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask first, and say who would do without it."""
        found = self.get_object(request, object_id)
        users = {"users": linked(users_of(found))} if found else {}
        return super().delete_view(
            request, object_id, {**(extra_context or {}), **users}
        )


@admin.register(Tool)
class ToolAdmin(ShowsUsage):
    """What bots may look up or set going during a call."""

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
        """Fetch the bots of all tools at once."""
        tools: QuerySet[Tool] = super().get_queryset(request)
        looks_up = Exists(Bot.objects.filter(lookup_tool=OuterRef("pk")))
        return tools.prefetch_related("bots").annotate(looks_up=looks_up)

    def get_urls(self) -> list[URLPattern]:
        """The page to try a tool, before the admin's own."""
        view = self.admin_site.admin_view(self.try_view)
        return [
            path("<int:tool_id>/try/", view, name="bots_tool_try"),
            *super().get_urls(),
        ]

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save, and say what is worth another look."""
        super().save_related(request, form, formsets, change)
        for remark in remarks(form.instance):
            self.message_user(request, remark, messages.WARNING)

    @method_decorator(sensitive_post_parameters())
    def try_view(self, request: HttpRequest, tool_id: int) -> HttpResponse:
        """Ask for arguments, make the request, show what came of it."""
        tool = self.get_object(request, str(tool_id))
        if tool is None:
            raise Http404("This tool does not exist.")
        if not self.has_change_permission(request, tool):
            raise PermissionDenied
        form = TrialForm(tool, request.POST if request.method == "POST" else None)
        trial = form.run() if form.is_valid() else None
        if trial:
            status = trial.result.status or "no answer"
            self.log_change(request, tool, f"Tried: {status}.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Try {tool.name}",
            "opts": self.opts,
            "original": tool,
            "form": form,
            "trial": trial,
            "advice": PRIVATE_HOST_HINT
            if trial and trial.result.error == NOT_PUBLIC
            else "",
        }
        return TemplateResponse(request, "admin/bots/tool/try.html", context)

    @admin.display(description="used by")
    def used_by(self, tool: Tool) -> str:
        """The bots whose model has it, that look up with it, or have a key for it."""
        if tool.pk is None:
            return "No bot yet. Choose the tool on a bot's page."
        return linked(users_of(tool)) or "No bot. Choose the tool on a bot's page."

    @admin.display(description="used by")
    def used_in(self, tool: Tool) -> str:
        """The same for a list."""
        bots = [bot.name for bot in tool.bots.all()]
        before = ["as a lookup"] if tool.looks_up else []  # type: ignore[attr-defined]
        return ", ".join([*bots, *before]) or "-"
