"""JSON for the open bot editor: Inworld's lists, and advice on the form."""

from collections.abc import Callable
from dataclasses import asdict

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bots import catalogue
from bots.access.scope import visible
from bots.admin.editor import new_bot
from bots.admin.editor.voice_preview import listen, may_edit
from bots.advice import advice
from bots.advice.form import Catalogue, Draft, FormContext, Remark, rows
from bots.config import local_time
from bots.config.opening_hours import BadHours, week_of
from bots.models import (
    MAX_HOURS_LENGTH,
    Bot,
    InworldCatalogue,
    MenuKey,
    PhoneNumber,
    SpokenLanguage,
    Tool,
    TransferTarget,
)
from bots.phone_numbers.e164 import to_e164
from bots.responses import primary_key, problem
from bots.site_settings.current import moment
from bots.tools.guarded_http import refused_by_policy
from bots.validators import e164, request_url

View = Callable[..., HttpResponse]

LENGTHS: dict[str, int] = {
    field.name: getattr(field, "max_length", None) or 0
    for model in (SpokenLanguage, TransferTarget, MenuKey, Bot)
    for field in model._meta.concrete_fields
}
# Numbers are typed with spaces and brackets, which saving removes.
MIN_LENGTH = 200


@require_http_methods(["GET", "POST"])
@permission_required("bots.view_bot", raise_exception=True)
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """Return a list of Inworld as stored; a POST fetches it first."""
    if request.method == "GET":
        found = catalogue.stored(kind)
    elif may_edit(request):
        found = catalogue.refreshed(kind)
    else:
        return problem("Only users who can edit bots can refresh this list.", 403)
    fetched = moment(found.fetched_at)
    more = {"fetched": fetched, "is_stale": found.is_stale}
    return JsonResponse({**asdict(found), **more})


@require_POST
@permission_required("bots.view_bot", raise_exception=True)
def advise(request: HttpRequest) -> HttpResponse:
    """Return counts and remarks for the form, saved or not."""
    if not may_edit(request):
        return problem("Only users who can edit bots get advice.", 403)
    remarks = [asdict(remark) for remark in remarks_on(request)]
    counts = advice.counts(_draft(request.POST))
    return JsonResponse({"counts": counts, "remarks": remarks})


@require_GET
@permission_required("bots.view_bot", raise_exception=True)
def hours(request: HttpRequest) -> HttpResponse:
    """Return the week that opening hours as text stand for, or the problem."""
    try:
        week = week_of(request.GET.get("text", "")[:MAX_HOURS_LENGTH])
    except BadHours as error:
        return JsonResponse({"problem": str(error)})
    return JsonResponse({"week": week})


def remarks_on(request: HttpRequest) -> list[Remark]:
    """List the remarks on a form, by Inworld's lists as last fetched."""
    inworld = Catalogue(catalogue.voices(), catalogue.models())
    return advice.remarks(_draft(request.POST), inworld, _form_context(request))


def _draft(form: QueryDict) -> dict[str, str]:
    """The form's texts, each cut where its field ends: anybody can post any length.

    The short form of a new bot lacks most fields; the bot gets their usual values.
    """
    typed = {name: str(value)[: _longest(name)] for name, value in form.items()}
    return typed if "language" in typed else new_bot.usual(typed) | typed


def _longest(name: str) -> int:
    """The maximum length of a field of the bot, or of a row below it."""
    return max(LENGTHS.get(name.rpartition("-")[2], 0), MIN_LENGTH)


def _form_context(request: HttpRequest) -> FormContext:
    """Look up what the remarks need to know besides the form's texts."""
    form = request.POST
    draft = _draft(form)
    lookup, chosen = draft.get("lookup_tool", ""), dict.fromkeys(form.getlist("tools"))
    menu = [row["tool"] for row in rows(draft, "menu_keys")]
    ids = filter(None, map(primary_key, [lookup, *chosen, *menu]))
    chosen_tools = Tool.objects.filter(pk__in=set(ids)).prefetch_related("parameters")
    tools = visible(chosen_tools, request.user, "bots.view_bot")
    specs = {str(tool.pk): tool.spec() for tool in tools}
    return FormContext(
        tools=[specs[pk] for pk in chosen if pk in specs],
        lookup=specs.get(lookup),
        minute=local_time.minute_of_week(timezone.now(), draft.get("time_zone", "")),
        tools_by_id=specs,
        bot_number_fields=_bot_number_fields(draft),
        webhook_problem=_webhook_problem(draft),
    )


def _bot_number_fields(draft: Draft) -> list[str]:
    """Transfer fields with a number that a bot answers."""
    people = [row.field("number") for row in rows(draft, "targets")]
    typed = {name: _number(draft, name) for name in ("transfer_number", *people)}
    typed = {name: number for name, number in typed.items() if number}
    saved = PhoneNumber.objects.filter(number__in=typed.values(), is_active=True)
    answered = set(saved.values_list("number", flat=True))
    return [name for name, number in typed.items() if number in answered]


def _webhook_problem(draft: Draft) -> str:
    """Say why the webhook cannot be reached; empty if it can, or is half typed."""
    url = _valid(request_url, draft.get("webhook_url", "").strip())
    return refused_by_policy(url) if url else ""


def _number(draft: Draft, name: str) -> str:
    """The number in a field, or nothing if it is not valid."""
    return _valid(e164, to_e164(draft.get(name, "")))


def _valid(check: Callable[[str], None], text: str) -> str:
    """The text, or nothing if the check refuses it."""
    try:
        check(text)
    except ValidationError:
        return ""
    return text


def urls(guarded: Callable[[View], View]) -> list[URLPattern]:
    """URL patterns of the editor; `guarded` restricts a view to staff."""
    voices, models = InworldCatalogue.Kind.VOICES, InworldCatalogue.Kind.MODELS
    lists, name = guarded(listing), "bots_bot_"
    return [
        path("editor/voices/", lists, {"kind": voices}, name=f"{name}voices"),
        path("editor/models/", lists, {"kind": models}, name=f"{name}models"),
        path("editor/advice/", guarded(advise), name=f"{name}advice"),
        path("editor/hours/", guarded(hours), name=f"{name}hours"),
        path("editor/listen/", guarded(listen), name=f"{name}listen"),
    ]
