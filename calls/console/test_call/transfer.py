"""What a person does whom a test call is put through to: the operator says it."""

from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from calls.console.test_call.consumer import call_of, may_test
from calls.console.test_call.page import connection_info
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.webhooks import transfer

# The carrier's report on the person's telephone, had there been one.
DECISIONS = {
    "takes": {"DialCallStatus": "completed", "DialBridged": "true"},
    "no-answer": {"DialCallStatus": "no-answer", "DialBridged": "false"},
    "gone": {"DialCallStatus": "canceled", "CallStatus": "completed"},
}
OVER = "The call is over."


@require_POST
def simulate_target(request: HttpRequest) -> JsonResponse:
    """End a test call, or say how to go on with it at the bot."""
    if not may_test(request.user):
        raise PermissionDenied
    # A person may take their time, so the token's age does not matter here.
    call_sid = call_of(request.POST.get("token", ""), request.user, lifetime=None)
    form = DECISIONS.get(request.POST.get("decision", ""))
    tests = Call.objects.open().filter(is_test=True, call_sid=call_sid)
    call = tests.first() if call_sid and form else None
    if call is None or form is None:
        return JsonResponse({"problem": OVER}, status=409)
    back = async_to_sync(_conclude)(call, form)
    if back:
        return JsonResponse({"line": connection_info(back, request.user)})
    call.refresh_from_db()
    return JsonResponse({"reason": call.get_end_reason_display()})


async def _conclude(call: Call, form: dict[str, Any]) -> Call | None:
    """The call, where it goes on."""
    session = call.reconnects
    if form.get("DialBridged") == "true":
        await transfer.accept(call.pk, session, "", transfer.ACCEPT_DIGIT)
    end, there = await transfer.transfer_ended(call.call_sid, session, form)
    if there and end is transfer.End.RETURNED:
        active_calls().connecting.expect(there)
        return there
    return None
