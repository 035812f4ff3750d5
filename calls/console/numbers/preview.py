"""What a number will do when it is called: who answers, with what, heard how."""

import re
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from bots.checks import inworld_key_is_set
from bots.config.bot_config import BotConfig
from bots.config.example_values import examples
from bots.config.placeholders import fill, names
from bots.config_builder import config_of
from bots.inworld.errors import InworldError
from bots.inworld.one_shot import operator_message
from bots.models import Bot, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from bots.phone_numbers import PastedNumberField
from bots.validators import e164
from calls.checks import is_loopback, server_url_is_an_origin, twilio_token_is_set
from calls.console.numbers.point import why_not_reachable
from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable
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
# Stands where each call has a token of its own.
TOKEN = "TOKEN-OF-THE-CALL"  # noqa: S105
SPEAKING_SECONDS = 15.0
NO_STORE = (
    "The clip store cannot be used, so callers hear the carrier's own voice. Is the "
    "Redis of REDIS_URL up?"
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What happens on a call; `said` is heard first, empty where the caller begins.

    These are the bot's own texts by name, or a sentence of the carrier's under "".
    """

    number: str
    answering: RoutingAnswer
    twiml: str
    said: dict[str, str]
    in_its_voice: bool
    warnings: list[str]
    has_examples: bool = False

    @property
    def pretty_twiml(self) -> str:
        """The TwiML with each attribute on a line of its own."""
        declaration, _, elements = self.twiml.partition("?>")
        lines = re.sub(r' (\w+="[^"]*")', r"\n    \1", elements)
        return f"{declaration}?>{lines}".replace("><", ">\n<")


class NumberForm(forms.Form):
    """A number to look at, written any way people write them."""

    number = PastedNumberField(max_length=200, validators=[e164])


def preview(number: str) -> Preview:
    """Look ahead at a call to a number."""
    known = PhoneNumber.objects.select_related("bot").filter(number=number).first()
    found = explain(known, Bot.objects.filter(is_default=True).first())
    sentence = ""
    if configuration_problem(settings.SERVER_HOST):
        sentence = NOT_CONFIGURED
    elif found.bot is None:
        sentence = NOT_IN_SERVICE
    if sentence or found.bot is None:
        document, said = twiml.say_and_hang_up(sentence), {"": sentence}
        varies = False
    else:
        profile = config_of(found.bot)
        document, said = connect_document(profile, TOKEN), first_sentence(profile)
        varies = bool(names(profile.consent_message + profile.greeting))
    return Preview(number, found, document, said, not sentence, warnings(), varies)


def first_sentence(profile: BotConfig) -> dict[str, str]:
    """What a bot says before the caller has spoken, by the names of its settings.

    Variables have the values that its operator gave as examples.
    """
    texts = {"consent_message": profile.consent_message, "greeting": profile.greeting}
    known = examples(profile.name, profile.variables, profile.time_zone)
    filled = {name: fill(text, known).strip() for name, text in texts.items()}
    return {name: text for name, text in filled.items() if text}


def warnings() -> list[str]:
    """What keeps callers from hearing this, whichever number they call."""
    checks = [
        *server_url_is_an_origin(),
        *twilio_token_is_set(),
        *inworld_key_is_set(),
    ]
    told = [f"{check.msg} {check.hint or ''}".strip() for check in checks]
    if settings.SANDBOX_RUNNING:
        told.insert(
            0,
            "Sandbox: a local stand-in speaks, no real model or voice. Set "
            "INWORLD_API_KEY and restart.",
        )
    if settings.DEBUG and is_loopback(settings.SERVER_HOST):
        told.append(why_not_reachable())
    return told


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show what any number would do, also one that is not in the list."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    form = NumberForm(request.GET if "number" in request.GET else None)
    context = {
        **admin.site.each_context(request),
        "title": "What will a number do?",
        "form": form,
        "preview": preview(form.cleaned_data["number"]) if form.is_valid() else None,
    }
    return TemplateResponse(
        request, "admin/bots/phonenumber/preview_page.html", context
    )


@require_GET
def play(request: HttpRequest, bot_id: int) -> HttpResponse:
    """What callers hear first, as WAV; else the `trouble` in plain words.

    That is the greeting, or the text that is asked for as `said`.
    """
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    profile = config_of(get_object_or_404(Bot.objects.with_related(), pk=bot_id))
    text = first_sentence(profile).get(request.GET.get("said", "greeting"))
    if text is None:
        return _trouble("This bot has no greeting: the caller speaks first.", 404)
    try:
        # The services belong to the server's event loop.
        phrase = async_to_sync(_spoken)(profile, text)
    except InworldError as error:
        return _trouble(operator_message(error), 502)
    except ClipsUnavailable:
        return _trouble(NO_STORE, 503)
    except TimeoutError:
        return _trouble("The voice is taking long. Try again in a moment.", 504)
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(phrase.wav, content_type="audio/wav", headers=headers)


async def _spoken(profile: BotConfig, text: str) -> Phrase:
    """The very clip that calls begin with; made now, it is ready for the next call."""
    said = speech_request(profile, text, settings.CLIP_SAMPLE_RATE)
    return await services().phrases.get(said, SPEAKING_SECONDS)


def _trouble(words: str, status: int) -> JsonResponse:
    return JsonResponse({"problem": words}, status=status)
