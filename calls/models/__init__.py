"""Tables: calls, turns, notes, recordings, tasks, costs, alerts, exports."""

from calls.models.alert import (
    Alert,
    AlertChannel,
    AlertIncident,
    AlertMessage,
    AlertRule,
    CallToCheck,
)
from calls.models.audit_event import AuditEvent
from calls.models.blocked_caller import BlockedCaller
from calls.models.call import Call
from calls.models.carrier_verdict import CarrierVerdict
from calls.models.costs import Budget, CallCost, CallUsage, DaySpending, Price
from calls.models.export_file import ExportFile, ExportPiece
from calls.models.handling import CallNote, CallTag
from calls.models.invitation import Invitation
from calls.models.post_call_task import PostCallTask
from calls.models.recording import Recording, SoundDeletion
from calls.models.saved_view import SavedView
from calls.models.scheduled_run import ScheduledRun
from calls.models.turn import Turn

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertIncident",
    "AlertMessage",
    "AlertRule",
    "AuditEvent",
    "BlockedCaller",
    "Budget",
    "Call",
    "CallCost",
    "CallNote",
    "CallTag",
    "CallToCheck",
    "CallUsage",
    "CarrierVerdict",
    "DaySpending",
    "ExportFile",
    "ExportPiece",
    "Invitation",
    "PostCallTask",
    "Price",
    "Recording",
    "SavedView",
    "ScheduledRun",
    "SoundDeletion",
    "Turn",
]
