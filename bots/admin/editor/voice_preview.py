"""Speaks a bot's greeting in the chosen voice, for the editor's listen buttons."""

from threading import BoundedSemaphore

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from bots.admin.editor import new_bot
from bots.audio.wav import wav
from bots.config.example_values import examples
from bots.config.phrasebook import phrasebook
from bots.config.placeholders import fill
from bots.inworld.client import SpeechRequest
from bots.inworld.errors import InworldError, InworldRejected
from bots.inworld.one_shot import ask_once, operator_message
from bots.models import Bot
from bots.responses import PAGE_SECONDS, problem, sound

LISTENERS_AT_ONCE = 3  # per process; each uses one of the account's generations
listeners = BoundedSemaphore(LISTENERS_AT_ONCE)


class VoicePreviewForm(forms.ModelForm[Bot]):
    """The text and the voice, validated as in the form of a bot."""

    class Meta:
        model = Bot
        fields = ["greeting", "tts_voice", "tts_model", "language"]

    def speech_request(self) -> SpeechRequest:
        """Fill the greeting with examples; without one, use a standard sentence."""
        values = self.cleaned_data
        names = ("name", "variables", "time_zone")
        variables = examples(*(self.data.get(name, "") for name in names))
        greeting = fill(values["greeting"], variables).strip()
        return SpeechRequest(
            greeting or phrasebook(values["language"]).goodbye_message,
            values["tts_voice"],
            values["tts_model"],
            values["language"],
        )

    def first_error(self) -> str:
        """The first error, preceded by the label of its field."""
        name, messages = next(iter(self.errors.items()))
        field = self.fields.get(name)
        return f"{field.label if field else 'Bot'}: {messages[0]}"


@require_POST
@permission_required("bots.view_bot", raise_exception=True)
def listen(request: HttpRequest) -> HttpResponse:
    """Respond with a WAV file, or with a `problem` in plain words."""
    if not may_edit(request):
        return problem("Only users who can edit bots can listen to voices.", 403)
    form = VoicePreviewForm(new_bot.usual(request.POST) | request.POST.dict())
    if not form.is_valid():
        return problem(form.first_error(), 400)
    if not listeners.acquire(blocking=False):
        return problem("Others are listening at the moment. Try again shortly.", 429)
    try:
        return _speak(form.speech_request())
    finally:
        listeners.release()


def may_edit(request: HttpRequest) -> bool:
    """True if the user can change or add bots."""
    return request.user.has_perm("bots.change_bot") or request.user.has_perm(
        "bots.add_bot"
    )


def _speak(request: SpeechRequest) -> HttpResponse:
    try:
        pcm = ask_once(lambda inworld: inworld.speak(request), PAGE_SECONDS)
    except InworldError as failure:
        return problem(_message(failure, request), 502)
    return sound(wav(pcm.data, pcm.sample_rate))


def _message(failure: InworldError, request: SpeechRequest) -> str:
    # The speech API does not name the voice and the model that it refuses.
    if isinstance(failure, InworldRejected) and failure.status in (400, 404, 422):
        voice = f"voice “{request.voice}” with {request.model}"
        return f"Inworld refuses the {voice}: {failure.message}"
    return operator_message(failure)
