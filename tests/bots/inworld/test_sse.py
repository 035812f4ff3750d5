"""The event stream decoder: the same events however the bytes were cut."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.inworld import sse
from bots.inworld.sse import EventDecoder
from tests.support.inworld.script import SAMPLES_FOLDER, sample

SAMPLES = sorted(path.stem for path in SAMPLES_FOLDER.glob("*.sse"))


def decoded(*chunks: bytes) -> list[str]:
    decoder = EventDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.end()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", SAMPLES)
def test_cut_anywhere_a_sample_decodes_alike(name: str, newline: bytes) -> None:
    expected = decoded(sample(name))
    stream = sample(name).replace(b"\n", newline)
    assert expected
    assert decoded(stream) == expected
    assert decoded(*(bytes([byte]) for byte in stream)) == expected
    for cut in range(len(stream)):
        assert decoded(stream[:cut], stream[cut:]) == expected


@given(
    data=st.lists(st.text(st.characters(exclude_characters="\r\n")), max_size=6),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_arbitrary_chunks_decode_alike(
    data: list[str], newline: str, sizes: list[int]
) -> None:
    stream = "".join(f"data: {text}{newline}{newline}" for text in data).encode(
        errors="replace"
    )
    chunks: list[bytes] = []
    start = 0
    while start < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[start : start + size])
        start += size
    assert decoded(*chunks) == decoded(stream)


def test_an_event_is_out_with_its_blank_line() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one\n") == []
    assert decoder.feed(b"\n") == ["one"]
    assert decoder.end() == []


def test_a_blank_line_of_cr_alone_does_not_wait_for_lf() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one\r\n\r") == ["one"]
    assert decoder.feed(b"\ndata: two\r\n\r\n") == ["two"]


def test_data_lines_of_one_event_are_joined() -> None:
    assert decoded(b"data: one\ndata:two\ndata:  three\n\n") == ["one\ntwo\n three"]


def test_other_fields_and_comments_are_skipped() -> None:
    stream = (
        b": ping\nevent: message\nid: 1\nretry: 10\ndatum: no\ndata: yes\n\n: x\n\n"
    )
    assert decoded(stream) == ["yes"]


def test_an_unterminated_last_line_is_read() -> None:
    assert decoded(b"data: one\n\ndata: [DONE]") == ["one", "[DONE]"]


def test_unicode_line_separators_do_not_end_a_line() -> None:
    assert decoded("data: a\u2028b\u0085c\x0bd\n\n".encode()) == [
        "a\u2028b\u0085c\x0bd"
    ]


def test_bytes_that_are_not_utf8_do_not_raise() -> None:
    assert decoded(b"data: \xff\xfe\n\n") == ["\ufffd\ufffd"]


def test_a_megabyte_line_in_small_pieces_takes_linear_time() -> None:
    line = b"data: " + b"A" * 4_000_000
    pieces = [line[start : start + 1_000] for start in range(0, len(line), 1_000)]
    started = time.process_time()
    events = decoded(*pieces, b"\n\n")
    assert time.process_time() - started < 1  # measured: 0.01 s; quadratic takes 4 s
    assert list(map(len, events)) == [4_000_000]


@pytest.mark.parametrize("line", [b"data: 0123456789\n", b": 0123456789", b"data:\n"])
def test_an_endless_event_is_refused(
    line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(ValueError, match="over 1000 bytes"):
        decoded(*[line] * 1_001)


def test_many_events_do_not_add_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    assert len(decoded(*[b"data: 01234", b"56789\n\n"] * 100)) == 100
