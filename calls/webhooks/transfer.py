"""Transfers of a caller to a person: Twilio's requests on the way there and back.

The relay session has stored the target in the call's row, so any process can answer.
Twilio may send each request twice, late, and in any order.
"""

import logging
from collections.abc import Mapping
from enum import Enum, auto

from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from bots.config_builder import config_from_json
from bots.phone_numbers.transfer_prefixes import may_be_dialled
from calls.db import run_in_db_thread
from calls.models.call import Call, CallQuerySet
from calls.models.costs import CallUsage
from calls.models.turn import Turn
from calls.prices.number_kinds import number_kind
from calls.prices.usage import DIALLED, Kind, Usage
from calls.session.active_calls import active_calls
from calls.session.variables import fill_for_call
from calls.transcripts.stored_turns import current_config
from calls.transfer import Transfer, pending
from calls.turns.turn import TRANSFER_CALL
from calls.twilio import twiml
from calls.twilio.relay_tokens import new_nonce
from calls.webhooks.connect import (
    dial_document,
    relay_twiml,
    screening_document,
    screening_sentences,
)
from calls.webhooks.dial_result import NOT_ALLOWED, dialled_seconds, parse_dial_result
from calls.webhooks.open_call import SID_LENGTH, close_call
from calls.webhooks.signed_requests import twilio_webhook, twiml_or_apology

log = logging.getLogger(__name__)

ACCEPT_DIGIT = "1"
# Fields of the call that the end of a transfer changes.
CHANGED_FIELDS = [
    "transfer",
    "reconnects",
    "failed_transfers",
    "relay_nonce",
    "disconnected_at",
]

Ending = tuple[Call.Status, Call.EndReason]


class End(Enum):
    """The meaning of a report that the target's telephone is free again."""

    ANSWERED = auto()
    CALLER_HUNG_UP = auto()
    RETURNED = auto()  # the caller is back with the bot
    DUPLICATE = auto()  # an earlier report was the same


# Requests of Twilio


@twilio_webhook
async def announcement(
    request: HttpRequest, call_id: int, session: int
) -> HttpResponse:
    """The target picked up. Twilio asks for the target's leg, not the caller's."""
    parent = request.POST.get("ParentCallSid", "")
    return await twiml_or_apology(lambda: announce(call_id, session, parent))


@twilio_webhook
async def accept_or_decline(
    request: HttpRequest, call_id: int, session: int
) -> HttpResponse:
    """The target pressed a key."""
    parent, key = request.POST.get("ParentCallSid", ""), request.POST.get("Digits", "")
    return await twiml_or_apology(lambda: accept(call_id, session, parent, key))


@twilio_webhook
async def dial(request: HttpRequest, session: int) -> HttpResponse:
    """The target's telephone is free again, or could not be reached."""
    form, call_sid = request.POST, request.POST.get("CallSid", "")[:SID_LENGTH]
    return await twiml_or_apology(lambda: dial_ended(call_sid, session, form))


# TwiML answers


async def dial_target(call_sid: str) -> str:
    """The relay session ended in order to transfer the caller: dial the target."""
    call = await run_in_db_thread(Call.objects.filter(call_sid=call_sid).first)()
    if call is None or call.status in Call.OVER:
        return twiml.hang_up()
    transfer = pending(call.transfer)
    if transfer is None and call.failed_transfers:
        # A repeated request: the caller has already returned to the bot.
        return twiml.empty_response()
    if transfer is None:
        log.error("%s: no transfer target is stored with the call", call_sid)
        end = Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP
        await close_call(call_sid, *end)
        return twiml.hang_up()
    row = Call.objects.filter(pk=call.pk)
    await run_in_db_thread(row.update)(last_seen_at=Now(), disconnected_at=None)
    if not may_be_dialled(transfer.number):
        # The caller returns to the bot, which apologises.
        form = {"DialCallStatus": NOT_ALLOWED}
        return await dial_ended(call_sid, call.reconnects, form)
    log.info("%s: a transfer target is dialled", call_sid)
    return await dial_document(call, transfer)


async def announce(call_id: int, session: int, parent_sid: str) -> str:
    """Announce the caller to the target, who picked up."""
    call = await _find_transferring(call_id, session, parent_sid)
    transfer = _transfer_of(call)
    if call is None or transfer is None or transfer.accepted:
        return twiml.hang_up()
    return screening_document(call, transfer)


async def accept(call_id: int, session: int, parent_sid: str, key: str) -> str:
    """Connect the target, who pressed a key, or end their leg."""
    call = await _find_transferring(call_id, session, parent_sid)
    transfer = _transfer_of(call)
    if call is None or transfer is None:
        return twiml.hang_up()
    config = config_from_json(call.settings)
    sentences, voice = screening_sentences(call, transfer)
    if key != ACCEPT_DIGIT:
        declined = fill_for_call(call, config, sentences.screening_declined)
        return twiml.say_and_hang_up(declined, transfer.language, voice)
    if await _record_acceptance(call_id, session, parent_sid):
        accepted = fill_for_call(call, config, sentences.screening_accepted)
        return twiml.screening_accepted(accepted, transfer.language, voice)
    return twiml.hang_up()


async def dial_ended(call_sid: str, session: int, form: Mapping[str, str]) -> str:
    """End the call after a transfer, or connect the caller to the bot again."""
    end, call = await transfer_ended(call_sid, session, form)
    if call and end is End.RETURNED:
        return await _reconnect_bot(call)
    if call and end is End.DUPLICATE:
        return await _repeat_answer(call, session)
    return twiml.hang_up()


async def transfer_ended(
    call_sid: str, session: int, form: Mapping[str, str]
) -> tuple[End, Call | None]:
    """Record the result of a transfer, and close the call unless the caller returned.

    A caller who returned needs a new relay session.
    """
    end, call = await _record_end(call_sid, session, form)
    log.info("%s: a transfer ended: %s", call_sid, end.name.lower())
    if end is End.ANSWERED:
        await _close(call_sid, Call.EndReason.TRANSFERRED)
    if end is End.CALLER_HUNG_UP:
        await _close(call_sid, Call.EndReason.CALLER_HUNG_UP)
    return end, call


async def end_of(call_sid: str, end: Ending) -> Ending:
    """Correct Twilio's `end` if the caller hung up while talking to the target."""
    if end[1] is not Call.EndReason.CALLER_HUNG_UP:
        return end
    row = Call.objects.filter(call_sid=call_sid).only("transfer")
    transfer = _transfer_of(await run_in_db_thread(row.first)())
    if transfer is None or not transfer.accepted:
        return end
    return Call.Status.COMPLETED, Call.EndReason.TRANSFERRED


async def _reconnect_bot(call: Call) -> str:
    """A new relay session for a caller who returned; the bot goes on there."""
    if not (active_calls().closing and active_calls().is_single_process):
        return await relay_twiml(call)
    config = await current_config(call)
    await close_call(call.call_sid, Call.Status.FAILED, Call.EndReason.SERVER_STOPPED)
    text = f"{config.line_lost} {config.goodbye_message}"
    message = fill_for_call(call, config, text)
    return twiml.say_and_hang_up(message, config.language, config.twilio_voice)


async def _repeat_answer(call: Call, session: int) -> str:
    """The answer to a repeated report: the first one again, while it is of use."""
    if call.status in Call.OVER:
        return twiml.hang_up()
    has_open_token = call.relay_nonce and "returned" in call.transfer
    if has_open_token and call.reconnects == session + 1:
        return await relay_twiml(call)
    return twiml.empty_response()


async def _close(call_sid: str, reason: Call.EndReason) -> None:
    """Close the call; correct the reason if Twilio's status callback came first."""
    if await close_call(call_sid, Call.Status.COMPLETED, reason):
        return
    if reason is Call.EndReason.TRANSFERRED:
        hung_up = Call.EndReason.CALLER_HUNG_UP
        closed = Call.objects.filter(call_sid=call_sid, end_reason=hung_up)
        await run_in_db_thread(closed.update)(end_reason=reason)


# The call's row


def _transfer_of(call: Call | None) -> Transfer | None:
    return pending(call.transfer) if call else None


def _transferring(call_id: int, session: int, parent_sid: str) -> CallQuerySet:
    """The open call that a request for the target's leg belongs to."""
    calls = Call.objects.open().filter(pk=call_id, reconnects=session)
    return calls.filter(call_sid=parent_sid) if parent_sid else calls


@run_in_db_thread
def _find_transferring(call_id: int, session: int, parent_sid: str) -> Call | None:
    return _transferring(call_id, session, parent_sid).first()


@run_in_db_thread
@transaction.atomic
def _record_acceptance(call_id: int, session: int, parent_sid: str) -> bool:
    call = _transferring(call_id, session, parent_sid).select_for_update().first()
    transfer = _transfer_of(call)
    if call is None or transfer is None or not transfer.announce:
        return False
    call.transfer = {**call.transfer, "accepted": True}
    call.save(update_fields=["transfer"])
    Call.objects.filter(pk=call.pk).update(last_seen_at=Now())
    _set_tool_result(call, f"{transfer.sentence_name} took the call.")
    return True


@run_in_db_thread
@transaction.atomic
def _record_end(
    call_sid: str, session: int, form: Mapping[str, str]
) -> tuple[End, Call | None]:
    # Locked, so that two simultaneous reports do not return the caller twice.
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    transfer = _transfer_of(call)
    if call is None or transfer is None or call.reconnects != session:
        return End.DUPLICATE, call
    _count_dialled(call, transfer, session, dialled_seconds(form))
    result = parse_dial_result(transfer, form)
    _set_tool_result(call, result.message)
    call.transfer = {}
    if result.answered:
        end = End.ANSWERED
    elif result.caller_left or call.status in Call.OVER:
        end = End.CALLER_HUNG_UP
    else:
        end = End.RETURNED
        call.transfer = {"returned": result.message}
        call.reconnects += 1
        call.failed_transfers += 1
        call.relay_nonce, call.disconnected_at = new_nonce(), None
    call.save(update_fields=CHANGED_FIELDS)
    Call.objects.filter(pk=call.pk).update(last_seen_at=Now())
    return end, call


def _count_dialled(
    call: Call, transfer: Transfer, session: int, seconds: int | None
) -> None:
    """Store the length of the leg to the target, which Twilio bills as a call."""
    if seconds != 0:
        usage = Usage(Kind.LINE_OUT, number_kind(transfer.number), seconds)
        source = f"{DIALLED} {session}"
        CallUsage.write(
            [CallUsage(call=call, source=source, entries=[usage.to_json()])]
        )


def _set_tool_result(call: Call, message: str) -> None:
    """Write the result of the transfer into the tool turn that asked for it."""
    turns = call.turns.filter(role=Turn.Role.TOOL, text=TRANSFER_CALL)
    for turn in turns.order_by("-index"):
        # A failed tool call transferred nobody, even if it is the latest.
        if not turn.tool_call.get("failed"):
            turn.tool_call = {**turn.tool_call, "result": message}
            turn.save(update_fields=["tool_call"])
            return
