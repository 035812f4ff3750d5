"""The doctor's checks of Inworld, against a fake one."""

import asyncio
from collections.abc import Iterable

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from bots.models import Bot
from calls.diagnostics import report
from calls.diagnostics.findings import APOLOGY, WRONG_SPEED, Finding
from calls.diagnostics.inworld_probes import TEST_SENTENCE, probe_inworld
from tests.support.inworld.server import (
    DONE,
    ROLE,
    FakeInworld,
    Status,
    Step,
    audio,
    complete_reply,
    content,
    speech,
)

pytestmark = pytest.mark.django_db(transaction=True)


def marks(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(str(finding.level), finding.name) for finding in findings]


make_bot = sync_to_async(Bot.objects.create)


async def probe(
    settings: Settings, inworld: FakeInworld, *bots: Bot, speech: bool = True
) -> list[Finding]:
    settings.INWORLD_BASE_URL = inworld.url
    return await asyncio.to_thread(lambda: list(probe_inworld([*bots], speech=speech)))


async def test_a_voice_that_does_not_exist_is_a_failure_with_a_hint(
    settings: Settings, inworld: FakeInworld
) -> None:
    inworld.voices = [{"voiceId": "Clive"}]
    inworld.models = [{"model": "openai/gpt-4.1-mini"}]
    typo = await make_bot(name="Typo", tts_voice="clive")
    gone = await make_bot(name="Gone", tts_voice="Nobody")
    reported = await probe(settings, inworld, typo, gone, speech=False)
    assert marks(reported) == [
        ("ok", "Inworld"),
        *[("failure", "Voices")] * 2,
        ("ok", "Models"),
    ]
    assert "Typo: Inworld has no voice clive. Did you mean Clive?" in "\n".join(
        finding.text for finding in reported
    )
    assert inworld.spoken == []


async def test_a_model_that_is_not_listed_is_a_warning(
    settings: Settings, inworld: FakeInworld
) -> None:
    inworld.models = [
        {"model": "one/good"},
        {"model": "two/old", "isSupported": False},
    ]
    bot = await make_bot(name="B", llm_model="one/good", fallback_models="two/old\nx/y")
    reported = await probe(settings, inworld, bot, speech=False)
    assert marks(reported)[2:] == [("warning", "Models")] * 2
    assert "two/old" in "\n".join(finding.text for finding in reported)


async def test_each_voice_says_one_word_once(
    settings: Settings, inworld: FakeInworld
) -> None:
    bots = [
        await make_bot(name=f"{number}", tts_voice=voice)
        for number, voice in enumerate(("Clive", "Clive", "Ashley"))
    ]
    inworld.reply_with = lambda body: complete_reply(TEST_SENTENCE, seconds=8)
    reported = await probe(settings, inworld, *bots)
    assert marks(reported)[-4:] == [("ok", "Speech")] * 2 + [("ok", "Replies")] * 2
    assert [request.body["voiceId"] for request in inworld.spoken] == [
        *("Clive", "Ashley")
    ]


async def test_a_voice_that_cannot_speak_is_a_failure(
    settings: Settings, inworld: FakeInworld
) -> None:
    bot = await make_bot(name="B")
    for status in (500, 403):
        inworld.tts_status = status
        reported = await probe(settings, inworld, bot)
        assert ("failure", "Speech") in marks(reported)


@pytest.mark.parametrize(
    ("seconds", "pace", "remedy"),
    [
        (4, "much too fast", "INWORLD_REPLY_SAMPLE_RATE=24000"),
        (1.4, "much too fast", "INWORLD_REPLY_SAMPLE_RATE=8000"),
        (30, "much too slow", "Listen to a test call."),
    ],
)
async def test_replies_at_the_wrong_speed_show_the_wrong_sample_rate(
    seconds: float, pace: str, remedy: str, settings: Settings, inworld: FakeInworld
) -> None:
    bot = await make_bot(name="B")
    inworld.says(TEST_SENTENCE, seconds=seconds)
    (*_, finding) = await probe(settings, inworld, bot)
    assert (finding.level, finding.name) == ("failure", "Replies")
    assert pace in finding.message
    assert remedy in finding.hint
    assert report.conclusion([finding]) == f"Callers hear {WRONG_SPEED}"


async def test_the_sample_rate_that_the_doctor_names_puts_it_right(
    settings: Settings, inworld: FakeInworld
) -> None:
    bot = await make_bot(name="B")
    settings.INWORLD_REPLY_SAMPLE_RATE = 24_000
    inworld.says(TEST_SENTENCE, seconds=4)
    (*_, finding) = await probe(settings, inworld, bot)
    assert (finding.level, finding.name) == ("ok", "Replies")
    assert "0.36 s a word" in finding.message


MUTE = [ROLE, content(TEST_SENTENCE), DONE]
OGG = [ROLE, *speech("Sound."), audio(b"OggS" * 99), DONE]


@pytest.mark.parametrize(
    ("reply", "level", "said"),
    [
        ([Status(404)], "failure", "Inworld refuses this"),
        (MUTE, "warning", "no speech came. Answers come later"),
        (OGG, "warning", "Ogg instead of samples. Answers come later"),
    ],
)
async def test_a_model_that_does_not_speak_is_pointed_out(
    reply: list[Step], level: str, said: str, settings: Settings, inworld: FakeInworld
) -> None:
    bot = await make_bot(name="B")
    inworld.answers(reply)
    (*_, finding) = await probe(settings, inworld, bot)
    assert (finding.level, finding.name) == (level, "Replies")
    assert said in finding.message


async def test_a_temperature_that_is_not_used_is_pointed_out(
    settings: Settings, inworld: FakeInworld
) -> None:
    inworld.models = [{"model": "o/4", "spec": {"supportedParameters": ["seed"]}}]
    bots = [
        await make_bot(name=f"{value}", llm_model="o/4", temperature=value)
        for value in (None, 0.0)
    ]
    reported = await probe(settings, inworld, *bots, speech=False)
    assert marks(reported)[-2:] == [("ok", "Models"), ("warning", "Models")]
    assert reported[-1].message.startswith("0.0: o/4 takes no temperature")


async def test_a_key_that_inworld_refuses_is_a_failure_for_every_caller(
    settings: Settings, inworld: FakeInworld
) -> None:
    inworld.voices_status = 401
    (finding,) = await probe(settings, inworld)
    assert (finding.level, finding.caller_hears) == ("failure", APOLOGY)
    assert "INWORLD_API_KEY" in finding.text


def test_without_a_key_the_sandbox_is_announced(settings: Settings, bot: Bot) -> None:
    settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
    settings.INWORLD_API_KEY = ""
    (finding,) = probe_inworld([bot], speech=True)
    assert (finding.level, finding.caller_hears) == ("warning", "")
    assert "in the sandbox's voice" in report.conclusion([finding])
