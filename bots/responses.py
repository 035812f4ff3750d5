"""Requests and responses of pages, in the admin and in the console."""

import re
from secrets import token_urlsafe
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse

# Longest wait of a page for other servers. Ten seconds after a client has left, daphne
# gives up on its request.
PAGE_SECONDS = 9.0


def page(
    request: HttpRequest, template: str, title: str, **context: Any
) -> TemplateResponse:
    """A page in the frame of the admin; `template` is a file in templates/admin."""
    frame = admin.site.each_context(request)
    values = {**frame, "title": title, **context}
    return TemplateResponse(request, f"admin/{template}", values)


def problem(message: str, status: int) -> JsonResponse:
    """A problem in plain words, which the script of the page shows."""
    return JsonResponse({"problem": message}, status=status)


def sound(wav: bytes) -> HttpResponse:
    """A WAV file that no cache keeps."""
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(wav, content_type="audio/wav", headers=headers)


def style_nonce(request: Any) -> str:
    """A word that allows style elements which have it in the page that is answered.

    For a library that brings its own styles; our pages have none inside.
    """
    if not hasattr(request, "style_nonce"):
        request.style_nonce = token_urlsafe(16)
    return str(request.style_nonce)


def primary_key(text: str) -> int | None:
    """A primary key from a request; None if the text cannot be one."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
