"""Reads parts of files in our own storage, without reading the rest."""

from functools import partial
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage

PART_BYTES = 1024 * 1024


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


class StoredFile(RawIOBase):
    """A file in our own storage, read part by part: none of it is copied."""

    def __init__(self, storage: Storage, name: str) -> None:
        super().__init__()
        self.read_part = partial(read_part, storage, name)
        self.size = storage.size(name)
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        start = {SEEK_SET: 0, SEEK_CUR: self.position, SEEK_END: self.size}[whence]
        self.position = max(start + offset, 0)
        return self.position

    def readinto(self, buffer: Any) -> int:
        last = min(self.position + len(buffer), self.size) - 1
        if last < self.position:
            return 0
        part = self.read_part(self.position, last)
        buffer[: len(part)] = part
        self.position += len(part)
        return len(part)


def stored_file(storage: Storage, name: str) -> BufferedReader:
    """A file in our own storage, to be read from any place in it."""
    return BufferedReader(StoredFile(storage, name), PART_BYTES)


def temporary_folder(storage: Storage) -> str | None:
    """A place for copies of sound on the same disk. In a container, /tmp is memory."""
    folder = getattr(storage, "base_location", None)
    if folder is None:
        return None
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


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
