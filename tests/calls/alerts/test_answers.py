"""Answers of Slack, Teams and Discord as they really are."""

import pytest

from calls.alerts.attempt import DELAYS, Attempt, Result, delay_after
from calls.alerts.channels.answers import read_answer

CONNECTOR_LIMIT = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned "
    "HTTP error 429 with ContextId tcid=0,server=DB3PEPF00000001,cv=abc."
)
DISCORD_LIMIT = (
    '{"message": "You are being rate limited.", "retry_after": 64.57, "global": false}'
)


@pytest.mark.parametrize(
    ("status", "text", "result", "words"),
    [
        (200, "ok", "sent", ""),  # Slack
        (202, "", "sent", ""),  # a workflow of Teams
        (200, "1", "sent", ""),  # a connector of Teams
        (204, "", "sent", ""),  # Discord
        (200, CONNECTOR_LIMIT, "later", "too many messages"),
        (200, "Webhook message delivery failed with error: x", "refused", "read"),
        (400, "invalid_payload", "refused", "Slack cannot read"),
        (403, "action_prohibited", "refused", "Slack admin"),
        (404, "no_service", "refused", "removed in Slack"),
        (410, "channel_is_archived", "refused", "archived"),
        (404, '{"message": "Unknown Webhook", "code": 10015}', "refused", "Discord"),
        (401, '{"message": "Invalid Webhook Token"}', "refused", "not complete"),
        (400, '{"error":{"code":"WorkflowTriggerIsNotEnabled"}}', "refused", "Teams"),
        (418, "", "refused", "status 418"),
        (500, "rollup_error", "later", "status 500"),
        (503, "", "later", "status 503"),
        (429, DISCORD_LIMIT, "later", "too many messages"),
    ],
)
def test_answers(status: int, text: str, result: str, words: str) -> None:
    attempt = read_answer(status, text, "", is_page=False)
    assert attempt.result == result
    assert words in attempt.words
    assert bool(words) == bool(attempt.words)


def test_a_web_page_is_no_webhook() -> None:
    attempt = read_answer(200, "<html>Sign in</html>", "", is_page=True)
    assert attempt.result is Result.REFUSED


@pytest.mark.parametrize(
    ("text", "header", "pause"),
    [
        (DISCORD_LIMIT, "", 64.57),
        (DISCORD_LIMIT, "65", 65),
        ("", "30", 30),
        ("", "Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ('{"retry_after": "soon"}', "", 0),
        ('{"retry_after": 1e999}', "", 0),
        ("[]", "-1", 0),
    ],
)
def test_the_pause_that_a_receiver_asks_for(
    text: str, header: str, pause: float
) -> None:
    assert read_answer(429, text, header, is_page=False).pause == pause


def test_pauses_are_kept_within_limits() -> None:
    asked = Attempt(Result.LATER, pause=64.57)
    assert delay_after(1, asked) == 64.57
    assert delay_after(1, Attempt(Result.LATER, pause=9e5)) == 3600
    assert delay_after(1, Attempt(Result.LATER)) == DELAYS[0]
    assert delay_after(len(DELAYS) + 1, asked) is None
