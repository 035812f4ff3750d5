"""Predicts what a call to a number will hear, for the page “Test a number”."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from bots.access.numbers import may_see_numbers
from bots.access.scope import scope_of, visible
from bots.config.bot_config import BotConfig
from bots.config.example_values import examples
from bots.config.local_time import zone_of
from bots.config.placeholders import fill, names
from bots.config_builder import config_of
from bots.inworld.errors import InworldError
from bots.inworld.one_shot import operator_message
from bots.models import Bot, Outage, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from bots.opening.schedule import OpenState
from bots.phone_numbers.fields import PastedNumberField
from bots.phone_numbers.masking import masked
from bots.responses import page as admin_page
from bots.responses import problem, sound
from bots.site_settings.current import day
from bots.validators import e164
from calls.clips.clip_store import ClipsUnavailable
from calls.costs.admission import answer_now
from calls.diagnostics.warnings import caller_findings
from calls.session.services import services
from calls.session.variables import first_available_target
from calls.speech.inworld_requests import speech_request
from calls.speech.phrase_cache import Phrase
from calls.twilio import twiml
from calls.webhooks.connect import (
    NOT_CONFIGURED,
    NOT_IN_SERVICE,
    configuration_problem,
    connect_document,
)
from calls.webhooks.open_call import config_snapshot

MAY_SEE = "bots.view_phonenumber"
# In the place of the token that each call has.
TOKEN = "TOKEN-OF-THE-CALL"  # noqa: S105
SPEAKING_SECONDS = 15.0
FIRST_YEAR, LAST_YEAR = 2000, 2100
NOT_YOURS = "None of your bots answers this number."
NO_STORE = (
    "The clip store cannot be used, so callers hear Twilio's own voice. Does the "
    "Redis of REDIS_URL run?"
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A predicted call. `first_texts` is empty if the caller speaks first.

    They are the bot's texts by the names of their settings, or a sentence in Twilio's
    voice under "".
    """

    number: str
    routing: RoutingAnswer
    twiml: str
    first_texts: dict[str, str]
    in_bot_voice: bool
    warnings: list[str]
    has_examples: bool = False
    state: OpenState | None = None  # of a listed number
    transfers_to: str = ""

    @property
    def answers(self) -> bool:
        """True if a bot talks to the caller."""
        diversion = self.routing.diversion
        return diversion is None or diversion.takes_message

    @property
    def headline(self) -> str:
        """Open or closed, and until when, of a listed number."""
        return self.state.headline(day) if self.state else ""

    @property
    def local_time(self) -> str:
        """The moment in the time zone of a listed number."""
        return self.state.local_time(day) if self.state else ""

    @property
    def pretty_twiml(self) -> str:
        """The TwiML with each attribute on a line of its own."""
        declaration, _, elements = self.twiml.partition("?>")
        lines = re.sub(r' (\w+="[^"]*")', r"\n    \1", elements)
        return f"{declaration}?>{lines}".replace("><", ">\n<")


class NumberForm(forms.Form):
    """A number, in any way that people write it, and a moment in its time zone."""

    number = PastedNumberField(max_length=200, validators=[e164])
    at = forms.DateTimeField(
        label="At",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        help_text="In the number's time zone. Empty: now.",
        error_messages={"invalid": "Write the time like 2026-12-24 13:30."},
    )

    def clean_at(self) -> datetime | None:
        """Refuse years for which nobody knows holidays."""
        at: datetime | None = self.cleaned_data["at"]
        if at and not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise forms.ValidationError(
                f"Choose a day between {FIRST_YEAR} and {LAST_YEAR}."
            )
        return at


def preview(number: str, at: datetime | None = None, *, hide: bool = False) -> Preview:
    """Predict a call to a number, without making one.

    At a time of day in the number's time zone, or now; `hide` masks people's numbers.
    """
    found = PhoneNumber.objects.select_related("bot", "closed_bot")
    phone_number = found.filter(number=number).first()
    moment = timezone.now()
    if at:
        zone = zone_of(phone_number.time_zone if phone_number else "")
        moment = at.replace(tzinfo=zone)
    outages = Outage.objects.in_effect(moment)
    default = Bot.objects.filter(is_default=True).first()
    routing = explain(phone_number, default, outages, moment)
    if at is None:
        routing = answer_now(routing, number, moment)
    state = phone_number.state_at(moment) if phone_number else None
    return replace(_predicted(number, routing, moment, hide=hide), state=state)


def _predicted(
    number: str, routing: RoutingAnswer, moment: datetime, *, hide: bool
) -> Preview:
    if configuration_problem(settings.SERVER_HOST):
        return _refusal(number, routing, NOT_CONFIGURED)
    if routing.bot is None:
        return _refusal(number, routing, NOT_IN_SERVICE)
    config = config_snapshot(routing.bot, number, routing.diversion)
    if routing.diversion and not routing.diversion.takes_message:
        return _diverted(number, routing, config, moment, hide=hide)
    return Preview(
        number,
        routing,
        connect_document(config, TOKEN),
        first_texts(config),
        in_bot_voice=True,
        warnings=warnings(),
        has_examples=bool(names(config.consent_message + config.greeting)),
    )


def _diverted(
    number: str,
    routing: RoutingAnswer,
    config: BotConfig,
    moment: datetime,
    *,
    hide: bool,
) -> Preview:
    """A message or a transfer in Twilio's voice, at a closed number or in an outage."""
    target = first_available_target(config, moment)
    text = config.transfer_notice if target else config.closed_message
    said = fill(text, examples(config.name, config.variables, config.time_zone))
    language, voice = config.language, config.twilio_voice
    shown = ""
    document = twiml.say_and_hang_up(said, language, voice)
    if target:
        shown = masked(target.number) if hide else target.number
        document = twiml.transfer_blind(
            shown,
            ring_seconds=target.ring_seconds,
            caller_id="",
            message=said,
            language=language,
            voice=voice,
        )
    found = {"": said}
    return Preview(
        number, routing, document, found, False, warnings(), transfers_to=shown
    )


def _refusal(number: str, routing: RoutingAnswer, sentence: str) -> Preview:
    document = twiml.say_and_hang_up(sentence)
    return Preview(number, routing, document, {"": sentence}, False, warnings())


def first_texts(config: BotConfig) -> dict[str, str]:
    """The bot's texts before the caller speaks, by the names of their settings.

    Variables have the values that its operator gave as examples.
    """
    texts = {"consent_message": config.consent_message, "greeting": config.greeting}
    values = examples(config.name, config.variables, config.time_zone)
    filled = {name: fill(text, values).strip() for name, text in texts.items()}
    return {name: text for name, text in filled.items() if text}


def warnings() -> list[str]:
    """Problems that keep callers of any number from hearing this."""
    return [finding.text for finding in caller_findings()]


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the prediction for any number, also one that is not in the list."""
    form = NumberForm(request.GET if "number" in request.GET else None)
    found = None
    if form.is_valid():
        number = form.cleaned_data["number"]
        if _may_test(request, number):
            hide = not may_see_numbers(request.user)
            found = preview(number, form.cleaned_data["at"], hide=hide)
        else:
            form.add_error("number", NOT_YOURS)
    template = "bots/phonenumber/preview_page.html"
    return admin_page(request, template, "Test a number", form=form, preview=found)


def _may_test(request: HttpRequest, number: str) -> bool:
    """True for numbers of the user's bots; for any number if they have all bots."""
    if scope_of(request.user, MAY_SEE).is_all:
        return True
    numbers = PhoneNumber.objects.filter(number=number)
    return visible(numbers, request.user, MAY_SEE).exists()


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def play(request: HttpRequest, bot_id: int) -> HttpResponse:
    """The greeting as WAV, or the text whose setting is named as `said`."""
    bots = visible(Bot.objects.with_related(), request.user)
    config = config_of(get_object_or_404(bots, pk=bot_id))
    text = first_texts(config).get(request.GET.get("said", "greeting"))
    if text is None:
        return problem("This bot has no greeting: the caller speaks first.", 404)
    try:
        # The services belong to the server's event loop.
        phrase = async_to_sync(_spoken)(config, text)
    except InworldError as failure:
        return problem(operator_message(failure), 502)
    except ClipsUnavailable:
        return problem(NO_STORE, 503)
    except TimeoutError:
        return problem("The voice is taking long. Try again in a moment.", 504)
    return sound(phrase.wav)


async def _spoken(config: BotConfig, text: str) -> Phrase:
    """The clip that calls begin with; cached, so it is ready for the next call."""
    request = speech_request(config, text)
    return await services().phrases.get(request, SPEAKING_SECONDS)
