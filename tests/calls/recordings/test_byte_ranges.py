"""Ranges that browsers ask for, and what nobody should."""

import pytest

from calls.recordings.byte_ranges import NotSatisfiable, requested

SIZE = 100


@pytest.mark.parametrize(
    ("header", "content_range"),
    [
        ("bytes=0-", "bytes 0-99/100"),
        ("bytes=0-0", "bytes 0-0/100"),
        ("bytes=10-19", "bytes 10-19/100"),
        ("bytes=90-500", "bytes 90-99/100"),
        ("bytes=-10", "bytes 90-99/100"),
        ("bytes=-500", "bytes 0-99/100"),
        (" BYTES = 99-99 ", "bytes 99-99/100"),
    ],
)
def test_a_range_is_read(header: str, content_range: str) -> None:
    found = requested(header, SIZE)
    assert found is not None
    assert found.header == content_range


@pytest.mark.parametrize(
    "header",
    [
        *("", "bytes=", "bytes=-", "bytes=20-10", "bytes=a-b", "items=0-5"),
        *("bytes=0-1,5-9", "bytes=1.5-3", "bytes=--5", "bytes=٣-٤", "0-5"),
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_cannot_be_read_is_ignored(header: str) -> None:
    assert requested(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_bytes_that_do_not_exist_are_refused(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        requested(header, SIZE)


def test_no_byte_of_an_empty_file_exists() -> None:
    with pytest.raises(NotSatisfiable):
        requested("bytes=0-", 0)


def test_a_server_may_send_less() -> None:
    whole = requested("bytes=10-", SIZE)
    assert whole is not None
    assert whole.at_most(5).header == "bytes 10-14/100"
    assert whole.at_most(5000) == whole
