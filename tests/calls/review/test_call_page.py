"""A call's page, and calls as files."""

import codecs
import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from bots.config_builder import config_of
from bots.models import Bot, Tool
from bots.sandbox import demo_tool
from calls.models import Call
from calls.review.call_page import parts_of
from calls.review.settings_used import settings_used
from tests.support.pages.calls import LIST, START, make_call, say
from tests.support.pages.calls import viewer as viewer

pytestmark = pytest.mark.django_db


# Files


def downloaded(response: Any) -> str:
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    content = b"".join(response.streaming_content)
    is_csv = response["Content-Type"].startswith("text/csv")
    assert content.startswith(codecs.BOM_UTF8) is is_csv  # for Excel
    return content.decode("utf-8-sig")


def test_a_viewer_exports_a_selection_and_all_that_match(viewer: Client) -> None:
    calls = [make_call(number) for number in range(3)]
    say(calls[1], "caller", "=1+1")
    chosen = {"action": "export_json", "_selected_action": [calls[1].pk, calls[2].pk]}
    lines = downloaded(viewer.post(LIST, chosen)).splitlines()
    assert {json.loads(line)["call_sid"] for line in lines} == {
        *(call.call_sid for call in calls[1:])
    }
    everything = downloaded(viewer.get(f"{LIST}export.csv?status__exact=completed"))
    rows = list(csv.DictReader(io.StringIO(everything)))
    assert [row["call_sid"] for row in rows] == [
        *(call.call_sid for call in reversed(calls))
    ]
    turns = downloaded(viewer.get(f"{LIST}export.turns-csv?status__exact=completed"))
    assert next(csv.DictReader(io.StringIO(turns)))["text"] == "'=1+1"
    assert downloaded(viewer.get(f"{LIST}export.jsonl?status__exact=failed")) == ""


def test_one_call_is_exported(viewer: Client) -> None:
    call = make_call()
    say(call, "caller", "Hi\u2028there")
    record = json.loads(downloaded(viewer.get(f"{LIST}{call.pk}/export.json")))
    assert record["turns"][0]["text"] == "Hi\u2028there"
    assert "CA" in downloaded(viewer.get(f"{LIST}{call.pk}/export.csv"))
    for path in (
        "999/export.csv",
        "export.json",
        f"{call.pk}/export.pdf",
    ):
        assert viewer.get(f"{LIST}{path}").status_code == 404


def test_only_those_who_may_read_calls_export_them(client: Client) -> None:
    call = make_call()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for path in ("export.csv", f"{call.pk}/export.json"):
        assert client.get(f"{LIST}{path}").status_code == 403


def test_a_viewer_deletes_nothing(viewer: Client) -> None:
    call = make_call()
    viewer.post(LIST, {"action": "delete_selected", "_selected_action": call.pk})
    assert viewer.get(f"{LIST}{call.pk}/delete/").status_code == 403
    assert Call.objects.exists()


# The page of a call


def page_of(client: Client, call: Call) -> str:
    return client.get(f"{LIST}{call.pk}/change/").content.decode()


def test_keys_stand_among_the_words() -> None:
    assert parts_of("[pressed 1 2] Hi [pressed ••••]") == [
        *(("", "1 2"), ("Hi", ""), ("", "••••"))
    ]
    assert parts_of("no keys") == [("no keys", "")]
    assert parts_of("") == []


def test_the_page_says_what_is_different_today(viewer: Client) -> None:
    bot = Bot.objects.create(name="Front desk", greeting="Hello.")
    call = make_call(bot=bot, settings=config_of(bot).to_json())
    assert "different today" not in page_of(viewer, call)
    Bot.objects.update(greeting="<b>Good day.</b>")
    page = page_of(viewer, call)
    assert "1 of them is different today" in page
    assert '<div dir="auto">&lt;b&gt;Good day.&lt;/b&gt;</div>' in page


def test_the_page_leads_to_the_callers_other_calls(viewer: Client) -> None:
    calls = [make_call(n, from_number="+1", slowest_response_ms=1234) for n in range(3)]
    make_call(7, from_number="+2")
    page = page_of(viewer, calls[1])
    assert f'{LIST}{calls[0].pk}/change/" rel="prev"' in page
    assert f'{LIST}{calls[2].pk}/change/" rel="next"' in page
    assert "1234 ms" in page
    assert 'rel="prev"' not in page_of(viewer, calls[0])


def test_a_call_in_progress_leads_to_the_live_page(viewer: Client) -> None:
    call = make_call(status="in-progress", end_reason="", ended_at=None)
    assert "This call is in progress." in page_of(viewer, call)
    assert 'href="/admin/live/"' in page_of(viewer, call)


def test_a_call_whose_line_is_lost_waits_for_its_caller(viewer: Client) -> None:
    status = "Line lost, waiting for the caller"
    call = make_call(
        status="in-progress", end_reason="", ended_at=None, disconnected_at=START
    )
    page = page_of(viewer, call)
    assert page.count(status) == 2
    assert "in progress" not in page
    assert status in viewer.get(LIST).content.decode()
    Call.objects.update(status="failed")
    assert status not in page_of(viewer, call)


# Tool calls


def save_tool_call(
    call: Call, name: str, arguments: str, result: str = "", **values: Any
) -> None:
    tool_call = {"call_id": "c", "name": name, "arguments": arguments, "batch": 1}
    tool_call |= {"result": result, "failed": values.pop("failed", False)}
    say(call, "tool", name, tool_call=tool_call, **values)


def test_the_page_shows_what_the_bot_did(viewer: Client) -> None:
    call = make_call()
    save_tool_call(
        call, "look_up", '{"pin": "••••", "id": 7}', "x" * 500, latency_ms={"tool": 9}
    )
    save_tool_call(call, "look_up", "<oops>", "No answer.", failed=True)
    save_tool_call(call, "transfer_call", '{"target": "Sales"}', "did not answer")
    save_tool_call(call, "switch_language", '{"language": "de-DE"}')
    save_tool_call(
        call, "ask_for_keys", '{"question": "Which?", "secret": true}', "typed"
    )
    save_tool_call(call, "end_call", "[]")
    say(call, "system", "One moment.", kind="filler")
    page = page_of(viewer, call)
    for fragment in (
        '<strong dir="auto">look_up</strong>',
        '<span class="tool-duration">9 ms</span>',
        '<dt>pin</dt><dd dir="auto">••••</dd>',
        '<dt>id</dt><dd dir="auto">7</dd>',
        "&lt;oops&gt;",
        '<span class="badge error">failed</span>',
        "Transfer to Sales",
        "did not answer",
        "Change to de-DE",
        '<dt>asks</dt><dd dir="auto">Which?</dd>',
        "End the call",
        "Said while the caller waited",
    ):
        assert fragment in page, fragment
    assert '<details class="tool-result"><summary>xxx' in page
    assert "Answered after" not in page


def test_the_page_shows_that_a_second_model_was_asked(viewer: Client) -> None:
    call = make_call()
    used = {"model": "a/<one>", "characters": 1, "error": ""}
    times = {"hedge": 1250, "play_sent": 1900}
    say(call, "bot", "At nine.", model="b/two", latency_ms=times, hedge=used)
    page = page_of(viewer, call)
    assert "<dt>asked a second model as well</dt><dd>1,250 ms</dd>" in page
    assert "<dt>model</dt><dd>b/two</dd>" in page
    other = "a/&lt;one&gt;: stopped after 1 character"
    assert f"<dt>other model</dt><dd>{other}</dd>" in page


def test_damaged_rows_of_tools_hinder_nobody(viewer: Client) -> None:
    call = make_call()
    for tool in ({"odd": 1}, {"name": 7, "arguments": 7, "result": None}):
        say(call, "tool", "x", tool_call=tool, latency_ms={"tool": "long"})
    page_of(viewer, call)


def test_the_page_shows_the_calls_variables(viewer: Client, settings: Settings) -> None:
    call = make_call(variables={"phone": "+14155550188", "name": "<i>Ann</i>"})
    assert "+14155550188</dd>" in page_of(viewer, call)
    assert "&lt;i&gt;Ann&lt;/i&gt;" in page_of(viewer, call)
    settings.MASK_CALLER_NUMBERS = True
    assert "+14155550188</dd>" not in page_of(viewer, call)


@pytest.fixture
def full_bot() -> Bot:
    """A bot with tools, targets, keys and languages."""
    bot = Bot.objects.create(name="Front desk", transfer_number="+14155550177")
    tool = Tool.objects.create(
        name="look_up",
        url="https://shop.example/orders?key=abc",
        headers="Authorization: Bearer {{secret.shop}}",
    )
    bot.tools.add(tool)
    bot.lookup_tool = tool
    bot.save()
    bot.targets.create(name="Sales", number="+14155550123", when_to_use="Large orders.")
    bot.menu_keys.create(key="0", action="transfer", target="Sales")
    bot.menu_keys.create(key="1", action="say", message="We open at nine.")
    bot.menu_keys.create(key="2", action="transfer")
    bot.menu_keys.create(key="3", action="tool", tool=tool)
    bot.menu_keys.create(key="4", action="end")
    bot.languages.create(language="de-DE", voice="Johanna")
    return Bot.objects.get()


def test_the_settings_of_a_call_show_what_the_bot_could_do(
    viewer: Client, full_bot: Bot, settings: Settings
) -> None:
    call = make_call(bot=full_bot, settings=config_of(full_bot).to_json())
    call.refresh_from_db()
    values = {each.label: each.value for each in settings_used(call)}
    assert values["tools"] == values["lookup"] == "look_up: GET shop.example"
    assert values["people to transfer to"] == "Sales, +14155550123, Large orders."
    assert values["keypad menu"].split("\n") == [
        "0: transfers to Sales",
        "1: says We open at nine.",
        "2: transfers to the first person available",
        "3: uses look_up",
        "4: ends the call",
    ]
    assert values["further languages"] == "de-DE, voice Johanna"
    assert not any(each.changed for each in settings_used(call))
    page = page_of(viewer, call)
    assert "+14155550123" in page
    assert "secret.shop" not in page
    settings.MASK_CALLER_NUMBERS = True
    page = page_of(viewer, call)
    assert "+14155550123" not in page
    assert "+14155550177" not in page


def test_changed_tools_and_targets_are_marked_as_changed(full_bot: Bot) -> None:
    call = make_call(bot=full_bot, settings=config_of(full_bot).to_json())
    Tool.objects.update(description="Another one.")
    full_bot.targets.update(number="+14155550199")
    full_bot.menu_keys.exclude(key="0").delete()
    call.refresh_from_db()
    changed = {each.label: each.now for each in settings_used(call) if each.changed}
    assert changed == {
        "tools": "look_up: GET shop.example (edited since)",
        "lookup": "look_up: GET shop.example (edited since)",
        "people to transfer to": "Sales, +14155550199, Large orders.",
        "keypad menu": "0: transfers to Sales",
    }
    call.settings |= {"tools": 7, "targets": [{}], "menu": "x", "lookup_tool": [1]}
    assert len(list(settings_used(call))) == len(call.settings)


def test_a_new_port_of_the_sandbox_is_no_change_of_the_demo_tool(bot: Bot) -> None:
    demo_tool.add_to(bot)
    bot.menu_keys.create(key="3", action="tool", tool=bot.tools.get())
    Bot.objects.update(lookup_tool=bot.tools.get())
    config = config_of(Bot.objects.with_related().get())
    call = make_call(bot=bot, settings=config.to_json())
    demo_tool.point_to("http://127.0.0.1:40001")
    call.refresh_from_db()
    assert not any(each.changed for each in settings_used(call))
    Tool.objects.update(url="http://127.0.0.1:40001/mine")
    assert {each.label for each in settings_used(call) if each.changed} == {
        *("tools", "lookup", "keypad menu"),
    }


def test_an_error_of_twilio_is_shown_with_what_to_do(viewer: Client) -> None:
    assert "Error reported by Twilio" not in page_of(viewer, make_call(1))
    refused = make_call(
        2,
        twilio_error_code="64106",
        twilio_error_message="No voice <b>",
        settings_refused_at=START,
    )
    shown = page_of(viewer, refused)
    assert '64106, refused settings: “<span dir="auto">No voice &lt;b&gt;' in shown
    assert "choose another backup voice" in shown
    assert "Refused at" in shown
    unknown = page_of(viewer, make_call(3, twilio_error_code="39001"))
    assert "39001, not known" in unknown
