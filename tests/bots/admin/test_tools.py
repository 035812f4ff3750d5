"""The admin of tools and secrets: forms, warnings, trials and who may see them."""

from html import unescape
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.forms import BaseForm
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from bots.admin.secret import UNREADABLE, SecretForm
from bots.admin.tool import ParameterForm, ToolForm
from bots.models import Bot, Secret, Tool, ToolParameter
from calls.accounts.groups import OPERATOR, VIEWER
from tests.conftest import TOOLS_PORT
from tests.support.tool_server import Said, ToolServer, Waits, json_answer

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "key-of-the-shop-0123456789"
HOST = f"http://127.0.0.1:{TOOLS_PORT}"


@pytest.fixture(autouse=True)
def private_host_allowed(settings: Settings) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{TOOLS_PORT}"]


def member(name: str) -> Client:
    """A signed-in client of a member of a group."""
    person = User.objects.create_user(name, password="pw", is_staff=True)
    person.groups.add(Group.objects.get(name=name))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return member(OPERATOR)


@pytest.fixture
def viewer(operator: Client) -> Client:
    return member(VIEWER)


@pytest.fixture
def secret() -> Secret:
    secret = Secret(name="shop_key")
    secret.set_value(KEY)
    secret.save()
    return secret


@pytest.fixture
def tool() -> Tool:
    made = Tool.objects.create(
        name="look_up_order",
        url=f"{HOST}/orders/{{{{order_id}}}}?shop={{{{shop}}}}&who={{{{caller_number}}}}",
        headers="Authorization: Bearer {{secret.shop_key}}",
        timeout_seconds=2,
    )
    ToolParameter.objects.create(tool=made, name="order_id")
    ToolParameter.objects.create(tool=made, name="days", type="integer", required=False)
    return made


def tool_form(parameters: str = "0", **changes: str) -> dict[str, str]:
    return {
        "name": "look_up",
        "description": "Looks something up.",
        "method": "GET",
        "url": "https://shop.example/x",
        "headers": "",
        "timeout_seconds": "8",
        "failure_instructions": "",
        "parameters-TOTAL_FORMS": parameters,
        "parameters-INITIAL_FORMS": "0",
        **changes,
    }


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


# Tools


def test_a_tool_is_described_with_its_arguments(operator: Client) -> None:
    assert ">POST</option>" in text_of(operator.get("/admin/bots/tool/add/"))
    sent = tool_form(
        "1",
        url="https://shop.example/{{order_id}}",
        **{
            "parameters-0-name": "order_id",
            "parameters-0-type": "string",
            "parameters-0-required": "on",
            "parameters-0-secret": "on",
            "parameters-0-choices": "a, b",
        },
    )
    response = operator.post("/admin/bots/tool/add/", sent, follow=True)
    assert "was added successfully" in text_of(response)
    spec = Tool.objects.get().spec()
    assert spec.schema["properties"]["order_id"]["enum"] == ["a", "b"]
    assert spec.secrets == {"order_id"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "https://{{host}}/x"}, "Write the host out"),
        ({"url": "shop.example"}, "beginning with https://"),
        ({"headers": "Authorization"}, "Line 1 is not of the form"),
        ({"name": "end_call"}, "The bot has a built-in tool with this name."),
        ({"name": "look up"}, "Letters, digits and _ only"),
        ({"timeout_seconds": "31"}, "less than or equal to 30"),
    ],
)
def test_a_tool_that_cannot_be_sent_is_refused(
    changes: dict[str, str], words: str, operator: Client
) -> None:
    assert words in text_of(
        operator.post("/admin/bots/tool/add/", tool_form(**changes))
    )
    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "https://shop.example/{{order}}"}, "Nothing fills in {{order}}"),
        ({"failure_instructions": "Name {{order}}."}, "Nothing fills in {{order}}"),
        (
            {"failure_instructions": "{{caler_number}}"},
            "Did you mean {{caller_number}}?",
        ),
        ({"headers": "X: {{secret.nowhere}}"}, "“nowhere” does not exist."),
        ({"headers": "X-Api-Key: 12345"}, "can read the value of X-Api-Key, and"),
        (
            {"url": "https://other.example/"},
            "TOOL_ALLOWED_HOSTS does not name other.example.",
        ),
    ],
)
def test_saving_warns_about_a_tool_that_will_fail(
    changes: dict[str, str], words: str, operator: Client, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_HOSTS = ["shop.example"]
    page = text_of(
        operator.post("/admin/bots/tool/add/", tool_form(**changes), follow=True)
    )
    assert words in page
    assert Tool.objects.exists()


@pytest.mark.parametrize("host", ["10.0.0.5", "LOCALHOST:8000", "[fd00::1]"])
def test_a_server_of_the_own_network_needs_a_setting(
    host: str, operator: Client, settings: Settings
) -> None:
    sent = tool_form(url=f"http://{host}/{{{{order_id|0}}}}")
    page = text_of(operator.post("/admin/bots/tool/add/", sent, follow=True))
    assert "Every use of the tool will fail. Its host has no public address." in page
    assert "name it in the setting TOOL_ALLOWED_PRIVATE_HOSTS" in page
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [host]
    tool = Tool.objects.get()
    page = text_of(
        operator.post(f"/admin/bots/tool/{tool.pk}/change/", sent, follow=True)
    )
    assert "Every use of the tool will fail" not in page


@pytest.mark.parametrize("use", ["tool", "lookup", "key"])
def test_variables_of_its_bots_fill_in_a_tool(operator: Client, use: str) -> None:
    sent = tool_form(url="https://shop.example/{{shop}}?{{now}}{{x|y}}")
    tool = Tool.objects.create(name="look_up", url="https://shop.example/{{shop}}")
    bot = Bot.objects.create(name="A", variables="shop = berlin")
    match use:
        case "tool":
            bot.tools.add(tool)
        case "lookup":
            Bot.objects.update(lookup_tool=tool)
        case "key":
            bot.menu_keys.create(key="1", action="tool", tool=tool)
    form = text_of(operator.get(f"/admin/bots/tool/{tool.pk}/try/"))
    assert 'name="variable-shop" value="berlin"' in form
    sent |= {"_continue": "1"}
    page = text_of(
        operator.post(f"/admin/bots/tool/{tool.pk}/change/", sent, follow=True)
    )
    assert "Nothing fills in" not in page
    assert ">A" in page


def test_the_list_names_the_bots_of_tools_in_few_queries(
    operator: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        tool = Tool.objects.create(name=f"tool{number}", url=HOST)
        Bot.objects.create(name=f"Bot {number}", lookup_tool=tool).tools.add(tool)
    with django_assert_max_num_queries(15):
        page = text_of(operator.get("/admin/bots/tool/"))
    assert "Bot 3, as a lookup" in page
    assert 'class="field-method">GET<' in page


@pytest.mark.parametrize("form", [ToolForm, ParameterForm, SecretForm])
def test_every_field_explains_itself(form: type[BaseForm], operator: Client) -> None:
    fields = {k: f for k, f in form().fields.items() if not f.widget.is_hidden}
    fields.pop("tool", None)
    assert [name for name, field in fields.items() if not field.help_text] == []


# Secrets


def test_a_secret_value_is_never_shown(operator: Client) -> None:
    sent = {"name": "shop_key", "value": f"  {KEY} ", "note": "The shop."}
    pages = text_of(operator.post("/admin/bots/secret/add/", sent, follow=True))
    secret = Secret.objects.get()
    assert secret.get_value() == KEY
    assert KEY not in secret.encrypted_value
    change = f"/admin/bots/secret/{secret.pk}/change/"
    pages += text_of(operator.get(change))
    pages += text_of(operator.get("/admin/bots/secret/"))
    pages += text_of(operator.get(f"/admin/bots/secret/{secret.pk}/history/"))
    pages += text_of(operator.get("/admin/"))
    assert "Saved, encrypted." in pages
    for hidden in (KEY, secret.encrypted_value):
        assert hidden not in pages
        assert hidden not in str([*LogEntry.objects.values()])


def test_a_refused_form_does_not_contain_the_value(operator: Client) -> None:
    sent = {"name": "Not A Name", "value": KEY}
    page = text_of(operator.post("/admin/bots/secret/add/", sent))
    assert "Small letters, digits and _ only." in page
    assert KEY not in page


def test_editing_other_fields_keeps_the_value(operator: Client, secret: Secret) -> None:
    change = f"/admin/bots/secret/{secret.pk}/change/"
    operator.post(change, {"name": "another", "value": "", "note": "New note."})
    secret.refresh_from_db()
    assert (secret.name, secret.note, secret.get_value()) == (
        "shop_key",
        "New note.",
        KEY,
    )
    operator.post(change, {"value": "another-value", "note": ""})
    secret.refresh_from_db()
    assert secret.get_value() == "another-value"


@pytest.mark.parametrize("value", ["", "short", "two\nlines of it", "Schlüssel"])
def test_a_value_that_cannot_be_sent_is_refused(value: str, operator: Client) -> None:
    operator.post("/admin/bots/secret/add/", {"name": "shop_key", "value": value})
    assert not Secret.objects.exists()


def test_an_unreadable_secret_is_reported(
    operator: Client, secret: Secret, settings: Settings
) -> None:
    Secret.objects.update(encrypted_value="gAAAAA-of-another-key")
    assert UNREADABLE in text_of(operator.get("/admin/bots/secret/"))
    assert UNREADABLE in text_of(
        operator.get(f"/admin/bots/secret/{secret.pk}/change/")
    )


def test_a_secret_names_its_users(operator: Client, secret: Secret, tool: Tool) -> None:
    Bot.objects.create(name="Ada", webhook_secret=secret)
    page = text_of(operator.get(f"/admin/bots/secret/{secret.pk}/change/"))
    assert ">look_up_order</a>" in page
    assert ">Ada (webhook)</a>" in page


def test_users_are_named_before_a_deletion(
    operator: Client, secret: Secret, tool: Tool
) -> None:
    shop = Bot.objects.create(name="Shop", lookup_tool=tool)
    shop.menu_keys.create(key="7", action="tool", tool=tool)
    page = text_of(operator.get(f"/admin/bots/tool/{tool.pk}/delete/"))
    assert "Shop (lookup)</a>, <a" in page
    assert "Shop (key 7)</a>. Their next calls work without it" in page
    page = text_of(operator.get(f"/admin/bots/secret/{secret.pk}/delete/"))
    assert (
        "look_up_order</a>. If you delete it, every request that uses it fails" in page
    )
    Bot.objects.update(webhook_secret=secret)
    page = text_of(operator.get(f"/admin/bots/secret/{secret.pk}/delete/"))
    assert "Choose another key for the webhook first." in page


# Permissions


def test_viewers_read_tools_and_see_no_secrets(
    viewer: Client, tool: Tool, secret: Secret
) -> None:
    page = text_of(viewer.get(f"/admin/bots/tool/{tool.pk}/change/"))
    assert "look_up_order" in page
    assert "order_id" in page
    assert "/try/" not in page
    assert viewer.get("/admin/bots/secret/").status_code == 403
    for verb in (viewer.get, viewer.post):
        assert verb(f"/admin/bots/tool/{tool.pk}/try/").status_code == 403


def test_visitors_are_sent_to_sign_in(tool: Tool) -> None:
    response = Client().post(f"/admin/bots/tool/{tool.pk}/try/")
    assert response.status_code == 302
    assert "/login/" in response["Location"]


# Trials


def try_tool(client: Client, tool: Tool, **typed: str) -> str:
    sent = {name.replace("__", "-"): value for name, value in typed.items()}
    return text_of(client.post(f"/admin/bots/tool/{tool.pk}/try/", sent))


ask = sync_to_async(try_tool)


async def test_a_tool_is_tried_with_the_real_request(
    operator: Client, tool: Tool, secret: Secret, tools: ToolServer
) -> None:
    tools.answers["/orders/42"] = json_answer('{"state": "<b>sent</b>"}')
    page = await ask(
        operator,
        tool,
        argument__order_id="42",
        argument__days="3",
        variable__shop="berlin",
        variable__caller_number="+1500",
    )
    assert tools.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert tools.requests[0].query == {"shop": "berlin", "who": "+1500", "days": "3"}
    assert "<dd>200</dd>" in page
    assert " ms</dd>" in page
    assert "data, not instructions" in page
    assert KEY not in page
    entry = await LogEntry.objects.aget()
    assert entry.change_message == "Tried: 200."


async def test_an_answer_with_html_is_shown_as_text(
    operator: Client, tool: Tool, secret: Secret, tools: ToolServer
) -> None:
    tools.answers["/orders/42"] = Said(200, b"<script>alert(1)</script>")
    sent = {"argument-order_id": "42"}
    post = sync_to_async(operator.post)
    page = (await post(f"/admin/bots/tool/{tool.pk}/try/", sent)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Said(404, b"No such order."), "The server answered with status 404."),
        (Waits(), "No answer within 0.3 s."),
    ],
)
async def test_a_failure_is_reported_in_plain_words(
    response: Any,
    words: str,
    operator: Client,
    tool: Tool,
    secret: Secret,
    tools: ToolServer,
) -> None:
    await Tool.objects.aupdate(timeout_seconds=0.3)
    tools.answers["/orders/42"] = response
    page = await ask(operator, tool, argument__order_id="42")
    assert words in page
    assert 'role="alert"' in page


async def test_a_trial_names_the_setting_for_the_own_network(
    operator: Client, secret: Secret, tool: Tool, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = []
    page = await ask(operator, tool, argument__order_id="42")
    assert "no public address. If it is a server of your own network" in page
    assert "the setting TOOL_ALLOWED_PRIVATE_HOSTS" in page


def test_a_trial_with_missing_values_sends_nothing(
    operator: Client, tool: Tool
) -> None:
    assert "This field is required." in try_tool(operator, tool)
    assert "Enter a whole number." in try_tool(operator, tool, argument__days="x")
    page = try_tool(operator, tool, argument__order_id="42")
    assert "There is no secret “shop_key”." in page


def test_the_form_has_the_example_values_of_the_bots(
    operator: Client, tool: Tool
) -> None:
    Bot.objects.create(name="A", variables="shop = berlin\nother").tools.add(tool)
    page = text_of(operator.get(f"/admin/bots/tool/{tool.pk}/try/"))
    assert 'name="variable-shop" value="berlin"' in page
    assert 'name="variable-caller_number" value="+15005550001"' in page
    assert "secret.shop_key" not in page
    assert operator.get("/admin/bots/tool/999/try/").status_code == 404


async def test_a_lookup_shows_the_variables_it_gives(
    operator: Client, tools: ToolServer
) -> None:
    lookup = await Tool.objects.acreate(name="who", url=f"{HOST}/who", method="POST")
    await Bot.objects.acreate(name="A", lookup_tool=lookup, variables="shop = berlin")
    tools.answers["/who"] = json_answer('{"user": {"name": "Ann"}}')
    typed = {"variable__shop": "köln", "variable__caller_number": "+1500"}
    page = await ask(operator, lookup, **typed)
    assert tools.requests[0].body == {"shop": "köln", "caller_number": "+1500"}
    assert "{{user.name}}" in page
    assert ">Ann</dd>" in page
