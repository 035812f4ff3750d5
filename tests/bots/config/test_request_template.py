"""Request templates of tools: operators write them, callers change no part."""

import re
import string
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bots.config.capabilities import Parameter, ToolSpec
from bots.config.placeholders import flatten
from bots.config.request_template import (
    BadTemplate,
    build_url,
    check_headers,
    check_url,
    headers,
)
from bots.model_json.tool_arguments import InvalidArguments, fitted
from bots.tools.runner import request

KEY = "k-0123456789/abc"

# Nothing a model or a caller says chooses anything else

VALUES = st.text(max_size=30) | st.sampled_from(
    [
        "..",
        ".",
        "../..",
        "a/b",
        "a\\b",
        "%2e%2e",
        "%252e%252e%252fx",
        "?x=1",
        "#",
        "&b=1",
        "{{secret.shop_key}}",
        "@evil.example",
        "//evil.example",
        "\r\nX-Evil: 1",
        ";",
    ]
)
TEMPLATE = ToolSpec(
    "t",
    url="https://shop.example/a/{{v}}/b{{w|}}-{{v}}?q={{w}}&r={{v}}#{{v}}",
    headers="X-V: {{v}}\nX-W: {{w}}, {{v}}",
    parameters=(Parameter("v"), Parameter("w"), Parameter("rest")),
)


@given(v=VALUES, w=VALUES, rest=VALUES)
def test_values_stay_within_their_place(v: str, w: str, rest: str) -> None:
    arguments = {"v": v, "w": w, "rest": rest}
    try:
        given = fitted(arguments, TEMPLATE.schema)
        made = request(TEMPLATE, given, {}, {"secret.shop_key": KEY})
    except (BadTemplate, InvalidArguments):
        return
    url = URL(made.url)
    assert (url.scheme, url.raw_host, url.port) == ("https", "shop.example", 443)
    assert url.user is None
    _, a, first, second = url.raw_path.split("/")
    assert (a, second[0]) == ("a", "b")
    for part in (first, second):
        while part != unquote(part):
            part = unquote(part)
        assert not {"/", "\\"} & {*part}
        assert part not in (".", "..")
    assert list(url.query) == ["q", "r"]
    assert (url.query["q"], url.query["r"]) == (w.strip(), v.strip())
    assert made.query == {"rest": rest}
    assert made.headers.keys() <= {"X-V", "X-W"}
    for value in made.headers.values():
        assert value.isascii()
        assert not set(value) & {*map(chr, range(32)), "\x7f"}
    assert KEY not in f"{made.url}{made.headers}{made.query}"


@given(st.dictionaries(st.text(max_size=5), VALUES))
def test_a_calls_variables_cannot_pass_for_secrets(values: dict[str, str]) -> None:
    variables = flatten(
        {**values, "secret": {"shop_key": "mine"}, "caller_number": "1"}
    )
    assert not any(name.startswith("secret.") for name in variables)
    assert "caller_number" not in variables


@pytest.mark.parametrize(
    "url",
    [
        "shop.example/x",
        "ftp://shop.example",
        "https://",
        "https:///x",
        "https://{{host}}/x",
        "https://shop.example{{path}}",
        "https://shop.{{tld|example}}/",
        "https://shop.example:{{port}}/",
        "https://user:pw@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://evil.example\\.shop.example/",
        "https://shop.example:99999/",
        "https://shop.example:/",
        "https://shop.example/a b",
        "https://shop.example/\u2028",
        "https://shop.example/{{order id}}",
        "https://shop.example/{{order_id}",
        "https://shop.example/{{ {{x}} }}",
    ],
)
def test_an_address_that_leaves_its_host_open_is_refused(url: str) -> None:
    with pytest.raises(BadTemplate):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "http://10.0.0.5:8080/a?b={{c|d e}}",
        "https://[2606:4700::1]:8443/{{x}}",
        "https://bücher.example/größe?{{q}}",
    ],
)
def test_an_address_whose_host_is_written_out_is_taken(url: str) -> None:
    check_url(url.replace("d e", "d"))


@pytest.mark.parametrize(
    "line",
    [
        *("X", "X:", ": v", "X Y: v", "Host: a", "content-length: 1", "X: {{a b}}"),
        *("X: Ü", "X: 😀", "X: a\xa0b", "X: a\tb", "X: a\u200b", "X: a–b"),  # noqa: RUF001
        *("Größe: 1", "X-Nom\u200b: 1", "X：1", "“X”: 1", "X(1): 1"),  # noqa: RUF001
    ],
)
def test_a_header_that_could_not_be_sent_is_refused(line: str) -> None:
    check_headers("X-Fine: {{a}} \n\nY:1\nZ: {{name|Gäste}}; a=%C3%BC")
    with pytest.raises(BadTemplate, match=r"Line 2|cannot be filled in"):
        check_headers(f"X-Fine: {{{{a}}}}\n{line}")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Ann", "Ann"),
        ('100% "a", b;c=d', '100% "a", b;c=d'),
        ("Jürgen Müßig", "J%C3%BCrgen M%C3%BC%C3%9Fig"),
        ("50% für “Ann”", "50%25 f%C3%BCr %E2%80%9CAnn%E2%80%9D"),
        ("😀", "%F0%9F%98%80"),
        ("a\u200bb", "a%E2%80%8Bb"),
        ("東京", "%E6%9D%B1%E4%BA%AC"),
        (" a\r\nX-Evil: ü ", "a X-Evil: %C3%BC"),
        ("a\u2028b\x85c\ud800", "a b c"),
        (" \n ", None),
    ],
)
def test_a_header_is_ascii_and_loses_nothing(value: str, sent: str | None) -> None:
    made = headers(ToolSpec("t", headers="X-Name: {{v}}"), {"v": value})
    assert made.get("X-Name") == sent
    if sent and not value.isascii():
        assert (
            unquote(sent)
            == " ".join(re.split(r"[\r\n\x85\u2028\ud800]+", value.strip())).strip()
        )


@pytest.mark.parametrize("key", ["schlüssel", "k-1\nX: 2", "k–1", "k\u200b1"])  # noqa: RUF001
def test_a_secret_is_sent_as_it_is_or_not_at_all(key: str) -> None:
    tool = ToolSpec("t", headers="Authorization: Bearer {{secret.shop_key}}")
    assert headers(tool, {"secret.shop_key": "k%1 \n"}) == {
        "Authorization": "Bearer k%1"
    }
    with pytest.raises(BadTemplate, match="“shop_key” has characters that a header"):
        headers(tool, {"secret.shop_key": key})


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("{{a}}{{b}}/x", {"a": ".", "b": "x"}),
        ("x{{a}}/x", {"a": "/y"}),
        ("{{a}}/x", {"a": "%2e%2e"}),
        ("{{a}}/x", {"a": "b%252fc"}),
        ("{{a}}/x", {"a": "b%5Cc"}),
        ("{{a}}/x", {"a": "  "}),
        ("{{a|..}}/x", {}),
        (".{{a|}}.{{b}}/x", {"a": "", "b": "x"}),
        ("{{a}}/x", {"a": "..;"}),
        ("{{a}}/x", {"a": ".;b=c"}),
        ("{{a}}/x", {"a": "%2e.%3bb"}),
        ("{{a}}{{b}}/x", {"a": ".", "b": ".;"}),
    ],
)
def test_parts_that_would_change_the_path_are_refused(
    path: str, values: dict[str, str]
) -> None:
    with pytest.raises(BadTemplate):
        build_url(ToolSpec("t", url=f"https://shop.example/{path}"), values)


def test_a_default_fills_a_path() -> None:
    tool = ToolSpec("t", url="https://shop.example/{{a|all}}/x")
    assert build_url(tool, {}) == "https://shop.example/all/x"


def test_headers_without_a_colon_are_passed_over() -> None:
    assert headers(ToolSpec("t", headers="nonsense\nA: b"), {}) == {"A": "b"}


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(string.printable, max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
)


@given(st.dictionaries(st.sampled_from(["order_id", "pin", "x"]), ODD))
def test_any_arguments_are_taken_or_refused_and_can_be_shown(
    arguments: dict[str, Any],
) -> None:
    tool = ToolSpec("t", parameters=(Parameter("order_id"), Parameter("pin")))
    tool.masked(arguments).encode()
    try:
        given = fitted(arguments, tool.schema)
    except InvalidArguments:
        return
    assert isinstance(given["order_id"], str)


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        check_url(text)
    except BadTemplate:
        return
    url = URL(text)
    assert url.scheme in ("http", "https")
    assert url.raw_host
