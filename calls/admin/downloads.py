"""Exports of calls: sent at once, or as a file that a worker makes first."""

from itertools import chain

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from bots.access.numbers import may_see_numbers
from bots.responses import page
from calls.export_files import queue
from calls.export_files.sending import send_file
from calls.models import Call
from calls.review.export import (
    columns_of,
    file_name,
    file_start,
    lines,
    pieces,
    records,
)

PIECE_CHARACTERS = 64 * 1024


def download(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> HttpResponseBase:
    """A file of calls or of their turns; of many calls a worker makes it first."""
    if queue.is_large(calls):
        return _ask(request, calls, form, file_name(name, form))
    hide = not may_see_numbers(request.user)
    columns = columns_of(calls, form)
    below = lines(form, records(calls, hide=hide), columns)
    text = pieces(chain([file_start(form, columns)], below), PIECE_CHARACTERS)
    return send_file(request, text, file_name(name, form))


def _ask(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> HttpResponseBase:
    """Have a file made if a form was sent; a link only leads to that form."""
    if request.method != "POST":
        most = queue.MAX_DIRECT
        return page(request, "export_question.html", "Export calls", most=most)
    if queue.ask(request.user, calls, form, name):
        messages.success(request, f"The file {name} is being made.")
    else:
        most = queue.MAX_FILES
        words = f"You have {most} files already. Delete one of them, and ask again."
        messages.error(request, words)
    return redirect("admin:exports")
