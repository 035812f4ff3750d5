"""The project's settings with the tests' own environment; no .env file is read."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import certifi

_state = tempfile.mkdtemp(prefix="voicebot-tests-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
# Each HTTP client reads all certificate authorities, in 20 ms. One is enough here.
_authority = Path(_state, "authority.pem")
_authority.write_text(
    Path(certifi.where()).read_text().partition("END CERTIFICATE-----")[0]
    + "END CERTIFICATE-----\n"
)
os.environ |= {
    "SSL_CERT_FILE": str(_authority),
    "DEBUG": "false",
    "SECRET_KEY": "tests-only-secret-key-that-nobody-else-knows-0123456789",
    "HOST": "127.0.0.1",
    "PORT": "3000",
    "SERVER_URL": "https://bot.example.com",
    "ALLOWED_HOSTS": "",
    "INWORLD_API_KEY": "dGVzdDprZXk=",
    "INWORLD_BASE_URL": "http://127.0.0.1:9",
    "TWILIO_AUTH_TOKEN": "7e570123456789abcdef0123456789ab",
    "TWILIO_SHARED_KEYS": "",
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_API_URL": "http://127.0.0.1:9",
    "DATABASE_URL": os.environ.get(
        "TEST_DATABASE_URL", f"sqlite:///{_state}/db.sqlite3"
    ),
    "RECORDING_STORAGE": f"{_state}/recordings",
    "REDIS_URL": "",
    # Only the tests of the warm-up want its requests to Inworld.
    "WARM_UP_SECONDS": "0",
    # Only the tests of streaming want clips that grow.
    "STREAM_CLIPS": "off",
    # Nearly all calls of the tests come from one number.
    "MAX_CALLS_PER_CALLER": "0",
    "MAX_CALLS_PER_CALLER_PER_HOUR": "0",
    "MAX_CALLS_FROM_HIDDEN_NUMBERS": "0",
    "MAX_CALLS_FROM_HIDDEN_NUMBERS_PER_HOUR": "0",
    "MAX_MINUTES_PER_CALLER_PER_DAY": "0",
    "MAX_MINUTES_PER_DAY": "",
    # The machine may be busy.
    "OVERLOAD_LAG_MS": "0",
    **dict.fromkeys(
        (
            "SYSTEM_PROMPT",
            "WELCOME_GREETING",
            "INWORLD_MODEL",
            "TTS_VOICE",
            "TTS_MODEL",
            "TRANSCRIPTION_PROVIDER",
            "DJANGO_SUPERUSER_USERNAME",
            "DJANGO_SUPERUSER_PASSWORD",
            "DJANGO_SUPERUSER_EMAIL",
            "METRICS_TOKEN",
            "LOG_FORMAT",
            "LOG_LEVEL",
            "TRUSTED_PROXY_COUNT",
            "HSTS_SECONDS",
            "SESSION_HOURS",
            "SESSION_IDLE_MINUTES",
            "RELAY_TRACE",
            "FETCH_RECORDINGS",
            "EMAIL_URL",
            "EMAIL_FROM",
            "CALL_RETENTION_DAYS",
            "CURRENCY",
            "DATE_STYLE",
            "ADMIN_REQUIRE_TOTP",
            "TRANSFER_PREFIXES",
            "TOOL_ALLOWED_HOSTS",
            "TOOL_ALLOWED_PRIVATE_HOSTS",
        ),
        "",
    ),
}

from voicebot.settings import *  # noqa: E402, F403
from voicebot.settings import DATABASES  # noqa: E402

# A file, because several threads of one test share it; hashing need not be slow.
DATABASES["default"].setdefault("TEST", {})
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": f"{_state}/tests.sqlite3"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Each test client would list all static files at its start.
WHITENOISE_AUTOREFRESH = True
