from django.http import Http404, HttpRequest, HttpResponse


def page(request: HttpRequest, bot_id: int) -> HttpResponse:
    raise Http404
