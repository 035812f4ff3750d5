"""Lists of voices and models, the API key, the demo shop."""

import httpx
import pytest

from bots.sandbox.voice.catalogue import VOICES
from tests.support.sandbox import (
    chat_body,
)


def test_voices_come_in_pages(sandbox: httpx.Client) -> None:
    ids: list[str] = []
    token = ""
    while token or not ids:
        query = {"pageSize": "5", "pageToken": token}
        page = sandbox.get("/voices/v1/voices", params=query).json()
        assert len(page["voices"]) <= 5
        assert page["totalSize"] == len(VOICES)
        ids += [voice["voiceId"] for voice in page["voices"]]
        token = page["nextPageToken"]
    assert ids == [voice["voiceId"] for voice in VOICES]
    assert {"Clive", "Ashley", "Dennis", "Sarah", "Alex", "Olivia"} <= set(ids)
    bad = sandbox.get("/voices/v1/voices", params={"pageToken": "x"})
    assert (bad.status_code, bad.json()["code"]) == (400, 3)


def test_voices_can_be_filtered_by_language(sandbox: httpx.Client) -> None:
    query = {"filter": 'source = "SYSTEM" AND lang_code = "de"'}
    voices = sandbox.get("/voices/v1/voices", params=query).json()["voices"]
    assert {voice["langCode"] for voice in voices} == {"DE_DE"}


def test_models_are_listed(sandbox: httpx.Client) -> None:
    models = sandbox.get("/llm/v1alpha/models").json()["models"]
    assert "openai/gpt-4.1-mini" in [f"{m['provider']}/{m['model']}" for m in models]
    takes = {m["model"]: m["spec"]["supportedParameters"] for m in models}
    assert "temperature" in takes["gpt-4.1-mini"]
    assert "temperature" not in takes["gpt-5.4-mini"]


def test_what_the_sandbox_does_not_have_is_said_so(sandbox: httpx.Client) -> None:
    response = sandbox.get("/v1/embeddings")
    assert (response.status_code, response.json()["code"]) == (404, 5)
    assert sandbox.get("/v1/chat/completions").status_code == 405


def test_any_key_will_do_but_the_wrong_one(sandbox: httpx.Client) -> None:
    def voices(authorization: str) -> httpx.Response:
        headers = {"Authorization": authorization}
        return sandbox.get("/voices/v1/voices", headers=headers)

    assert voices("Basic dGVzdA==").status_code == 200
    assert voices("Bearer dGVzdA==").status_code == 401
    wrong = voices("Basic wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (401, 16)
    headers = {"Authorization": "Basic wrong"}
    chat = sandbox.post("/v1/chat/completions", headers=headers, json=chat_body())
    assert (chat.status_code, chat.json()["error"]["code"]) == (401, 401)


def test_the_shop_answers_with_an_order(sandbox: httpx.Client) -> None:
    order = sandbox.get("/demo/orders/42")
    assert order.json() == {
        "order": 42,
        "state": "waiting to be packed",
        "arrives": "in four days",
    }
    slow = sandbox.get("/demo/orders/43?seconds=0.2")
    assert slow.elapsed.total_seconds() >= 0.2
    assert slow.json() != order.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/demo/orders/0", 404),
        ("/demo/orders/10000", 404),
        ("/demo/orders/x", 404),
        ("/demo/orders/1?seconds=soon", 400),
        ("/demo/orders/1?seconds=nan", 400),
        ("/demo/orders/1?seconds=99", 400),
    ],
)
def test_the_shop_refuses_other_orders(
    sandbox: httpx.Client, path: str, status: int
) -> None:
    assert sandbox.get(path).status_code == status
