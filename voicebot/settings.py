"""Every environment variable, read once and typed. `.env.example` explains them."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from voicebot.logs import names_no_clip

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # the process environment wins over the file


def _whole_number(name: str, default: int, least: int, most: int) -> int:
    try:
        value = int(env.str(name, default="") or default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a whole number.") from error
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={value} must be from {least} to {most}.")
    return value


def _one_of(name: str, default: str, *others: str) -> str:
    value: str = env.str(name, default="") or default
    if value not in (default, *others):
        raise ImproperlyConfigured(
            f"{name}={value} must be one of: {', '.join((default, *others))}."
        )
    return value


# The server
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` writes one into .env; elsewhere set it to "
        "50 random characters and keep it the same between restarts."
    )
HOST = env.str("HOST", default="127.0.0.1")
PORT = _whole_number("PORT", default=3000, least=1, most=65535)
SERVER_URL = env.str("SERVER_URL", default="").rstrip("/") or f"http://localhost:{PORT}"
try:
    SERVER_HOST = urlsplit(SERVER_URL).hostname or ""
except ValueError:
    SERVER_HOST = ""  # a check says what is wrong with it
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or [SERVER_HOST, *LOOPBACK_HOSTS]

# Inworld: the brain and the voice
INWORLD_API_KEY = env.str("INWORLD_API_KEY", default="").strip()
INWORLD_PUBLIC_URL = "https://api.inworld.ai"
INWORLD_BASE_URL = (
    env.str("INWORLD_BASE_URL", default="").rstrip("/") or INWORLD_PUBLIC_URL
)
INWORLD_CONCURRENCY = _whole_number("INWORLD_CONCURRENCY", 0, least=0, most=10_000)

# Twilio: the line
TWILIO_AUTH_TOKENS = [
    token.strip()
    for token in env.list("TWILIO_AUTH_TOKEN", default=[])
    if token.strip()
]
# True only while `serve` runs the local stand-in for Inworld.
SANDBOX = False

# First values of the default bot; afterwards the admin rules
FIRST_BOT = {
    "system_prompt": env.str("SYSTEM_PROMPT", default="", multiline=True),
    "greeting": env.str("WELCOME_GREETING", default=""),
    "llm_model": env.str("INWORLD_MODEL", default=""),
    "tts_voice": env.str("TTS_VOICE", default=""),
    "tts_model": env.str("TTS_MODEL", default=""),
    "transcription_provider": env.str("TRANSCRIPTION_PROVIDER", default=""),
}
FIRST_ADMIN = {
    "username": env.str("DJANGO_SUPERUSER_USERNAME", default="") or "admin",
    "password": env.str("DJANGO_SUPERUSER_PASSWORD", default=""),
    "email": env.str("DJANGO_SUPERUSER_EMAIL", default=""),
}

# Clips: the sentences the carrier fetches and plays
REDIS_URL = env.str("REDIS_URL", default="")
CLIP_TTL_SECONDS = _whole_number("CLIP_TTL_SECONDS", 300, least=10, most=86_400)
CLIP_SAMPLE_RATE = _whole_number("CLIP_SAMPLE_RATE", 8000, least=8000, most=48_000)
CLIP_ENCODING = _one_of("CLIP_ENCODING", "pcm", "mulaw")
CLIP_MAX_SECONDS = _whole_number("CLIP_MAX_SECONDS", 60, least=5, most=600)
CLIP_MEMORY_MB = _whole_number("CLIP_MEMORY_MB", 256, least=8, most=16_384)

# Live events between processes; calls never wait for it
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py gives up on a quiet connection after five seconds otherwise.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

INSTALLED_APPS = [
    "daphne",
    "calls.desk.apps.DeskConfig",  # django.contrib.admin with the desk's own pages
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "voicebot",
    "bots",
    "calls",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",  # who changed a bot
]
ROOT_URLCONF = "voicebot.urls"
ASGI_APPLICATION = "voicebot.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "voicebot.context_processors.sandbox",
            ],
        },
    }
]

# A pool, because persistent connections leak under ASGI; IMMEDIATE, because an SQLite
# transaction that reads before it writes fails when another wrote in between.
DATABASE = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
if not DATABASE.get("ENGINE"):
    raise ImproperlyConfigured(
        "DATABASE_URL is not understood. Write postgres://user:password@host:5432/name"
        ", or leave it out for an SQLite file."
    )
DATABASES = {"default": {**DATABASE, "CONN_MAX_AGE": 0}}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 2, "max_size": 20, "timeout": 5}
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
CSRF_TRUSTED_ORIGINS = [SERVER_URL] if "://" in SERVER_URL else []
if SERVER_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Above this many calls in this process, new callers hear that the line is busy.
MAX_CALLS = _whole_number("MAX_CALLS", 150, least=1, most=10_000)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # the admin's files are served without collectstatic

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}
    },
    "filters": {
        "no_clip_ids": {
            "()": "django.utils.log.CallbackFilter",
            "callback": names_no_clip,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"filters": ["no_clip_ids"]},
        # These write a line a request.
        "httpx": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
    },
}
