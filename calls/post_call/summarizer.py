"""Has a model sum up a call that is over, and keeps what it tells."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http import HTTPStatus

from bots.config import local_time
from bots.config.bot_config import BotConfig
from bots.config.summary_spec import SummarySpec
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, InworldRejected
from bots.inworld.one_shot import operator_message
from bots.inworld.text_request import TextRequest
from calls.db import run_in_db_thread
from calls.models import Call, Turn
from calls.models.post_call_task import Kind
from calls.post_call.queue import SECONDS, Attempt, profile_of
from calls.post_call.summary_prompt import (
    CallSummary,
    TranscriptLine,
    parse_answer,
    prompt_messages,
)
from calls.transcripts.task_creation import summary_spec

# Enough for models that think before they write.
MAX_TOKENS = 2000
TEMPERATURE = 0.2
NO_SCHEMAS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

UNREADABLE = "The model's answer was not the JSON that was asked for."
TOO_LATE = "The model did not answer in time."
NOTHING_ASKED = "The bot asks for no summary any more."


async def summarise_call(call_id: int, inworld: Inworld) -> Attempt:
    """Ask once, and keep the answer where it is one."""
    found = await run_in_db_thread(_asked)(call_id)
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
        return Attempt(False, operator_message(error), status)
    upshot = parse_answer(answer, wanted)
    if upshot is None:
        return Attempt(False, UNREADABLE)
    await run_in_db_thread(_save)(call_id, upshot)
    return Attempt(True)


async def _answer(inworld: Inworld, request: TextRequest) -> str:
    """The model's text; one that knows no schemas is asked in words alone."""
    try:
        return await inworld.complete(request)
    except InworldRejected as error:
        if error.status not in NO_SCHEMAS:
            raise
    return await inworld.complete(replace(request, schema=None))


def _asked(call_id: int) -> tuple[TextRequest, SummarySpec] | None:
    call = Call.objects.select_related("bot").filter(pk=call_id).first()
    if call is None:
        return None
    profile = profile_of(call)
    if not (wanted := summary_spec(profile)):
        return None
    turns = Turn.objects.filter(call=call).order_by("index")
    request = TextRequest(
        model=profile.summary_model or profile.llm_model,
        fallback_models=profile.fallback_models,
        messages=prompt_messages(
            wanted, _about(call, profile), transcript_lines(turns)
        ),
        max_tokens=MAX_TOKENS,
        temperature=TEMPERATURE,
        schema=wanted.schema,
    )
    return request, wanted


def _about(call: Call, profile: BotConfig) -> str:
    """When it was, without which “tomorrow at nine” tells nothing, and its end."""
    began = local_time.spoken_time(call.started_at, profile.time_zone)
    return f"The call began on {began}. Its end: {call.get_end_reason_display()}."


def transcript_lines(turns: Iterable[Turn]) -> Iterator[TranscriptLine]:
    """What was said and done, as it stands in the transcript: no secret is in it.

    Of the bot counts what was heard.
    """
    for turn in turns:
        if turn.role == Turn.Role.TOOL:
            name, result = (
                turn.tool_call.get("name", ""),
                turn.tool_call.get("result", ""),
            )
            yield TranscriptLine(
                "Tool", f"{name} {turn.tool_call.get('arguments', '')}: {result}"
            )
        elif turn.role == Turn.Role.CALLER and turn.text:
            yield TranscriptLine("Caller", turn.text)
        elif turn.role == Turn.Role.BOT and turn.heard_text:
            yield TranscriptLine("Bot", turn.heard_text)


def _save(call_id: int, upshot: CallSummary) -> None:
    Call.objects.filter(pk=call_id).update(
        summary=upshot.summary,
        outcome=upshot.outcome,
        extracted_fields=dict(upshot.fields),
    )
