"""The page “Test call”: talk to a bot in the browser."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from bots.access.scope import visible
from bots.config.example_values import EXAMPLE_VALUES
from bots.config.placeholders import BUILT_IN, parse_declared
from bots.config_builder import config_from_json
from bots.inworld.api_key import lacks_key
from bots.models import Bot
from bots.responses import page as admin_page
from bots.responses import problem
from calls.console.test_call.consumer import PERMISSION, call_token
from calls.console.test_call.new_call import open_test_call
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.variables import SIMULATED_VARIABLES

NO_KEY = "INWORLD_API_KEY is not set, so no bot can speak. Set it and restart."
FULL = "The server has as many calls as it takes (MAX_CALLS). Try again soon."
SLOW = "The server is too slow for another call now. Try again soon."


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(PERMISSION, raise_exception=True)
def page(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Show the page; a POST creates a call and returns how to connect to it."""
    bots = visible(Bot.objects.with_related(), request.user, PERMISSION)
    bot = get_object_or_404(bots, pk=bot_id)
    if request.method == "POST":
        return _start_call(request, bot)
    return admin_page(
        request,
        "test_call.html",
        f"Test call to {bot}",
        bot=bot,
        opts=Bot._meta,
        keys="123456789*0#",
        variables=_variables(bot),
    )


def _start_call(request: HttpRequest, bot: Bot) -> JsonResponse:
    if lacks_key():
        return problem(NO_KEY, 503)
    # The services belong to the server's event loop.
    call = async_to_sync(_open_call)(
        bot, request.user.get_username(), _entered_variables(request, bot)
    )
    if call is None:
        return problem(SLOW if active_calls().is_overloaded else FULL, 503)
    return JsonResponse(connection_info(call, request.user))


def _variables(bot: Bot) -> dict[str, str]:
    """The variables that the page asks for, with example values.

    These are the two phone numbers and the bot's own variables. All other built-in
    variables have real values in a test call as well.
    """
    declared = parse_declared(bot.variables)
    called = bot.numbers.filter(is_active=True).first()
    numbers = (
        {**EXAMPLE_VALUES, "called_number": called.number} if called else EXAMPLE_VALUES
    )
    return {
        **{name: declared.get(name) or numbers[name] for name in SIMULATED_VARIABLES},
        **{name: text for name, text in declared.items() if name not in BUILT_IN},
    }


def _entered_variables(request: HttpRequest, bot: Bot) -> dict[str, str]:
    """The values entered on the page; variables left empty are unknown."""
    entered = ((name, request.POST.get(f"variable-{name}")) for name in _variables(bot))
    return {name: value for name, value in entered if value}


async def _open_call(bot: Bot, operator: str, variables: dict[str, str]) -> Call | None:
    """A new call that waits for its WebSocket; None if the server is full."""
    if active_calls().is_full:
        return None
    call = await open_test_call(bot, operator, variables)
    active_calls().connecting.expect(call)
    return call


def connection_info(call: Call, user: Any) -> dict[str, Any]:
    """The TwiML's attributes, with which the page stands in for Twilio."""
    config = config_from_json(call.settings)
    token = call_token(call.call_sid, user)
    may_read = user.has_perm("calls.view_call", call)
    return {
        "socket": reverse(
            "test-call-socket", args=[token], urlconf="calls.console.routing"
        ),
        "callSid": call.call_sid,
        "from": call.from_number,
        "language": config.language,
        "interruptible": config.interruptible,
        "keys": config.dtmf_detection,
        "token": token,
        "page": reverse("admin:calls_call_change", args=[call.pk]) if may_read else "",
    }
