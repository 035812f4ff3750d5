"""Lists of voices and models: read in any shape, and stored as a fallback."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from bots import catalogue
from bots.catalogue import refreshed, stored
from bots.config_builder import config_of
from bots.inworld.catalogue_records import LanguageModel, Voice, from_inworld
from bots.inworld.client import Inworld
from bots.models import Bot, InworldCatalogue
from tests.support.inworld.replies import KEY
from tests.support.inworld.server import SAMPLE_VOICES, FakeInworld

HOSTILE: list[Any] = [
    {},
    {"voiceId": 7, "model": None},
    {"voiceId": "", "model": ""},
    {"voiceId": "\0", "model": "\ud800", "spec": [], "pricing": "free"},
    {"voiceId": "v" * 9999, "promptLanguages": {"en": 1}, "tags": ["\0a", 5, None]},
    {"voiceId": "<b>", "langCode": "EN_US_X", "gender": ["f"], "source": {}},
    {
        "model": "m",
        "spec": {"contextLength": "many", "outputModalities": "text"},
        "pricing": {"prompt": "-1", "completion": float("inf")},
    },
    {"model": "n", "spec": {"contextLength": True}, "pricing": {"prompt": "1e-6"}},
]


def model(**changes: Any) -> dict[str, Any]:
    return {
        "model": "gpt-4.1-mini",
        "provider": "openai",
        "modelCreator": "OpenAI",
        "pricing": {"prompt": 4e-7, "completion": 1.6e-6},
        "spec": {"outputModalities": ["text"], "contextLength": 1_047_576},
        "isSupported": True,
        **changes,
    }


@pytest.fixture
async def fake(
    settings: Settings, transactional_db: None
) -> AsyncIterator[FakeInworld]:
    async with FakeInworld() as fake:
        fake.models = [model()]
        settings.INWORLD_BASE_URL = fake.url
        yield fake


def test_a_voice_is_read_from_its_description() -> None:
    own = Voice.from_inworld(SAMPLE_VOICES[1])
    assert own == Voice(
        "w1__my_clone",
        name="John",
        languages=["en-US"],
        description="Cloned voice for narrations.",
        tags=["demo", "clone"],
        is_own=True,
    )
    any_language = Voice.from_inworld({"voiceId": "Polly", "langCode": "AUTO"})
    assert any_language == Voice("Polly", name="Polly", languages=[], tags=[])


@pytest.mark.parametrize(
    ("described_as", "model_id"),
    [
        ({}, "openai/gpt-4.1-mini"),
        ({"model": "openai/gpt-5"}, "openai/gpt-5"),
        ({"provider": "inworld", "model": "models/GLM-5.1"}, "inworld/models/GLM-5.1"),
        ({"provider": "", "model": "auto"}, "auto"),
    ],
)
def test_a_model_is_named_as_requests_name_it(
    described_as: dict[str, Any], model_id: str
) -> None:
    read = LanguageModel.from_inworld(model(**described_as))
    assert read
    assert read.id == model_id


def test_a_model_costs_the_same_under_either_name_of_its_prices() -> None:
    plugin = {"promptToken": "0.0000004", "completionToken": 1.6e-6}
    for pricing in (model()["pricing"], plugin):
        read = LanguageModel.from_inworld(model(pricing=pricing))
        assert read
        assert (read.price_read, read.price_written) == (0.4, 1.6)


def test_models_that_write_no_text_are_left_out() -> None:
    drawing = model(model="image-1", spec={"outputModalities": ["image"]})
    retired = model(model="gpt-3", isSupported=False)
    entries = from_inworld(LanguageModel, [drawing, retired, model()])
    assert [(entry["id"], entry["is_supported"]) for entry in entries] == [
        ("openai/gpt-3", False),
        ("openai/gpt-4.1-mini", True),
    ]


@pytest.mark.parametrize("record_type", [Voice, LanguageModel])
def test_malformed_descriptions_are_read_as_far_as_possible(record_type: Any) -> None:
    entries = from_inworld(record_type, HOSTILE)
    assert all(0 < len(entry["id"]) <= 400 for entry in entries)
    assert "\0" not in str(entries)
    assert [record_type.stored(entry).id for entry in entries]


def test_an_entry_of_another_version_is_read_back() -> None:
    assert Voice.stored({"id": "Clive", "of_later": 1}) == Voice("Clive")


async def test_models_are_listed_by_inworld(fake: FakeInworld) -> None:
    fake.models = [model(), "odd", None]
    inworld = Inworld(fake.url, KEY)
    assert await inworld.models() == [model()]
    await inworld.aclose()


@pytest.mark.parametrize("kind", InworldCatalogue.Kind.values)
async def test_a_list_is_read_and_stored(fake: FakeInworld, kind: str) -> None:
    assert (await sync_to_async(stored)(kind)).is_stale
    read = await sync_to_async(refreshed)(kind)
    assert read.entries
    assert not read.problem
    assert not read.is_stale
    assert await sync_to_async(stored)(kind) == read


async def test_a_list_outlives_inworld(fake: FakeInworld) -> None:
    before = await sync_to_async(refreshed)("voices")
    fake.voices_status = 401
    refused = await sync_to_async(refreshed)("voices")
    assert (refused.entries, refused.fetched_at) == (before.entries, before.fetched_at)
    assert refused.problem.startswith("Inworld refuses INWORLD_API_KEY.")
    fake.voices_status, fake.voices = 200, []
    empty = await sync_to_async(refreshed)("voices")
    assert "its list of voices is empty" in empty.problem
    assert await sync_to_async(stored)("voices") == before


def test_without_inworld_there_is_a_reason(db: None) -> None:
    read = refreshed("models")
    assert (read.entries, read.fetched_at) == ([], None)
    assert read.problem == "Inworld cannot be reached from this server at the moment."


def test_a_list_is_stale_after_an_hour_and_after_a_restart(db: None) -> None:
    row = InworldCatalogue.objects.create(kind="voices", fetched_at=timezone.now())
    assert not stored("voices").is_stale
    row.fetched_at = timezone.now() - catalogue.FRESH_FOR
    row.save()
    assert stored("voices").is_stale
    row.fetched_at = catalogue.STARTED_AT - timedelta(seconds=1)
    row.save()
    assert stored("voices").is_stale


@pytest.mark.parametrize(
    ("listed", "takes"),
    [
        (["max_tokens", "Temperature"], True),
        (["max_tokens"], False),
        ([], True),  # Inworld does not say
        (None, True),
        ("temperature", True),
    ],
)
def test_a_model_takes_the_parameters_that_inworld_lists(
    listed: Any, takes: bool
) -> None:
    read = LanguageModel.from_inworld(model(spec={"supportedParameters": listed}))
    assert read
    assert read.takes("temperature") is takes
    assert LanguageModel.stored({"id": "an/older-record"}).takes("temperature")


@pytest.mark.django_db
def test_a_call_has_a_temperature_if_one_is_set_and_the_model_takes_it() -> None:
    listed = [
        model(),
        model(model="o4-mini", spec={"supportedParameters": ["max_tokens"]}),
    ]
    InworldCatalogue.objects.create(
        kind=InworldCatalogue.Kind.MODELS, entries=from_inworld(LanguageModel, listed)
    )
    used = {
        (name, temperature): config_of(
            Bot(llm_model=name, temperature=temperature)
        ).temperature
        for name in ("openai/gpt-4.1-mini", "openai/o4-mini", "a/not-listed")
        for temperature in (None, 0.0, 0.7)
    }
    assert used == {
        ("openai/gpt-4.1-mini", None): None,
        ("openai/gpt-4.1-mini", 0.0): 0.0,
        ("openai/gpt-4.1-mini", 0.7): 0.7,
        **dict.fromkeys([("openai/o4-mini", t) for t in (None, 0.0, 0.7)]),
        ("a/not-listed", None): None,
        ("a/not-listed", 0.0): 0.0,
        ("a/not-listed", 0.7): 0.7,
    }


@pytest.mark.django_db
def test_a_bot_without_a_temperature_needs_no_list(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert config_of(Bot()).temperature is None
