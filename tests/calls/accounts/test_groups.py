"""The groups of the admin, their permissions, and the pages that explain them."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from bots.models import Bot, BotRole
from calls.accounts.groups import DESCRIPTIONS, PERMISSIONS
from calls.accounts.people import without_role
from calls.models import Call

pytestmark = pytest.mark.django_db


def migrate() -> None:
    call_command("migrate", verbosity=0, interactive=False)


def may(group: str) -> set[str]:
    permissions = Group.objects.get(name=group).permissions.select_related(
        "content_type"
    )
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def signed_in(client: Client, *groups: str) -> Client:
    person = User.objects.create_user("ann", is_staff=True)
    person.groups.set(Group.objects.filter(name__in=groups))
    client.force_login(person)
    return client


def status(client: Client, path: str) -> int:
    return client.get(f"/admin/{path}").status_code


class TestGroups:
    def test_are_there_after_migrating(self) -> None:
        assert {name: may(name) for name in PERMISSIONS} == PERMISSIONS

    def test_come_back_when_they_are_missing(self) -> None:
        Group.objects.all().delete()
        migrate()
        assert {name: may(name) for name in PERMISSIONS} == PERMISSIONS

    def test_stay_as_an_administrator_changed_them(self) -> None:
        operator = Group.objects.get(name="operator")
        operator.permissions.remove(Permission.objects.get(codename="delete_bot"))
        operator.permissions.add(Permission.objects.get(codename="view_user"))
        migrate()
        expected = PERMISSIONS["operator"] - {"bots.delete_bot"} | {"auth.view_user"}
        assert may("operator") == expected

    def test_get_what_a_new_release_brings_once(self) -> None:
        Permission.objects.get(codename="change_call").delete()
        migrate()
        assert may("operator") == PERMISSIONS["operator"]
        assert may("viewer") == PERMISSIONS["viewer"]

    def test_have_a_word_on_what_they_may_do(self) -> None:
        assert DESCRIPTIONS.keys() == PERMISSIONS.keys()


class TestMembers:
    def test_an_operator_edits_bots_and_reads_calls(self, client: Client) -> None:
        bot = Bot.objects.create(name="Front desk")
        call = Call.objects.create(call_sid="CA1", started_at=timezone.now())
        signed_in(client, "operator")
        page = client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
        assert 'name="_save"' in page
        assert status(client, f"calls/call/{call.pk}/change/") == 200
        assert status(client, "auth/user/") == 403

    def test_a_viewer_reads_and_changes_nothing(self, client: Client) -> None:
        bot = Bot.objects.create(name="Front desk")
        call = Call.objects.create(call_sid="CA1", started_at=timezone.now())
        signed_in(client, "viewer")
        page = client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
        assert 'name="_save"' not in page
        assert status(client, f"calls/call/{call.pk}/change/") == 200
        assert status(client, "bots/bot/add/") == 403
        assert client.post(f"/admin/bots/bot/{bot.pk}/delete/").status_code == 403

    def test_without_a_role_the_page_says_so(self, client: Client) -> None:
        page = signed_in(client).get("/admin/").content.decode()
        assert "has no role yet" in page
        assert all(purpose in page for purpose in DESCRIPTIONS.values())

    def test_with_a_role_one_sees_the_admin(self, client: Client) -> None:
        page = signed_in(client, "viewer").get("/admin/").content.decode()
        assert "has no role yet" not in page


NEW = {
    "username": "ben",
    "usable_password": "true",
    "password1": "correct horse battery",
    "password2": "correct horse battery",
    "is_staff": "on",
}


class TestUsersPage:
    @pytest.mark.parametrize("path", ["auth/user/", "auth/user/add/"])
    def test_says_what_each_group_may_do(self, admin_client: Client, path: str) -> None:
        page = admin_client.get(f"/admin/{path}").content.decode()
        assert all(purpose in page for purpose in DESCRIPTIONS.values())
        assert "nvite" in page

    def test_makes_somebody_who_can_work_in_one_go(self, admin_client: Client) -> None:
        group = Group.objects.get(name="operator")
        admin_client.post("/admin/auth/user/add/", {**NEW, "groups": [group.pk]})
        client = Client()
        person = {"username": "ben", "password": NEW["password1"]}
        assert client.post("/admin/login/", person).status_code == 302
        assert status(client, "bots/bot/") == 200

    def test_lists_what_each_person_may_do(self, admin_client: Client) -> None:
        User.objects.create_user("caller")
        User.objects.create_user("new", is_staff=True)
        person = User.objects.create_user("ann", is_staff=True)
        person.groups.set(Group.objects.all())
        page = admin_client.get("/admin/auth/user/").content.decode()
        for words in (
            '-role">superuser<',
            "cannot sign in",
            "no role",
            "operator of all bots; view",
        ):
            assert words in page

    def test_points_out_who_has_no_role(self, admin_client: Client) -> None:
        bot = Bot.objects.create(name="Front desk")
        names = ("ann", "ben", "cy")
        ann, ben, cy = (User.objects.create_user(x, is_staff=True) for x in names)
        ann.groups.set(Group.objects.filter(name="viewer"))
        BotRole.objects.create(user=ben, bot=bot, role="operator")
        BotRole.objects.create(user=ann, bot=bot, role="operator")
        assert list(without_role()) == [cy]
        home = admin_client.get("/admin/").content.decode()
        assert "cy has no role yet" in home
        page = admin_client.get("/admin/auth/user/").content.decode()
        assert "viewer of all bots; operator of Front desk" in page
        for role, expected in {"none": {cy}, "operator": {ann, ben}}.items():
            found = admin_client.get(f"/admin/auth/user/?role={role}").context["cl"]
            assert set(found.queryset) == expected
        cy.is_active = False
        cy.save()
        assert "no role yet" not in admin_client.get("/admin/").content.decode()

    def test_keeps_users_who_changed_something(self, admin_client: Client) -> None:
        ann, ben = (User.objects.create_user(name) for name in ("ann", "ben"))
        bot = Bot.objects.create(name="Front desk")
        bot._history_user = ann  # type: ignore[attr-defined]
        bot.save()
        for person, expected in ((ann, 403), (ben, 302)):
            path = f"/admin/auth/user/{person.pk}/delete/"
            assert admin_client.post(path, {"post": "yes"}).status_code == expected
        assert list(User.objects.filter(username__in=["ann", "ben"])) == [ann]

    def test_keeps_them_from_being_deleted_in_bulk(self, admin_client: Client) -> None:
        ann = User.objects.create_user("ann")
        bot = Bot.objects.create(name="Front desk")
        bot._history_user = ann  # type: ignore[attr-defined]
        bot.save()
        chosen = {"action": "delete_selected", "_selected_action": ann.pk}
        response = admin_client.post("/admin/auth/user/", {**chosen, "post": "yes"})
        assert response.status_code == 403
        assert User.objects.filter(pk=ann.pk).exists()
