"""Remarks on the recording of calls."""

import pytest

from tests.bots.advice.test_advice import remarks_text

CONSENT = {"recording": "consent", "consent_message": "Press 1 if you agree."}
MENU = {"menu_keys-TOTAL_FORMS": "1", "menu_keys-0-key": "1"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"recording": "always"}, "warning recording: Callers are not told that they"),
        (
            {**CONSENT, "recording_consent_key": "1"},
            "warning recording_consent_key: Nobody can press it",
        ),
        (
            {**CONSENT, **MENU, "recording_consent_key": "1", "dtmf_detection": "on"},
            "hint recording_consent_key: The menu's key 1 acts only after",
        ),
        (
            {"recording": "never", "recording_consent_key": "1"},
            "hint recording_consent_key: Without effect",
        ),
        (
            {**CONSENT, "mask_dtmf": "on"},
            "hint mask_dtmf: A key that the bot did not ask for",
        ),
    ],
)
def test_settings_that_do_something_else_are_remarked_on(
    changes: dict[str, str], expected: str
) -> None:
    assert expected in remarks_text(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"recording": "never", "mask_dtmf": "on"},
        CONSENT,
        {**CONSENT, "recording_consent_key": "1", "dtmf_detection": "on"},
        {"recording": "always", "consent_message": "We record this call."},
    ],
)
def test_nothing_is_remarked_on_what_works(changes: dict[str, str]) -> None:
    assert "recording" not in remarks_text(changes)
    assert "mask_dtmf" not in remarks_text(changes)
