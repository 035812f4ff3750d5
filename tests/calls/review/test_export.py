"""The exported file is what scripts rely on, and safe to open in a spreadsheet."""

import codecs
import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings

from bots.models import Bot
from calls.models import Call, CallCost, Turn
from calls.review import handling, spreadsheet
from calls.review.spreadsheet import cells
from tests.support.pages.calls import tag

pytestmark = pytest.mark.django_db
OUTBOUND = Call.Direction.OUTBOUND
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def make_call(sid: str, start: datetime = START, **values: Any) -> Call:
    return Call.objects.create(call_sid=sid, started_at=start, **values)


@pytest.fixture
def call() -> Call:
    bot = Bot.objects.create(name="Front desk")
    call = make_call(
        "CA1",
        bot=bot,
        bot_name=bot.name,
        from_number="+14155550199",
        to_number="+14155550100",
        status="completed",
        end_reason="caller-hung-up",
        answered_at=START + timedelta(seconds=1),
        ended_at=START + timedelta(seconds=4.5),
        summary="=HYPERLINK was said.",
        outcome="booked",
        extracted_fields={"email": "ann@example.com"},
        variables={"customer.id": "7"},
    )
    said = [("caller", '=HYPERLINK("x")\u2028Grüße'), ("bot", "Hello, you.")]
    for index, (role, text) in reversed(list(enumerate(said))):
        Turn.objects.create(
            call=call,
            index=index,
            role=role,
            text=text,
            heard_text=text[:5],
            interrupted=role == "bot",
            started_at=START + timedelta(seconds=index),
            latency_ms={"first_audio": 480} if role == "bot" else {},
        )
    return call


def export(*options: str) -> str:
    output = io.StringIO()
    call_command("export_calls", *options, stdout=output)
    return output.getvalue()


def sids(*options: str) -> list[str]:
    return [json.loads(line)["call_sid"] for line in export(*options).splitlines()]


def test_a_json_line_is_the_object_of_the_contract(call: Call) -> None:
    (line,) = export().splitlines()
    record = json.loads(line)
    turns = record.pop("turns")
    assert record == {
        "call_sid": "CA1",
        "bot": "Front desk",
        "from_number": "+14155550199",
        "to_number": "+14155550100",
        "direction": "inbound",
        "status": "completed",
        "end_reason": "caller-hung-up",
        "started_at": "2026-01-31T09:30:00+00:00",
        "answered_at": "2026-01-31T09:30:01+00:00",
        "ended_at": "2026-01-31T09:30:04.500000+00:00",
        "duration_s": 3.5,
        "cost": None,
        "cost_currency": None,
        "cost_is_partial": True,
        "cost_lines": [],
        "summary": "=HYPERLINK was said.",
        "outcome": "booked",
        "fields": {"email": "ann@example.com"},
        "variables": {"customer.id": "7"},
        "tags": [],
        "notes": [],
        "handled_at": None,
        "handled_by": None,
        "recordings": [],
    }
    assert [turn["index"] for turn in turns] == [0, 1]
    assert turns[0]["text"] == '=HYPERLINK("x")\u2028Grüße'
    assert turns[1] | {"text": "Hello, you.", "heard_text": "Hello"} == turns[1]
    assert turns[1]["interrupted"] is True
    assert turns[1]["latency_ms"] == {"first_audio": 480}
    assert turns[1]["started_at"] == "2026-01-31T09:30:01+00:00"


def test_recordings_are_listed_and_their_seconds_added_up(call: Call) -> None:
    for number, status in enumerate(["completed", "completed", "absent"]):
        call.recordings.create(
            status=status,
            started_at=START + timedelta(seconds=number),
            duration_ms=1500 if status == "completed" else None,
            problem="Too short." if status == "absent" else "",
        )
    record = json.loads(export())
    assert record["recordings"][1:] == [
        {
            "status": "completed",
            "started_at": "2026-01-31T09:30:01+00:00",
            "duration_s": 1.5,
            "problem": "",
        },
        {
            "status": "absent",
            "started_at": "2026-01-31T09:30:02+00:00",
            "duration_s": None,
            "problem": "Too short.",
        },
    ]
    assert rows()[0]["recorded_s"] == "3.0"


def test_costs_have_their_known_part_and_their_lines(call: Call) -> None:
    line = {"kind": "relay", "item": "", "units": "2", "price": "0.07"}
    line |= {"amount": "0.14000000", "unknown": ""}
    cost = CallCost.objects.create(
        call=call, amount=Decimal("0.14"), currency="USD", lines=[line], is_partial=True
    )
    record = json.loads(export())
    assert (record["cost"], record["cost_currency"]) == (0.14, "USD")
    assert (record["cost_is_partial"], record["cost_lines"]) == (True, [line])
    (row,) = rows()
    assert (row["cost"], row["cost_is_partial"]) == ("0.14", "True")
    cost.amount = Decimal()
    cost.save()
    assert json.loads(export())["cost"] is None  # not free, but unknown
    (row,) = rows()
    assert (row["cost"], row["cost_currency"]) == ("", "")


def rows(*options: str, form: str = "csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export("--format", form, *options))))


def test_csv_has_a_row_a_call_and_details_in_columns(call: Call) -> None:
    ann = User.objects.create_user("ann")
    handling.add_note(call, "=1+1", ann)
    handling.add_tag(call, "call back", ann)
    tag(call, "VIP")
    handling.mark_handled(Call.objects.all(), ann)
    details = {"email": "=2", "name": "Jürgen", "0157 38": "x", "a" * 61: "y"}
    make_call("CA2", START + timedelta(minutes=1), extracted_fields=details)
    first, second = rows()
    assert (first["call_sid"], second["call_sid"]) == ("CA1", "CA2")
    assert first["from_number"] == "+14155550199"
    assert first["summary"] == "'=HYPERLINK was said."
    assert (first["turn_count"], second["turn_count"]) == ("2", "0")
    assert (first["fields.email"], second["fields.email"]) == ("ann@example.com", "'=2")
    assert (first["fields.name"], second["fields.name"]) == ("", "Jürgen")
    assert first["variables.customer.id"] == "7"
    assert first["tags"] == "VIP, call back"
    assert first["notes"].endswith(" ann: =1+1")
    assert first["handled_by"] == "ann"
    assert second["handled_at"] == first["other_details"] == ""
    others = json.loads(second["other_details"])
    assert others == {"fields.0157 38": "x", f"fields.{'a' * 61}": "y"}
    assert not [name for name in first if name is None or name.startswith("turn_t")]


def test_details_have_so_many_columns_and_the_others_one(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_DETAIL_COLUMNS", 1)
    (row,) = rows()
    assert row["fields.email"] == "ann@example.com"
    assert json.loads(row["other_details"]) == {"variables.customer.id": "7"}


def test_the_other_csv_has_a_row_a_turn(call: Call) -> None:
    make_call("CA2", START + timedelta(minutes=1), status="refused")
    first, second = rows(form="turns-csv")
    assert (first["call_sid"], first["index"], first["role"]) == ("CA1", "0", "caller")
    assert first["text"] == '\'=HYPERLINK("x")\u2028Grüße'
    assert first["latency_ms.first_audio"] == ""
    assert second["latency_ms.first_audio"] == "480"
    assert second["heard_text"] == "Hello"
    assert second["tool_call.name"] == second["hedge.model"] == ""


def test_a_tool_call_is_in_columns_of_its_own(call: Call) -> None:
    tool_call = {"name": "look_up", "arguments": "{}", "result": "=1", "failed": False}
    call.turns.filter(index=1).update(tool_call=tool_call)
    turn = rows(form="turns-csv")[1]
    assert turn["tool_call.name"] == "look_up"
    assert turn["tool_call.result"] == "'=1"
    assert turn["tool_call.failed"] == "False"


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "-1+A1", "@SUM(A1)", " =1", "\t1", "\uff1d1"]
)
def test_a_formula_is_only_text(text: str) -> None:
    assert cells([text]) == [f"'{text}"]


@pytest.mark.parametrize("separator", [";", "\t", "\r", "\n", "\r\n"])
@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+A1",
        "-A1",
        "-1",
        "@SUM(A1)",
        " =1",
        '"=1"',
        "\uff1d1",
        "=cmd|' /C x'!A0",
    ],
)
@pytest.mark.parametrize("before", ["", "Hello", 'say "yes"', "a;b"])
def test_no_cell_within_a_text_is_a_formula(
    separator: str, formula: str, before: str
) -> None:
    values = ["CA1", f"{before}{separator}{formula}", {"a": f"x;{formula}"}, "end"]
    output = io.StringIO()
    csv.writer(output, lineterminator="").writerow(cells(values))
    line = output.getvalue()  # as a reader gets it who knows no quotes
    for part in re.split(r"[;\t\r\n]", line):
        assert not re.match(r"[\s\"]*[=+\-@\uff1d]", part), line


@pytest.mark.parametrize(
    "value",
    [
        *("+14155550100", "-1", "-3.50", "-3,50", "1+1", "", None, -1.5, True),
        *("a; b", "12;13", "one\ntwo", "well; it's -1 today", "9-17;10-16", "a@b.de"),
    ],
)
def test_the_rest_is_left_alone(value: object) -> None:
    assert cells([value]) == [value]


def test_the_filters() -> None:
    bot = Bot.objects.create(name="Renamed")
    for day in (1, 2, 3):
        make_call(f"CA{day}", datetime(2026, 1, day, 12, tzinfo=UTC), bot_name="Gone")
    Call.objects.filter(call_sid="CA3").update(bot=bot)
    assert sids() == ["CA1", "CA2", "CA3"]
    assert sids("--since", "2026-01-02") == ["CA2", "CA3"]
    assert sids("--until", "2026-01-02") == ["CA1", "CA2"]
    assert sids("--until", "2026-01-02T12:00Z") == ["CA1"]
    assert sids("--since", "2026-01-02T13:00+01:00", "--until", "2026-01-02") == ["CA2"]
    assert sids("--bot", "Gone") == ["CA1", "CA2", "CA3"]
    assert sids("--bot", "Renamed") == ["CA3"]
    assert sids("--call-sid", "CA2") == ["CA2"]


def test_the_calls_of_one_person_in_all_spellings() -> None:
    numbers = {
        "plain": "+4915112345678",
        "sip": "sip:004915112345678@pbx.example.com",
        "whatsapp": "whatsapp:+4915112345678",
        "national": "015112345678",
        "other": "+4915112345679",
        "hidden": "+266696687",
    }
    for sid, number in numbers.items():
        make_call(sid, from_number=number, to_number="+4930123456")
    make_call("out", from_number="+1", to_number="+4915112345678", direction=OUTBOUND)
    theirs = ["plain", "sip", "whatsapp", "national", "out"]
    assert sids("--caller", "0049 (0)151 / 12345678") == theirs
    assert sids("--caller", "sip:+4915112345678@elsewhere.example") == theirs
    with pytest.raises(CommandError, match="many people"):
        export("--caller", "anonymous")


def test_calls_made_to_try_a_bot_are_left_out_unless_asked_for() -> None:
    make_call("CA1")
    make_call("CA2", START + timedelta(minutes=1), is_test=True)
    assert sids() == ["CA1"]
    assert sids("--include-tests") == ["CA1", "CA2"]
    assert sids("--call-sid", "CA2") == ["CA2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bot", "Nobody"], "There is no bot “Nobody”. Bots here: Front desk."),
        (["--since", "yesterday"], "--since: “yesterday” is not a date"),
        (["--until", "9999-12-31"], "--until: “9999-12-31” is not a date"),
        (["--since", "31.01.2026"], "--since: “31.01.2026” is not a date. Write 2026-"),
        (["--since", "2026-02-30"], "--since: “2026-02-30” is not a date"),
        (["--until", "2026-01-31T25:00"], "--until: “2026-01-31T25:00” is not a date"),
        (
            ["--since", "2026-02-01", "--until", "2026-01-31"],
            "--since 2026-02-01 is not before --until 2026-01-31.",
        ),
        (["--call-sid", "CA9"], "There is no call CA9."),
        (["--output", "/nowhere/calls.jsonl"], "Cannot write /nowhere/calls.jsonl: No"),
    ],
)
def test_mistakes_are_reported_in_plain_words(
    call: Call, options: list[str], words: str
) -> None:
    with pytest.raises(CommandError) as caught:
        export(*options)
    assert str(caught.value).startswith(words)


def test_a_file_holds_what_the_terminal_would_show(call: Call, tmp_path: Path) -> None:
    for form in ("jsonl", "csv", "turns-csv"):
        path = tmp_path / form
        assert export("--format", form, "--output", str(path)) == ""
        assert path.read_text("utf-8-sig") == export("--format", form)
        assert path.read_bytes().startswith(codecs.BOM_UTF8) is (form != "jsonl")
    assert not export("--format", "csv").startswith("\ufeff")  # for other programs


def test_umlauts_can_be_read_in_a_spreadsheet(call: Call, tmp_path: Path) -> None:
    Call.objects.update(extracted_fields={"name": "Jürgen"})
    path = tmp_path / "calls.csv"
    export("--format", "csv", "--output", str(path))
    row = next(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert row["fields.name"] == "Jürgen"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "2026-01-31T09:30"], True),
        (["--since", "2026-01-31T09:31"], False),
        (["--since", "2026-01-31 09:30"], True),
        (["--since", "2026-01-31T09:30Z"], True),
        (["--since", "2026-01-31T18:30+09:00"], True),
        (["--since", "2026-01-31T09:30+09:00"], True),
        (["--since", "2026-01-31T04:31-05:00"], False),
        (["--since", "2026-01-31", "--until", "2026-01-31"], True),
        (["--since", "2026-02-01"], False),
        (["--since", "20260131"], True),
        (["--until", "2026-01-31T09:30"], False),
        (["--until", "2026-01-31T09:30:01"], True),
        (["--until", "2026-01-30"], False),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_times_are_utc_wherever_the_server_is(
    call: Call, options: list[str], found: bool, zone: str, settings: Settings
) -> None:
    settings.TIME_ZONE = zone
    assert sids(*options) == ["CA1"] * found


def test_many_calls_are_fetched_in_chunks(
    call: Call, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    calls = [Call(call_sid=f"CB{n}", started_at=START) for n in range(450)]
    Call.objects.bulk_create(calls)
    with django_assert_max_num_queries(16):  # one for all ids, five a chunk
        assert len(sids()) == 451
