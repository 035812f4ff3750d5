"""Callers on the way to a person: what the carrier is told, by any process.

To whom they go stands in the call's row, where its session put it. All of these may be
asked twice, late, and in any order.
"""

import logging
from collections.abc import Mapping
from enum import Enum, auto

from django.db import transaction
from django.db.models.functions import Now

from bots.config.phrasebook import phrasebook
from calls.db import run_in_db_thread
from calls.models.call import Call, CallQuerySet
from calls.models.turn import Turn
from calls.session.active_calls import active_calls
from calls.session.variables import fill_for_call
from calls.transcripts.stored_turns import load_turns
from calls.transfer import Transfer, pending
from calls.turns.turn import TRANSFER_CALL
from calls.twilio import twiml
from calls.twilio.relay_tokens import new_nonce
from calls.webhooks.connect import dial_document, relay_twiml, screening_document
from calls.webhooks.dial_result import outcome
from calls.webhooks.open_call import close_call

log = logging.getLogger(__name__)

ACCEPT_DIGIT = "1"
# What settling a transfer changes in the call's row.
SETTLED = [
    "transfer",
    "reconnects",
    "failed_transfers",
    "relay_nonce",
    "disconnected_at",
]

Ending = tuple[Call.Status, Call.EndReason]


class End(Enum):
    """What a report that a person's telephone is free again comes to."""

    ANSWERED = auto()
    CALLER_HUNG_UP = auto()  # the caller hung up
    RETURNED = auto()  # at the bot
    DUPLICATE = auto()  # nothing, it has been dealt with


async def dial_target(call_sid: str) -> str:
    """The session ended to put the caller through: ring the person up."""
    call = await run_in_db_thread(Call.objects.filter(call_sid=call_sid).first)()
    if call is None or call.status in Call.OVER:
        return twiml.hang_up()
    transfer = pending(call.transfer)
    if transfer is None and call.failed_transfers:
        return (
            twiml.empty_response()
        )  # a report that comes again: the caller is back already
    if transfer is None:
        log.error("%s: nobody knows to whom to put it through", call_sid)
        end = Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP
        await close_call(call_sid, *end)
        return twiml.hang_up()
    same = Call.objects.filter(pk=call.pk)
    await run_in_db_thread(same.update)(last_seen_at=Now(), disconnected_at=None)
    log.info("%s: a person is rung up", call_sid)
    return dial_document(call, transfer)


async def announce(call_id: int, session: int, parent_sid: str) -> str:
    """A person has picked up: tell them of the caller."""
    call = await _waiting_for(call_id, session, parent_sid)
    transfer = _under_way(call)
    if call is None or transfer is None or transfer.accepted:
        return twiml.hang_up()
    return screening_document(call, transfer)


async def accept(call_id: int, session: int, parent_sid: str, key: str) -> str:
    """A person has pressed a key: connect them, or let them go."""
    call = await _waiting_for(call_id, session, parent_sid)
    transfer = _under_way(call)
    if transfer is None:
        return twiml.hang_up()
    book = phrasebook(transfer.language)
    if key != ACCEPT_DIGIT:
        return twiml.say_and_hang_up(book.screening_declined, transfer.language)
    if await _accepted(call_id, session, parent_sid):
        return twiml.screening_accepted(transfer.language)
    return twiml.hang_up()


async def dial_ended(call_sid: str, session: int, form: Mapping[str, str]) -> str:
    """The person's telephone is free again: end the call, or go on with the bot."""
    end, call = await transfer_ended(call_sid, session, form)
    if call and end is End.RETURNED:
        return await _back(call)
    if call and end is End.DUPLICATE:
        return await _again(call, session)
    return twiml.hang_up()


async def transfer_ended(
    call_sid: str, session: int, form: Mapping[str, str]
) -> tuple[End, Call | None]:
    """Note what became of a transfer; the call is over, or has to get a relay."""
    end, call = await _settle(call_sid, session, form)
    log.info("%s: a transfer ended: %s", call_sid, end.name.lower())
    if end is End.ANSWERED:
        await _close(call_sid, Call.EndReason.TRANSFERRED)
    if end is End.CALLER_HUNG_UP:
        await _close(call_sid, Call.EndReason.CALLER_HUNG_UP)
    return end, call


async def end_of(call_sid: str, end: Ending) -> Ending:
    """How a call ended, by what its row knows of a person who was talking."""
    if end[1] is not Call.EndReason.CALLER_HUNG_UP:
        return end
    same = Call.objects.filter(call_sid=call_sid).only("transfer")
    call = await run_in_db_thread(same.first)()
    transfer = _under_way(call)
    if transfer is None or not transfer.accepted:
        return end
    return Call.Status.COMPLETED, Call.EndReason.TRANSFERRED


def _under_way(call: Call | None) -> Transfer | None:
    return pending(call.transfer) if call else None


def _waiting(call_id: int, session: int, parent_sid: str) -> CallQuerySet:
    """The call of which a person's telephone speaks, while it waits for them."""
    waiting = Call.objects.open().filter(pk=call_id, reconnects=session)
    return waiting.filter(call_sid=parent_sid) if parent_sid else waiting


@run_in_db_thread
def _waiting_for(call_id: int, session: int, parent_sid: str) -> Call | None:
    return _waiting(call_id, session, parent_sid).first()


@run_in_db_thread
@transaction.atomic
def _accepted(call_id: int, session: int, parent_sid: str) -> bool:
    call = _waiting(call_id, session, parent_sid).select_for_update().first()
    transfer = _under_way(call)
    if call is None or transfer is None or not transfer.announce:
        return False
    call.transfer = {**call.transfer, "accepted": True}
    call.save(update_fields=["transfer"])
    Call.objects.filter(pk=call.pk).update(last_seen_at=Now())
    _note(call, f"{transfer.who} took the call.")
    return True


@run_in_db_thread
@transaction.atomic
def _settle(
    call_sid: str, session: int, form: Mapping[str, str]
) -> tuple[End, Call | None]:
    # Two reports at once must not bring the caller back twice.
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    transfer = _under_way(call)
    if call is None or transfer is None or call.reconnects != session:
        return End.DUPLICATE, call
    found = outcome(transfer, form)
    _note(call, found.words)
    call.transfer = {}
    if found.talked:
        end = End.ANSWERED
    elif found.gone or call.status in Call.OVER:
        end = End.CALLER_HUNG_UP
    else:
        end = End.RETURNED
        call.transfer = {"returned": found.words}
        call.reconnects, call.failed_transfers = (
            call.reconnects + 1,
            call.failed_transfers + 1,
        )
        call.relay_nonce, call.disconnected_at = new_nonce(), None
    call.save(update_fields=SETTLED)
    Call.objects.filter(pk=call.pk).update(last_seen_at=Now())
    return end, call


def _note(call: Call, words: str) -> None:
    """Write what came of it into the transcript, where the bot wanted it."""
    asked = call.turns.filter(role=Turn.Role.TOOL, text=TRANSFER_CALL).order_by(
        "-index"
    )
    # One that failed has led nowhere, however late it was asked for.
    if turn := next((turn for turn in asked if not turn.tool_call.get("failed")), None):
        turn.tool_call = {**turn.tool_call, "result": words}
        turn.save(update_fields=["tool_call"])


async def _back(call: Call) -> str:
    """A fresh relay for a caller whom nobody took; they hear the bot go on."""
    if not (active_calls().closing and active_calls().is_single_process):
        return relay_twiml(call)
    profile = await load_turns(call)
    await close_call(call.call_sid, Call.Status.FAILED, Call.EndReason.SERVER_STOPPED)
    sorry = phrasebook(profile.language).line_lost
    words = f"{sorry} {fill_for_call(call, profile, profile.goodbye_message)}"
    return twiml.say_and_hang_up(words, profile.language)


async def _again(call: Call, session: int) -> str:
    """The answer to a report that was dealt with: the same, while it is of use."""
    if call.status in Call.OVER:
        return twiml.hang_up()
    waits = call.relay_nonce and "returned" in call.transfer
    return (
        relay_twiml(call)
        if waits and call.reconnects == session + 1
        else twiml.empty_response()
    )


async def _close(call_sid: str, reason: Call.EndReason) -> None:
    """Close the call; where the carrier's word on its end came first, say why."""
    if await close_call(call_sid, Call.Status.COMPLETED, reason):
        return
    if reason is Call.EndReason.TRANSFERRED:
        hung_up = Call.EndReason.CALLER_HUNG_UP
        closed = Call.objects.filter(call_sid=call_sid, end_reason=hung_up)
        await run_in_db_thread(closed.update)(end_reason=reason)
