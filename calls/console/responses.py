"""Responses that the console's scripts understand."""

from django.http import JsonResponse


def error(message: str, status: int) -> JsonResponse:
    """A problem in plain words, which the page shows to the operator."""
    return JsonResponse({"problem": message}, status=status)
