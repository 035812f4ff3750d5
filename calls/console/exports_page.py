"""The page “Exported files”: a person's own files, their progress, and the files."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from bots.responses import page as admin_page
from calls.export_files import queue
from calls.export_files.queue import KEPT, State, files_of
from calls.export_files.sending import send_file
from calls.models import ExportFile

MAY_SEE = "calls.view_call"
# A page with a file that is being made loads itself again.
REFRESH_SECONDS = 5
NO_LONGER = (
    "This file shows calls or numbers that you may no longer see. Delete it, and "
    "export the calls again."
)


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """List the files of the person who asks."""
    files = list(files_of(request.user).filter(created_at__gt=timezone.now() - KEPT))
    rows = [{"file": file, "ends": file.created_at + KEPT} for file in files]
    response = admin_page(
        request,
        "exports.html",
        "Exported files",
        rows=rows,
        hours=int(KEPT.total_seconds() // 3600),
    )
    if any(file.state == State.MAKING for file in files):
        response["Refresh"] = str(REFRESH_SECONDS)
    return response


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def fetch(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send a file to the person who asked for it, if their rights still allow it."""
    file = get_object_or_404(files_of(request.user), pk=pk, state=State.READY)
    if not queue.may_fetch(request.user, file):
        messages.error(request, NO_LONGER)
        return redirect("admin:exports")
    length = {"Content-Length": str(file.size)}
    return send_file(request, queue.content(file), file.name, length)


@require_POST
@permission_required(MAY_SEE, raise_exception=True)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a file of the person who asks, in whatever state."""
    ExportFile.objects.filter(user=request.user.pk, pk=pk).delete()
    return redirect("admin:exports")
