"""Bytes of answers and what they say about themselves."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from bots.tools.answer_text import decoded
from bots.tools.guarded_http import Request, fetch
from tests.support.tool_server import Said, ToolServer

TEXT = '{"name": "Jürgen Müßig"}'
JSON = "application/json"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda raw: gzip.compress(raw),
    "deflate": lambda raw: zlib.compress(raw),
}


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", ""),
        ("utf-8", JSON),
        ("utf-8", "text/plain"),
        ("utf-8", f"{JSON}; charset=utf8"),
        ("utf-8", f'{JSON};charset="UTF-8"'),
        ("utf-8", f"{JSON}; charset=x-unknown"),
        ("utf-8", f"{JSON}; charset="),
        ("utf-8", f"{JSON}; charset=hex"),
        ("utf-8", f"{JSON}; charset=utf-7"),
        ("utf-8", f"{JSON}; charset=iso-8859-1"),  # a wrong name
        ("utf-8-sig", ""),
        ("utf-8-sig", f"{JSON}; charset=utf-8"),
        ("utf-8-sig", f"{JSON}; charset=iso-8859-1"),
        ("utf-16", ""),
        ("utf-16", f"{JSON}; charset=utf-8"),
        ("utf-16-le", ""),
        ("utf-16-be", f"{JSON}; charset=UTF-16BE"),
        ("utf-32", JSON),
        ("utf-32-be", ""),
        ("iso-8859-1", f"{JSON}; charset=iso-8859-1"),
        ("iso-8859-1", f"{JSON}; Charset='ISO_8859-1'"),
        ("iso-8859-1", f"{JSON}; a=b; charset = latin1"),
        ("iso-8859-1", f"{JSON}; charset=us-ascii"),
        ("iso-8859-1", ""),  # no name, and no UTF-8
        ("iso-8859-1", f"{JSON}; charset=utf-8"),  # a wrong name
        ("windows-1252", "text/html; charset=windows-1252"),
        ("windows-1252", f"{JSON}; charset=x-unknown"),
        ("iso-8859-15", f"{JSON}; charset=iso-8859-15"),
        ("cp850", f"{JSON}; charset=IBM850"),
        ("windows-1252", JSON),
    ],
)
def test_text_is_read_in_its_charset(charset: str, content_type: str) -> None:
    assert decoded(TEXT.encode(charset), content_type) == TEXT


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("shift_jis", '{"a": "東京タワー"}'),
        ("euc-kr", '{"a": "서울"}'),
        ("gb18030", '{"a": "北京 €"}'),
        ("iso-2022-jp", '{"a": "東京"}'),
        ("koi8-r", '{"a": "Москва"}'),
        ("windows-1251", '{"a": "Москва"}'),
        ("windows-1252", '{"a": "5 € “ok”"}'),
    ],
)
def test_a_declared_charset_counts(charset: str, text: str) -> None:
    assert decoded(text.encode(charset), f"{JSON}; charset={charset}") == text
    # Browsers take iso-8859-1 for windows-1252, too: it is what servers mean.
    if charset == "windows-1252":
        assert decoded(text.encode(charset), f"{JSON}; charset=iso-8859-1") == text


def test_one_odd_byte_does_not_spoil_the_rest() -> None:
    raw = "Jürgen".encode() + b"\xff" + "Müßig".encode()
    for content_type in ("", f"{JSON}; charset=utf-8", f"{JSON}; charset=latin1"):
        assert decoded(raw, content_type) == "Jürgen\ufffdMüßig"


def test_a_character_that_is_cut_in_the_middle_is_left_out() -> None:
    raw = "aü".encode()[:-1]
    assert decoded(raw, "", is_cut=True) == "a"
    assert decoded("aü".encode("utf-16")[:-1], "", is_cut=True) == "a"


@given(st.binary(max_size=40), st.text(max_size=20))
def test_any_bytes_are_text(raw: bytes, name: str) -> None:
    decoded(raw, f"{JSON}; charset={name}").encode(errors="replace")


@pytest.mark.parametrize("coding", PACKED)
async def test_packed_and_marked_json_is_read(
    coding: str, tools: ToolServer, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{tools.port}"]
    raw = json.dumps({"a": "ü"}, ensure_ascii=False).encode("utf-8-sig")
    headers = {"Content-Type": "text/plain"}
    headers |= {"Content-Encoding": coding} if coding else {}
    tools.answers["/x"] = Said(200, PACKED[coding](raw), headers)
    answer = await fetch(Request("GET", f"{tools.url}/x", {}, 5.0))
    assert answer.json == {"a": "ü"}
