"""Fixed sentences, made once by a fake Inworld."""

import base64

import pytest

from bots.inworld.client import Inworld
from bots.inworld.errors import StreamFailed
from calls.clips.clip_store import MemoryClips
from calls.speech.phrase_cache import PhraseCache
from tests.support.inworld.replies import KEY, VOICING
from tests.support.inworld.server import FakeInworld, Status
from tests.support.sound_files import SOUND_FILES


@pytest.mark.parametrize("name", SOUND_FILES)
async def test_a_greeting_that_is_no_sound_is_not_kept(name: str) -> None:
    async with FakeInworld() as fake:
        clips, inworld = MemoryClips(max_bytes=10**6), Inworld(fake.url, KEY)
        phrases = PhraseCache(inworld, clips)
        encoded = base64.b64encode(SOUND_FILES[name]).decode()
        fake.tts_script = [Status(200, {"audioContent": encoded})]
        with pytest.raises(StreamFailed):
            await phrases.get(VOICING, 2)
        assert not phrases.ready
        fake.tts_script = None
        phrase = await phrases.get(VOICING, 2)
        assert await clips.get(phrase.id) == phrase.wav
        assert phrase.wav.startswith(b"RIFF")
        await inworld.aclose()
