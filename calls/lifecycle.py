"""A call's row from ringing to its end, for those outside the call itself."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from bots.models import Bot
from bots.profile import Profile
from calls.models import Call

SID_LENGTH = 64


async def open_call(form: Mapping[str, str], bot: Bot) -> Call:
    """The call that rings now, with the settings it will run with.

    Twilio may deliver the same call twice; the second time gets the first one's row.
    """
    call, _ = await Call.objects.aget_or_create(
        call_sid=form["CallSid"][:SID_LENGTH],
        defaults={
            **_parties(form),
            "bot": bot,
            "bot_name": bot.name,
            "settings": Profile.of(bot).to_json(),
        },
    )
    return call


async def refuse_call(form: Mapping[str, str], reason: str) -> None:
    """Note a call that no bot took."""
    await Call.objects.aget_or_create(
        call_sid=form["CallSid"][:SID_LENGTH],
        defaults={
            **_parties(form),
            "status": Call.Status.REFUSED,
            "end_reason": reason,
            "ended_at": timezone.now(),
        },
    )


async def close_call(call_sid: str, status: str, reason: str) -> bool:
    """Close a call unless something else did; whether this was the one that did."""
    closed = await (
        Call.objects.open()
        .filter(call_sid=call_sid)
        .aupdate(status=status, end_reason=reason, ended_at=timezone.now())
    )
    return closed == 1


def close_forgotten_calls(age: timedelta) -> None:
    """Close calls that nobody will close any more, begun at least `age` ago."""
    now = timezone.now()
    left = Call.objects.open().filter(started_at__lte=now - age)
    left.filter(status=Call.Status.RINGING).update(
        status=Call.Status.FAILED,
        end_reason=Call.EndReason.NEVER_CONNECTED,
        ended_at=now,
    )
    left.update(
        status=Call.Status.FAILED,
        end_reason=Call.EndReason.SERVER_STOPPED,
        ended_at=now,
    )


def our_number(form: Mapping[str, str]) -> str:
    """The number of ours that a call goes through."""
    outbound = form.get("Direction", "").startswith("outbound")
    return form.get("From" if outbound else "To", "")


def _parties(form: Mapping[str, str]) -> dict[str, object]:
    outbound = form.get("Direction", "").startswith("outbound")
    return {
        "from_number": form.get("From", "")[:120],
        "to_number": form.get("To", "")[:120],
        "direction": Call.Direction.OUTBOUND if outbound else Call.Direction.INBOUND,
        "started_at": timezone.now(),
    }
