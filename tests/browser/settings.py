"""Server settings for browser tests."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from voicebot.settings import *  # noqa: F403
from voicebot.settings import MIDDLEWARE

WHITENOISE_MAX_AGE = 3600  # browsers keep static files for all tests
# The hasher with which the tests store passwords.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = ["tests.browser.settings.forget_content_types", *MIDDLEWARE]


def forget_content_types(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Clear the cache of content types: their ids change between tests."""

    def answer_freshly(request: HttpRequest) -> HttpResponse:
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects.clear_cache()
        return answer(request)

    return answer_freshly
