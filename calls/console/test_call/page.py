"""Talk to a bot in the browser: the page, and the call that its button makes."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from bots.config.example_values import EXAMPLE_VALUES
from bots.config.placeholders import BUILT_IN, parse_declared
from bots.config_builder import config_from_json
from bots.inworld.api_key import lacks_key
from bots.models import Bot
from calls.console.test_call.consumer import may_test, talk_token
from calls.console.test_call.new_call import open_test_call
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.variables import SIMULATED_VARIABLES

NO_KEY = "INWORLD_API_KEY is not set, so no bot can speak. Set it and restart."
FULL = "As many calls as this server takes (MAX_CALLS) are in progress. Try again soon."


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Show the page; a POST makes a call and says how to connect to it."""
    if not may_test(request.user):
        raise PermissionDenied
    bot = get_object_or_404(Bot.objects.with_related(), pk=bot_id)
    if request.method == "POST":
        return _call(request, bot)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Talk to {bot}",
        "bot": bot,
        "opts": Bot._meta,
        "keys": "123456789*0#",
        "variables": _variables(bot),
    }
    return TemplateResponse(request, "admin/test_call.html", context)


def _call(request: HttpRequest, bot: Bot) -> JsonResponse:
    if lacks_key():
        return JsonResponse({"problem": NO_KEY}, status=503)
    # The services belong to the server's event loop.
    call = async_to_sync(_ring)(bot, request.user.get_username(), _given(request, bot))
    if call is None:
        return JsonResponse({"problem": FULL}, status=503)
    return JsonResponse(connection_info(call, request.user))


def _variables(bot: Bot) -> dict[str, str]:
    """What the page asks for, with examples: who calls which number, and the bot's own.

    The rest of what a call knows by itself a test call knows, too.
    """
    noted = parse_declared(bot.variables)
    ours = bot.numbers.filter(is_active=True).first()
    numbers = (
        {**EXAMPLE_VALUES, "called_number": ours.number} if ours else EXAMPLE_VALUES
    )
    return {
        **{name: noted.get(name) or numbers[name] for name in SIMULATED_VARIABLES},
        **{name: text for name, text in noted.items() if name not in BUILT_IN},
    }


def _given(request: HttpRequest, bot: Bot) -> dict[str, str]:
    """What the page fills in for the bot's variables; the others are unknown."""
    given = ((name, request.POST.get(f"variable-{name}")) for name in _variables(bot))
    return {name: value for name, value in given if value}


async def _ring(bot: Bot, operator: str, variables: dict[str, str]) -> Call | None:
    """A new call that waits for its socket; None when there is no room."""
    if active_calls().is_full:
        return None
    call = await open_test_call(bot, operator, variables)
    active_calls().connecting.expect(call)
    return call


def connection_info(call: Call, user: Any) -> dict[str, Any]:
    """What the page needs to play the carrier: the TwiML's part of a phone call."""
    profile = config_from_json(call.settings)
    token = talk_token(call.call_sid, user)
    readable = user.has_perm("calls.view_call")
    return {
        "socket": reverse(
            "test-call-socket", args=[token], urlconf="calls.console.routing"
        ),
        "callSid": call.call_sid,
        "from": call.from_number,
        "language": profile.language,
        "interruptible": profile.interruptible,
        "keys": profile.dtmf_detection,
        "token": token,
        "page": reverse("admin:calls_call_change", args=[call.pk]) if readable else "",
    }
