"""Django settings, read from environment variables. `.env.example` explains them."""

import os
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from voicebot import env_file
from voicebot.database_options import options_for
from voicebot.log_format import (
    JsonFormatter,
    RedactingFormatter,
    is_not_clip_request,
    is_not_readiness_check,
    secrets_in,
    shorten_refusal,
)
from voicebot.mail_settings import mail_settings
from voicebot.recording_storage import recording_storage, secret_in

# Lets admin classes and forms name their model: ModelAdmin[Bot].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    _values, ENV_FILE_ODD_LINES = env_file.read(BASE_DIR / ".env")
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error
for _name, _value in _values.items():
    os.environ.setdefault(_name, _value)  # the process environment wins over the file
env = environ.Env()
ON, OFF = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def _integer(name: str, default: int, least: int, most: int) -> int:
    try:
        value = int(env.str(name, default="") or default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a whole number.") from error
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={value} must be from {least} to {most}.")
    return value


def _names(name: str) -> list[str]:
    return [part.strip() for part in env.list(name, default=[]) if part.strip()]


def _one_of(name: str, default: str, *others: str) -> str:
    value: str = env.str(name, default="") or default
    if value not in (default, *others):
        raise ImproperlyConfigured(
            f"{name}={value} must be one of: {', '.join((default, *others))}."
        )
    return value


def _switch(name: str) -> bool:
    value: str = env.str(name, default="").strip().lower()
    if value not in ("", *ON, *OFF):
        raise ImproperlyConfigured(f"{name}={value} must be true or false.")
    return value in ON


def _secrets(name: str) -> dict[str, str]:
    """Secrets by id, from `id=secret,id=secret`."""
    pairs = dict(part.partition("=")[::2] for part in _names(name))
    if any(not key or not secret for key, secret in pairs.items()):
        raise ImproperlyConfigured(
            f"{name} must be pairs of id and secret: id=secret, separated by commas."
        )
    return pairs


def _secret(name: str, least: int) -> str:
    """A secret of at least this many characters; a developer's may be shorter."""
    value: str = env.str(name, default="").strip()
    if value and len(value) < least and not DEBUG:
        raise ImproperlyConfigured(
            f"{name} has {len(value)} characters and needs {least} random ones. "
            "`openssl rand -hex 32` makes some."
        )
    return value


# The server
DEBUG = _switch("DEBUG")
SECRET_KEY = _secret("SECRET_KEY", least=50)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` writes one into .env; elsewhere set it to "
        "50 random characters and keep it the same between restarts."
    )
HOST = env.str("HOST", default="127.0.0.1")
USUAL_PORT = 3000
PORT = _integer("PORT", default=USUAL_PORT, least=1, most=65535)
SERVER_URL = env.str("SERVER_URL", default="").rstrip("/") or f"http://localhost:{PORT}"
try:
    SERVER_HOST = urlsplit(SERVER_URL).hostname or ""
except ValueError:
    SERVER_HOST = ""  # a check says what is wrong with it
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = _names("ALLOWED_HOSTS") or [SERVER_HOST, *LOOPBACK_HOSTS]
TRUSTED_PROXY_COUNT = _integer("TRUSTED_PROXY_COUNT", 0, least=0, most=10)

# Inworld: language models and voices
INWORLD_API_KEY = env.str("INWORLD_API_KEY", default="").strip()
INWORLD_PUBLIC_URL = "https://api.inworld.ai"
INWORLD_BASE_URL = (
    env.str("INWORLD_BASE_URL", default="").rstrip("/") or INWORLD_PUBLIC_URL
)
INWORLD_MAX_CONCURRENCY = _integer("INWORLD_MAX_CONCURRENCY", 0, least=0, most=10_000)
INWORLD_REPLY_SAMPLE_RATE = _integer(
    "INWORLD_REPLY_SAMPLE_RATE", 48_000, least=8_000, most=48_000
)

# How long a process that starts waits for its greetings before it takes calls.
WARM_UP_SECONDS = _integer("WARM_UP_SECONDS", 15, least=0, most=600)

# Twilio: telephone numbers and calls
TWILIO_AUTH_TOKENS = _names("TWILIO_AUTH_TOKEN")
TWILIO_SHARED_KEYS = _secrets("TWILIO_SHARED_KEYS")
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="").strip()
TWILIO_API_URL = (
    env.str("TWILIO_API_URL", default="").rstrip("/") or "https://api.twilio.com"
)
# True only while `serve` runs the local stand-in for Inworld.
SANDBOX_RUNNING = False

# The beginnings of numbers that callers may be transferred to; none: all numbers
TRANSFER_PREFIXES = _names("TRANSFER_PREFIXES")
for _prefix in TRANSFER_PREFIXES:
    if not re.fullmatch(r"\+[1-9][0-9]{0,14}", _prefix):
        raise ImproperlyConfigured(
            f"TRANSFER_PREFIXES has “{_prefix}”. Write the beginnings of numbers, with "
            "+ and country code, separated by commas: +49,+4312."
        )

# Hosts that requests of tools and webhooks may go to
TOOL_ALLOWED_HOSTS = _names("TOOL_ALLOWED_HOSTS")
TOOL_ALLOWED_PRIVATE_HOSTS = _names("TOOL_ALLOWED_PRIVATE_HOSTS")

# Values with which `setup` creates the first bot and account
INITIAL_BOT = {
    "system_prompt": env.str("SYSTEM_PROMPT", default="", multiline=True),
    "greeting": env.str("WELCOME_GREETING", default=""),
    "llm_model": env.str("INWORLD_MODEL", default=""),
    "tts_voice": env.str("TTS_VOICE", default=""),
    "tts_model": env.str("TTS_MODEL", default=""),
    "transcription_provider": env.str("TRANSCRIPTION_PROVIDER", default=""),
}
INITIAL_ADMIN = {
    "username": env.str("DJANGO_SUPERUSER_USERNAME", default="") or "admin",
    "password": env.str("DJANGO_SUPERUSER_PASSWORD", default=""),
    "email": env.str("DJANGO_SUPERUSER_EMAIL", default=""),
}

# Clips: spoken sentences that Twilio downloads and plays
REDIS_URL = env.str("REDIS_URL", default="")
CLIP_TTL_SECONDS = _integer("CLIP_TTL_SECONDS", 300, least=10, most=86_400)
CLIP_MAX_SECONDS = _integer("CLIP_MAX_SECONDS", 60, least=5, most=600)
CLIP_MEMORY_MB = _integer("CLIP_MEMORY_MB", 256, least=8, most=16_384)
# Play the first sentence of an answer while Inworld still makes it, or find out first.
STREAM_CLIPS = _one_of("STREAM_CLIPS", "auto", "off", "on")

# Messages of the live page between processes; calls never wait for them
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # Otherwise redis-py closes a quiet connection after five seconds.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

INSTALLED_APPS = [
    "daphne",
    "calls.console.apps.ConsoleConfig",  # django.contrib.admin and our own pages
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "voicebot",
    "bots",
    "bots.sandbox",
    "calls",
]
MIDDLEWARE = [
    "voicebot.security.SecurityHeaders",
    "voicebot.security.RefuseNul",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "voicebot.security.IdleTimeout",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",  # records who changed a bot
    "voicebot.console_database.SlowStatements",
    "bots.site_settings.current.PageSettings",
    "axes.middleware.AxesMiddleware",  # answers users who are locked out
]
ROOT_URLCONF = "voicebot.urls"
ASGI_APPLICATION = "voicebot.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["bots.site_settings.filters"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "voicebot.context_processors.sandbox",
            ],
        },
    }
]

DATABASE = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
if not DATABASE.get("ENGINE"):
    raise ImproperlyConfigured(
        "DATABASE_URL is not valid. Write postgres://user:password@host:5432/name"
        ", or leave it out for an SQLite file."
    )
DATABASES = {"default": {**DATABASE, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}}
DATABASES["default"]["OPTIONS"] = {
    **DATABASE.get("OPTIONS", {}),
    **options_for(DATABASE["ENGINE"]),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
CSRF_TRUSTED_ORIGINS = [SERVER_URL] if "://" in SERVER_URL else []
if SERVER_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = _integer("HSTS_SECONDS", 31_536_000, 0, 63_072_000)
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
SESSION_COOKIE_AGE = _integer("SESSION_HOURS", 12, least=1, most=720) * 3600
SESSION_IDLE_SECONDS = _integer("SESSION_IDLE_MINUTES", 60, least=5, most=43_200) * 60
# HSTS for subdomains and browsers' preload lists are for the domain's owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = SERVER_URL.startswith("https://")
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # requested past the proxy
else:
    # Without TRUSTED_PROXY_COUNT a proxy's https is not visible here.
    SILENCED_SYSTEM_CHECKS += ["security.W008"]

# Sign-in. A lockout is for one user name from one address, so that nobody can lock out
# somebody else.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "bots.access.backend.BotRoleBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the wait does not grow
AXES_CLIENT_IP_CALLABLE = "voicebot.security.client_address"
AXES_LOCKOUT_CALLABLE = "calls.accounts.sign_in.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code"]  # never stored or logged
AXES_DISABLE_ACCESS_LOG = True  # Django stores each user's last sign-in
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
ADMIN_REQUIRE_TOTP = _switch("ADMIN_REQUIRE_TOTP")
OTP_TOTP_ISSUER = f"voicebot {SERVER_HOST}".strip()

# Mail: invitations and forgotten passwords
EMAIL = mail_settings(env.str("EMAIL_URL", default="").strip(), debug=DEBUG)
EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = EMAIL.backend, EMAIL.host, EMAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL.user, EMAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.use_tls, EMAIL.use_ssl
EMAIL_TIMEOUT = 4  # for each step; a page waits 8 seconds for all of them
EMAIL_FROM = env.str("EMAIL_FROM", default="").strip()
DEFAULT_FROM_EMAIL = EMAIL_FROM or f"voicebot <voicebot@{SERVER_HOST}>"
PASSWORD_RESET_TIMEOUT = 2 * 3600

# Most calls of this process; further callers hear that the line is busy.
MAX_CALLS = _integer("MAX_CALLS", 150, least=1, most=10_000)
# A process whose event loop lags more takes no further calls; 0: it takes them anyway.
OVERLOAD_LAG_MS = _integer("OVERLOAD_LAG_MS", 100, least=0, most=10_000)
# Limits for one caller, over all processes; 0: no limit.
MAX_CALLS_PER_CALLER = _integer("MAX_CALLS_PER_CALLER", 3, least=0, most=10_000)
MAX_CALLS_PER_CALLER_PER_HOUR = _integer(
    "MAX_CALLS_PER_CALLER_PER_HOUR", 60, least=0, most=100_000
)
# Limits for all callers with hidden numbers together, over all processes; 0: no limit.
MAX_CALLS_FROM_HIDDEN_NUMBERS = _integer(
    "MAX_CALLS_FROM_HIDDEN_NUMBERS", 20, least=0, most=10_000
)
MAX_CALLS_FROM_HIDDEN_NUMBERS_PER_HOUR = _integer(
    "MAX_CALLS_FROM_HIDDEN_NUMBERS_PER_HOUR", 200, least=0, most=100_000
)
# Call minutes within 24 hours, over all processes; 0: no limit.
MAX_MINUTES_PER_CALLER_PER_DAY = _integer(
    "MAX_MINUTES_PER_CALLER_PER_DAY", 480, least=0, most=1_000_000
)
MAX_MINUTES_PER_DAY = _integer("MAX_MINUTES_PER_DAY", 0, least=0, most=10_000_000)
# How long calls in progress may go on while the server stops.
DRAIN_TIMEOUT_SECONDS = _integer("DRAIN_TIMEOUT_SECONDS", 60, least=0, most=3600)

# First values of the page “Settings”; `bots.site_settings` has those in force.
MASK_CALLER_NUMBERS = _switch("MASK_CALLER_NUMBERS")
CALL_RETENTION_DAYS = _integer("CALL_RETENTION_DAYS", 0, least=0, most=3650)
DATE_STYLE = _one_of("DATE_STYLE", "short", "dots", "slashes", "us", "iso")

# Recorded sound: our own storage, and if what Twilio records moves there
RECORDING_STORAGE = env.str("RECORDING_STORAGE", default="").strip()
FETCH_RECORDINGS = _switch("FETCH_RECORDINGS")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": recording_storage(RECORDING_STORAGE, BASE_DIR),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# The currency of prices, costs and budgets; prices in another one do not count.
CURRENCY = (env.str("CURRENCY", default="").strip() or "USD").upper()
if not re.fullmatch(r"[A-Z]{3}", CURRENCY):
    raise ImproperlyConfigured(
        f"CURRENCY is {CURRENCY[:20]!r}. Write its three letters, such as USD or EUR."
    )

# Folder for a file about every call, with all frames; empty: only for chosen calls.
RELAY_TRACE = env.str("RELAY_TRACE", default="").strip()

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "voicebot.formats"
TIME_ZONE = env.str("TIME_ZONE", default="") or "UTC"
try:
    ZoneInfo(TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError, OSError) as error:
    raise ImproperlyConfigured(
        f"TIME_ZONE={TIME_ZONE} is no time zone. Use a name such as Europe/Berlin."
    ) from error
USE_TZ = True
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # serves the admin's files without collectstatic

# Bearer token for /metrics; empty: only requests from this machine are answered.
METRICS_TOKEN = _secret("METRICS_TOKEN", least=20)

LOG_FORMAT = _one_of("LOG_FORMAT", "text", "json")
LOG_LEVEL = _one_of("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": JsonFormatter if LOG_FORMAT == "json" else RedactingFormatter,
            "secrets": [
                *(SECRET_KEY, INWORLD_API_KEY, METRICS_TOKEN, *TWILIO_AUTH_TOKENS),
                EMAIL.password,
                secret_in(RECORDING_STORAGE),
                *TWILIO_SHARED_KEYS.values(),
                *(INITIAL_ADMIN["password"], str(DATABASE.get("PASSWORD") or "")),
                *secrets_in(REDIS_URL),
            ],
        }
    },
    "filters": {
        name: {"()": "django.utils.log.CallbackFilter", "callback": callback}
        for name, callback in (
            ("no_clip_ids", is_not_clip_request),
            ("no_readiness_checks", is_not_readiness_check),
            ("short_refusals", shorten_refusal),
        )
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {
            "filters": ["no_clip_ids", "no_readiness_checks", "short_refusals"]
        },
        # These log each request.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "INFO"},  # more on lower levels
        "axes": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        # Logs a traceback a second while Redis is unavailable; `FailureLog` does once.
        "channels_redis": {"level": "CRITICAL"},
        "psycopg.pool": {"level": "ERROR"},  # likewise for the database
    },
}
