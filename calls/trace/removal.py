"""Deletes the trace of a call together with the call."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete

from calls.models import Call
from calls.trace import files


def connect() -> None:
    """Follow every way in which a call is deleted."""
    post_delete.connect(_delete_trace, Call, dispatch_uid="traces")


def _delete_trace(instance: Call, **kwargs: Any) -> None:
    """Delete the file once the row is gone for good, not before."""
    transaction.on_commit(partial(files.delete, [instance.call_sid]))
