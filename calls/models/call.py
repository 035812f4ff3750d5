"""The table of calls."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings as settings_of_django
from django.db import models
from django.db.models import Index
from django.db.models.functions import Now

from bots.models import Bot
from bots.phone_numbers.caller_id import canonical
from calls.models.folding import fold
from calls.transfer import pending

# Database default of JSON columns: during an upgrade, processes of the release before
# insert rows without these columns.
NOTHING = models.Value({}, models.JSONField())
# The columns that `Call.searched_texts` reads.
SEARCHED = ("summary", "outcome", "extracted_fields", "variables")


class CallQuerySet(models.QuerySet["Call"]):
    """Queries that many modules need."""

    def open(self) -> "CallQuerySet":
        """Calls that have not ended."""
        return self.exclude(status__in=Call.OVER)

    def real(self) -> "CallQuerySet":
        """Calls of callers, without the test calls of operators."""
        return self.filter(is_test=False)

    def use_up(self, nonce: str, **call: object) -> int:
        """Use up a relay token; returns 1, or 0 if it was used before."""
        # Clears `transfer` too: only the next session reads why the caller returned.
        calls = self.open().filter(relay_nonce=nonce, **call)
        return calls.update(
            relay_nonce="", disconnected_at=None, transfer={}, last_seen_at=Now()
        )

    def update_search_text(self) -> None:
        """Store again what searches find in these calls beside their turns."""
        for call in self.only(*SEARCHED).prefetch_related("notes", "tags"):
            text = fold("\n".join(call.searched_texts()))
            Call.objects.filter(pk=call.pk).update(search_text=text)


class CallerField(models.CharField):  # type: ignore[type-arg]
    """The caller in the one form of all spellings, set whenever a call is saved.

    Empty for callers who hide their number.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Read the numbers of the call."""
        call: Any = model_instance
        caller = canonical(call.caller_number, call.our_number)[: self.max_length]
        setattr(call, self.attname, caller)
        return caller


class Call(models.Model):
    """One phone call, from the incoming request to its end."""

    BOT_PATHS = ("bot",)

    class Status(models.TextChoices):
        RINGING = "ringing", "Ringing"
        IN_PROGRESS = "in-progress", "In progress"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    class EndReason(models.TextChoices):
        NONE = "", "Not ended yet"
        CALLER_HUNG_UP = "caller-hung-up", "The caller hung up"
        BOT_HUNG_UP = "bot-hung-up", "The bot ended the call"
        CALLER_SILENT = "caller-silent", "The caller said nothing more"
        TIME_LIMIT = "time-limit", "The call reached its time limit"
        OPERATOR_ENDED = "operator-ended", "An operator ended the call"
        TRANSFERRED = "transferred", "The caller was transferred"
        BOT_FAILED = "bot-failed", "The bot could not answer"
        CONNECTION_LOST = "connection-lost", "The connection to Twilio was lost"
        CARRIER_FAILED = "carrier-failed", "Twilio reported a failure"
        SETTINGS_REFUSED = "settings-refused", "Twilio refused the bot's settings"
        NEVER_CONNECTED = "never-connected", "The call never reached the bot"
        SERVER_STOPPED = "server-stopped", "The server was stopped during the call"
        NOT_IN_SERVICE = "not-in-service", "The number or its bot is switched off"
        NO_BOT = "no-bot", "No bot answers this number and there is no default bot"
        CLOSED = "closed", "The number was closed"
        OUTAGE = "outage", "An outage was announced"
        BUDGET = "budget", "The budget was spent"
        BUSY = "busy", "Too many calls at once"
        NOT_CONFIGURED = "not-configured", "The server is not set up to answer calls"
        WRONG_METHOD = "wrong-method", "The request came with GET instead of POST"
        BLOCKED = "blocked", "The caller is blocked"
        TOO_MANY_CALLS = "too-many-calls", "The caller made too many calls"
        TOO_MANY_HIDDEN = "too-many-hidden", "Too many calls from hidden numbers"
        MINUTES_USED_UP = "minutes-used-up", "The minutes of the day were used up"

    class Direction(models.TextChoices):
        INBOUND = "inbound", "Inbound"
        OUTBOUND = "outbound-api", "Outbound"

    OVER = (Status.COMPLETED, Status.FAILED, Status.REFUSED)

    call_sid = models.CharField("call SID", max_length=64, unique=True)
    bot = models.ForeignKey(
        Bot, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    bot_name = models.CharField(max_length=80, blank=True)
    from_number = models.CharField("from", max_length=120, blank=True)
    to_number = models.CharField("to", max_length=120, blank=True)
    caller = CallerField(max_length=120, blank=True, editable=False)
    direction = models.CharField(
        max_length=20, choices=Direction, default=Direction.INBOUND
    )
    status = models.CharField(
        max_length=20, choices=Status, default=Status.RINGING, db_index=True
    )
    end_reason = models.CharField(
        max_length=30, choices=EndReason, blank=True, default=EndReason.NONE
    )
    # Before the long columns: SQLite reads a row up to the column that it needs.
    search_text = models.TextField(
        blank=True,
        editable=False,
        db_default="",
        help_text="Summary, details, notes and tags, as searches compare them.",
    )
    settings = models.JSONField(
        default=dict, help_text="The bot's settings this call ran with."
    )
    variables = models.JSONField(
        default=dict,
        db_default=NOTHING,
        help_text="Values from the webhook's address and from the lookup.",
    )
    transfer = models.JSONField(
        default=dict,
        db_default=NOTHING,
        editable=False,
        help_text="The person the caller is being transferred to, or why nobody took "
        "the caller.",
    )
    is_test = models.BooleanField(
        "test call", default=False, help_text="Made in the console, to try a bot."
    )
    started_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    # State that any process needs to go on with a call whose socket or server is gone.
    relay_nonce = models.CharField(
        max_length=32,
        blank=True,
        editable=False,
        help_text="Part of a relay token that no socket has used yet.",
    )
    reconnects = models.PositiveSmallIntegerField(default=0, editable=False)
    failed_transfers = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Reconnects because nobody took a transferred call.",
    )
    failed_relay_sessions = models.JSONField(
        default=list, editable=False, help_text="Twilio's ids of lost sessions."
    )
    last_seen_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="By the clock of the database."
    )
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)

    # From Twilio's report on a failed relay session; see calls.twilio.relay_errors.
    twilio_error_code = models.CharField(max_length=8, blank=True, db_default="")
    twilio_error_message = models.CharField(max_length=200, blank=True, db_default="")
    settings_refused_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Since then, the call goes on with reduced TwiML.",
    )

    # Written by a language model after the call, if its bot asks for a summary.
    summary = models.TextField(blank=True, db_default="")
    outcome = models.CharField(max_length=80, blank=True, db_default="", db_index=True)
    extracted_fields = models.JSONField(
        "fields", default=dict, db_default=NOTHING, blank=True
    )

    # Set by operators who have done what a call asks for.
    handled_at = models.DateTimeField(null=True, blank=True, editable=False)
    handled_by = models.ForeignKey(
        settings_of_django.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    # Computed from the turns when the call ends, so that lists need not read them.
    turn_count = models.PositiveIntegerField("turns", default=0)
    slowest_response_ms = models.PositiveIntegerField(
        "slowest answer", null=True, blank=True
    )
    was_interrupted = models.BooleanField("interrupted", default=False)
    had_error = models.BooleanField("error", default=False)
    caller_was_silent = models.BooleanField("silent", default=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            Index(fields=["is_test", "-started_at"], name="calls_test_started"),
            Index(fields=["bot", "-started_at"], name="calls_bot_started"),
            Index(fields=["caller", "-started_at"], name="calls_caller_started"),
            Index(
                fields=["settings_refused_at"],
                condition=models.Q(settings_refused_at__isnull=False),
                name="calls_settings_refused",
            ),
            Index(
                fields=["handled_at"],
                condition=models.Q(handled_at__isnull=False),
                name="calls_handled",
            ),
        ]

    def __str__(self) -> str:
        return self.call_sid

    def searched_texts(self) -> Iterator[str]:
        """Everything about the call that a search finds, beside its turns."""
        yield from (self.summary, self.outcome)
        for details in (self.extracted_fields, self.variables):
            yield from map(str, details.values())
        yield from (note.text for note in self.notes.all())
        yield from (tag.name for tag in self.tags.all())

    @property
    def is_outbound(self) -> bool:
        """True if our side placed the call."""
        return self.direction == self.Direction.OUTBOUND

    @property
    def caller_number(self) -> str:
        """The number of the person on the other end, whichever side placed the call."""
        return self.to_number if self.is_outbound else self.from_number

    @property
    def our_number(self) -> str:
        """The number that belongs to this server."""
        return self.from_number if self.is_outbound else self.to_number

    @property
    def is_waiting(self) -> bool:
        """True while the relay is lost and the call may still go on with another."""
        return self.disconnected_at is not None and self.status not in self.OVER

    @property
    def display_status(self) -> str:
        """The status for operators, or how far a transfer or a reconnect is."""
        if self.is_waiting:
            return "Line lost, waiting for the caller"
        transfer = pending(self.transfer)
        if transfer and self.status not in self.OVER:
            return transfer.display
        return self.get_status_display()

    @property
    def missed_transfer(self) -> str:
        """Why nobody took the caller, who was transferred without a way back."""
        return str(self.transfer.get("missed", ""))

    @property
    def duration(self) -> timedelta | None:
        """From the answer (or the start) to the end; None while the call is open."""
        if self.ended_at is None:
            return None
        return self.ended_at - (self.answered_at or self.started_at)
