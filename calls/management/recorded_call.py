"""Stores the recording of a simulated call, as the settings of its bot say."""

from contextlib import suppress
from datetime import datetime

from django import db

from bots.config_builder import config_from_json
from calls.models import Call
from calls.recordings.local import Tape, store
from calls.review.sound_places import secret_stretches
from calls.simulator import SimulatedCall, pieces
from calls.transcripts.clock import Clock
from calls.transcripts.stored_turns import turn_of
from calls.turns.recording import may_record
from calls.turns.turn import TurnKind

STORED = "Recorded: the page of the call plays it."
AGREED = (TurnKind.CONSENT, TurnKind.RECORDING_AGREED)


def stored(simulated: SimulatedCall) -> str:
    """Store what was heard; says so, if the bot records and the database is ours."""
    with suppress(db.Error):
        call = Call.objects.filter(call_sid=simulated.call_sid).first()
        tape = _tape(call, simulated) if call else None
        if call and tape and (recording := store(call, tape)):
            return recording.problem or STORED
    return ""


def _tape(call: Call, simulated: SimulatedCall) -> Tape | None:
    turns = list(call.turns.order_by("index"))
    config, clock = config_from_json(call.settings), Clock()
    if not may_record(config, [turn_of(turn, clock) for turn in turns]):
        return None
    dialled_at = simulated.record.clock.began_at

    def seconds(at: datetime) -> float:
        return (at - dialled_at).total_seconds()

    begins = [call.answered_at or call.started_at]
    if config.recording == "consent":
        begins += [
            turn.ended_at for turn in turns if turn.kind in AGREED and turn.ended_at
        ]
    heard = list(pieces(simulated.record))
    silent = [
        (seconds(each.begins), seconds(each.ends)) for each in secret_stretches(turns)
    ]
    ends = max(piece.ends for piece in heard) if heard else seconds(max(begins))
    return Tape(dialled_at, heard, seconds(max(begins)), ends, silent)
