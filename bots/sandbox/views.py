"""A stand-in for Inworld's HTTP API: same paths and JSON, no model behind."""

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from functools import wraps
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, JsonResponse, StreamingHttpResponse

from bots.audio import mulaw
from bots.audio.wav import wav
from bots.sandbox.api_requests import ChatRequest, Refused, SpeechRequest, check_key
from bots.sandbox.chat_response import Pace, Reply
from bots.sandbox.voice.catalogue import MODELS, page_of_voices
from bots.sandbox.voice.mp3 import silent_mp3
from bots.sandbox.voice.speech import Speech, speak

logger = logging.getLogger(__name__)

View = Callable[[ASGIRequest], Coroutine[Any, Any, HttpResponseBase]]

_GRPC_CODES = {400: 3, 401: 16, 404: 5, 405: 12}


def _chat_error(refused: Refused) -> dict[str, object]:
    is_key = refused.status == 401
    kind = "authentication_error" if is_key else "invalid_request_error"
    return {"error": {"message": refused.message, "type": kind, "code": refused.status}}


def _grpc_error(refused: Refused) -> dict[str, object]:
    code = _GRPC_CODES[refused.status]
    return {"code": code, "message": refused.message, "details": []}


def endpoint(
    method: str, error: Callable[[Refused], dict[str, object]] = _grpc_error
) -> Callable[[View], View]:
    """Check method and key; answer a refusal in the endpoint's own error format."""

    def decorate(view: View) -> View:
        @wraps(view)
        async def answer(request: ASGIRequest) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise Refused(405, f"use {method}")
                check_key(request)
                return await view(request)
            except Refused as refused:
                return JsonResponse(error(refused), status=refused.status)

        return answer

    return decorate


@endpoint("POST", _chat_error)
async def chat(request: ASGIRequest) -> HttpResponseBase:
    """One reply to a conversation: text, and speech if a voice is named."""
    pace: Pace = request.scope["state"]["pace"]
    reply = Reply(ChatRequest.read(request), pace)
    if not reply.request.stream:
        return JsonResponse(await reply.whole())
    events = _logging_hang_ups(reply)
    return StreamingHttpResponse(events, content_type="text/event-stream")


async def _logging_hang_ups(reply: Reply) -> AsyncIterator[bytes]:
    try:
        async for event in reply.stream():
            yield event
    except asyncio.CancelledError:
        logger.info("sandbox: reply %s was hung up on", reply.id)
        raise


@endpoint("POST")
async def synthesise(request: ASGIRequest) -> HttpResponseBase:
    """A text read aloud, in one piece."""
    asked = SpeechRequest.read(request)
    speech = await _speech(asked)
    return JsonResponse(_result(asked, speech, speech.pcm))


@endpoint("POST")
async def synthesise_stream(request: ASGIRequest) -> HttpResponseBase:
    """A text read aloud, one second in each line."""
    asked = SpeechRequest.read(request)
    speech = await _speech(asked)
    return StreamingHttpResponse(_lines(asked, speech), content_type="application/json")


async def _lines(asked: SpeechRequest, speech: Speech) -> AsyncIterator[bytes]:
    second = asked.sample_rate * 2
    for start in range(0, len(speech.pcm), second):
        result = _result(asked, speech, speech.pcm[start : start + second])
        yield json.dumps({"result": result}).encode() + b"\n"
        if asked.encoding == "WAV":
            asked = replace(asked, encoding="PCM")  # only the first has a header


async def _speech(asked: SpeechRequest) -> Speech:
    return await asyncio.to_thread(
        speak,
        asked.text,
        asked.voice,
        language=asked.language,
        sample_rate=asked.sample_rate,
        speaking_rate=asked.speaking_rate,
    )


def _result(asked: SpeechRequest, speech: Speech, pcm: bytes) -> dict[str, Any]:
    audio = _encoded(pcm, asked)
    result: dict[str, Any] = {
        "audioContent": b64encode(audio).decode(),
        "usage": {
            "processedCharactersCount": len(asked.text),
            "modelId": asked.model,
        },
    }
    if asked.word_times:
        result["timestampInfo"] = {
            "wordAlignment": {
                "words": [word.text for word in speech.words],
                "wordStartTimeSeconds": [w.start_ms / 1000 for w in speech.words],
                "wordEndTimeSeconds": [w.end_ms / 1000 for w in speech.words],
            }
        }
    return result


def _encoded(pcm: bytes, asked: SpeechRequest) -> bytes:
    match asked.encoding:
        case "WAV" | "LINEAR16":  # Inworld's LINEAR16 has a WAV header
            return wav(pcm, asked.sample_rate)
        case "MULAW":
            return mulaw.encode(pcm)
        case "MP3":
            return silent_mp3(len(pcm) / 2 / asked.sample_rate)
    return pcm


@endpoint("GET")
async def voices(request: ASGIRequest) -> HttpResponseBase:
    """The catalogue of voices, by pages."""
    query = request.GET
    try:
        size = int(query.get("pageSize") or 0)
        page = page_of_voices(query.get("filter", ""), size, query.get("pageToken", ""))
    except ValueError as error:
        raise Refused(400, f"invalid pageSize or pageToken: {error}") from error
    return JsonResponse(page)


@endpoint("GET")
async def models(request: ASGIRequest) -> HttpResponseBase:
    """The catalogue of language models."""
    return JsonResponse({"models": MODELS})


async def unknown(request: ASGIRequest) -> HttpResponseBase:
    """Any path of Inworld's API that the sandbox does not have."""
    refused = Refused(404, f"the sandbox has no {request.path}")
    return JsonResponse(_grpc_error(refused), status=404)
