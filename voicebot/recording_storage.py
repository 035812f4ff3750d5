"""Reads RECORDING_STORAGE: the place of recorded sound."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

FOLDER = "django.core.files.storage.FileSystemStorage"
S3 = "storages.backends.s3.S3Storage"
USUAL_FOLDER = "recordings"
HINT = (
    "Write a folder such as /var/lib/voicebot/recordings, or "
    "s3://key:secret@bucket/folder?region=eu-central-1, with %-escapes for signs such "
    "as / in the secret: %2F."
)
# The only parameters of a bucket.
REGION, ENDPOINT = "region", "endpoint"
CONNECT_SECONDS, READ_SECONDS = 5, 20


def recording_storage(place: str, base: Path) -> dict[str, Any]:
    """The entry of `STORAGES`. Pages pass its files on: there are no links."""
    if "://" in place:
        return {"BACKEND": S3, "OPTIONS": _bucket(place)}
    folder = base / (place or USUAL_FOLDER)
    # A second attempt replaces the first.
    modes: dict[str, Any] = {"allow_overwrite": True}
    modes |= {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    return {"BACKEND": FOLDER, "OPTIONS": {"location": folder, **modes}}


def secret_in(place: str) -> str:
    """The secret in the address of a bucket, for the log to leave it out."""
    return unquote(urlsplit(place).password or "") if "://" in place else ""


def _bucket(place: str) -> dict[str, Any]:
    # Takes a quarter of a second: only for those who have a bucket.
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    parts, query = _parsed(place)
    endpoint = query.get(ENDPOINT)
    keys = (
        {"access_key": unquote(parts.username), "secret_key": unquote(parts.password)}
        if parts.username and parts.password
        else {}  # the machine's own, as Amazon's machines have them
    )
    return {
        **keys,
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        "region_name": query.get(REGION) or "us-east-1",
        "endpoint_url": endpoint,
        "file_overwrite": True,  # a second attempt replaces the first
        "default_acl": None,
        # Each thread would hold a piece of the file in memory.
        "transfer_config": TransferConfig(use_threads=False),
        "client_config": Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 2},
            s3={"addressing_style": "path" if endpoint else "auto"},
            # Servers other than Amazon's do not know the checksums in trailers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    }


def _parsed(place: str) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(place)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        is_bucket = parts.scheme == "s3" and bool(parts.hostname)
        is_bucket = is_bucket and query.keys() <= {REGION, ENDPOINT}
        is_bucket = is_bucket and bool(parts.username) == bool(parts.password)
    except ValueError:
        is_bucket = False
    if not is_bucket:
        # Without the value: it may have a secret.
        raise ImproperlyConfigured(
            f"RECORDING_STORAGE is no folder and no bucket. {HINT}"
        )
    return parts, query
