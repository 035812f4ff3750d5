"""Speech requests, and the sound of the voices."""

import base64
import json
import wave
from io import BytesIO
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from bots.audio.containers import container_of
from bots.sandbox.small_talk import STORY
from bots.sandbox.voice import speech
from bots.sandbox.voice.catalogue import VOICES
from tests.support.sandbox import (
    loudness,
)


def tts_body(encoding: str = "WAV", rate: int = 8000, **fields: Any) -> dict[str, Any]:
    return {
        "text": "Thanks for calling.",
        "voiceId": "Clive",
        "modelId": "inworld-tts-2",
        "audioConfig": {"audioEncoding": encoding, "sampleRateHertz": rate},
    } | fields


def synthesise(sandbox: httpx.Client, **body: Any) -> bytes:
    response = sandbox.post("/tts/v1/voice", json=tts_body(**body))
    assert response.status_code == 200
    usage = response.json()["usage"]
    assert usage == {"processedCharactersCount": 19, "modelId": "inworld-tts-2"}
    return base64.b64decode(response.json()["audioContent"])


@pytest.mark.parametrize(("encoding", "rate"), [("WAV", 8000), ("LINEAR16", 22_050)])
def test_a_greeting_is_a_playable_wav(
    sandbox: httpx.Client, encoding: str, rate: int
) -> None:
    with wave.open(BytesIO(synthesise(sandbox, encoding=encoding, rate=rate))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        assert wav.getframerate() == rate
        assert 0.7 < wav.getnframes() / rate < 3
        assert loudness(wav.readframes(wav.getnframes())) > 500


def test_pcm_and_mulaw_have_no_header(sandbox: httpx.Client) -> None:
    assert loudness(synthesise(sandbox, encoding="PCM", rate=48_000)) > 500
    mulaw = synthesise(sandbox, encoding="MULAW")
    assert 0.7 < len(mulaw) / 8000 < 3
    assert not mulaw.startswith(b"RIFF")


@pytest.mark.parametrize("config", [{}, {"audioEncoding": "WAVE"}, {"encoding": "WAV"}])
def test_an_unknown_encoding_is_answered_with_mp3(
    sandbox: httpx.Client, config: dict[str, Any]
) -> None:
    body = tts_body(audioConfig=config, emotion="none")
    response = sandbox.post("/tts/v1/voice", json=body)
    assert response.status_code == 200
    file = base64.b64decode(response.json()["audioContent"])
    assert container_of(file) == "MP3"
    assert 0.7 < len(file) / 16_000 < 3  # 128 kbit/s


def test_streamed_speech_is_one_valid_wav(sandbox: httpx.Client) -> None:
    body = tts_body(text=STORY[:300])
    lines = sandbox.post("/tts/v1/voice:stream", json=body).text.splitlines()
    chunks = [
        base64.b64decode(json.loads(line)["result"]["audioContent"]) for line in lines
    ]
    assert [chunk.startswith(b"RIFF") for chunk in chunks] == [True] + [False] * (
        len(chunks) - 1
    )
    assert len(chunks) > 5


@pytest.mark.parametrize(
    "body",
    [
        tts_body(text=""),
        tts_body(text="a" * 2001),
        tts_body(encoding="FLAC"),
        tts_body(rate=7999),
        tts_body(voiceId=None),
        {},
    ],
)
def test_a_speech_request_inworld_would_refuse_is_refused(
    sandbox: httpx.Client, body: dict[str, Any]
) -> None:
    response = sandbox.post("/tts/v1/voice", json=body)
    assert response.status_code == 400
    assert response.json()["code"] == 3
    assert response.json()["message"]


def test_word_times_come_with_the_audio_when_asked_for(sandbox: httpx.Client) -> None:
    body = tts_body(timestampType="WORD")
    times = sandbox.post("/tts/v1/voice", json=body).json()["timestampInfo"]
    assert times["wordAlignment"]["words"] == ["Thanks", "for", "calling."]


SPOKEN = "One of the best, I owe 42."


def test_word_times_follow_the_sound() -> None:
    said = speech.speak(
        "[say warmly] One of the best, <break time='1s'/> I owe 42.", "Alex"
    )
    assert [w.text for w in said.words] == SPOKEN.split()
    for word, after in pairwise(said.words):
        assert word.start_ms < word.end_ms <= after.start_ms + 1
    best, pause_end = said.words[3], said.words[4].start_ms
    pcm = np.frombuffer(said.pcm, "<i2")
    between = pcm[(best.end_ms + 5) * 48 : (pause_end - 5) * 48]
    assert pause_end - best.end_ms > 50
    assert loudness(between.tobytes()) < 200
    assert said.words[-1].end_ms <= len(pcm) / 48


def test_voices_sound_different() -> None:
    voices = [str(voice["voiceId"]) for voice in VOICES]
    assert len({speech.espeak_voice(voice) for voice in voices}) == len(voices)
    clive, ashley, again = (spectrum(v) for v in ("Clive", "Ashley", "Clive"))
    # espeak's breath is random, so not even one voice says it twice to the bit.
    assert clive @ again > 0.9
    assert clive @ ashley < 0.8


def spectrum(voice: str) -> npt.NDArray[np.float64]:
    """The sound's strength by pitch, smoothed and of length one."""
    pcm = speech.speak("Hello there, how are you?", voice, sample_rate=8000).pcm
    strength = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")[:8000]))
    smooth: npt.NDArray[np.float64] = np.convolve(strength, np.ones(9), "same")
    return smooth / np.linalg.norm(smooth)


def test_a_voice_speaks_the_language_asked_for_and_keeps_its_accent() -> None:
    assert speech.espeak_voice("Clive", "en-US").language == "en-gb"
    assert speech.espeak_voice("Clive", "de-DE").language == "de-de"
    assert speech.espeak_voice("w1__my_clone").language == "en-us"


def test_nothing_speakable_is_silence() -> None:
    assert speech.speak("[laugh] <break time='1s'/>", "Clive").pcm == b""
