"""Transfers in test calls: the operator decides what the called person does."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from bots.access.scope import visible
from bots.responses import problem
from calls.console.test_call.consumer import PERMISSION, call_of
from calls.console.test_call.page import connection_info
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.webhooks import transfer

# Twilio's report on the dialled telephone, by the operator's choice.
DIAL_RESULTS = {
    "takes": {"DialCallStatus": "completed", "DialBridged": "true"},
    "no-answer": {"DialCallStatus": "no-answer", "DialBridged": "false"},
    "gone": {"DialCallStatus": "canceled", "CallStatus": "completed"},
}
OVER = "The call is over."


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def simulate_target(request: HttpRequest) -> JsonResponse:
    """End a test call, or return it to its bot."""
    # The operator may take their time, so the token's age does not matter here.
    call_sid = call_of(request.POST.get("token", ""), request.user, lifetime=None)
    form = DIAL_RESULTS.get(request.POST.get("decision", ""))
    tests = Call.objects.open().filter(is_test=True, call_sid=call_sid)
    call = (
        visible(tests, request.user, PERMISSION).first() if call_sid and form else None
    )
    if call is None or form is None:
        return problem(OVER, 409)
    returned = async_to_sync(_finish_transfer)(call, form)
    if returned:
        return JsonResponse({"line": connection_info(returned, request.user)})
    call.refresh_from_db()
    return JsonResponse({"reason": call.get_end_reason_display()})


async def _finish_transfer(call: Call, form: dict[str, Any]) -> Call | None:
    """The call if it returns to the bot, else None."""
    session = call.reconnects
    if form.get("DialBridged") == "true":
        await transfer.accept(call.pk, session, "", transfer.ACCEPT_DIGIT)
    end, returned = await transfer.transfer_ended(call.call_sid, session, form)
    if returned and end is transfer.End.RETURNED:
        active_calls().connecting.expect(returned)
        return returned
    return None
