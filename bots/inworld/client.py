"""The HTTP exchange with Inworld: replies, greetings, lists of voices and models."""

import asyncio
import base64
import json
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.wav import BadWav, unwrap
from bots.config.text import read_json
from bots.inworld.errors import (
    InworldError,
    InworldRejected,
    StreamFailed,
    StreamTruncated,
    message_of,
)
from bots.inworld.events import (
    Done,
    Event,
    Failed,
    Finished,
    ModelChosen,
    Usage,
    parse,
    usage_of,
)
from bots.inworld.parameters import RefusedParameters, routing
from bots.inworld.pool import HTTP_ERRORS, TIMEOUT, Pool, named, named_errors
from bots.inworld.sse import EventDecoder
from bots.inworld.text_request import TextRequest, text_of
from bots.inworld.unspoken import UnspokenFilter

log = logging.getLogger(__name__)

# `speak` waits until all of the speech has been synthesised.
SPEAK_TIMEOUT = httpx.Timeout(connect=2, read=30, write=5, pool=1)
# A text in one piece is for work after a call, which can wait.
TEXT_TIMEOUT = httpx.Timeout(connect=5, read=60, write=10, pool=5)

DRAIN_TIMEOUT_SECONDS = 0.5
VOICES_PER_PAGE = 500
VOICE_PAGES = 20
# Told how many characters a speech took; the model of a text, and its tokens.
OnCharacters = Callable[[int], None]
OnTokens = Callable[[str, Usage | None], None]
# Statuses with which a model refuses a parameter; Mistral's is 422.
REFUSALS = ("400", "422")
NOT_A_STREAM = ("application/json", "text/html")
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """A request for a spoken reply; the model may call one of the `functions` instead.

    With `must_speak` it may not. Without a `temperature` the model uses its own. After
    `first_token_seconds` without a word, the Router goes to the next fallback model.
    """

    model: str
    messages: list[dict[str, Any]]
    voice: str
    tts_model: str
    max_tokens: int
    temperature: float | None = None
    fallback_models: tuple[str, ...] = ()
    first_token_seconds: float | None = None
    functions: Sequence[Mapping[str, Any]] = ()
    must_speak: bool = False

    def body(self) -> dict[str, Any]:
        """The request as the Router reads it."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": self.messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            "audio": {"voice": self.voice, "model": self.tts_model},
            "max_tokens": self.max_tokens,
            **routing(self.fallback_models, self.first_token_seconds),
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.functions:
            body["tools"] = list(self.functions)
            body["tool_choice"] = "none" if self.must_speak else "auto"
        return body


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to speak word for word, at telephone quality; `language`: a BCP-47 tag."""

    text: str
    voice: str
    model: str
    language: str

    def body(self) -> dict[str, Any]:
        """The request as the TTS API reads it."""
        return {
            "text": self.text,
            "voiceId": self.voice,
            "modelId": self.model,
            **({"language": self.language} if self.language else {}),
            "audioConfig": {
                "audioEncoding": "WAV",
                "sampleRateHertz": TELEPHONE_RATE,
            },
        }


class Inworld:
    """A client of Inworld's API; one serves all calls of a process.

    Belongs to the event loop of its first request. Raises only `InworldError`s.
    `concurrency` limits the generations that run at once; 0 is no limit.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        concurrency: int = 0,
    ) -> None:
        # A plan allows a number of generations at once; Inworld refuses one more.
        self._slots = asyncio.Semaphore(concurrency) if concurrency else None
        self._slot: AbstractAsyncContextManager[None] = self._slots or nullcontext()
        # The key is Base64 already, as the portal shows it.
        headers = {"Authorization": f"Basic {api_key}"}
        self._pool = Pool(base_url, headers, timeout)
        self.answers = self._pool.answers
        self._refused = RefusedParameters()

    @property
    def is_full(self) -> bool:
        """True if another generation would have to wait for the end of one."""
        return self._slots is not None and self._slots.locked()

    @asynccontextmanager
    async def reply(self, request: ReplyRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """Stream a reply; leaving the block hangs up.

        A pending `anext` must have ended, or been cancelled and awaited, before that.
        Iterating raises StreamFailed on an error in the stream, and StreamTruncated
        after the last event when the stream ended without Done.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._slot)
            # Compression would hold back small chunks.
            headers = {"Accept-Encoding": "identity"}
            response, sent = await self._open_chat(stack, request.body(), headers)
            try:
                await _check_is_stream(response)
                yield await stack.enter_async_context(aclosing(_events(response)))
            except StreamFailed as error:
                # The conversation asks again; then without what was refused.
                self._learn(sent, error.code, error.message)
                raise

    async def speak(
        self, request: SpeechRequest, on_characters: OnCharacters | None = None
    ) -> Pcm:
        """Synthesise a text."""
        content = _json(request.body())
        async with self._slot:
            answer = await self._fetch(
                "POST",
                "/tts/v1/voice",
                content=content,
                headers=JSON,
                timeout=SPEAK_TIMEOUT,
            )
        if on_characters:
            on_characters(_characters(answer, request.text))
        try:
            audio = base64.b64decode(answer["audioContent"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise StreamFailed("the speech came without audio") from error
        try:
            return unwrap(audio, complete=True)
        except BadWav as error:
            # Inworld answers MP3 where it does not know the encoding asked for.
            raise StreamFailed(f"the speech cannot be played: {error}") from error

    async def complete(
        self, request: TextRequest, on_tokens: OnTokens | None = None
    ) -> str:
        """Ask for a text without speech, in one piece.

        Does not count for `concurrency`: plans limit speech, and a text that nobody
        waits for must not keep a caller waiting.
        """
        async with AsyncExitStack() as stack:
            body = request.body()
            response, _ = await self._open_chat(stack, body, {}, TEXT_TIMEOUT)
            with named_errors():
                answer = _json_object(await response.read())
        if "error" in answer:
            raise StreamFailed(message_of(json.dumps(answer).encode()))
        if on_tokens:
            model = answer.get("model")
            name = model if isinstance(model, str) and model else request.model
            on_tokens(name, usage_of(answer.get("usage")))
        if not (text := text_of(answer)):
            raise StreamFailed("the answer came without text")
        return text

    async def voices(self) -> list[dict[str, Any]]:
        """List the voices of the account, as Inworld describes them."""
        voices: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"pageSize": VOICES_PER_PAGE}
        for _ in range(VOICE_PAGES):
            page = await self._fetch("GET", "/voices/v1/voices", params=query)
            voices += _records(page.get("voices"))
            token = page.get("nextPageToken")
            if not isinstance(token, str) or not token:
                break
            query["pageToken"] = token
        return voices

    async def models(self) -> list[dict[str, Any]]:
        """List the language models of the Router, as Inworld describes them."""
        answer = await self._fetch("GET", "/llm/v1alpha/models")
        return _records(answer.get("models"))

    async def preconnect(self) -> None:
        """Open a connection ahead of the first turn, at no cost; never raises."""
        try:
            await self._fetch("GET", "/voices/v1/voices", params={"pageSize": 1})
        except InworldError as error:
            log.debug("No connection to Inworld could be opened ahead: %s", error)

    async def aclose(self) -> None:
        """Close every connection, also those still streaming."""
        await self._pool.aclose()

    async def _open_chat(
        self,
        stack: AsyncExitStack,
        body: dict[str, Any],
        headers: dict[str, str],
        timeouts: httpx.Timeout | None = None,
    ) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
        """Send a request to the Router; again, at once, without what a model refuses.

        Returns the response and what was sent in the end.
        """
        while True:
            sent = self._refused.without_refused(body)
            chat = self._pool.chat(_json(sent), {**JSON, **headers}, timeouts)
            try:
                return await stack.enter_async_context(chat), sent
            except InworldRejected as error:
                if not self._learn(sent, str(error.status), error.message):
                    raise

    def _learn(self, sent: dict[str, Any], code: str, message: str) -> bool:
        """Remember a refused parameter; False if the error is about something else."""
        if code.isdigit() and code not in REFUSALS:
            return False
        name = self._refused.learn(sent, message)
        if name:
            log.warning("%s refuses %s, which is left out now.", sent["model"], name)
        return bool(name)

    async def _fetch(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._pool.request(method, path, **options) as response:
            with named_errors():
                return _json_object(await response.aread())


def _json_object(body: bytes) -> dict[str, Any]:
    answer = read_json(body)
    if not isinstance(answer, dict):
        raise StreamFailed(f"expected a JSON object, got: {message_of(body)}")
    return answer


def _characters(answer: Mapping[str, Any], text: str) -> int:
    """The characters that Inworld counted, or else those of the text."""
    usage = answer.get("usage")
    count = usage.get("processedCharactersCount") if isinstance(usage, dict) else None
    return count if type(count) is int and count >= 0 else len(text)


def _records(value: object) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [record for record in listed if isinstance(record, dict)]


def _json(body: dict[str, Any]) -> bytes:
    # httpx writes JSON as UTF-8, which fails on half a surrogate pair; a transcript
    # can contain one. ASCII with escapes can express it.
    return json.dumps(body).encode()


async def _check_is_stream(response: aiohttp.ClientResponse) -> None:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in NOT_A_STREAM:
        with named_errors():
            body = await response.read()
        raise StreamFailed(f"expected a stream, got {kind}: {message_of(body)}")


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Event]:
    decoder, is_over = _Decoder(), False
    while not is_over:
        chunk = await _next_chunk(response.content)
        is_over = not chunk
        for event in decoder.feed(chunk):
            if isinstance(event, Failed):
                raise StreamFailed(event.message, event.code)
            if isinstance(event, Done):
                try:
                    yield event
                finally:
                    await _drain(response.content)
                return
            yield event
    raise StreamTruncated("Inworld ended the connection before the reply.")


async def _next_chunk(content: aiohttp.StreamReader) -> bytes:
    """The bytes that came; none at the end."""
    try:
        return await content.readany()
    except aiohttp.ClientPayloadError:
        return b""  # the connection broke: an end without Done
    except HTTP_ERRORS as error:
        raise named(error) from error


class _Decoder:
    """The bytes of one reply in, its events out."""

    def __init__(self) -> None:
        self._stream = EventDecoder()
        self._unspoken = UnspokenFilter()
        self._model: ModelChosen | None = None
        self._is_finished = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that a chunk completes; an empty one ends the stream."""
        try:
            payloads = self._stream.feed(chunk) if chunk else self._stream.end()
        except ValueError as error:
            raise StreamFailed(str(error)) from error
        events: list[Event] = []
        for payload in payloads:
            for event in parse(payload):
                events += self._news(event)
        # Without [DONE], a reply is complete if the model said that it is.
        if not chunk and self._is_finished:
            events += self._unspoken.feed(Done())
        return events

    def _news(self, event: Event) -> list[Event]:
        if isinstance(event, ModelChosen):  # each chunk names it
            if event == self._model:
                return []
            self._model = event
        self._is_finished |= isinstance(event, Finished)
        return self._unspoken.feed(event)


async def _drain(content: aiohttp.StreamReader) -> None:
    # Only a response read to its end leaves a connection that can be used again.
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            while not content.at_eof():
                await content.readany()
