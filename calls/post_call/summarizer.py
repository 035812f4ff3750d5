"""Asks a model for the summary of an ended call, and stores it."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http import HTTPStatus

from django.db import transaction
from django.utils import timezone

from bots.config import local_time
from bots.config.bot_config import BotConfig
from bots.config.summary_spec import SummarySpec
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, InworldRejected
from bots.inworld.events import Usage
from bots.inworld.one_shot import operator_message
from bots.inworld.text_request import TextRequest
from calls.db import run_in_db_thread
from calls.models import Call, CallToCheck, CallUsage, Turn
from calls.models.post_call_task import Kind
from calls.post_call.queue import SECONDS, Attempt, current_config
from calls.post_call.summary_prompt import (
    CallSummary,
    TranscriptLine,
    parse_answer,
    prompt_messages,
)
from calls.prices.usage import SUMMARY, Meter, name_asked_for
from calls.transcripts.task_creation import summary_spec

# Enough for reasoning models, too.
MAX_TOKENS = 2000
# A model that has written nothing by then is replaced by a fallback model.
FIRST_TOKEN_SECONDS = 20.0
# Statuses with which a model without JSON Schema refuses a request.
SCHEMA_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

UNREADABLE = "The model did not answer with the requested JSON."
TOO_LATE = "The model did not answer in time."
NOT_WANTED = "The bot no longer asks for summaries."


async def summarise_call(call_id: int, inworld: Inworld) -> Attempt:
    """Ask once, and store a valid answer."""
    prepared = await run_in_db_thread(_prepare)(call_id)
    if prepared is None:
        return Attempt(False, NOT_WANTED, final=True)
    request, spec = prepared
    meter = Meter()
    try:
        async with asyncio.timeout(SECONDS[Kind.SUMMARY]):
            answer = await _answer(inworld, request, meter)
    except TimeoutError:
        meter.unknown_tokens(request.model)
        await run_in_db_thread(_store_usage)(call_id, meter)
        return Attempt(False, TOO_LATE)
    except InworldError as error:
        status = error.status if isinstance(error, InworldRejected) else 0
        return Attempt(False, operator_message(error), status)
    await run_in_db_thread(_store_usage)(call_id, meter)
    summary = parse_answer(answer, spec)
    if summary is None:
        return Attempt(False, UNREADABLE)
    await run_in_db_thread(store_summary)(call_id, summary)
    return Attempt(True)


async def _answer(inworld: Inworld, request: TextRequest, meter: Meter) -> str:
    """The model's text; asks again without the schema if the model refuses it."""

    def count(model: str, usage: Usage | None) -> None:
        name = name_asked_for(model, (request.model, *request.fallback_models))
        if usage is None:
            return meter.unknown_tokens(name)
        cached, written = usage.cached_tokens, usage.completion_tokens
        return meter.tokens(name, usage.prompt_tokens, cached, written)

    try:
        return await inworld.complete(request, count)
    except InworldRejected as error:
        if error.status not in SCHEMA_REFUSED:
            raise
    return await inworld.complete(replace(request, schema=None), count)


def _store_usage(call_id: int, meter: Meter) -> None:
    """Add what an attempt took; each is a source of its own."""
    entries = [usage.to_json() for usage in meter.usages]
    source = f"{SUMMARY} {timezone.now():%Y-%m-%d %H:%M:%S.%f}"
    # The call may have been deleted meanwhile.
    if entries and Call.objects.filter(pk=call_id).exists():
        row = CallUsage(call_id=call_id, source=source, entries=entries)
        CallUsage.write([row])


def _prepare(call_id: int) -> tuple[TextRequest, SummarySpec] | None:
    call = Call.objects.select_related("bot").filter(pk=call_id).first()
    if call is None:
        return None
    config = current_config(call)
    if not (spec := summary_spec(config)):
        return None
    turns = Turn.objects.filter(call=call).order_by("index")
    request = TextRequest(
        model=config.summary_model or config.llm_model,
        fallback_models=config.fallback_models,
        messages=prompt_messages(
            spec, _circumstances(call, config), transcript_lines(turns)
        ),
        max_tokens=MAX_TOKENS,
        first_token_seconds=FIRST_TOKEN_SECONDS,
        schema=spec.schema,
    )
    return request, spec


def _circumstances(call: Call, config: BotConfig) -> str:
    """Start time, so that the model understands “tomorrow”, and reason of the end."""
    began = local_time.spoken_time(call.started_at, config.time_zone)
    return f"The call began on {began}. Its end: {call.get_end_reason_display()}."


def transcript_lines(turns: Iterable[Turn]) -> Iterator[TranscriptLine]:
    """The transcript, in which secrets are redacted.

    Bot turns contribute only the text that the caller heard.
    """
    for turn in turns:
        if turn.role == Turn.Role.TOOL:
            name, arguments, result = (
                turn.tool_call.get(key, "") for key in ("name", "arguments", "result")
            )
            yield TranscriptLine("Tool", f"{name} {arguments}: {result}")
        elif turn.role == Turn.Role.CALLER and turn.text:
            yield TranscriptLine("Caller", turn.text)
        elif turn.role == Turn.Role.BOT and turn.heard_text:
            yield TranscriptLine("Bot", turn.heard_text)


@transaction.atomic
def store_summary(call_id: int, summary: CallSummary) -> None:
    """Store a summary, and let searches and the rules for alerts find it."""
    same = Call.objects.filter(pk=call_id)
    same.update(
        summary=summary.summary,
        outcome=summary.outcome,
        extracted_fields=dict(summary.fields),
    )
    same.update_search_text()
    if summary.outcome:
        CallToCheck.objects.put([call_id])
