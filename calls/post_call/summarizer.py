"""Has a model sum up a call that is over, and keeps what it tells."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http import HTTPStatus

from bots.config import local_time
from bots.config.bot_config import Profile
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, InworldRejected
from bots.inworld.one_shot import in_words
from bots.inworld.text_request import TextRequest
from calls.db import in_any_thread
from calls.models import Call, Turn
from calls.models.post_call_task import Kind
from calls.post_call.queue import SECONDS, Attempt, profile_of, wanted_of
from calls.post_call.summary_prompt import Line, Upshot, Wanted, question, read

# Enough for models that think before they write.
MOST_TOKENS = 2000
TEMPERATURE = 0.2
NO_SCHEMAS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

UNREADABLE = "The model's answer was not the JSON that was asked for."
TOO_LATE = "The model did not answer in time."
NOTHING_ASKED = "The bot asks for no summary any more."


async def sum_up(call_id: int, inworld: Inworld) -> Attempt:
    """Ask once, and keep the answer where it is one."""
    found = await in_any_thread(_asked)(call_id)
    if found is None:
        return Attempt(False, NOTHING_ASKED, final=True)
    request, wanted = found
    try:
        async with asyncio.timeout(SECONDS[Kind.SUMMARY]):
            answer = await _answer(inworld, request)
    except TimeoutError:
        return Attempt(False, TOO_LATE)
    except InworldError as error:
        status = error.status if isinstance(error, InworldRejected) else 0
        return Attempt(False, in_words(error), status)
    upshot = read(answer, wanted)
    if upshot is None:
        return Attempt(False, UNREADABLE)
    await in_any_thread(_keep)(call_id, upshot)
    return Attempt(True)


async def _answer(inworld: Inworld, request: TextRequest) -> str:
    """The model's text; one that knows no schemas is asked in words alone."""
    try:
        return await inworld.complete(request)
    except InworldRejected as error:
        if error.status not in NO_SCHEMAS:
            raise
    return await inworld.complete(replace(request, schema=None))


def _asked(call_id: int) -> tuple[TextRequest, Wanted] | None:
    call = Call.objects.select_related("bot").filter(pk=call_id).first()
    if call is None:
        return None
    profile = profile_of(call)
    if not (wanted := wanted_of(profile)):
        return None
    turns = Turn.objects.filter(call=call).order_by("index")
    request = TextRequest(
        model=profile.summary_model or profile.llm_model,
        fallback_models=profile.fallback_models,
        messages=question(wanted, _about(call, profile), lines(turns)),
        max_tokens=MOST_TOKENS,
        temperature=TEMPERATURE,
        schema=wanted.schema,
    )
    return request, wanted


def _about(call: Call, profile: Profile) -> str:
    """When it was, without which “tomorrow at nine” tells nothing, and its end."""
    began = local_time.told(call.started_at, profile.time_zone)
    return f"The call began on {began}. Its end: {call.get_end_reason_display()}."


def lines(turns: Iterable[Turn]) -> Iterator[Line]:
    """What was said and done, as it stands in the transcript: no secret is in it.

    Of the bot counts what was heard.
    """
    for turn in turns:
        if turn.role == Turn.Role.TOOL:
            name, result = turn.tool.get("name", ""), turn.tool.get("result", "")
            yield Line("Tool", f"{name} {turn.tool.get('arguments', '')}: {result}")
        elif turn.role == Turn.Role.CALLER and turn.text:
            yield Line("Caller", turn.text)
        elif turn.role == Turn.Role.BOT and turn.heard_text:
            yield Line("Bot", turn.heard_text)


def _keep(call_id: int, upshot: Upshot) -> None:
    Call.objects.filter(pk=call_id).update(
        summary=upshot.summary, outcome=upshot.outcome, noted=dict(upshot.noted)
    )
