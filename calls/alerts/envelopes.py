"""Makes the text of a message out of its things, for the channel that it goes to."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from bots.site_settings.current import SiteValues, site_values
from bots.site_settings.dates import day_text, time_text
from calls.alerts.attempt import Attempt, Result
from calls.alerts.channels.sending import Envelope
from calls.alerts.texts import Line, Section, Text, Told, compose
from calls.checks import is_loopback
from calls.models import Alert, AlertChannel, AlertMessage
from calls.models.alert import Delivery
from calls.public_urls import public_url
from calls.review.visibility import shown_numbers

MAX_THINGS_READ = 2000
CHANNEL_GONE = "The channel was deleted."
CHANNEL_OFF = "The channel is switched off."
NO_ADDRESS = "The channel has no address. Enter it again."
HELD = (
    "This channel sends at most {limit} messages an hour. So this message waited, and "
    "tells everything that happened meanwhile."
)
DIGEST = "What happened since the last collected message:"
TEST_SUBJECT = "A test message of voicebot"
TEST_WORDS = "Somebody tries this channel in the console. Nothing has happened."
# Columns of things and of their calls that the lines of a message need.
FIELDS = (
    *("thing", "event", "is_over", "detail"),
    *("bot_name", "at", "call_id", "message_id"),
)
CALL_FIELDS = (
    *("call__from_number", "call__to_number", "call__direction"),
    *("call__is_test", "call__ended_at"),
)


def envelope_of(pk: int) -> Envelope | Attempt:
    """The message as it is now; the end of the attempt if it cannot be sent.

    Raises `SecretUnreadable`.
    """
    message = AlertMessage.objects.select_related("channel").get(pk=pk)
    channel = message.channel
    if channel is None:
        return Attempt(Result.REFUSED, CHANNEL_GONE)
    if not channel.is_active:
        return Attempt(Result.REFUSED, CHANNEL_OFF)
    return _to(channel, message, _text(channel, message))


def test_envelope(channel: AlertChannel, message: AlertMessage) -> Envelope | Attempt:
    """A message without anything to tell. Raises `SecretUnreadable`."""
    page = _page(message)
    words = Section(TEST_SUBJECT, (Line(TEST_WORDS),))
    return _to(channel, message, Text(TEST_SUBJECT, "", (words,), page))


def _to(channel: AlertChannel, message: AlertMessage, text: Text) -> Envelope | Attempt:
    is_webhook = channel.kind in AlertChannel.WEBHOOKS
    address = channel.get_url() if is_webhook else channel.address
    if not address:
        return Attempt(Result.REFUSED, NO_ADDRESS)
    key = f"alert-{message.pk}-{int(message.created_at.timestamp())}"
    url = _report_url(message) if channel.kind == AlertChannel.Kind.SMS else ""
    return Envelope(channel.kind, address, channel.sender, text, key, url)


def _report_url(message: AlertMessage) -> str:
    """The address for Twilio's reports; empty if Twilio cannot reach this server.

    It would refuse the message because of such an address.
    """
    if not settings.SERVER_URL.startswith("https") or is_loopback(settings.SERVER_HOST):
        return ""
    return public_url(reverse("voice-message", args=[message.pk]))


def _text(channel: AlertChannel, message: AlertMessage) -> Text:
    intro = "" if message.delivery == Delivery.AT_ONCE else DIGEST
    if message.was_held:
        intro = HELD.format(limit=channel.hourly_limit)
    things = things_of(message)
    return compose(things, intro, _page(message))


def _page(message: AlertMessage) -> str:
    return public_url(reverse("admin:calls_alertmessage_change", args=[message.pk]))


def things_of(message: AlertMessage) -> list[Told]:
    """The things that a message tells. Callers are masked if the settings say so."""
    site = site_values()
    alerts: QuerySet[Alert] = message.alerts.select_related("call")
    rows: Iterable[Alert] = alerts.only(*FIELDS, *CALL_FIELDS)[:MAX_THINGS_READ]
    with timezone.override(ZoneInfo(site.time_zone)):
        return [_told(alert, site) for alert in rows]


def _told(alert: Alert, site: SiteValues) -> Told:
    call, caller, link = alert.call, "", ""
    if call is not None:
        numbers = shown_numbers(call, hide=site.mask_caller_numbers)
        caller = numbers[1] if call.is_outbound else numbers[0]
        link = public_url(reverse("admin:calls_call_change", args=[call.pk]))
    at = f"{day_text(alert.at, site.date_style)}, {time_text(alert.at)}"
    return Told(
        thing=alert.thing,
        event=alert.event,
        at=at,
        bot=alert.bot_name,
        detail=alert.detail,
        caller=caller,
        link=link,
        is_over=alert.is_over,
    )
