"""The admin of blocked callers: the list, a pasted list, and blocking from a call."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from bots.access.numbers import may_see_numbers
from bots.access.scope import visible
from bots.admin.changelist import ConsoleAdmin, moment_column
from bots.phone_numbers.caller_id import is_hidden
from bots.phone_numbers.fields import PastedField
from bots.responses import page
from calls.admin.read_only import FullNumbersMixin
from calls.blocking import (
    NOTE_LENGTH,
    PastedLine,
    lines,
    pattern_of,
    pattern_of_caller,
)
from calls.models import BlockedCaller, Call
from calls.webhooks.admission import matching_block

MAY_BLOCK = "calls.add_blockedcaller"
MAX_LINES = 5000
HIDDEN_NUMBER = (
    "This caller hides their number. To block all who do, block “anonymous”."
)


class PatternField(PastedField):
    """A number or the beginning of numbers, in any way that people write them."""

    def to_python(self, value: Any) -> str:
        """The pattern as it is stored."""
        typed = super().to_python(value)
        return pattern_of(typed) if typed else ""


class BlockedCallerForm(forms.ModelForm[BlockedCaller]):
    """A blocked caller, with a note."""

    class Meta:
        model = BlockedCaller
        fields = ["pattern", "note"]
        field_classes = {"pattern": PatternField}


class PasteForm(forms.Form):
    """A list of callers to block."""

    pasted = forms.CharField(
        label="Numbers",
        widget=forms.Textarea(attrs={"rows": 14, "dir": "auto"}),
        help_text="One per line; after a comma, a note.",
    )

    def clean_pasted(self) -> str:
        pasted: str = self.cleaned_data["pasted"]
        if len(pasted.splitlines()) > MAX_LINES:
            raise ValidationError(f"Paste {MAX_LINES:,} lines at most.")
        return pasted


@admin.register(BlockedCaller)
class BlockedCallerAdmin(FullNumbersMixin):
    """Callers whose calls are refused."""

    form = BlockedCallerForm
    list_display = ["pattern", "note", "added", "added_by"]
    added = moment_column("added_at", "added")
    list_select_related = ["added_by"]
    search_fields = ["pattern", "note"]
    readonly_fields = ["added_at", "added_by"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show who added an existing entry, and when."""
        return ["pattern", "note", *(["added_at", "added_by"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A pattern that Twilio sent but the form would reject cannot be edited."""
        fixed = obj is not None and not _is_typed(obj.pattern)
        return [*self.readonly_fields, *(["pattern"] if fixed else [])]

    def get_urls(self) -> list[URLPattern]:
        """Add the page to paste a list."""
        view = self.admin_site.admin_view(self.paste_view)
        return [
            path("paste/", view, name="calls_blockedcaller_paste"),
            *super().get_urls(),
        ]

    def save_model(
        self, request: HttpRequest, obj: BlockedCaller, form: Any, change: bool
    ) -> None:
        if not change:
            obj.added_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    def paste_view(self, request: HttpRequest) -> HttpResponse:
        """Add a pasted list; lines with problems stay in the field."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PasteForm(request.POST or None)
        if form.is_valid():
            pasted = lines(form.cleaned_data["pasted"])
            bad = [line for line in pasted if line.problem]
            good = [line for line in pasted if line.pattern]
            _report(request, good, _block(request, good))
            if not bad:
                return redirect("admin:calls_blockedcaller_changelist")
            form = PasteForm({"pasted": "\n".join(line.text for line in bad)})
            form.add_error("pasted", f"Not understood: {len(bad)}. {bad[0].problem}")
        return page(
            request,
            "calls/blockedcaller/paste.html",
            "Block a list of callers",
            form=form,
            opts=self.opts,
        )


class BlocksCallers(ConsoleAdmin[Call]):
    """Blocks callers from the list of calls and from a call's page."""

    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_BLOCK) and may_see_numbers(request.user)

    def get_urls(self) -> list[URLPattern]:
        """Add the target of the call page's form."""
        view = self.admin_site.admin_view(require_POST(self.block_view))
        name = "calls_call_block"
        return [path("<int:call_id>/block/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show whether the caller is blocked; offer to block them if not."""
        call = context.get("original")
        if isinstance(call, Call) and _has_caller(call):
            entry = matching_block(call.from_number, call.our_number).first()
            can_block = entry is None and not is_hidden(call.from_number)
            context["blocked_by"] = entry
            may_view = request.user.has_perm("calls.view_blockedcaller")
            context["may_see_entry"] = may_view and may_see_numbers(request.user)
            context["may_block"] = can_block and self.has_block_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(
        description="Block the selected calls' callers", permissions=["block"]
    )
    def block_callers(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        """Block the callers of the selected calls."""
        inbound = queryset.filter(is_test=False, direction=Call.Direction.INBOUND)
        callers = [
            _line_of(number, "Blocked from the list of calls.")
            for number in dict.fromkeys(call.caller for call in inbound)
        ]
        _report(request, callers, _block(request, callers))

    def block_view(self, request: HttpRequest, call_id: int) -> HttpResponse:
        """Block the caller of one call."""
        if not self.has_block_permission(request):
            raise PermissionDenied
        call = get_object_or_404(visible(Call.objects.all(), request.user), pk=call_id)
        if not _has_caller(call):
            raise Http404("There is no caller to block.")
        line = _line_of(call.caller, request.POST.get("note", "").strip())
        _report(request, [line], _block(request, [line]))
        return redirect("admin:calls_call_change", call_id)


def _is_typed(pattern: str) -> bool:
    try:
        return pattern_of(pattern) == pattern
    except ValidationError:
        return False


def _has_caller(call: Call) -> bool:
    return not call.is_outbound and not call.is_test


def _line_of(number: str, note: str) -> PastedLine:
    """A caller as a line to block; a hidden number names no caller."""
    if is_hidden(number):
        return PastedLine(number, problem=HIDDEN_NUMBER)
    try:
        return PastedLine(number, pattern_of_caller(number), note[:NOTE_LENGTH])
    except ValidationError as error:
        return PastedLine(number, problem=" ".join(error.messages))


def _block(request: HttpRequest, lines: Iterable[PastedLine]) -> int:
    """Add the lines without problems to the list; returns how many were new."""
    by_pattern = {line.pattern: line for line in lines if line.pattern}
    rows = BlockedCaller.objects.filter(pattern__in=by_pattern)
    existing = set(rows.values_list("pattern", flat=True))
    new = [
        BlockedCaller(
            pattern=pattern, note=line.note, added_by_id=int(request.user.pk or 0)
        )
        for pattern, line in by_pattern.items()
        if pattern not in existing
    ]
    BlockedCaller.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _report(request: HttpRequest, lines: list[PastedLine], new: int) -> None:
    valid = len({line.pattern for line in lines if line.pattern})
    if new:
        messages.success(request, f"Blocked: {new}.")
    if existing := valid - new:
        messages.info(request, f"Already in the list: {existing}.")
    bad = [line for line in lines if line.problem]
    if bad:
        problems = " ".join(dict.fromkeys(line.problem for line in bad))
        messages.warning(request, f"Not blocked: {len(bad)}. {problems}")
