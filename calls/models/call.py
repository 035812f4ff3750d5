"""What happened on the line: calls and the turns spoken in them."""

from datetime import timedelta

from django.db import models
from django.db.models import Index
from django.db.models.functions import Now

from bots.models import Bot

# Of columns that a process of the release before does not know and yet has to fill.
NOTHING = models.Value({}, models.JSONField())


class CallQuerySet(models.QuerySet["Call"]):
    """Calls by what is happening to them."""

    def open(self) -> "CallQuerySet":
        """Calls that nobody has closed yet."""
        return self.exclude(status__in=Call.OVER)

    def real(self) -> "CallQuerySet":
        """Calls of callers, without those that operators made to try a bot."""
        return self.filter(is_test=False)

    def use_up(self, nonce: str, **call: object) -> int:
        """Take back a relay that was offered; of two who try, one gets 1."""
        # Why the caller is back from a person is told once, by who gets it.
        offered = self.open().filter(relay_nonce=nonce, **call)
        return offered.update(
            relay_nonce="", disconnected_at=None, transfer={}, last_seen_at=Now()
        )


class Call(models.Model):
    """One phone call, from ringing to its end."""

    class Status(models.TextChoices):
        RINGING = "ringing", "Ringing"
        IN_PROGRESS = "in-progress", "In progress"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Not answered by a bot"

    class EndReason(models.TextChoices):
        NONE = "", "Not ended yet"
        CALLER_HUNG_UP = "caller-hung-up", "The caller hung up"
        BOT_HUNG_UP = "bot-hung-up", "The bot ended the call"
        CALLER_SILENT = "caller-silent", "The caller said nothing any more"
        TIME_LIMIT = "time-limit", "The call reached its longest length"
        OPERATOR_ENDED = "operator-ended", "An operator ended the call"
        TRANSFERRED = "transferred", "The caller was put through"
        BOT_FAILED = "bot-failed", "The bot could not answer"
        CONNECTION_LOST = "connection-lost", "The connection to the carrier was lost"
        CARRIER_FAILED = "carrier-failed", "The carrier reported a failure"
        NEVER_CONNECTED = "never-connected", "The call never reached the bot"
        SERVER_STOPPED = "server-stopped", "The server was stopped during the call"
        NOT_IN_SERVICE = "not-in-service", "The number or its bot is switched off"
        NO_BOT = "no-bot", "No bot answers this number and there is no default bot"
        BUSY = "busy", "Too many calls at once"
        NOT_CONFIGURED = "not-configured", "The server is not set up to answer calls"
        BLOCKED = "blocked", "The caller is blocked"
        TOO_MANY_CALLS = "too-many-calls", "The caller made too many calls"

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
    direction = models.CharField(
        max_length=20, choices=Direction, default=Direction.INBOUND
    )
    status = models.CharField(
        max_length=20, choices=Status, default=Status.RINGING, db_index=True
    )
    end_reason = models.CharField(
        max_length=30, choices=EndReason, blank=True, default=EndReason.NONE
    )
    settings = models.JSONField(
        default=dict, help_text="The bot's settings this call ran with."
    )
    variables = models.JSONField(
        default=dict,
        db_default=NOTHING,
        help_text="What parameters and the lookup told of this call.",
    )
    transfer = models.JSONField(
        default=dict,
        db_default=NOTHING,
        editable=False,
        help_text="To whom the caller is put through now.",
    )
    is_test = models.BooleanField(
        "test call", default=False, help_text="Made from the desk, to try a bot."
    )
    started_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    # What lets any process go on with a call whose socket or server is gone.
    relay_nonce = models.CharField(
        max_length=32, blank=True, editable=False, help_text="Of a relay not open yet."
    )
    reconnects = models.PositiveSmallIntegerField(default=0, editable=False)
    failed_transfers = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="How many of these because a person did not take the call.",
    )
    failed_relay_sessions = models.JSONField(
        default=list, editable=False, help_text="The carrier's ids of lost relays."
    )
    last_seen_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="By the database's clock."
    )
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Told by a model when the call has ended, where its bot asks for that.
    summary = models.TextField(blank=True, db_default="")
    outcome = models.CharField(max_length=80, blank=True, db_default="", db_index=True)
    extracted_fields = models.JSONField(
        "fields", default=dict, db_default=NOTHING, blank=True
    )

    # Told by the turns when the call has ended, so that lists need not look at them.
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
            Index(fields=["from_number", "-started_at"], name="calls_from_started"),
        ]

    def __str__(self) -> str:
        return self.call_sid

    @property
    def caller_number(self) -> str:
        """The number of the person on the other end, whoever placed the call."""
        is_outbound = self.direction == self.Direction.OUTBOUND
        return self.to_number if is_outbound else self.from_number

    @property
    def our_number(self) -> str:
        """The number that belongs to this server."""
        is_outbound = self.direction == self.Direction.OUTBOUND
        return self.from_number if is_outbound else self.to_number

    @property
    def is_waiting(self) -> bool:
        """Whether the line is lost and the caller may still come back."""
        return self.disconnected_at is not None and self.status not in self.OVER

    @property
    def duration(self) -> timedelta | None:
        """From answer (or ring) to end; None while the call goes on."""
        if self.ended_at is None:
            return None
        return self.ended_at - (self.answered_at or self.started_at)
