"""What the carrier asks while a caller is put through to a person."""

from django.http import HttpRequest, HttpResponse

from calls.webhooks import transfer
from calls.webhooks.open_call import SID_LENGTH
from calls.webhooks.signed_requests import twilio_webhook, twiml_or_apology


@twilio_webhook
async def announcement(
    request: HttpRequest, call_id: int, session: int
) -> HttpResponse:
    """A person has picked up; this is their telephone's request, not the caller's."""
    parent = request.POST.get("ParentCallSid", "")
    return await twiml_or_apology(lambda: transfer.announce(call_id, session, parent))


@twilio_webhook
async def accept(request: HttpRequest, call_id: int, session: int) -> HttpResponse:
    """The person has pressed a key."""
    parent, key = request.POST.get("ParentCallSid", ""), request.POST.get("Digits", "")
    return await twiml_or_apology(
        lambda: transfer.accept(call_id, session, parent, key)
    )


@twilio_webhook
async def dial(request: HttpRequest, session: int) -> HttpResponse:
    """The person's telephone is free again, or could not be rung."""
    form, call_sid = request.POST, request.POST.get("CallSid", "")[:SID_LENGTH]
    return await twiml_or_apology(lambda: transfer.dial_ended(call_sid, session, form))
