"""What the bot editor asks for while it is open: lists of Inworld, and advice."""

import re
from collections.abc import Callable
from dataclasses import asdict

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from bots import catalogue
from bots.admin.voice_preview import listen, may_edit
from bots.advice import advice
from bots.advice.form import AvailableTools, Catalogue, Draft, Remark, rows
from bots.config import local_time
from bots.models import InworldCatalogue, PhoneNumber, Tool
from bots.phone_numbers import PastedNumberField
from bots.tools.guarded_http import refused_by_policy
from bots.validators import e164, request_url

KEY = re.compile("[0-9]{1,18}")
View = Callable[..., HttpResponse]


@require_http_methods(["GET", "POST"])
@permission_required("bots.view_bot", raise_exception=True)
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """The list as kept; a POST reads it anew first."""
    if request.method == "GET":
        found = catalogue.stored(kind)
    elif may_edit(request):
        found = catalogue.refreshed(kind)
    else:
        return JsonResponse(
            {"problem": "Only users who can edit bots can refresh this list."},
            status=403,
        )
    return JsonResponse({**asdict(found), "is_stale": found.is_stale})


@require_POST
@permission_required("bots.view_bot", raise_exception=True)
def advise(request: HttpRequest) -> HttpResponse:
    """Counts and remarks for the form as it stands, saved or not."""
    found = [asdict(remark) for remark in remarks_on(request.POST)]
    counts = advice.counts(_draft(request.POST))
    return JsonResponse({"counts": counts, "remarks": found})


def remarks_on(form: QueryDict) -> list[Remark]:
    """What is to be said of a bot, given what Inworld offered last."""
    offer = Catalogue(catalogue.voices(), catalogue.models())
    return advice.remarks(_draft(form), offer, _kit(form))


def _draft(form: QueryDict) -> dict[str, str]:
    return {name: str(value) for name, value in form.items()}


def _kit(form: QueryDict) -> AvailableTools:
    """The tools that a form names, and what minute it is in its time zone."""
    draft = _draft(form)
    lookup, chosen = form.get("lookup_tool", ""), form.getlist("tools")
    pressed = [row["tool"] for row in rows(draft, "menu_keys")]
    keys = [key for key in [lookup, *chosen, *pressed] if KEY.fullmatch(key)]
    tools = Tool.objects.filter(pk__in=keys).prefetch_related("parameters")
    found = {str(tool.pk): tool.spec() for tool in tools} if keys else {}
    return AvailableTools(
        [found[key] for key in chosen if key in found],
        found.get(lookup),
        local_time.minute_of_week(timezone.now(), form.get("time_zone", "")),
        found,
        _to_bots(draft),
        _unsent(draft),
    )


def _to_bots(draft: Draft) -> list[str]:
    """The fields of people whose number a bot answers, or will once this is saved."""
    people = [row.field("number") for row in rows(draft, "targets")]
    typed = {name: _number(draft, name) for name in ("transfer_number", *people)}
    typed = {name: number for name, number in typed.items() if number}
    known = PhoneNumber.objects.filter(number__in=typed.values(), is_active=True)
    own = [row for row in rows(draft, "numbers") if row["is_active"]]
    answered = {
        *known.values_list("number", flat=True),
        *(_number(draft, row.field("number")) for row in own),
    }
    return [name for name, number in typed.items() if number in answered]


def _unsent(draft: Draft) -> str:
    """Why nothing reaches the webhook, where it is a whole address."""
    address = _valid(request_url, draft.get("webhook_url", "").strip())
    return refused_by_policy(address) if address else ""


def _number(draft: Draft, name: str) -> str:
    """The number in a field; empty where there is none, or half of one."""
    return _valid(e164, PastedNumberField().to_python(draft.get(name, "")))


def _valid(check: Callable[[str], None], text: str) -> str:
    """The text, or nothing where a check of the form's refuses it."""
    try:
        check(text)
    except ValidationError:
        return ""
    return text


def urls(guarded: Callable[[View], View]) -> list[URLPattern]:
    """The editor's own addresses; `guarded` lets only staff in."""
    voices, models = InworldCatalogue.Kind.VOICES, InworldCatalogue.Kind.MODELS
    lists, name = guarded(listing), "bots_bot_"
    return [
        path("editor/voices/", lists, {"kind": voices}, name=f"{name}voices"),
        path("editor/models/", lists, {"kind": models}, name=f"{name}models"),
        path("editor/advice/", guarded(advise), name=f"{name}advice"),
        path("editor/listen/", guarded(listen), name=f"{name}listen"),
    ]
