"""Twilio's signed requests to the server under test, sent to the line's address."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import urlsplit

import httpx
from twilio.request_validator import (
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from bots.audio.wav import wav

from .line import CallFailed, Carrier, Line
from .record import Heard
from .sound.clip_check import (
    BadClip,
    RefusedClip,
    check_head,
    clip_seconds,
    content_type,
    has_length,
    sound_so_far,
)

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Twilio's own limits for a voice webhook.
WEBHOOK_TIMEOUT = httpx.Timeout(15, connect=5)


@cache
def _tls() -> ssl.SSLContext:
    # Cached, because loading the certificates takes longer than a call.
    return ssl.create_default_context()


class TwilioClient:
    """Posts webhooks, fetches clips and opens relay sockets for one call."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.public = urlsplit(line.public_origin)
        self.target = urlsplit(line.connect_to.rstrip("/") or line.public_origin)
        self.others = deque(urlsplit(origin.rstrip("/")) for origin in line.others)
        self.downloads: set[asyncio.Task[None]] = set()  # of growing clips
        self.http = httpx.AsyncClient(
            verify=_tls(),
            trust_env=False,
            timeout=WEBHOOK_TIMEOUT,
            headers={"User-Agent": "TwilioProxy/1.1"},
        )

    async def close(self) -> None:
        """End the downloads and close the connections."""
        for download in self.downloads:
            download.cancel()
        if self.downloads:
            await asyncio.wait(self.downloads)
        await self.http.aclose()

    async def post(self, url: str, fields: Mapping[str, str]) -> str:
        """Post a signed form; returns the TwiML of the answer, or nothing."""
        address, headers = self._route(url)
        headers |= self._signature(url, fields)
        try:
            response = await self.http.post(address, data=fields, headers=headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            # Also raised by a kept-alive connection to a server that has just died.
            if self.switch_server():
                return await self.post(url, fields)
            if not isinstance(error, httpx.ConnectError):
                raise CallFailed(f"No answer from {url}: {error!r}.") from error
            raise CallFailed(
                f"Nothing listens at {self._origin}. Is the server on another port? "
                "Set PORT, or use --server."
            ) from error
        except httpx.TransportError as error:
            raise CallFailed(f"No answer from {url}: {error!r}.") from error
        if response.status_code not in (200, 204):
            raise CallFailed(f"{url} answered with status {response.status_code}.")
        return response.text

    async def fetch(self, url: str, on_growth: Callable[[], None]) -> Heard:
        """Fetch and check a clip; raises BadClip if Twilio could not play it.

        A clip of an unknown length is played as the line's carrier does. If it comes
        `growing`, `on_growth` is called whenever more of it has arrived.
        """
        try:
            response = await self._get(url)
            if has_length(response):
                return await self._whole(url, response)
            return await self._growing(url, response, on_growth)
        except httpx.ConnectError as error:
            if self.switch_server():
                return await self.fetch(url, on_growth)
            raise BadClip(f"{url}: {error!r}") from error
        except httpx.HTTPError as error:
            raise BadClip(f"{url}: {error!r}") from error
        except BadClip as error:
            raise type(error)(f"{url}: {error}") from error

    async def _get(self, url: str) -> httpx.Response:
        address, headers = self._route(url)
        request = self.http.build_request("GET", address, headers=headers)
        response = await self.http.send(request, stream=True)
        try:
            check_head(response)
        except BadClip:
            await response.aclose()
            raise
        return response

    async def _whole(self, url: str, response: httpx.Response) -> Heard:
        try:
            await response.aread()
        finally:
            await response.aclose()
        seconds = clip_seconds(response)
        return self._heard(url, response, seconds, response.content)

    async def _growing(
        self, url: str, response: httpx.Response, on_growth: Callable[[], None]
    ) -> Heard:
        if self.line.carrier is Carrier.REFUSES:
            await response.aclose()
            raise RefusedClip("its length is not known")
        heard, began = self._heard(url, response, 0.0), asyncio.Event()
        heard.streamed = heard.growing = True

        def grew() -> None:
            began.set()
            on_growth()

        download = asyncio.create_task(self._receive(response, heard, grew))
        self.downloads.add(download)
        download.add_done_callback(self.downloads.discard)
        if self.line.carrier.streams(content_type(response)):
            await began.wait()
            if download.done():
                await download
        else:
            await download
        if not heard.seconds:
            raise BadClip(heard.broke_off or "no sound")
        return heard

    async def _receive(
        self, response: httpx.Response, heard: Heard, grew: Callable[[], None]
    ) -> None:
        """Receive a growing clip to its end."""
        body, pcm, kind = bytearray(), None, content_type(response)
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if (pcm := sound_so_far(kind, body)) and pcm.data:
                    heard.seconds = pcm.seconds
                    grew()
        except (httpx.HTTPError, BadClip) as error:
            heard.broke_off = str(error) or repr(error)
        finally:
            await response.aclose()
            heard.growing = False
            if pcm and self.line.keep_audio:
                heard.wav = wav(pcm.data, pcm.sample_rate)
            grew()

    def _heard(
        self, url: str, response: httpx.Response, seconds: float, body: bytes = b""
    ) -> Heard:
        wav = body if self.line.keep_audio else b""
        replaced = response.headers.get("Clip-Replaced", "")
        return Heard("clip", seconds, wav=wav, source=url, replaced=replaced)

    async def socket(self, url: str) -> ClientConnection:
        """Open the relay socket as Twilio does: signed, with no Origin or extension."""
        self._refuse_insecure(url)
        address, headers = self._route(url)
        headers |= self._signature(url, {})
        headers["Accept-Encoding"] = "gzip"
        # Connect to the target, but send the public Host header.
        target = urlsplit(address)
        host = headers.pop("Host", target.netloc)
        try:
            return await connect(
                target._replace(netloc=host).geturl(),
                host=target.hostname,
                port=target.port or (443 if target.scheme == "wss" else 80),
                additional_headers=headers,
                compression=None,
                user_agent_header=None,
                proxy=None,
                ping_interval=None,
                max_queue=None,  # a close frame must not wait behind unread ones
                close_timeout=5,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise CallFailed(
                f"The server refused the relay socket {url}: status {status}."
            ) from error
        except (OSError, InvalidHandshake, InvalidURI) as error:
            if isinstance(error, OSError) and self.switch_server():
                return await self.socket(url)
            raise CallFailed(f"The relay socket {url} fails: {error}.") from error

    def switch_server(self) -> bool:
        """Go on with another server, as a proxy does; False if there is none left."""
        if self.others:
            self.target = self.others.popleft()
            return True
        return False

    @property
    def _origin(self) -> str:
        return f"{self.target.scheme}://{self.target.netloc}"

    def _route(self, url: str) -> tuple[str, dict[str, str]]:
        """The address to connect to for a URL, and the headers that a tunnel adds."""
        parts = urlsplit(url)
        if parts.netloc != self.public.netloc or self.target == self.public:
            return url, {}
        scheme = self.target.scheme
        if parts.scheme in ("ws", "wss"):
            scheme = scheme.replace("http", "ws")
        address = parts._replace(scheme=scheme, netloc=self.target.netloc).geturl()
        return address, {
            "Host": parts.netloc,
            "X-Forwarded-Proto": self.public.scheme,
        }

    def _signature(self, url: str, fields: Mapping[str, str]) -> dict[str, str]:
        if self.line.shared_key:
            key, secret = self.line.shared_key
            signed = RequestValidator(secret).compute_signature(
                url, fields, HMAC_SHA256
            )
            used = f"key={key},algorithm={HMAC_SHA256}"
            return {SIGNATURE_HEADER: signed, SIGNATURE_SETTINGS_HEADER: used}
        if not self.line.auth_token:
            return {}
        validator = RequestValidator(self.line.auth_token)
        return {SIGNATURE_HEADER: validator.compute_signature(url, fields)}

    def _refuse_insecure(self, url: str) -> None:
        parts = urlsplit(url)
        local = parts.scheme == "ws" and parts.hostname in LOOPBACK
        if parts.scheme != "wss" and not local:
            raise CallFailed(f"Twilio opens wss:// sockets only, not {url!r} (64102).")
