"""The server of the demo tool: orders of a shop that does not exist."""

import asyncio

from django.http import HttpRequest, JsonResponse

HIGHEST_NUMBER = 9_999
MAX_WAIT_SECONDS = 30.0
STATES = (
    ("waiting to be packed", "in four days"),
    ("on its way", "on Friday"),
    ("delivered", "yesterday"),
)


async def order(request: HttpRequest, number: int) -> JsonResponse:
    """The state of an order, the same every time; delayed by `?seconds=`."""
    try:
        seconds = float(request.GET.get("seconds") or 0)
    except ValueError:
        return JsonResponse({"error": "seconds must be a number"}, status=400)
    # Also false for "nan".
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        error = f"seconds must be from 0 to {MAX_WAIT_SECONDS:g}"
        return JsonResponse({"error": error}, status=400)
    await asyncio.sleep(seconds)
    if not 1 <= number <= HIGHEST_NUMBER:
        return JsonResponse({"error": f"There is no order {number}."}, status=404)
    state, arrives = STATES[number % len(STATES)]
    return JsonResponse({"order": number, "state": state, "arrives": arrives})
