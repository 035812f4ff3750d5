"""Predicts what a call to a number will hear, for the page “Test a number”."""

import re
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from bots.access.scope import scope_of, visible
from bots.config.bot_config import BotConfig
from bots.config.example_values import examples
from bots.config.placeholders import fill, names
from bots.config_builder import config_of
from bots.inworld.errors import InworldError
from bots.inworld.one_shot import operator_message
from bots.models import Bot, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from bots.phone_numbers.fields import PastedNumberField
from bots.responses import page as admin_page
from bots.responses import problem, sound
from bots.validators import e164
from calls.clips.clip_store import ClipsUnavailable
from calls.diagnostics.warnings import caller_findings
from calls.session.services import services
from calls.speech.inworld_requests import speech_request
from calls.speech.phrase_cache import Phrase
from calls.twilio import twiml
from calls.webhooks.connect import (
    NOT_CONFIGURED,
    NOT_IN_SERVICE,
    configuration_problem,
    connect_document,
)

MAY_SEE = "bots.view_phonenumber"
# In the place of the token that each call has.
TOKEN = "TOKEN-OF-THE-CALL"  # noqa: S105
SPEAKING_SECONDS = 15.0
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

    @property
    def pretty_twiml(self) -> str:
        """The TwiML with each attribute on a line of its own."""
        declaration, _, elements = self.twiml.partition("?>")
        lines = re.sub(r' (\w+="[^"]*")', r"\n    \1", elements)
        return f"{declaration}?>{lines}".replace("><", ">\n<")


class NumberForm(forms.Form):
    """A number, in any way that people write it."""

    number = PastedNumberField(max_length=200, validators=[e164])


def preview(number: str) -> Preview:
    """Predict a call to a number, without making one."""
    phone_number = (
        PhoneNumber.objects.select_related("bot").filter(number=number).first()
    )
    routing = explain(phone_number, Bot.objects.filter(is_default=True).first())
    if configuration_problem(settings.SERVER_HOST):
        return _refusal(number, routing, NOT_CONFIGURED)
    if routing.bot is None:
        return _refusal(number, routing, NOT_IN_SERVICE)
    config = config_of(routing.bot)
    return Preview(
        number,
        routing,
        connect_document(config, TOKEN),
        first_texts(config),
        in_bot_voice=True,
        warnings=warnings(),
        has_examples=bool(names(config.consent_message + config.greeting)),
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
            found = preview(number)
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
