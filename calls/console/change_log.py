"""Entries in the admin's log for actions that its own forms do not record."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

MAX_NAME_LENGTH = 200


def log_change(
    user_id: int, subject: Model, message: str, *, flag: int = CHANGE, name: str = ""
) -> None:
    """Record who did what; `name` replaces the subject's own, which may be private."""
    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get(
            app_label=subject._meta.app_label, model=subject._meta.model_name
        ),
        object_id=str(subject.pk) if subject.pk else None,
        object_repr=(name or str(subject))[:MAX_NAME_LENGTH],
        action_flag=flag,
        change_message=message,
    )
