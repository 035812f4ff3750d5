"""Parameters that models refuse, and fallback models in both of their places."""

from typing import Any

import pytest

from bots.inworld import parameters
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldRejected, StreamFailed
from bots.inworld.events import Done
from bots.inworld.parameters import (
    OPTIONAL,
    RefusedParameters,
    named_parameter,
    routing,
)
from bots.inworld.text_request import TextRequest
from tests.support.inworld.refusals import (
    NO_EXTRA_BODY,
    NO_MAX_COMPLETION_TOKENS,
    NO_MAX_TOKENS,
    NO_MODELS,
    NO_STREAM_OPTIONS,
    NO_TEMPERATURE,
)
from tests.support.inworld.replies import asking
from tests.support.inworld.server import FakeInworld, Status, error

SUMMING_UP = TextRequest("a/one", [{"role": "user", "content": "Hi"}], 300)


async def ask(inworld: Inworld, **changes: Any) -> None:
    async with inworld.reply(asking(**changes)) as events:
        assert [event async for event in events][-1] == Done()


def sent(fake: FakeInworld, *names: str) -> list[dict[str, Any]]:
    """Those of the parameters that each request had."""
    bodies = [request.body for request in fake.requests]
    return [{name: body[name] for name in names if name in body} for body in bodies]


# Fallback models


def test_fallback_models_and_their_time_are_sent_in_both_places() -> None:
    options = {"models": ["a/b", "c"], "fallback": {"ttft_timeout": "2500ms"}}
    both = {**options, "extra_body": options}
    assert routing(("a/b", "c"), 2.5) == both
    reply = asking(fallback_models=("a/b", "c"), first_token_seconds=2.5).body()
    text = TextRequest("m", [], 9, ("a/b", "c"), 2.5).body()
    for body in (reply, text):
        assert {name: body[name] for name in both} == both


def test_the_time_to_the_first_token_has_a_minimum() -> None:
    assert routing(("b",), 0.1)["fallback"] == {"ttft_timeout": "500ms"}
    assert routing(("b",), None) == {"models": ["b"], "extra_body": {"models": ["b"]}}
    assert routing((), 2.5) == {}


# Refused parameters


@pytest.mark.parametrize("maker", NO_TEMPERATURE)
async def test_a_refused_temperature_is_left_out_at_once_and_from_then_on(
    maker: str, fake: FakeInworld, inworld: Inworld, caplog: pytest.LogCaptureFixture
) -> None:
    fake.answers([NO_TEMPERATURE[maker]])
    await ask(inworld)
    await ask(inworld)
    await ask(inworld, model="another/model")
    assert sent(fake, "temperature") == [
        {"temperature": 0.7},
        {},
        {},
        {"temperature": 0.7},
    ]
    assert caplog.messages == [
        "openai/gpt-4.1-mini refuses temperature, which is left out now."
    ]


@pytest.mark.parametrize("maker", NO_MAX_TOKENS)
async def test_a_refused_limit_is_sent_under_its_newer_name(
    maker: str, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([NO_MAX_TOKENS[maker]])
    await ask(inworld)
    fake.answers([NO_MAX_COMPLETION_TOKENS])
    await ask(inworld)
    assert sent(fake, "max_tokens", "max_completion_tokens") == [
        {"max_tokens": 300},
        {"max_completion_tokens": 300},
        {"max_completion_tokens": 300},
        {},
    ]


async def test_several_refused_parameters_are_left_out_one_after_the_other(
    fake: FakeInworld, inworld: Inworld
) -> None:
    refusals = [NO_TEMPERATURE["openai"], NO_STREAM_OPTIONS, NO_EXTRA_BODY, NO_MODELS]
    for refusal in refusals:
        fake.answers([refusal])
    await ask(inworld, fallback_models=("b",))
    names = ("temperature", "stream_options", "extra_body", "models")
    assert [len(body) for body in sent(fake, *names)] == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "refusal",
    [
        Status(400, {"error": {"message": "model not found"}}),
        Status(400, {"error": {"message": "unknown parameter: 'top_k'"}}),
        Status(404, {"error": {"message": "no temperature"}}),
        Status(500, {"error": {"message": "temperature"}}),
    ],
)
async def test_other_errors_are_not_answered_by_another_request(
    refusal: Status, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([refusal])
    with pytest.raises(InworldRejected):
        await ask(inworld)
    assert len(fake.requests) == 1


async def test_a_parameter_refused_although_it_was_left_out_is_an_error(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.reply_with = lambda body: [NO_TEMPERATURE["openai"]]
    with pytest.raises(InworldRejected):
        await ask(inworld)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("code", [400, 422])
async def test_a_refusal_inside_the_stream_counts_for_the_next_request(
    code: int, fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([error("`temperature` is deprecated for this model.", code)])
    with pytest.raises(StreamFailed) as raised:
        await ask(inworld)
    assert raised.value.retryable
    await ask(inworld)
    assert sent(fake, "temperature") == [{"temperature": 0.7}, {}]


async def test_a_fault_inside_the_stream_teaches_nothing(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.answers([error("the temperature service is down", 502)])
    with pytest.raises(StreamFailed):
        await ask(inworld)
    await ask(inworld)
    assert sent(fake, "temperature") == [{"temperature": 0.7}] * 2


async def test_a_text_is_asked_for_again_without_the_refused_parameter(
    fake: FakeInworld, inworld: Inworld
) -> None:
    fake.returns_text(NO_MAX_TOKENS["openai"], "Fine.")
    assert await inworld.complete(SUMMING_UP) == "Fine."
    assert "temperature" not in fake.requests[0].body
    assert sent(fake, "max_tokens", "max_completion_tokens") == [
        {"max_tokens": 300},
        {"max_completion_tokens": 300},
    ]


def test_only_what_was_sent_is_named() -> None:
    message = "'max_tokens' is unknown, use 'max_completion_tokens'; see temperature."
    assert named_parameter(message, OPTIONAL) == "max_tokens"
    assert named_parameter(message, ["temperature"]) == "temperature"
    assert named_parameter(message, []) == ""
    assert named_parameter("No models: use a fallback.", OPTIONAL) == ""
    assert named_parameter("temperatures, max_tokens_to_sample", OPTIONAL) == ""


def test_refusals_are_remembered_of_a_limited_number_of_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parameters, "MAX_MODELS", 2)
    refused = RefusedParameters()
    bodies = [{"model": model, "temperature": 1} for model in "abc"]
    for body in bodies:
        refused.learn(body, "no temperature")
    kept = [refused.without_refused(body) for body in bodies]
    assert kept == [bodies[0], {"model": "b"}, {"model": "c"}]
