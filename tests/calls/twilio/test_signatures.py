"""Signatures with shared keys, beside those with the auth token."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from calls.twilio.signatures import (
    Signature,
    is_signed,
    shared_key_problem,
    why_refused,
)
from voicebot.settings import _secrets

URL = "https://bot.example.com/voice"
FORM = {"CallSid": "CA1", "From": ""}
TOKEN, SECRET = "token", "shared secret"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKENS = [TOKEN]
    settings.TWILIO_SHARED_KEYS = {"key_1": SECRET, "key_2": "another"}


def signed(secret: str, header: str, algorithm: str = HMAC_SHA256) -> Signature:
    value = RequestValidator(secret).compute_signature(URL, FORM, algorithm)
    return Signature.of(
        {"x-twilio-signature": value, "X-Twilio-Webhooks-Signature-Settings": header}
    )


@pytest.mark.parametrize(
    ("secret", "header", "algorithm", "accepted"),
    [
        (SECRET, "key=key_1,algorithm=HMAC_SHA256", HMAC_SHA256, True),
        (SECRET, " algorithm = HMAC_SHA256 , key = key_1 ", HMAC_SHA256, True),
        (SECRET, "key=key_1,algorithm=HMAC_SHA1", HMAC_SHA1, True),
        ("another", "key=key_2,algorithm=HMAC_SHA256", HMAC_SHA256, True),
        # The secret of another key, no key, or an unknown one.
        (SECRET, "key=key_2,algorithm=HMAC_SHA256", HMAC_SHA256, False),
        (SECRET, "key=key_3,algorithm=HMAC_SHA256", HMAC_SHA256, False),
        (SECRET, "key=,algorithm=HMAC_SHA256", HMAC_SHA256, False),
        (SECRET, "algorithm=HMAC_SHA256", HMAC_SHA256, False),
        (SECRET, "nonsense", HMAC_SHA256, False),
        # Another algorithm than the one that is named.
        (SECRET, "key=key_1,algorithm=HMAC_SHA256", HMAC_SHA1, False),
        (SECRET, "key=key_1,algorithm=HMAC_MD5", HMAC_SHA256, False),
        # The auth token is good without the header only, and a shared key with it.
        (TOKEN, "key=key_1,algorithm=HMAC_SHA256", HMAC_SHA256, False),
        (TOKEN, "", HMAC_SHA1, True),
        (SECRET, "", HMAC_SHA1, False),
        (SECRET, "", HMAC_SHA256, False),
    ],
)
def test_a_shared_key_signs_with_its_own_secret_and_algorithm(
    secret: str, header: str, algorithm: str, accepted: bool
) -> None:
    signature = signed(secret, header, algorithm)
    assert is_signed(URL, FORM, signature) is accepted
    assert not is_signed(URL + "/", FORM, signature)


def test_without_shared_keys_the_header_is_refused(settings: Settings) -> None:
    settings.TWILIO_SHARED_KEYS = {}
    signature = signed(SECRET, "key=key_1,algorithm=HMAC_SHA256")
    assert not is_signed(URL, FORM, signature)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "no valid signature"),
        ("key=key_9,algorithm=HMAC_SHA256", "key key_9, which TWILIO_SHARED_KEYS does"),
        ("key=key_1,algorithm=HMAC_MD5", "an unknown algorithm"),
        ("key=key_1,algorithm=HMAC_SHA256", "Check the key's secret"),
        ("key=a\x1b[31m\nb,algorithm=HMAC_SHA256", "key a??31m?b, which"),
        ("algorithm=HMAC_SHA256", "key without an id"),
    ],
)
def test_a_refusal_says_what_was_seen_and_what_to_do(header: str, reason: str) -> None:
    shared_key_problem.latest = ""
    assert reason in why_refused(signed("wrong", header))
    assert bool(shared_key_problem.latest) == bool(header)
    shared_key_problem.latest = ""


def test_the_setting_holds_ids_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "one=a/b+c==, two=x")
    assert _secrets("KEYS") == {"one": "a/b+c==", "two": "x"}
    for wrong in ("one", "=secret", "one=", "one=a,two"):
        monkeypatch.setenv("KEYS", wrong)
        with pytest.raises(ImproperlyConfigured, match="KEYS must be pairs"):
            _secrets("KEYS")
