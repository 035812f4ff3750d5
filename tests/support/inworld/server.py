"""A fake Inworld on a real socket, scripted by tests.

    async with FakeInworld() as inworld:
        inworld.says("Hello there.", "How can I help?")  # one reply
        inworld.answers([*speech("Sure."), Pause(), DONE])  # one reply, step by step
        inworld.answers([Status(429, headers={"Retry-After": "2"})])
        inworld.returns_text('{"summary": "…"}')  # answers a request without a stream

Queued replies are played in order. After the last one, `reply_with` makes replies;
without it, the reply repeats the caller's words.
"""

import asyncio
import base64
from collections import deque
from collections.abc import Callable, Iterable
from ssl import SSLContext
from typing import Any

import h11

from tests.support.http_connection import Connection, LocalServer, Request
from tests.support.inworld.script import (
    DONE,
    ROLE,
    SAMPLE_VOICES,
    Cut,
    Delay,
    Pause,
    Repeat,
    Status,
    Step,
    audio,
    chunk,
    complete_reply,
    content,
    error,
    event,
    finish,
    in_one_piece,
    speech,
    tone,
    tool_call,
    transcript,
    usage,
    wav,
)
from tests.support.sound_files import SOUND_FILES

__all__ = [
    "DONE",
    "ROLE",
    "SAMPLE_VOICES",
    "Cut",
    "Delay",
    "FakeInworld",
    "Pause",
    "Request",
    "Status",
    "Step",
    "audio",
    "chunk",
    "complete_reply",
    "content",
    "error",
    "event",
    "finish",
    "in_one_piece",
    "speech",
    "tone",
    "tool_call",
    "transcript",
    "usage",
    "wav",
]

CHAT = "/v1/chat/completions"
TTS = "/tts/v1/voice"
VOICES = "/voices/v1/voices"
MODELS = "/llm/v1alpha/models"
CHARACTERS_PER_SECOND = 15


class FakeInworld(LocalServer):
    """Router, TTS and voices of Inworld; every public attribute may be set by tests."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.requests: list[Request] = []
        self.hung_up = asyncio.Event()  # a client left in the middle of an answer
        self.hang_ups = 0
        self.open_streams = 0  # answers being sent; `quiet` waits for their end
        self.reply_with: Callable[[Any], Iterable[Step]] | None = None
        self.answers_to: dict[str, list[Step]] = {}  # by the caller's latest words
        self.tts_status = 200
        self.tts_pauses = False  # hold every synthesis until resume()
        self.tts_script: list[Step] | None = None  # plays instead of every synthesis
        self.tts_hangs_on = ""  # a synthesis of these words never ends
        self.voices_status = 200
        self.voices: list[Any] = SAMPLE_VOICES
        self.models: list[Any] = []
        self._quiet = asyncio.Event()
        self._scripts: deque[list[Step]] = deque()
        self._texts: deque[str | Step] = deque()
        self._gate = asyncio.Semaphore(0)
        self._arrived = asyncio.Event()

    @property
    def chats(self) -> list[Request]:
        """The chat requests that asked for a stream."""
        chats = (request for request in self.requests if request.path == CHAT)
        return [request for request in chats if request.body["stream"]]

    @property
    def texts(self) -> list[Request]:
        """The chat requests that asked for text without a stream."""
        chats = (request for request in self.requests if request.path == CHAT)
        return [request for request in chats if not request.body["stream"]]

    @property
    def spoken(self) -> list[Request]:
        """The requests for synthesis."""
        return [request for request in self.requests if request.path == TTS]

    def says(self, *sentences: str, seconds: float = 0.2) -> None:
        """Queue a reply with one segment per sentence, each `seconds` long."""
        self.answers(complete_reply(*sentences, seconds=seconds))

    def answers(self, script: Iterable[Step]) -> None:
        """Queue a reply; a script that runs out ends the stream without [DONE]."""
        self._scripts.append(list(script))

    def returns_text(self, *texts: str | Step) -> None:
        """Queue answers to requests without a stream: texts, or other steps."""
        self._texts.extend(texts)

    def resume(self) -> None:
        """Let one Pause pass, whether or not a reply has reached it yet."""
        self._gate.release()

    async def request(self, number: int = 1, timeout: float = 15) -> Request:  # noqa: ASYNC109
        """Wait for the n-th chat request, counted from 1."""
        async with asyncio.timeout(timeout):
            while len(self.chats) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.chats[number - 1]

    async def quiet(self, timeout: float = 15) -> None:  # noqa: ASYNC109
        """Wait until no answer is being sent."""
        async with asyncio.timeout(timeout):
            while self.open_streams:
                await self._quiet.wait()

    async def serve(self, connection: Connection) -> None:
        while request := await connection.receive():
            self.requests.append(request)
            self._arrived.set()
            await self._answer(connection, request)
            if connection.http.our_state is not h11.DONE:
                break
            connection.http.start_next_cycle()

    async def _answer(self, connection: Connection, request: Request) -> None:
        match request.method, request.path:
            case "POST", path if path == CHAT:
                await self._stream(connection, self._script(request.body))
            case "POST", path if path == TTS:
                hangs = self.tts_hangs_on and self.tts_hangs_on in request.body["text"]
                held = [Pause()] if self.tts_pauses or hangs else []
                script = self.tts_script or [self._voiced(request.body)]
                await self._stream(connection, [*held, *script])
            case "GET", path if path == VOICES:
                await self._stream(connection, [self._voices(request.query)])
            case "GET", path if path == MODELS:
                await self._stream(connection, [Status(200, {"models": self.models})])
            case _:
                await self._stream(connection, [_refusal(404)])

    def _script(self, body: Any) -> Iterable[Step]:
        if not body["stream"]:
            text = self._texts.popleft() if self._texts else "{}"
            return [in_one_piece(text) if isinstance(text, str) else text]
        said = [turn["content"] for turn in body["messages"] if turn["role"] == "user"]
        if said and (answer := self.answers_to.get(said[-1])):
            return answer
        if self._scripts:
            return self._scripts.popleft()
        if self.reply_with:
            return self.reply_with(body)
        return complete_reply(f"You said: {(said or ['nothing'])[-1].rstrip(' .!?')}.")

    async def _stream(self, connection: Connection, script: Iterable[Step]) -> None:
        self.open_streams += 1
        self._quiet.clear()
        playing = asyncio.create_task(self._play(connection, script))
        leaving = asyncio.create_task(connection.gone())
        try:
            await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                self.hang_ups += 1
                self.hung_up.set()
        finally:
            playing.cancel()
            leaving.cancel()
            await asyncio.gather(playing, leaving, return_exceptions=True)
            self.open_streams -= 1
            if not self.open_streams:
                self._quiet.set()
        if not playing.cancelled():
            playing.result()

    async def _play(self, connection: Connection, script: Iterable[Step]) -> None:
        for step in script:
            match step:
                case bytes(piece):
                    await connection.stream(piece)
                case Pause():
                    await self._gate.acquire()
                case Repeat():
                    await _repeat(connection, step)
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case Cut():
                    connection.writer.close()
                    return
                case Status():
                    await connection.respond(step.code, *step.encoded())
                    return
        await connection.end()

    def _voiced(self, body: Any) -> Status:
        if self.tts_status != 200:
            return _refusal(self.tts_status)
        config, length = body["audioConfig"], len(body["text"])
        rate, samples = config["sampleRateHertz"], SOUND_FILES["MP3"]
        if config["audioEncoding"] == "WAV":  # the real one answers MP3 to others
            samples = wav(tone(length / CHARACTERS_PER_SECOND, rate), rate)
        used = {"processedCharactersCount": length, "modelId": body["modelId"]}
        encoded = base64.b64encode(samples).decode()
        return Status(200, {"audioContent": encoded, "usage": used})

    def _voices(self, query: dict[str, str]) -> Status:
        if self.voices_status != 200:
            return _refusal(self.voices_status)
        start = int(query.get("pageToken", "1-0").removeprefix("1-"))
        end = start + int(query.get("pageSize", "2000"))
        total = len(self.voices)
        page = {"voices": self.voices[start:end], "totalSize": total}
        return Status(200, {**page, "nextPageToken": f"1-{end}" if end < total else ""})


async def _repeat(connection: Connection, step: Repeat) -> None:
    """Send a piece at its pace; what a busy machine has held up follows at once."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not step.enough.is_set():
        await connection.stream(step.piece)
        step.count += 1
        due += step.every
        await asyncio.sleep(max(due - loop.time(), 0))


def _refusal(status: int) -> Status:
    body = {"code": 16, "message": f"refused with {status}", "details": []}
    return Status(status, body)
