"""What the bot editor asks for while it is open: lists of Inworld, and advice."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_POST

from bots import catalogue
from bots.desk import advice
from bots.desk.listen import listen, may_edit
from bots.models import Catalogue

View = Callable[..., HttpResponse]


@require_http_methods(["GET", "POST"])
@permission_required("bots.view_bot", raise_exception=True)
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """The list as kept; a POST reads it anew first."""
    if request.method == "GET":
        found = catalogue.kept(kind)
    elif may_edit(request):
        found = catalogue.refreshed(kind)
    else:
        return JsonResponse({"trouble": "Only editors of bots may."}, status=403)
    return JsonResponse({**asdict(found), "is_stale": found.is_stale})


@require_POST
@permission_required("bots.view_bot", raise_exception=True)
def advise(request: HttpRequest) -> HttpResponse:
    """Counts and remarks for the form as it stands, saved or not."""
    draft = {name: request.POST.get(name, "") for name in advice.READ}
    found = [asdict(remark) for remark in remarks_on(draft)]
    return JsonResponse({"counts": advice.counts(draft), "remarks": found})


def remarks_on(draft: Mapping[str, str]) -> list[advice.Remark]:
    """What is to be said of a bot, given what Inworld offered last."""
    offer = advice.Offer(catalogue.voices(), catalogue.models())
    return advice.remarks(draft, offer)


def urls(guarded: Callable[[View], View]) -> list[URLPattern]:
    """The editor's own addresses; `guarded` lets only staff in."""
    voices, models = Catalogue.Kind.VOICES, Catalogue.Kind.MODELS
    lists, name = guarded(listing), "bots_bot_"
    return [
        path("editor/voices/", lists, {"kind": voices}, name=f"{name}voices"),
        path("editor/models/", lists, {"kind": models}, name=f"{name}models"),
        path("editor/advice/", guarded(advise), name=f"{name}advice"),
        path("editor/listen/", guarded(listen), name=f"{name}listen"),
    ]
