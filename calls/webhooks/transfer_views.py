"""What the carrier asks while a caller is put through to a person."""

from django.http import HttpRequest, HttpResponse

from calls.webhooks import transfer
from calls.webhooks.open_call import SID_LENGTH
from calls.webhooks.signed_requests import answered, from_carrier


@from_carrier
async def announcement(
    request: HttpRequest, call_id: int, session: int
) -> HttpResponse:
    """A person has picked up; this is their telephone's request, not the caller's."""
    parent = request.POST.get("ParentCallSid", "")
    return await answered(lambda: transfer.announce(call_id, session, parent))


@from_carrier
async def accept(request: HttpRequest, call_id: int, session: int) -> HttpResponse:
    """The person has pressed a key."""
    parent, key = request.POST.get("ParentCallSid", ""), request.POST.get("Digits", "")
    return await answered(lambda: transfer.accept(call_id, session, parent, key))


@from_carrier
async def dial(request: HttpRequest, session: int) -> HttpResponse:
    """The person's telephone is free again, or could not be rung."""
    form, call_sid = request.POST, request.POST.get("CallSid", "")[:SID_LENGTH]
    return await answered(lambda: transfer.settle(call_sid, session, form))
