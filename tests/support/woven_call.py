"""A call whose caller's number stands in every text, in every spelling."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.models import (
    AuditEvent,
    BlockedCaller,
    Call,
    PostCallTask,
    SavedView,
    Turn,
)

CALLER, OURS = "+4915738264917", "+493012345678"
NATIONAL = "15738264917"
SHOWN = "•••17"
FIGURES = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht"]
FIGURES.append("neun")
WORDS = " ".join(FIGURES[int(digit)] for digit in f"0{NATIONAL}")
SPELLINGS = (
    *(CALLER, "+49 157 3826 4917", "+49 (0)157 38264917", "004915738264917"),
    *("015738264917", "0157 38264917", "0157-3826-4917", "(0157) 382.649.17"),
    *("0157/38264917", "0 1 5 7 3 8 2 6 4 9 1 7", "0,1,5,7,3,8,2,6,4,9,1,7"),
    *("٠١٥٧٣٨٢٦٤٩١٧", "tel:+49-157-38264917", "sip:+4915738264917@pbx.example"),
    *(f"whatsapp:{CALLER}", WORDS),
)
EVERYWHERE = "; ".join(f"Call {spelling}!" for spelling in SPELLINGS)
KEYS = " ".join(f"0{NATIONAL}")
# Digits of the number in a row that nobody may read, more than a time has in common
# with it; the last two are shown.
PART = 6
FIGURE = re.compile(rf"\b(?:{'|'.join(FIGURES)})\b", re.IGNORECASE)


def leaks(text: str) -> set[str]:
    """The parts of the number that can be read in a response, however it is spelled."""
    plain = unescape(unquote(re.sub(r"\\u[0-9a-f]{4}", _escaped, text)))
    digits = CALLER[1:]
    parts = {digits[at : at + PART] for at in range(len(digits) - PART)}
    found = set[str]()
    for reading in (plain, re.sub(r"<[^>]*>", "", plain)):
        for run in re.findall(r"\d(?:[\W_]{0,6}\d){4,}", FIGURE.sub(_figure, reading)):
            read = "".join(str(int(sign)) for sign in run if sign.isdecimal())
            found.update(part for part in parts if part in read)
    return found


def _figure(match: re.Match[str]) -> str:
    return str(FIGURES.index(match[0].lower()))


def _escaped(match: re.Match[str]) -> str:
    return chr(int(match[0][2:], 16))


def woven_call() -> Call:
    """Create the call, with all that can be stored about a call and its bot."""
    bot = Bot.objects.create(name="Front desk", is_default=True)
    bot.transfer_number = CALLER
    bot.save()
    bot.targets.create(name="Ann", number=CALLER, when_to_use="for all")
    PhoneNumber.objects.create(number=OURS, label="Reception", bot=bot)
    now = timezone.now().replace(microsecond=0) - timedelta(seconds=30)
    call = Call.objects.create(
        call_sid="CA" + "a" * 32,
        bot=bot,
        bot_name=bot.name,
        from_number=CALLER,
        to_number=OURS,
        settings=config_of(Bot.objects.with_related().get(pk=bot.pk)).to_json(),
        variables={"customer": EVERYWHERE, "phone": CALLER, CALLER: "a key"},
        transfer={"name": "Ann", "number": CALLER, "summary": EVERYWHERE},
        status=Call.Status.IN_PROGRESS,
        started_at=now,
        answered_at=now,
        summary=EVERYWHERE,
        extracted_fields={"callback": "0157 38264917", "all": EVERYWHERE},
        outcome="Booked",
        twilio_error_code="64105",
        twilio_error_message=f"No route to {CALLER}",
    )
    _weave_turns(call)
    for kind in PostCallTask.Kind:
        entry = {"at": now.isoformat(), "ms": 90, "done": False, "status": 500}
        call.post_call_tasks.create(
            kind=kind,
            state=PostCallTask.State.FAILED,
            due_at=now,
            attempts=2,
            log=[{**entry, "words": f"No answer from {CALLER}"}],
        )
    _weave_logs(call)
    return call


def _weave_turns(call: Call) -> None:
    half = f"I have your number: 0157 3826 4917. {EVERYWHERE}"
    tool_call = {
        "call_id": "call_1",
        "name": "find_customer",
        "arguments": json.dumps(
            {"phone": int(CALLER[1:]), "digits": list(NATIONAL), "text": EVERYWHERE}
        ),
        "result": json.dumps({CALLER: {"body": json.dumps({"tel": EVERYWHERE})}}),
        "failed": True,
    }
    turns: list[dict[str, Any]] = [
        {"role": "bot", "text": EVERYWHERE, "heard_text": EVERYWHERE},
        {"role": "caller", "text": f"Refund, please. {EVERYWHERE}"},
        # Dictated in several breaths, and on the keys.
        *({"role": "caller", "text": part} for part in ("0157", "38264", "917")),
        {"role": "caller", "text": f"[pressed {KEYS}]"},
        {"role": "bot", "text": half, "heard_text": half[:28], "interrupted": True},
        {"role": "tool", "text": "find_customer", "tool_call": tool_call},
        {"role": "tool", "text": "x", "tool_call": {"name": "x", "result": EVERYWHERE}},
        {"role": "system", "text": EVERYWHERE[:250], "error": EVERYWHERE[:300]},
    ]
    Turn.objects.bulk_create(
        Turn(
            call=call,
            index=index,
            started_at=call.started_at,
            ended_at=call.started_at,
            **{"heard_text": "", **values},
        )
        for index, values in enumerate(turns)
    )


def _weave_logs(call: Call) -> None:
    author = User.objects.create_user("author")
    LogEntry.objects.create(
        user=author,
        content_type=ContentType.objects.get_for_model(Call),
        object_id=str(call.pk),
        object_repr=str(call),
        action_flag=CHANGE,
        change_message=f"Live: asked the bot to say “{EVERYWHERE}”",
    )
    call.notes.create(text=f"Call back! {EVERYWHERE}", author=author)
    call.tags.create(name=f"back {CALLER}", added_by=author)
    Call.objects.filter(pk=call.pk).update_search_text()
    view = {"query": f"q=%2B{CALLER[1:]}", "is_shared": True}
    SavedView.objects.create(user=author, name=f"All of {CALLER}", **view)
    BlockedCaller.objects.create(pattern=CALLER, note=EVERYWHERE[:200])
    AuditEvent.objects.create(kind=AuditEvent.Kind.FAILED, name=CALLER, details=CALLER)
