"""The tables of alerts: rules, channels, things to tell, and the messages sent."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TypeAlias

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Index, UniqueConstraint
from django.db.models.functions import Now

from bots.models import Bot
from bots.models.secret import decrypted, encrypted
from calls.models.call import Call

MAX_MESSAGES_AN_HOUR = 600
FIRST_WINDOW, FIRST_HOUR = 15, 8
MAX_OUTCOME_LENGTH = 80
MAX_DETAIL_LENGTH = 300
# A call's last turns are written a moment after its end.
SETTLE = timedelta(seconds=3)


class AlertChannel(models.Model):
    """A place where alerts go: a mail address, a chat channel or a telephone.

    The address of a webhook is a secret: whoever knows it can write into the chat.
    """

    class Kind(models.TextChoices):
        MAIL = "mail", "Mail"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        DISCORD = "discord", "Discord"
        SMS = "sms", "SMS"

    WEBHOOKS = (Kind.SLACK, Kind.TEAMS, Kind.DISCORD)

    name = models.CharField(
        max_length=60, unique=True, help_text="For example “Office” or “Ann's phone”."
    )
    kind = models.CharField("sent by", max_length=10, choices=Kind, default=Kind.MAIL)
    address = models.CharField(max_length=254, blank=True)
    encrypted_url = models.TextField(editable=False, blank=True)
    sender = models.CharField(
        "from",
        max_length=34,
        blank=True,
        help_text="A number of your Twilio account that can send SMS, or the SID of a "
        "Messaging Service (MG…).",
    )
    hourly_limit = models.PositiveSmallIntegerField(
        "messages an hour",
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MESSAGES_AN_HOUR)],
        help_text="At most. What happens above that waits and comes in one message "
        "with a count, so nothing is lost.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="If switched off, nothing is sent here."
    )

    class Meta:
        ordering = ["name"]
        verbose_name = "alert channel"

    def __str__(self) -> str:
        return self.name

    def set_url(self, url: str) -> None:
        """Encrypt the address of a webhook. Does not save the row."""
        self.encrypted_url = encrypted(url)

    def get_url(self) -> str:
        """The address of the webhook. Raises `SecretUnreadable`."""
        if not self.encrypted_url:
            return ""
        return decrypted(self.encrypted_url, self.name, "at this alert channel")


class AlertRule(models.Model):
    """Says what is told, of which bot, where, and how soon."""

    class Event(models.TextChoices):
        CALL_FAILED = "call-failed", "A call failed"
        TRANSFER_MISSED = "transfer-missed", "Nobody took a transfer"
        ASKED_FOR_PERSON = "asked-for-person", "A caller asked for a person"
        OUTCOME = "outcome", "A call had a certain outcome"
        SLOW = "slow-answers", "Answers are slow"
        ERRORS = "errors", "Many calls have errors"
        BUDGET = "budget", "A budget is nearly or fully spent"
        TROUBLE = "server-trouble", "The server is in trouble"

    class Delivery(models.TextChoices):
        AT_ONCE = "at-once", "At once"
        HOURLY = "hourly", "Collected, every hour"
        DAILY = "daily", "Collected, once a day"

    OF_CALLS = (
        *(Event.CALL_FAILED, Event.TRANSFER_MISSED),
        *(Event.ASKED_FOR_PERSON, Event.OUTCOME),
    )
    MEASURED = (Event.SLOW, Event.ERRORS)

    event = models.CharField("tell when", max_length=20, choices=Event)
    is_for_all_bots = models.BooleanField(default=True, editable=False)
    bot = models.ForeignKey(
        Bot, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(
        max_length=MAX_OUTCOME_LENGTH,
        blank=True,
        help_text="As it is written under “Outcomes” of the bot.",
    )
    max_seconds = models.DecimalField(
        "more than (seconds)",
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(60)],
        help_text="5 of 100 answers take longer than this to begin.",
    )
    max_percent = models.PositiveSmallIntegerField(
        "more than (%)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(99)],
        help_text="Of the calls, this share failed or had an answer that failed.",
    )
    window_minutes = models.PositiveSmallIntegerField(
        "within (minutes)",
        default=FIRST_WINDOW,
        validators=[MinValueValidator(5), MaxValueValidator(1440)],
        help_text="The time that is looked at. Fewer than 5 calls or answers in it "
        "are no reason to tell anybody.",
    )
    channels = models.ManyToManyField(
        AlertChannel, related_name="rules", verbose_name="send to"
    )
    delivery = models.CharField(
        "how soon", max_length=10, choices=Delivery, default=Delivery.AT_ONCE
    )
    daily_hour = models.PositiveSmallIntegerField(
        "hour of the day",
        default=FIRST_HOUR,
        validators=[MaxValueValidator(23)],
        help_text="0 to 23, in the time zone of the console.",
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["event", "pk"]
        verbose_name = "alert rule"

    def __str__(self) -> str:
        return f"{self.get_event_display()} ({self.bot_text})"

    @property
    def has_lost_its_bot(self) -> bool:
        """True if the rule was for one bot, which was deleted: it tells nothing."""
        return not self.is_for_all_bots and self.bot_id is None

    @property
    def bot_text(self) -> str:
        if self.is_for_all_bots:
            return "all bots"
        return self.bot.name if self.bot else "its bot was deleted"


class CallToCheckQuerySet(models.QuerySet["CallToCheck"]):
    """The queue of calls at which the rules look."""

    def put(self, call_ids: Iterable[int]) -> None:
        """Look at calls soon. Belongs into the transaction that changes them."""
        rules = AlertRule.objects.filter(is_active=True, event__in=AlertRule.OF_CALLS)
        ids = list(call_ids)
        if ids and rules.exists():
            due = Now() + SETTLE
            self.bulk_create([CallToCheck(call_id=pk, due_at=due) for pk in ids])


class CallToCheck(models.Model):
    """A call that has ended or got its outcome; the rules have not looked at it yet.

    A call may have several rows: one that is being looked at and a newer one.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(db_index=True)

    objects = CallToCheckQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.call_id)


class AlertIncident(models.Model):
    """Something that lasts, such as slow answers. The row exists while it does."""

    rule = models.ForeignKey(
        AlertRule, on_delete=models.CASCADE, related_name="incidents"
    )
    key = models.CharField(max_length=64)
    detail = models.CharField(max_length=MAX_DETAIL_LENGTH)
    began_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            UniqueConstraint(fields=["rule", "key"], name="calls_one_incident_per_key")
        ]

    def __str__(self) -> str:
        return self.key


class AlertMessage(models.Model):
    """A message to one channel with everything that it tells: the log of alerts.

    Things join it until it is sent. It is never sent again if nobody can know whether
    it arrived.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        UNKNOWN = "unknown", "Perhaps sent"
        LOST = "lost", "Not delivered"

    # Nobody got it, or perhaps nobody.
    MISSED = (State.FAILED, State.UNKNOWN, State.LOST)

    channel = models.ForeignKey(
        AlertChannel, null=True, on_delete=models.SET_NULL, related_name="messages"
    )
    channel_name = models.CharField("channel", max_length=60)
    delivery = models.CharField(max_length=10, choices=AlertRule.Delivery)
    is_test = models.BooleanField("test", default=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    planned_at = models.DateTimeField(
        help_text="When it was to be sent, by digest and limit."
    )
    was_held = models.BooleanField(
        default=False, help_text="It waited because of the limit of messages an hour."
    )
    due_at = models.DateTimeField(
        help_text="Not sent before; while it is being sent, the end of the attempt."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(
        default=list, help_text="Each attempt, and each report on it: time and result."
    )
    subject = models.CharField(max_length=200, blank=True)
    alert_count = models.PositiveIntegerField("things told", default=0)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "alert"
        verbose_name_plural = "alerts sent"
        default_permissions = ("view",)
        indexes = [
            Index(fields=["state", "due_at"], name="calls_alert_due"),
            Index(fields=["channel", "-planned_at"], name="calls_alert_planned"),
        ]

    def __str__(self) -> str:
        return self.subject or f"To {self.channel_name}"


class Alert(models.Model):
    """One thing that one rule tells one channel, once. Holds no data of callers."""

    rule = models.ForeignKey(AlertRule, null=True, on_delete=models.SET_NULL)
    channel = models.ForeignKey(AlertChannel, null=True, on_delete=models.SET_NULL)
    thing = models.CharField(max_length=120, help_text="The same for the same thing.")
    event = models.CharField(max_length=20, choices=AlertRule.Event)
    is_over = models.BooleanField(default=False, help_text="Something lasting ended.")
    detail = models.CharField(max_length=MAX_DETAIL_LENGTH, blank=True)
    bot = models.ForeignKey(Bot, null=True, on_delete=models.SET_NULL, related_name="+")
    bot_name = models.CharField(max_length=80, blank=True)
    call = models.ForeignKey(
        Call, null=True, on_delete=models.SET_NULL, related_name="alerts"
    )
    at = models.DateTimeField()
    message = models.ForeignKey(
        AlertMessage, on_delete=models.CASCADE, related_name="alerts"
    )

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                fields=["rule", "channel", "thing"], name="calls_alert_once"
            )
        ]

    def __str__(self) -> str:
        return self.thing


Event: TypeAlias = AlertRule.Event
Delivery: TypeAlias = AlertRule.Delivery
State: TypeAlias = AlertMessage.State
