"""TwiML documents that connect a call to a bot or to a transfer target."""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.phrasebook import Phrasebook, phrasebook
from bots.config_builder import config_from_json
from bots.inworld.api_key import lacks_key
from bots.number_routing import caller_id_of_ours
from bots.phone_numbers.caller_id import number_in
from calls.db import run_in_db_thread
from calls.logs import CallLog
from calls.models import Call
from calls.prices.number_kinds import number_kind
from calls.prices.usage import TRANSFER, Kind, Usage
from calls.public_urls import public_url, socket_url
from calls.session.active_calls import active_calls
from calls.session.recording import stop_recordings
from calls.session.services import services
from calls.session.variables import variables
from calls.transcripts.stored_turns import current_config
from calls.transcripts.writes import UsageCounted
from calls.transfer import Transfer
from calls.twilio import twiml
from calls.twilio.relay_tokens import relay_token
from calls.webhooks.dial_result import caller_id

NOT_IN_SERVICE = "Sorry, this number is not in service at the moment. Goodbye."
OUT_OF_ORDER = "Sorry, we cannot take your call right now. Please try again later."
NOT_CONFIGURED = "Sorry, this line is not set up yet. Please try again later. Goodbye."


def configuration_problem(host: str) -> str:
    """Why this server cannot answer a call sent to `host`; empty if it can."""
    if lacks_key():
        return "INWORLD_API_KEY is not set."
    if settings.SERVER_HOST in settings.LOOPBACK_HOSTS and host not in (
        "",
        *settings.LOOPBACK_HOSTS,
    ):
        return f"SERVER_URL is {settings.SERVER_URL}, but the call came to {host}."
    return ""


async def relay_twiml(call: Call) -> str:
    """TwiML that connects a call to its first or next relay session.

    Reduced TwiML has one language: that to which the call has switched.
    """
    active_calls().connecting.expect(call)
    token = relay_token(call.call_sid, call.relay_nonce)
    # Later sessions read the variables from the call's row. By then the row also holds
    # results of the lookup, which Twilio must not see.
    parameters = {} if call.reconnects else call.variables
    reduced = call.settings_refused_at is not None
    stored = config_from_json(call.settings)
    config = await current_config(call) if reduced else stored
    return connect_document(config, token, parameters, reduced=reduced)


def connect_document(
    config: BotConfig,
    token: str,
    parameters: Mapping[str, str] | None = None,
    *,
    reduced: bool = False,
) -> str:
    """TwiML that connects a call to a bot; `token` admits its socket."""
    path = reverse("conversation", args=[token], urlconf="calls.routing")
    return twiml.relay(
        config,
        socket_url=socket_url(path),
        action_url=public_url(reverse("voice-action")),
        parameters=parameters,
        reduced=reduced,
    )


async def dial_document(call: Call, transfer: Transfer) -> str:
    """TwiML that dials a transfer target; afterwards Twilio asks us how to go on.

    A relay session transfers its call at most once, so the number of the session
    identifies the transfer.
    """
    _stop_recording(call)
    session = call.reconnects
    screening_path = reverse("voice-announcement", args=[call.pk, session])
    return twiml.dial_and_report(
        transfer,
        caller_id=await _caller_id(call),
        action_url=public_url(reverse("voice-dial", args=[session])),
        screening_url=public_url(screening_path),
    )


def screening_document(call: Call, transfer: Transfer) -> str:
    """TwiML that announces the caller to a transfer target and asks for a digit."""
    accept = reverse("voice-accept", args=[call.pk, call.reconnects])
    sentences, voice = screening_sentences(call, transfer)
    known = variables(call, config_from_json(call.settings), {}, call.started_at)
    return twiml.screening_gather(
        transfer,
        accept_url=public_url(accept),
        announcement=twiml.screening_prompt(transfer, sentences, known),
        voice=voice,
    )


def screening_sentences(
    call: Call, transfer: Transfer
) -> tuple[BotConfig | Phrasebook, str]:
    """The sentences for a transfer target, and the voice of Twilio that says them.

    They are the bot's own if it has the target's language; else the standard ones.
    """
    config = config_from_json(call.settings).in_language(transfer.language)
    if config.language == transfer.language:
        return config, config.twilio_voice
    return phrasebook(transfer.language), ""


async def final_transfer_document(
    call: Call,
    target: TransferTarget,
    message: str = "",
    language: str = "en-US",
    voice: str = "",
) -> str:
    """TwiML for a transfer from which the caller cannot return to the bot.

    How long the target's leg lasts is unknown until Twilio reports it.
    """
    usages = [Usage(Kind.LINE_OUT, number_kind(target.number))]
    services().transcripts.put(UsageCounted(call.call_sid, TRANSFER, usages))
    _stop_recording(call)
    return twiml.transfer_blind(
        target.number,
        ring_seconds=target.ring_seconds,
        caller_id=await _caller_id(call),
        message=message,
        language=language,
        voice=voice,
        report_url=_report_url(language),
    )


def _report_url(language: str) -> str:
    """The address for Twilio's report on a transfer without a way back.

    The caller's `language` is for the answer. Empty if nobody will answer there: the
    caller would hear an error.
    """
    if active_calls().closing and active_calls().is_single_process:
        return ""
    query = urlencode({"language": language})
    return public_url(f"{reverse('voice-transferred')}?{query}")


def _stop_recording(call: Call) -> None:
    """Nobody records the person who is dialled. The caller does not wait for it."""
    log = CallLog(logging.getLogger(__name__), call.call_sid)
    services().recording_tasks.start(stop_recordings(call, services(), log))


async def _caller_id(call: Call) -> str:
    # On a call that we placed, Twilio shows no other number than ours.
    caller = "" if call.is_outbound else call.caller_number
    number = caller_id(caller, number_in(call.our_number, call.caller_number))
    # A call to a SIP address or an app has no number of ours.
    return number or await run_in_db_thread(caller_id_of_ours)(call.bot_id)
