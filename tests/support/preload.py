"""Imports what servers need before they are forked; see `preloaded.py`.

The libraries, and the project's own modules that read no settings, start no thread and
install no reactor of Twisted. Each server imports the others itself.
"""

import gc
import os
from importlib import import_module

LIBRARIES = (
    "aiodns",
    "aiohttp",
    "autobahn.twisted",
    "autobahn.websocket.protocol",
    "axes.apps",
    "axes.exceptions",
    "axes.handlers",
    "channels.auth",
    "channels.security.websocket",
    "channels_redis.core",
    "cryptography.fernet",
    "cryptography.x509",
    "diff_match_patch",
    "django.conf.urls",
    "django.contrib.admin.apps",
    "django.contrib.admin.templatetags.admin_list",
    "django.contrib.auth.apps",
    "django.contrib.contenttypes.apps",
    "django.contrib.postgres.search",
    "django.contrib.sessions.middleware",
    "django.contrib.staticfiles.apps",
    "django.core.asgi",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.core.serializers.json",
    "django.db.backends.sqlite3.base",
    "django.db.models.sql.compiler",
    "django.templatetags.cache",
    "django.views.decorators.http",
    "django_otp.plugins.otp_static.apps",
    "django_otp.plugins.otp_totp.apps",
    "django_otp.qr",
    "django_stubs_ext",
    "encodings.idna",
    "environ",
    "httpcore",
    "httpx_aiohttp",
    "jsonschema",
    "numpy",
    "phonenumbers",
    "prometheus_client",
    "psycopg_pool",
    "psycopg",
    "redis.asyncio",
    "segno",
    "service_identity",
    "simple_history.middleware",
    "soxr",
    "twilio.request_validator",
    "twilio.twiml.voice_response",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.internet.tcp",
    "twisted.protocols.tls",
    "twisted.web.http",
    "websockets.asyncio.client",
    "whitenoise.middleware",
)
OWN_MODULES = (
    "bots.advice.advice",
    "bots.checks",
    "bots.validators",
    "bots.versions.text_diff",
    "calls.accounts.groups",
    "calls.blocking",
    "calls.checks",
    "calls.conversation.conversation",
    "calls.live_feed.broadcast",
    "calls.post_call.summary_prompt",
    "calls.speech.speaker",
    "calls.twilio.account",
    "calls.twilio.relay",
    "voicebot.log_format",
    "voicebot.server.concurrency_limit",
    "voicebot.server.request_limits",
)

# A module that reads settings after all must fail, and not get those of the tests.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)
for name in LIBRARIES + OWN_MODULES:
    import_module(name)
# The garbage collectors of the servers need not look at these objects again.
gc.collect()
gc.freeze()
