"""The reply to a chat request, in the shape and at about the pace of Inworld's Router.

Known times for the bench: the first token comes `Pace.first_token` seconds after the
request, each further word `Pace.word` later; a sentence's audio follows its last word
at `Pace.audio` times the audio's own length, plus the milliseconds espeak takes.
"""

import asyncio
import json
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from bots.sandbox.api_requests import ChatRequest, Refused
from bots.sandbox.json_answers import filled
from bots.sandbox.small_talk import (
    Fault,
    misbehaviour,
    reply,
    sentences,
    shorten,
)
from bots.sandbox.tool_choice import Call, plan
from bots.sandbox.voice.speech import speak

SAMPLE_RATE = 48_000
CHUNK_SECONDS = 0.2
CHUNK_BYTES = int(SAMPLE_RATE * CHUNK_SECONDS) * 2

# Of a call's arguments, in characters a chunk.
PIECE = 8

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds; audio as a share of its own length."""

    first_token: float = 0.15
    word: float = 0.015
    audio: float = 0.12
    slow_first_token: float = 3.0


INSTANT = Pace(first_token=0, word=0, audio=0, slow_first_token=0.3)


class Reply:
    """One reply: the sandbox knows its text at once, and takes its time to give it."""

    def __init__(self, request: ChatRequest, pace: Pace) -> None:
        self.request = request
        self.pace = pace
        self.id = f"chatcmpl-sandbox-{next(_numbers)}"
        self.calls = plan(request.messages, request.functions)
        self.text, self.cut_short = shorten(reply(request.messages), request.max_tokens)
        self.fault = misbehaviour(request.messages)
        if request.schema is not None:
            self.text, self.cut_short = filled(request.schema, request.messages), False
            self.fault = None  # it was asked for in the conversation, not of this
        if self.fault is Fault.ERROR:
            raise Refused(500, "the caller asked for an error")

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events: a sentence's words, then its speech, then the next.

        Functions are called without a sound.
        """
        await self._think()
        if self.calls:
            async for event in self._calling():
                yield event
            return
        yield self._delta({"role": "assistant", "content": None})
        for index, sentence in enumerate(sentences(self.text)):
            for word in re.findall(r"\s*\S+\s*", sentence):
                yield self._delta({"content": word})
                await asyncio.sleep(self.pace.word)
            if self._speaks:
                transcript = " " * (index > 0) + sentence.strip()
                yield self._delta({"audio": {"transcript": transcript}})
                async for chunk in self._audio(sentence):
                    yield chunk
            if self.fault is Fault.ERROR_IN_STREAM:
                yield _event({"error": _server_error("upstream provider failed")})
                return
        for event in self._ending():
            yield event

    async def with_related(self) -> dict[str, Any]:
        """The reply in one piece, as a request without `stream` gets it."""
        await self._think()
        if self.fault is Fault.ERROR_IN_STREAM:
            raise Refused(502, "upstream provider failed")
        choice = {
            "index": 0,
            "message": await self._message(),
            "finish_reason": self._finish_reason,
        }
        return self._envelope(
            "chat.completion",
            [choice],
            created=int(time.time()),
            usage=self._usage(),
            metadata={"attempts": [{"model": self.request.model, "success": True}]},
        )

    async def _calling(self) -> AsyncIterator[bytes]:
        """Each call's name, then its arguments in pieces."""
        for index, call in enumerate(self.calls):
            begun = {"index": index, **self._told(index, call, "")}
            first = {"role": "assistant", "content": None} if index == 0 else {}
            yield self._delta({**first, "tool_calls": [begun]})
            for start in range(0, len(call.arguments), PIECE):
                await asyncio.sleep(self.pace.word)
                more = {"arguments": call.arguments[start : start + PIECE]}
                yield self._delta({"tool_calls": [{"index": index, "function": more}]})
        for event in self._ending():
            yield event

    def _ending(self) -> list[bytes]:
        usage = self._envelope("chat.completion.chunk", [], usage=self._usage())
        finished = self._delta({}, finish_reason=self._finish_reason)
        return [finished, _event(usage), b"data: [DONE]\n\n"]

    async def _message(self) -> dict[str, Any]:
        if self.calls:
            calls = [self._told(i, c, c.arguments) for i, c in enumerate(self.calls)]
            return {"role": "assistant", "content": None, "tool_calls": calls}
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self._speaks:
            pcm = await self._say(self.text)
            message["audio"] = {"transcript": self.text, "data": _base64(pcm)}
        return message

    def _told(self, index: int, call: Call, arguments: str) -> dict[str, Any]:
        function = {"name": call.name, "arguments": arguments}
        call_id = f"call_{self.id.rpartition('-')[2]}_{index}"
        return {"id": call_id, "type": "function", "function": function}

    async def _think(self) -> None:
        if self.fault is Fault.SILENCE:
            await asyncio.Event().wait()  # never set: a hang-up cancels the request
        slow = self.fault is Fault.SLOW
        await asyncio.sleep(
            self.pace.slow_first_token if slow else self.pace.first_token
        )

    async def _audio(self, sentence: str) -> AsyncIterator[bytes]:
        pcm = await self._say(sentence)
        for start in range(0, len(pcm), CHUNK_BYTES):
            await asyncio.sleep(self.pace.audio * CHUNK_SECONDS)
            data = _base64(pcm[start : start + CHUNK_BYTES])
            yield self._delta({"audio": {"data": data}})

    async def _say(self, text: str) -> bytes:
        speech = await asyncio.to_thread(
            speak, text, self.request.voice, sample_rate=SAMPLE_RATE
        )
        return speech.pcm

    @property
    def _speaks(self) -> bool:
        return bool(self.request.voice) and self.fault is not Fault.NO_AUDIO

    @property
    def _finish_reason(self) -> str:
        if self.calls:
            return "tool_calls"
        return "length" if self.cut_short else "stop"

    def _delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event(self._envelope("chat.completion.chunk", [choice]))

    def _envelope(
        self, kind: str, choices: list[dict[str, Any]], **more: object
    ) -> dict[str, Any]:
        model = self.request.model
        return {
            "id": self.id,
            "object": kind,
            "model": model,
            "choices": choices,
        } | more

    def _usage(self) -> dict[str, int]:
        asked = len(json.dumps(self.request.messages)) // 4
        said = len(self.text) // 4
        return {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        }


def _server_error(message: str) -> dict[str, object]:
    return {"message": message, "type": "server_error", "code": 502}


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _base64(pcm: bytes) -> str:
    return b64encode(pcm).decode()
