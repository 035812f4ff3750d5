"""Reads RECORDING_STORAGE: the place of recorded sound."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FOLDER = "django.core.files.storage.FileSystemStorage"
S3 = "storages.backends.s3.S3Storage"
USUAL_FOLDER = "recordings"


def recording_storage(place: str, base: Path) -> dict[str, Any]:
    """The entry of `STORAGES`. Pages pass its files on: there are no links."""
    if "://" in place:
        return {"BACKEND": S3, "OPTIONS": _bucket(place)}
    folder = base / (place or USUAL_FOLDER)
    # A second attempt replaces the first.
    modes: dict[str, Any] = {"allow_overwrite": True}
    modes |= {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    return {"BACKEND": FOLDER, "OPTIONS": {"location": folder, **modes}}


def _bucket(place: str) -> dict[str, Any]:
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured(
            f"RECORDING_STORAGE={place} is no folder and no bucket. Write a folder "
            "such as /var/lib/voicebot/recordings, or s3://bucket/folder."
        )
    return {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        "file_overwrite": True,  # a second attempt replaces the first
        "default_acl": None,
        "use_threads": False,  # each would hold a piece of the file in memory
    }
