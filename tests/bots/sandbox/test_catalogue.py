"""The sandbox's lists of voices and models."""

import httpx

from bots.sandbox.voice.catalogue import VOICES


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


def test_what_the_sandbox_does_not_have_is_said_so(sandbox: httpx.Client) -> None:
    response = sandbox.get("/v1/embeddings")
    assert (response.status_code, response.json()["code"]) == (404, 5)
    assert sandbox.get("/v1/chat/completions").status_code == 405
