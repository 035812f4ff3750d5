"""`.env` as people write it, read as Docker Compose and others read it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.env_file import _parse, prepare, read

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"A={TOKEN} # rotate in May", TOKEN),
        (f"A={TOKEN}\t# rotate in May", TOKEN),
        (f"A={TOKEN}  ", TOKEN),
        (f"  A = {TOKEN}", TOKEN),
        (f"export A={TOKEN}", TOKEN),
        (f"export\tA= {TOKEN}", TOKEN),
        (f'A="{TOKEN}"', TOKEN),
        (f"A='{TOKEN}'  # rotate in May", TOKEN),
        (f'A = "{TOKEN}" # "old" one', TOKEN),
        (f"\ufeffA={TOKEN}", TOKEN),
        (f"A={TOKEN}\r\nB=1\r\n", TOKEN),
        (f"A={TOKEN} # rotate\r\nB=1\r\n", TOKEN),
        (f"A=old\nA={TOKEN}", TOKEN),
        ("A=", ""),
        ("A= # nothing yet", ""),
        ("A=''", ""),
        ("A=#1 of all", "#1 of all"),
        ("A=a#b", "a#b"),
        ("A=redis://:p#w@host/0", "redis://:p#w@host/0"),
        ("A=https://a.example/#top # home", "https://a.example/#top"),
        ('A="a # b" # c', "a # b"),
        ("A='a # b'", "a # b"),
        ("A=a b c", "a b c"),
        ("A=x=1,y=2", "x=1,y=2"),
        ("A='it\\'s'", "it's"),
        ("A=it's # so", "it's"),
        ('A="say \\"hi\\""', 'say "hi"'),
        ('A="one\\ntwo\\tC:\\\\x\\d"', "one\ntwo\tC:\\x\\d"),
        ("A='one\\ntwo'", "one\\ntwo"),
        ('A="one\ntwo # no comment" # one\nB=1', "one\ntwo # no comment"),
        ('A="unfinished\nB="1"', '"unfinished'),
        ('A="x"y', '"x"y'),
        ("A=größe", "größe"),
    ],
)
def test_a_value_is_read_as_elsewhere(line: str, value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(line.encode())
    values, odd = read(tmp_path / ".env")
    assert values["A"] == value
    assert odd == []


def test_comments_and_empty_lines_are_passed_over_and_others_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".env"
    path.write_text('# A=1\n\n  #B=2\nC: 3\nD="x\ny"\n-E=5\n  \nexport F\nG=7')
    assert read(path) == ({"D": "x\ny", "G": "7"}, [4, 7, 9])
    assert read(tmp_path / "none") == ({}, [])


@pytest.mark.parametrize("key", ["", "SECRET_KEY=\r\n"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_files_of_windows_are_read(encoding: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"A=größe\r\n{key}".encode(encoding))
    assert read(path)[0]["A"] == "größe"
    assert "Added" in (prepare(tmp_path, {}) or "")
    values, odd = read(path)
    assert (values["A"], len(values["SECRET_KEY"]) > 50, odd) == ("größe", True, [])


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("A=größe".encode("latin1"))
    for reading in (lambda: read(tmp_path / ".env"), lambda: prepare(tmp_path, {})):
        with pytest.raises(ValueError, match="not text in UTF-8"):
            reading()


@pytest.mark.parametrize("line", ["SECRET_KEY= # later", "export SECRET_KEY = ''"])
def test_an_empty_key_is_filled_in(line: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=1\n{line}\nB=2\n")
    assert "Added" in (prepare(tmp_path, {}) or "")
    values, odd = read(tmp_path / ".env")
    assert (values["A"], values["B"], odd) == ("1", "2", [])
    assert len(values["SECRET_KEY"]) > 50
    assert prepare(tmp_path, {}) is None


@given(st.text(alphabet="A=\"'\\# \n\rexport\ufeff", max_size=40))
def test_any_text_is_read(text: str) -> None:
    list(_parse(text))
