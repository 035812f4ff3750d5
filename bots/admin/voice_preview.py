"""A text in a voice, as a caller would hear it: synthesised for whoever edits a bot."""

from threading import BoundedSemaphore

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from bots.audio.pcm import Pcm
from bots.audio.wav import wav
from bots.config.example_values import examples
from bots.config.phrasebook import phrasebook
from bots.config.placeholders import fill
from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import InworldError, InworldRejected
from bots.inworld.one_shot import ask_once, operator_message
from bots.models import Bot

LISTENERS_AT_ONCE = 3  # a process; each takes one of the account's generations
SPEAKING_SECONDS = 40.0
turns = BoundedSemaphore(LISTENERS_AT_ONCE)


class VoicePreviewForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable
    """What to say in which voice: the fields of a bot, and refused as a bot's are."""

    class Meta:
        model = Bot
        fields = ["greeting", "tts_voice", "tts_model", "language"]

    def voicing(self) -> SpeechRequest:
        """The greeting with examples in it, or without one a usual sentence."""
        wanted = self.cleaned_data
        given = (self.data.get(name, "") for name in ("name", "variables", "time_zone"))
        greeting = fill(wanted["greeting"], examples(*given)).strip()
        return SpeechRequest(
            greeting or phrasebook(wanted["language"]).goodbye_message,
            wanted["tts_voice"],
            wanted["tts_model"],
            wanted["language"],
            settings.CLIP_SAMPLE_RATE,
        )

    def refusal(self) -> str:
        """The first thing that is wrong, with the field it is wrong with."""
        name, messages = next(iter(self.errors.items()))
        field = self.fields.get(name)
        return f"{field.label if field else 'Bot'}: {messages[0]}"


@require_POST
@permission_required("bots.view_bot", raise_exception=True)
def listen(request: HttpRequest) -> HttpResponse:
    """Answer with a WAV file, or with the `trouble` in plain words."""
    if not may_edit(request):
        return _trouble("Only users who can edit bots can listen to voices.", 403)
    audition = VoicePreviewForm(request.POST)
    if not audition.is_valid():
        return _trouble(audition.refusal(), 400)
    if not turns.acquire(blocking=False):
        return _trouble("Others are listening at the moment. Try again shortly.", 429)
    try:
        return _sound(audition.voicing())
    finally:
        turns.release()


def may_edit(request: HttpRequest) -> bool:
    """Whether whoever asks may change bots, or make one."""
    return request.user.has_perm("bots.change_bot") or request.user.has_perm(
        "bots.add_bot"
    )


def _sound(voicing: SpeechRequest) -> HttpResponse:
    async def speak(inworld: Inworld) -> Pcm:
        return await inworld.speak(voicing)

    try:
        pcm = ask_once(speak, SPEAKING_SECONDS)
    except InworldError as error:
        return _trouble(_why(error, voicing), 502)
    response = HttpResponse(wav(pcm.data, pcm.sample_rate), content_type="audio/wav")
    response["Cache-Control"] = "no-store"
    return response


def _why(error: InworldError, voicing: SpeechRequest) -> str:
    # The speech API names neither in a refusal, but they are what it refuses.
    if isinstance(error, InworldRejected) and error.status in (400, 404, 422):
        wanted = f"voice “{voicing.voice}” with {voicing.model}"
        return f"Inworld refuses the {wanted}: {error.message}"
    return operator_message(error)


def _trouble(words: str, status: int) -> JsonResponse:
    return JsonResponse({"problem": words}, status=status)
