"""One ConversationRelay session: Twilio's side of one socket."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .frames import BadFrame, End, Language, read_frame, speech
from .line import Line
from .player import Player, Sound
from .record import Heard, Record
from .schema import TO_BOT, frame_fault
from .sound.clip_check import BadClip, RefusedClip
from .sound.voice import CallersVoice
from .twilio_client import TwilioClient
from .twiml import Relay

MALFORMED_LIMIT = 10
PARTIAL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a session; `status` is the SessionStatus of the action callback."""

    status: Literal["completed", "ended", "failed"]
    handoff: str | None = None
    error: tuple[str, str] = ("64105", "Websocket ended")  # of a failed session


class Session:
    """Sends what the caller does, plays what the bot sends."""

    def __init__(
        self, relay: Relay, line: Line, record: Record, client: TwilioClient
    ) -> None:
        self.session_id = "VX" + token_hex(16)
        self.relay = relay
        self.line = line
        self.record = record
        self.client = client
        self.player = Player(record, self)
        self.voice = CallersVoice(line, record)
        self.ending: Ending | None = None
        self.tts_language, self.language = relay.tts_language, relay.language
        self.began = record.clock.seconds
        self._socket: ClientConnection
        self._malformed = 0
        self._to_refuse = line.refused_sounds

    async def open(self, setup: dict[str, Any]) -> None:
        """Open the socket, send `setup` and play the welcome greeting of the TwiML."""
        self._socket = await self.client.socket(self.relay.url)
        self.began = self.record.clock.seconds
        await self._send({"type": "setup", "sessionId": self.session_id, **setup})
        if self.line.refuses & self.relay.attributes.keys():
            return await self.fail("64101", "Invalid parameter")
        if greeting := self.relay.attributes.get("welcomeGreeting"):
            attributes = self.relay.attributes
            interruptible = attributes.get("welcomeGreetingInterruptible", "any")
            self.player.add(speech(greeting, interruptible))

    async def run(self) -> Ending:
        """Run the session until the socket closes."""
        async with asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(self.player.run())
            with suppress(ConnectionClosed):
                async for raw in self._socket:
                    await self._receive(raw)
            playing.cancel()
        self.player.stop()
        return self.ending or Ending("failed")

    async def close(
        self,
        ending: Ending,
        code: int = 1000,
        reason: str = "Closing websocket session",
    ) -> None:
        """End the session from Twilio's side; the first ending counts."""
        self.ending = self.ending or ending
        await self._socket.close(code, reason)

    async def fail(self, code: str, message: str) -> None:
        """End the session with an error, which the bot is told before."""
        await self._send({"type": "error", "description": f"{message}, code: {code}"})
        await self.close(Ending("failed", error=(code, message)))

    def lose(self) -> None:
        """Break the connection, as a network does."""
        self._socket.transport.abort()

    async def speak(self, text: str) -> bool:
        """Speak, even while the bot does; False if that is not reported to the bot."""
        await self._fast_playback()
        over_the_bot, interrupts = self._interrupts("speech")
        if over_the_bot and not (interrupts or self._reported("speech")):
            self.player.release()
            return False
        self._new_turn()
        partials = _partials(text) if self._sends_partials() else []
        if interrupts:
            await self._interrupt(partials[:1])
            partials = partials[1:]
        else:
            await self._info("clientSpeaking", "on")
        await self.voice.begin(text, self.language)
        for partial in partials:
            await self.record.clock.wait(PARTIAL_SECONDS)
            await self._prompt(partial, last=False)
        await self.voice.finish()
        await self._info("clientSpeaking", "off")
        self.record.caller_finished()
        await self._prompt(text, last=True)
        self.player.release()
        return True

    async def cough(self) -> bool:
        """Make a noise without words; False if it did not stop the bot."""
        await self._fast_playback()
        _, interrupts = self._interrupts("speech")
        if interrupts:
            await self._interrupt([])
            await self._info("clientSpeaking", "off")
        self.player.release()
        return interrupts

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a frame as it is, well-formed or not."""
        await self._socket.send(frame)

    async def press(self, digits: str) -> bool:
        """Press keys; False if none was reported to the bot."""
        await self._fast_playback()
        self._new_turn()
        is_reported = False
        for digit in digits:
            is_reported |= await self._press(digit)
            await self.voice.press(digit)
        return is_reported

    async def _press(self, digit: str) -> bool:
        over_the_bot, interrupts = self._interrupts("dtmf")
        lost = over_the_bot and not (interrupts or self._reported("dtmf"))
        cut = self.player.stop() if interrupts else None
        self.player.release()
        if lost or not self.relay.flag("dtmfDetection"):
            return False
        self.record.caller_finished()
        # Twilio reports the key before the interrupt.
        await self._send({"type": "dtmf", "digit": digit})
        if interrupts:
            await self._report_interrupt(cut, [])
        return True

    def _interrupts(self, kind: str) -> tuple[bool, bool]:
        """True if the bot is speaking; True if this kind of input interrupts it."""
        sound = self.player.sound
        interruptible = (sound and sound.interruptible) or self.relay.interruptible
        speaking = self.player.speaking
        return speaking, speaking and interruptible in (kind, "any")

    def _reported(self, kind: str) -> bool:
        return self.relay.reports in (kind, "any")

    def _sends_partials(self) -> bool:
        # Twilio documents them for Deepgram's flux only.
        has_flux = self.relay.attributes.get("speechModel", "").startswith("flux")
        return self.line.partials or (has_flux and self.relay.flag("partialPrompts"))

    def _new_turn(self) -> None:
        self.record.turn += 1
        self.player.new_turn()

    async def _fast_playback(self) -> None:
        # On a fast clock playback takes no time, so nobody speaks in the middle of it
        # unless it is held there.
        if self.line.fast:
            await self.record.until(
                lambda: self.player.held or not self.player.speaking
            )

    async def _interrupt(self, partials: list[str]) -> None:
        cut = self.player.stop()
        await self._info("clientSpeaking", "on")
        await self._report_interrupt(cut, partials)

    async def _report_interrupt(self, cut: Heard | None, partials: list[str]) -> None:
        spoken = _spoken(cut) if cut else ""
        if cut and cut.text:
            await self._tokens_played(spoken)
        await self._send(
            {
                "type": "interrupt",
                "utteranceUntilInterrupt": spoken,
                "durationUntilInterruptMs": int(cut.played_seconds * 1000)
                if cut
                else 0,
            }
        )
        for partial in partials:
            await self._prompt(partial, last=False)
        await self._info("agentSpeaking", "off")

    # Events of the player.

    async def load(self, sound: Sound) -> Heard | None:
        if sound.kind != "clip":
            return Heard(sound.kind, sound.seconds, sound.text)
        try:
            heard = await self.client.fetch(sound.source, self.player.grew)
        except RefusedClip as error:
            play = json.dumps({"type": "play", "source": sound.source})
            await self._refuse_sound(play, error)
            return None
        except BadClip as error:
            self.record.errors.append(f"Clip not played: {error}")
            self.record.notify()
            return None
        if heard.replaced:
            self.record.errors.append(f"Clip not played: silence, {heard.replaced}")
        if not heard.growing:
            heard.seconds *= sound.loop
        return heard

    async def begins(self, heard: Heard, *, after_silence: bool) -> None:
        self.record.hear(heard)
        # A server cannot follow a fast clock, so each sound is marked there.
        if after_silence or self.line.fast:
            await self._info("agentSpeaking", "on")

    async def ends(self, heard: Heard) -> None:
        if heard.broke_off:
            self.record.errors.append(f"Clip broke off: {heard.broke_off}")
        if self.line.fast:
            await self._info("agentSpeaking", "off")
        if heard.text:
            await self._tokens_played(heard.text)

    async def falls_silent(self) -> None:
        if not self.line.fast:
            await self._info("agentSpeaking", "off")

    # The socket.

    async def _receive(self, raw: str | bytes) -> None:
        try:
            frame = read_frame(raw)
            if isinstance(frame, Language):
                self._change_language(frame)
            if isinstance(frame, Sound) and self._to_refuse:
                self._to_refuse -= 1
                raise BadFrame("refused for the test")
        except BadFrame as error:
            await self._refuse(raw, error)
            return
        self._malformed = 0
        self.record.frame(json.loads(raw), sent=False)
        match frame:
            case End(handoff):
                await self.close(Ending("ended", handoff))
            case Sound(kind="tts", text=""):
                pass  # an empty token only closes a talk cycle
            case Sound():
                self.player.add(frame)
            case Language():
                pass  # done above

    def _change_language(self, change: Language) -> None:
        tts = change.tts or self.tts_language
        transcription = change.transcription or self.language
        for language in (tts, transcription):
            if not self.relay.knows(language):
                raise BadFrame(f"the language {language} is not declared")
        self.tts_language, self.language = tts, transcription

    async def _refuse(self, raw: str | bytes, error: BadFrame) -> None:
        self._malformed += 1
        self.record.errors.append(f"Message not understood: {error}")
        self.record.frame(raw, sent=False)
        echo = raw if isinstance(raw, str) else raw.decode(errors="replace")
        description = f"Invalid message received, code: 64107, {echo}"
        await self._send({"type": "error", "description": description})
        if self._malformed >= MALFORMED_LIMIT:
            reason = "Too many consecutive malformed messages."
            await self.close(Ending("failed"), 1007, reason)

    async def _refuse_sound(self, play: str, error: RefusedClip) -> None:
        self.record.refused.append(str(error))
        description = f"Invalid message received, code: 64107, {play}"
        await self._send({"type": "error", "description": description})

    async def _prompt(self, text: str, *, last: bool) -> None:
        prompt = {"type": "prompt", "voicePrompt": text, "lang": self.language}
        await self._send({**prompt, "last": last})

    async def _info(self, name: str, value: str) -> None:
        wanted = self.line.speaker_events
        if wanted or (wanted is None and "speaker-events" in self.relay.events):
            await self._send({"type": "info", "name": name, "value": value})

    async def _tokens_played(self, text: str) -> None:
        if "tokens-played" in self.relay.events:
            await self._send({"type": "info", "name": "tokensPlayed", "value": text})

    async def _send(self, message: dict[str, Any]) -> None:
        if fault := frame_fault(message, TO_BOT):
            raise ValueError(f"Twilio sends no such {message['type']} frame: {fault}")
        self.record.frame(message, sent=True)
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps(message))


def _spoken(heard: Heard) -> str:
    """The part of a text that Twilio's voice spoke before the interrupt."""
    text = heard.text or ""
    return text[: int(len(text) * heard.played_seconds / heard.seconds)]


def _partials(text: str) -> list[str]:
    """Partial transcripts of a text; each replaces the one before."""
    words = text.split()
    guesses = [
        " ".join([*words[:n], words[n][: (len(words[n]) + 1) // 2]])
        for n in range(len(words))
    ]
    return [*guesses, text]
