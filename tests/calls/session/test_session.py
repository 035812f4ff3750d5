"""A session's muted clips, and its languages after Twilio refused its settings."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from bots.audio.pcm import Pcm
from bots.audio.wav import wav
from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language
from bots.config_builder import config_of
from bots.inworld.client import Inworld
from bots.inworld.segments import Segment
from bots.models import Bot
from calls import models
from calls.clips.clip_store import MemoryClips, clip_url
from calls.conversation.actions import ChangeLanguage, DropClips, MuteClips, Play
from calls.conversation.events import CallConnected, CallerSpoke, ClipReady, Event
from calls.models import Call
from calls.recordings.recorder import NoRecorder
from calls.session.resume_event import session_config
from calls.session.services import Services
from calls.session.session import CallSession
from calls.simulator.sound.clip_check import wav_seconds
from calls.speech.early_clip import EarlyClip
from calls.speech.segment_end import SpeakingRate
from calls.turns.clip import Clip
from calls.turns.turn import SWITCH_LANGUAGE
from calls.twilio import relay

SPEECH = wav(bytes(16_000), 8000)


@pytest.fixture
def session() -> CallSession:
    return session_of(config_of(Bot()))


def session_of(
    config: BotConfig,
    refused_at: datetime | None = None,
    frames: list[Any] | None = None,
    earlier: Sequence[models.Turn] = (),
) -> CallSession:
    async def keep(*frame: Any) -> None:
        if frames is not None:
            frames.extend(frame)

    services = Services(Inworld("http://127.0.0.1:9", "key"), MemoryClips(1_000_000))
    call = Call(
        pk=1,
        call_sid="CA1",
        settings=config.to_json(),
        started_at=timezone.now(),
        settings_refused_at=refused_at,
    )
    return CallSession(call, services, keep, keep, session_config(call, earlier))


async def clip_in(session: CallSession) -> Clip:
    await session.services.clips.put("a", SPEECH, 60)
    return Clip("a", clip_url("a"), "Hello there.", 1.0)


async def test_a_muted_clip_is_silence_until_it_is_played_again(
    session: CallSession,
) -> None:
    clip = await clip_in(session)
    await session.clip_muter.mute(MuteClips((clip,)).clips)
    silence = await session.services.clips.get("a")
    assert silence is not None
    assert wav_seconds(silence) < 0.1
    assert not any(silence[44:])
    await session._perform(Play(clip))
    assert await session.services.clips.get("a") == SPEECH


async def test_a_muted_clip_that_is_discarded_stays_silent(
    session: CallSession,
) -> None:
    clip = await clip_in(session)
    await session.clip_muter.mute((clip,))
    await session.clip_muter.drop(DropClips((clip,), queued=False).clips, queued=False)
    silence = await session.services.clips.get("a")
    assert silence is not None
    assert wav_seconds(silence) < 0.1
    assert not session.clip_muter.muted


async def test_a_clip_that_is_being_stored_is_muted_afterwards(
    session: CallSession,
) -> None:
    async def ignore(event: Event) -> None:
        pass

    speaker, store = session.speaker, session.services.clips
    speaker.emit = ignore
    clip = EarlyClip(store, SpeakingRate(), "Hello there.", 60)
    await clip.begin()
    speaker.growing[1] = clip
    clip.finish(Segment("Hello there.", Pcm(8000, SPEECH[44:])))
    storing = asyncio.create_task(speaker._write(1, clip))
    await session._mute((clip.clip,))
    await storing
    assert wav_seconds(await store.get(clip.id) or b"") < 0.1
    await session._perform(Play(clip.clip))
    assert wav_seconds(await store.get(clip.id) or b"") == 1.0


async def test_what_is_discarded_is_gone_unless_it_is_still_in_the_queue(
    session: CallSession,
) -> None:
    clip = await clip_in(session)
    await session.clip_muter.drop((clip,), queued=True)
    assert wav_seconds(await session.services.clips.get("a") or b"") < 0.1
    await session.clip_muter.drop((clip,), queued=False)
    assert await session.services.clips.get("a") is None


async def test_speech_switches_to_googles_tag_and_recognition_to_ours() -> None:
    config = replace(config_of(Bot()), languages=(Language("no-NO", "Kari"),))
    frames: list[str] = []
    session = session_of(config, frames=frames)
    await session._perform(ChangeLanguage("no-NO"))
    await session.speaker.aclose()
    assert [json.loads(frame) for frame in frames] == [
        {
            "type": "language",
            "ttsLanguage": "nb-NO",
            "transcriptionLanguage": "no-NO",
        }
    ]


async def test_a_bot_whose_settings_were_refused_keeps_to_its_language() -> None:
    """Its TwiML declares no other one: Twilio would end the call at the switch."""
    german = Language("de-DE", "Johanna")
    config = replace(config_of(Bot()), languages=(german,))
    assert session_of(config).conversation.config.other_languages == ("de-DE",)
    refused = session_of(config, refused_at=timezone.now())
    assert refused.conversation.config.other_languages == ()
    assert refused.conversation.config.language == "en-US"


async def test_after_refused_settings_a_session_stays_in_the_callers_language() -> None:
    """Twilio was told this language only, so nothing is switched either."""
    config = replace(config_of(Bot()), languages=(Language("de-DE", "Johanna"),))
    frames: list[Any] = []
    now = timezone.now()
    switch = {"call_id": "1", "name": SWITCH_LANGUAGE}
    switch |= {"arguments": '{"language": "de-DE"}', "result": ""}
    row = models.Turn(index=0, role="tool", started_at=now, tool_call=switch)
    session = session_of(config, now, frames, [row])
    assert session.conversation.config.language == "de-DE"
    assert session.speaker.config.tts_voice == "Johanna"
    await session.start(relay.Setup("CA1"), [row])
    assert [frame for frame in frames if '"language"' in str(frame)] == []
    await session.close(Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP)
    await session.tasks.aclose()
    await session.services.aclose()


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (relay.RelayError("64107"), True),
        (relay.RelayError("64107", clip_url("a")), True),
        (relay.RelayError(""), True),
        (relay.RelayError("64107", None), False),  # no sound, but a language
        (relay.RelayError("64104"), False),  # the call is too long
        (relay.RelayError("64114"), False),  # Twilio cannot hear the caller
        (relay.RelayError("64111"), True),  # Twilio's voice failed
    ],
)
async def test_a_refused_frame_was_not_heard(
    session: CallSession, error: relay.RelayError, is_lost: bool
) -> None:
    conversation, now = session.conversation, monotonic()
    for event in (CallConnected(), CallerSpoke("Hi")):
        conversation.receive(event, now)
    conversation.receive(ClipReady(2, await clip_in(session)), now)
    assert conversation.playback.expected_text(2, "Hello there.") == "Hello there."
    await session.handle(error)
    sent = conversation.playback.clips[0]
    assert (sent.heard, bool(sent.lost)) == ((0.0, True) if is_lost else (None, False))
    await session.services.transcripts.aclose()


async def test_a_lost_session_leaves_its_recording_and_one_that_is_over_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Left(NoRecorder):
        count = 0

        def leave(self) -> None:
            self.count += 1

    monkeypatch.setattr(CallSession, "_write", lambda *_: None)
    lost, over = session_of(config_of(Bot())), session_of(config_of(Bot()))
    lost.recorder, over.recorder = left, stays = Left(), Left()
    await lost.detach()
    await over.close(Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP)
    await over.detach()
    assert (left.count, stays.count) == (1, 0)
