"""Roles for single bots: a person sees the calls and numbers of their bots alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from bots.access.scope import Scope, scope_of, visible
from bots.models import Bot, BotRole, PhoneNumber, Secret, Tool
from calls.models import Call, ExportFile, PostCallTask, Turn

pytestmark = pytest.mark.django_db

# Words of the other bot's rows, which no page of Ann's may have.
FOREIGN = ("Zebra", "+15005550199", "zebra", "+15005550188")
OWN = "Apple"


def rows_of(name: str, number: str, caller: str) -> Bot:
    """A bot with its number, tool, key, call, task and version."""
    bot = Bot.objects.create(name=name, outcomes=f"{name} sold")
    PhoneNumber.objects.create(number=number, label=f"{name} line", bot=bot)
    tool = Tool.objects.create(name=f"{name.lower()}_tool", url="https://a.example/")
    bot.tools.add(tool)
    secret = Secret(name=f"{name.lower()}_key")
    secret.set_value("secret-value")
    secret.save()
    bot.webhook_url, bot.webhook_secret = "https://a.example/", secret
    bot.save()
    for sid in ("CA", "test-"):
        call = Call.objects.create(
            call_sid=f"{sid}{name}",
            bot=bot,
            bot_name=name,
            from_number=caller,
            to_number=number,
            status=Call.Status.COMPLETED,
            started_at=timezone.now(),
            answered_at=timezone.now(),
            ended_at=timezone.now(),
            is_test=sid == "test-",
            outcome=f"{name} sold",
            summary=f"{name} was sold",
        )
        call.notes.create(text=f"Ask about the {name}")
        call.tags.create(name=f"{name} tag")
        Turn.objects.create(
            call=call,
            index=0,
            role=Turn.Role.CALLER,
            text=f"I want a {name}",
            started_at=timezone.now(),
        )
    PostCallTask.objects.create(
        call=call, kind=PostCallTask.Kind.WEBHOOK, due_at=timezone.now()
    )
    return bot


@pytest.fixture
def apple() -> Bot:
    """The bot that Ann may see."""
    return rows_of("Apple", "+15005550111", "+15005550100")


@pytest.fixture
def zebra() -> Bot:
    """Another bot. The default one: it answers where no other does."""
    bot = rows_of("Zebra", "+15005550199", "+15005550188")
    bot.is_default = True
    bot.save()
    return bot


def ann(role: str, bot: Bot) -> Client:
    """A person with a role for one bot, signed in."""
    user = User.objects.create_user("ann", is_staff=True)
    BotRole.objects.create(user=user, bot=bot, role=role)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def patterns(of: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in of.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, path)
        else:
            yield path, pattern


def addresses(pk: int, call: Call) -> list[str]:
    """Every address of the console, with keys of this bot's rows in it."""
    keys = {
        "bots/bot/": pk,
        "bots/phonenumber/": PhoneNumber.objects.get(bot=pk).pk,
        "bots/tool/": Tool.objects.get(bots=pk).pk,
        "bots/secret/": Secret.objects.get(webhook_bots=pk).pk,
        "calls/call/": call.pk,
        "calls/postcalltask/": PostCallTask.objects.get(call__bot=pk).pk,
    }
    found = []
    for path, _ in patterns(get_resolver()):
        if not path.startswith("admin/") or "(?P" in path or path == "admin/logout/":
            continue
        key = next((key for part, key in keys.items() if part in path), pk)
        version = str(Bot.history.filter(id=pk).latest().pk)
        path = path.replace("<int:version_id>", version).replace("<slug:form>", "csv")
        path = path.replace("<path:object_id>", str(key)).replace("<slug:kind>", "x")
        path = re.sub(r"<int:(bot_id|object_id|call_id|tool_id|pk)>", str(key), path)
        path = re.sub(r"<int:(index|position)>", "0", path)
        found.append("/" + re.sub(r"<[^>]+>", "x", path))
    return found


def text_of(response: Any) -> str:
    content = response.streaming_content if response.streaming else [response.content]
    return b"".join(content).decode(errors="replace")


def test_no_page_shows_rows_of_other_bots(apple: Bot, zebra: Bot) -> None:
    client, foreign = ann("operator", apple), Call.objects.get(call_sid="CAZebra")
    own = Call.objects.get(call_sid="CAApple")
    pages = [*addresses(apple.pk, own), *addresses(zebra.pk, foreign)]
    pages.remove(f"/admin/numbers/greeting/{apple.pk}/")  # it asks Inworld
    pages += ["/admin/calls/call/?is_test__exact=all", "/admin/calls/call/?q=want"]
    pages += [f"/admin/bots/phonenumber/?bot__id__exact={zebra.pk}"]
    seen = set()
    for page in dict.fromkeys(pages):
        response = client.get(page)
        assert response.status_code < 500, page
        text = text_of(response)
        assert not [word for word in FOREIGN if word in text], page
        if response.status_code == 200 and OWN in text:
            seen.add(page)
    assert len(seen) > 8
    assert f"/admin/calls/call/{own.pk}/change/" in seen


@pytest.mark.parametrize("role", BotRole.Role.values)
def test_searches_find_nothing_of_other_bots(role: str, apple: Bot, zebra: Bot) -> None:
    client = ann(role, apple)
    for words in ("Zebra", "15005550188", "CAZebra"):
        page = text_of(client.get("/admin/calls/call/", {"q": words}))
        assert "0 calls" in page
        assert "I want a" not in page
    number = {"number": "+15005550199"}
    page = text_of(client.get("/admin/numbers/preview/", number))
    assert "None of your bots answers this number." in page
    assert "Zebra" not in page
    number = {"number": "+15005550111"}
    assert "Apple" in text_of(client.get("/admin/numbers/preview/", number))


def test_every_admin_that_such_a_person_may_open_is_bound_to_bots(apple: Bot) -> None:
    client = ann("operator", apple)
    user = User.objects.get()
    for model, model_admin in admin.site._registry.items():
        request: Any = client.get("/admin/").wsgi_request
        request.user = user
        if model_admin.has_view_permission(request):
            assert hasattr(model, "BOT_PATHS"), model


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("calls_call_again", ["webhook"]),
        ("calls_call_block", []),
        ("calls_call_handle", []),
    ],
)
def test_nothing_is_done_to_calls_of_other_bots(
    name: str, arguments: list[str], apple: Bot, zebra: Bot
) -> None:
    client = ann("operator", apple)
    call = Call.objects.get(call_sid="CAZebra")
    address = reverse(f"admin:{name}", args=[call.pk, *arguments])
    response = client.post(address, {"do": "handled"})
    assert response.status_code in (403, 404)


def test_ticked_calls_of_bots_that_one_only_reads_are_not_handled(
    apple: Bot, zebra: Bot
) -> None:
    client = ann("operator", apple)
    BotRole.objects.create(user=User.objects.get(), bot=zebra, role="viewer")
    ticked = list(Call.objects.values_list("pk", flat=True))
    form: dict[str, Any] = {"action": "mark_handled", "_selected_action": ticked}
    client.post("/admin/calls/call/?is_test__exact=all", form)
    handled = Call.objects.exclude(handled_at=None)
    assert set(handled.values_list("bot__name", flat=True)) == {"Apple"}
    page = text_of(
        client.get(f"/admin/calls/call/{zebra.calls.first().pk}/change/")  # type: ignore[union-attr]
    )
    assert "Ask about the Zebra" in page
    assert "Mark as handled" not in page


def test_forms_of_other_bots_are_refused(apple: Bot, zebra: Bot) -> None:
    client = ann("operator", apple)
    own = client.get(f"/admin/bots/bot/{apple.pk}/change/")
    assert 'name="greeting"' in text_of(own)
    assert 'name="is_default"' not in text_of(own)
    for path in (f"bots/bot/{zebra.pk}/change/", f"bots/bot/{zebra.pk}/delete/"):
        assert client.post(f"/admin/{path}", {"name": "x"}).status_code in (302, 403)
    assert client.post(f"/admin/test-call/{zebra.pk}/").status_code == 404
    assert client.post(f"/admin/bots/bot/{apple.pk}/delete/").status_code == 403
    assert client.get("/admin/bots/bot/add/").status_code == 403
    assert set(Bot.objects.values_list("name", flat=True)) == {"Apple", "Zebra"}


def test_a_viewer_of_one_and_operator_of_another(apple: Bot, zebra: Bot) -> None:
    client = ann("operator", apple)
    BotRole.objects.create(user=User.objects.get(), bot=zebra, role="viewer")
    assert 'name="greeting"' in text_of(
        client.get(f"/admin/bots/bot/{apple.pk}/change/")
    )
    only_read = text_of(client.get(f"/admin/bots/bot/{zebra.pk}/change/"))
    assert "Zebra" in only_read
    assert 'name="greeting"' not in only_read
    posted = client.post(f"/admin/bots/bot/{zebra.pk}/change/", {"name": "Mine"})
    assert posted.status_code == 403
    assert client.get(f"/admin/test-call/{zebra.pk}/").status_code == 404
    assert client.get(f"/admin/test-call/{apple.pk}/").status_code == 200


def test_numbers_are_masked_by_the_role_for_the_bot(
    apple: Bot, zebra: Bot, settings: Any
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    client = ann("operator", apple)
    BotRole.objects.create(user=User.objects.get(), bot=zebra, role="viewer")

    def page(sid: str) -> str:
        call = Call.objects.get(call_sid=sid)
        return text_of(client.get(f"/admin/calls/call/{call.pk}/change/"))

    assert "+15005550100" in page("CAApple")
    assert "+15005550188" not in page("CAZebra")
    export = text_of(client.get("/admin/calls/call/export.csv"))
    assert "CAApple" in export
    assert "CAZebra" in export
    assert "+15005550100" not in export
    assert "+15005550188" not in export


def test_calls_that_no_bot_took_are_for_people_with_all_bots(apple: Bot) -> None:
    Call.objects.create(call_sid="CAnone", started_at=timezone.now())
    client = ann("viewer", apple)
    user = User.objects.get()
    calls = visible(Call.objects.all(), user)
    assert set(calls.values_list("call_sid", flat=True)) == {"CAApple", "test-Apple"}
    assert "CAnone" not in text_of(client.get("/admin/calls/call/export.csv"))
    user.groups.add(Group.objects.get(name="viewer"))
    assert visible(Call.objects.all(), User.objects.get()).count() == 3


def test_a_group_counts_for_all_bots(apple: Bot, zebra: Bot) -> None:
    client = ann("operator", apple)
    user = User.objects.get()
    user.groups.add(Group.objects.get(name="viewer"))
    user = User.objects.get()
    assert scope_of(user, "calls.view_call").is_all
    assert scope_of(user, "calls.change_call") == Scope(frozenset({apple.pk}))
    assert user.has_perm("calls.change_call", Call.objects.get(call_sid="CAApple"))
    assert not user.has_perm("calls.change_call", Call.objects.get(call_sid="CAZebra"))
    page = client.get(f"/admin/bots/bot/{zebra.pk}/change/")
    assert 'name="greeting"' not in text_of(page)


def test_who_is_deactivated_has_no_role(apple: Bot) -> None:
    ann("operator", apple)
    user = User.objects.get()
    user.is_active = False
    assert not scope_of(user, "bots.view_bot")
    assert not user.has_perm("bots.view_bot")
    assert not visible(Bot.objects.all(), user).exists()


def test_a_file_is_fetched_only_with_the_roles_that_it_was_made_with(
    apple: Bot, zebra: Bot
) -> None:
    client = ann("viewer", apple)
    user = User.objects.get()
    file = ExportFile.objects.create(
        user=user,
        name="calls.csv",
        form="csv",
        call_ids=b"",
        call_count=0,
        hides_numbers=True,
        bots=[apple.pk, zebra.pk],
        state=ExportFile.State.READY,
    )
    url = reverse("admin:export-file", args=[file.pk])
    assert client.get(url).status_code == 302
    BotRole.objects.create(user=user, bot=zebra, role="viewer")
    assert client.get(url).status_code == 200
    ExportFile.objects.update(bots=None)
    assert client.get(url).status_code == 302


def test_tools_of_other_bots_cannot_be_chosen(apple: Bot, zebra: Bot) -> None:
    client = ann("operator", apple)
    page = text_of(client.get(f"/admin/bots/bot/{apple.pk}/change/"))
    assert "apple_tool" in page
    assert "zebra_tool" not in page
    foreign = Tool.objects.get(name="zebra_tool")
    client.post(f"/admin/bots/bot/{apple.pk}/change/", {"tools": [foreign.pk]})
    assert not apple.tools.filter(pk=foreign.pk).exists()
