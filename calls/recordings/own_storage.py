"""Reads parts of files in our own storage, without reading the rest."""

from typing import Any

from django.core.files.storage import Storage


def read_part(storage: Storage, name: str, first: int, last: int) -> bytes:
    """The bytes of a file from the first to the last, both included.

    Raises FileNotFoundError, and whatever else the storage raises.
    """
    bucket: Any = getattr(storage, "bucket", None)
    if bucket is None:
        with storage.open(name, "rb") as file:
            file.seek(first)
            return bytes(file.read(last - first + 1))
    return _read_in_bucket(storage, bucket, name, f"bytes={first}-{last}")


def _read_in_bucket(storage: Any, bucket: Any, name: str, part: str) -> bytes:
    """The storage's own `open` would copy the whole file to this machine first."""
    from botocore.exceptions import ClientError

    key = f"{storage.location}/{name}" if storage.location else name
    try:
        return bytes(bucket.Object(key).get(Range=part)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise FileNotFoundError(name) from error
        raise
