"""How a call is picked up: what keeps it from a bot, and the TwiML for it."""

from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config_builder import config_from_json
from bots.inworld.api_key import lacks_key
from calls.models import Call
from calls.public_urls import public_url, socket_url
from calls.session.active_calls import active_calls
from calls.transfer import Transfer
from calls.twilio import twiml
from calls.twilio.relay_tokens import relay_token
from calls.webhooks.dial_result import caller_id

NOT_IN_SERVICE = "Sorry, this number is not in service at the moment. Goodbye."
OUT_OF_ORDER = "Sorry, we cannot take your call right now. Please try again later."
NOT_CONFIGURED = "Sorry, this line is not set up yet. Please try again later. Goodbye."


def configuration_problem(host: str) -> str:
    """Why this server could not carry a call that came to `host`; empty when it can."""
    if lacks_key():
        return "INWORLD_API_KEY is not set."
    if settings.SERVER_HOST in settings.LOOPBACK_HOSTS and host not in (
        "",
        *settings.LOOPBACK_HOSTS,
    ):
        return f"SERVER_URL is {settings.SERVER_URL}, but the call came to {host}."
    return ""


def relay_twiml(call: Call) -> str:
    """The TwiML that brings a call to a relay of ours, perhaps not its first."""
    active_calls().connecting.expect(call)
    token = relay_token(call.call_sid, call.relay_nonce)
    # A later socket finds them with the call, beside what was looked up meanwhile,
    # which is not for the carrier.
    parameters = {} if call.reconnects else call.variables
    return connect_document(config_from_json(call.settings), token, parameters)


def connect_document(
    profile: BotConfig, token: str, parameters: Mapping[str, str] | None = None
) -> str:
    """The TwiML that connects a call to a bot; `token` lets its socket in."""
    path = reverse("conversation", args=[token], urlconf="calls.routing")
    return twiml.relay(
        profile,
        socket_url=socket_url(path),
        action_url=public_url(reverse("voice-action")),
        parameters=parameters,
    )


def dial_document(call: Call, transfer: Transfer) -> str:
    """The TwiML that rings a person up for the caller; the call comes back to us.

    A session of a call hands it over once at most, so its number tells the transfers of
    a call apart.
    """
    session = call.reconnects
    announcing = reverse("voice-announcement", args=[call.pk, session])
    return twiml.dial_and_report(
        transfer,
        caller_id=_shown_number(call),
        action_url=public_url(reverse("voice-dial", args=[session])),
        announcing_url=public_url(announcing),
    )


def screening_document(call: Call, transfer: Transfer) -> str:
    """The TwiML that tells a person of the caller, and asks for the key."""
    accept = reverse("voice-accept", args=[call.pk, call.reconnects])
    return twiml.screening_prompt(transfer, accept_url=public_url(accept))


def final_transfer_document(
    call: Call, target: TransferTarget, words: str = "", language: str = "en-US"
) -> str:
    """The TwiML that puts the caller through for good: no bot could take them back."""
    return twiml.transfer_blind(
        target.number,
        rings=target.ring_seconds,
        caller_id=_shown_number(call),
        words=words,
        language=language,
    )


def _shown_number(call: Call) -> str:
    if call.direction == Call.Direction.OUTBOUND:
        # Of a call that we made, the carrier shows no other number than ours.
        return caller_id("", call.from_number)
    return caller_id(call.from_number, call.to_number)
