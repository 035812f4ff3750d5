"""The reply to a chat request, in the shape and at about the pace of Inworld's Router.

The bench knows these times: the first token comes `Pace.first_token` seconds after the
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

from bots.sandbox.api_requests import ChatRequest
from bots.sandbox.json_answers import filled
from bots.sandbox.small_talk import reply, sentences, shorten
from bots.sandbox.tool_choice import PlannedCall, plan
from bots.sandbox.voice.speech import speak

SAMPLE_RATE = 48_000
CHUNK_SECONDS = 0.2
CHUNK_BYTES = int(SAMPLE_RATE * CHUNK_SECONDS) * 2

# Characters of a tool call's arguments in a chunk.
ARGUMENTS_PIECE = 8

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Delays in seconds; `audio` is a share of the audio's own length."""

    first_token: float = 0.15
    word: float = 0.015
    audio: float = 0.12


INSTANT = Pace(first_token=0, word=0, audio=0)


class Reply:
    """One reply, whose text is known at once and sent at a model's pace."""

    def __init__(self, request: ChatRequest, pace: Pace) -> None:
        self.request = request
        self.pace = pace
        self.id = f"chatcmpl-sandbox-{next(_numbers)}"
        self.calls = plan(request.messages, request.functions)
        self.text, self.is_cut = shorten(reply(request.messages), request.max_tokens)
        if request.schema is not None:
            self.text, self.is_cut = filled(request.schema, request.messages), False

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events: a sentence's words, then its speech, then the next.

        Functions are called without a sound.
        """
        await asyncio.sleep(self.pace.first_token)
        if self.calls:
            async for event in self._calling():
                yield event
            return
        yield self._delta({"role": "assistant", "content": None})
        for index, sentence in enumerate(sentences(self.text)):
            for word in re.findall(r"\s*\S+\s*", sentence):
                yield self._delta({"content": word})
                await asyncio.sleep(self.pace.word)
            if self.request.voice:
                transcript = " " * (index > 0) + sentence.strip()
                yield self._delta({"audio": {"transcript": transcript}})
                async for chunk in self._audio(sentence):
                    yield chunk
        for event in self._ending():
            yield event

    async def whole(self) -> dict[str, Any]:
        """The reply in one piece, for a request without `stream`."""
        await asyncio.sleep(self.pace.first_token)
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
            begun = {"index": index, **self._tool_call(index, call, "")}
            first = {"role": "assistant", "content": None} if index == 0 else {}
            yield self._delta({**first, "tool_calls": [begun]})
            for start in range(0, len(call.arguments), ARGUMENTS_PIECE):
                await asyncio.sleep(self.pace.word)
                more = {"arguments": call.arguments[start : start + ARGUMENTS_PIECE]}
                yield self._delta({"tool_calls": [{"index": index, "function": more}]})
        for event in self._ending():
            yield event

    def _ending(self) -> list[bytes]:
        usage = self._envelope("chat.completion.chunk", [], usage=self._usage())
        finished = self._delta({}, finish_reason=self._finish_reason)
        return [finished, _event(usage), b"data: [DONE]\n\n"]

    async def _message(self) -> dict[str, Any]:
        if self.calls:
            calls = [
                self._tool_call(i, c, c.arguments) for i, c in enumerate(self.calls)
            ]
            return {"role": "assistant", "content": None, "tool_calls": calls}
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.request.voice:
            pcm = await self._say(self.text)
            message["audio"] = {"transcript": self.text, "data": _base64(pcm)}
        return message

    def _tool_call(
        self, index: int, call: PlannedCall, arguments: str
    ) -> dict[str, Any]:
        function = {"name": call.name, "arguments": arguments}
        call_id = f"call_{self.id.rpartition('-')[2]}_{index}"
        return {"id": call_id, "type": "function", "function": function}

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
    def _finish_reason(self) -> str:
        if self.calls:
            return "tool_calls"
        return "length" if self.is_cut else "stop"

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


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _base64(pcm: bytes) -> str:
    return b64encode(pcm).decode()
