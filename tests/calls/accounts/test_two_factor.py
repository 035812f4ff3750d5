"""The code of an authenticator app: set up, asked for, lost."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from calls.accounts import second_factor
from calls.accounts.sign_in_pages import PENDING
from tests.calls.accounts.test_sign_in import (
    CODE,
    INSIDE,
    LOGIN,
    PASSWORD,
    may_enter,
    sign_in,
    text,
)

SETUP = "/admin/two-factor/"
ANN = {"username": "ann", "password": PASSWORD}


@pytest.fixture(autouse=True)
def fast_recovery_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten codes take half a second of CPU otherwise."""
    monkeypatch.setitem(second_factor.COST, "n", 2)


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)


def code_of(app: TOTPDevice, later: int = 0) -> str:
    """Return the app's code, `later` half-minutes from now."""
    return f"{totp(app.bin_key, step=app.step, t0=-later * app.step):06}"


def set_up(client: Client) -> list[str]:
    """Take an app into use; the recovery codes."""
    client.get(SETUP)
    app = TOTPDevice.objects.get(confirmed=False)
    return recovery_codes(text(client.post(SETUP, {"code": code_of(app)})))


def recovery_codes(page: str) -> list[str]:
    """The codes that a page shows."""
    return re.findall(r"<li><code>(\w+)</code>", page)


class TestCode:
    @pytest.fixture
    def client(self, ann: User) -> Client:
        client = Client()
        client.force_login(ann)
        return client

    @pytest.fixture
    def codes(self, client: Client) -> list[str]:
        return set_up(client)

    @pytest.fixture
    def app(self, codes: list[str]) -> TOTPDevice:
        app: TOTPDevice = TOTPDevice.objects.get(confirmed=True)
        return app

    def test_is_asked_of_nobody_at_first(self, ann: User) -> None:
        client = Client()
        assert sign_in(client).status_code == 302
        assert may_enter(client)

    def test_is_set_up_by_scanning_and_typing_one(self, client: Client) -> None:
        page = text(client.get(SETUP))
        assert page.count('class="qrline"') == 1
        assert "style=" not in page
        waiting = TOTPDevice.objects.get()
        assert text(client.get(SETUP)).count('class="qrline"') == 1
        assert TOTPDevice.objects.get() == waiting
        wrong = f"{(int(code_of(waiting)) + 1) % 1_000_000:06}"
        page = text(client.post(SETUP, {"code": wrong}))
        assert "not right" in page
        assert not TOTPDevice.objects.filter(confirmed=True).exists()

    def test_comes_with_ten_recovery_codes_shown_once(
        self, client: Client, codes: list[str]
    ) -> None:
        assert len(set(codes)) == 10
        page = client.get(SETUP)
        assert "10 recovery codes left" in text(page)
        assert codes[0] not in text(page)
        assert "no-store" in page["Cache-Control"]
        assert may_enter(client)

    def test_is_then_asked_for(self, app: TOTPDevice) -> None:
        client = Client()
        assert sign_in(client)["Location"] == CODE
        assert not may_enter(client)
        assert sign_in(client, code=code_of(app, later=1)).status_code == 302
        assert may_enter(client)

    def test_is_good_once(self, app: TOTPDevice) -> None:
        code = code_of(app, later=1)
        assert sign_in(Client(), code=code).status_code == 302
        assert "used before" in text(sign_in(Client(), code=code))

    def test_may_be_a_recovery_code(self, codes: list[str]) -> None:
        typed = f" {codes[0][:4].upper()} {codes[0][4:]}"
        assert sign_in(Client(), code=typed).status_code == 302
        assert sign_in(Client(), code=codes[0]).status_code == 200
        assert StaticToken.objects.count() == 9

    def test_of_the_app_counts_as_no_wrong_recovery_code(
        self, app: TOTPDevice, codes: list[str]
    ) -> None:
        for _ in range(20):
            TOTPDevice.objects.update(last_t=-1)  # as if minutes passed
            assert sign_in(Client(), code=code_of(app)).status_code == 302
        assert sign_in(Client(), code=codes[0]).status_code == 302

    def test_that_is_wrong_keeps_no_right_recovery_code_out(
        self, ann: User, codes: list[str]
    ) -> None:
        for attempt in range(20):
            sign_in(Client(), code="wrong", REMOTE_ADDR=f"203.0.113.{attempt}")
        assert sign_in(Client(), code=codes[0]).status_code == 302

    def test_for_recovery_is_no_wrong_code_of_the_app(
        self, app: TOTPDevice, codes: list[str]
    ) -> None:
        sign_in(Client(), code="wrong")
        sign_in(Client(), code=codes[0])
        assert sign_in(Client(), code=code_of(app, later=1)).status_code == 302

    def test_for_recovery_is_stored_as_a_hash(self, codes: list[str]) -> None:
        stored = " ".join(StaticToken.objects.values_list("token", flat=True))
        assert not [code for code in codes if code in stored]
        assert StaticToken.objects.values("token").distinct().count() == 10

    @pytest.mark.parametrize(
        "code", ["000000", "x", "9" * 20, "9" * 9999, "\x00", "💥"]
    )
    def test_that_is_wrong_opens_nothing(self, app: TOTPDevice, code: str) -> None:
        client = Client()
        assert sign_in(client, code=code).status_code == 200
        assert not may_enter(client)

    def test_cannot_be_guessed(self, app: TOTPDevice) -> None:
        tried = [sign_in(Client(), code="000000").status_code for _ in range(5)]
        assert tried == [200, 200, 200, 200, 429]

    def test_that_is_wrong_does_not_cost_the_password(self, app: TOTPDevice) -> None:
        client = Client()
        assert client.post(f"{LOGIN}?next=/admin/live/", ANN)["Location"] == (
            f"{CODE}?next=%2Fadmin%2Flive%2F"
        )
        form = {"next": "/admin/live/"}
        page = client.post(CODE, {**form, "code": "000000"})
        assert "not right" in text(page)
        right = {**form, "code": code_of(app, later=1)}
        TOTPDevice.objects.update(throttling_failure_count=0)
        assert client.post(CODE, right)["Location"] == "/admin/live/"
        assert may_enter(client)

    def test_is_worth_nothing_without_the_password(self, app: TOTPDevice) -> None:
        client = Client()
        assert client.get(CODE)["Location"].startswith(LOGIN)
        right = {"code": code_of(app, later=1)}
        assert client.post(CODE, right)["Location"].startswith(LOGIN)
        assert not may_enter(client)

    @pytest.mark.parametrize("reason", ["late", "new password", "deactivated", "used"])
    def test_comes_soon_after_the_password(
        self, ann: User, codes: list[str], reason: str
    ) -> None:
        client = Client()
        client.post(LOGIN, ANN)
        if reason == "late":
            session = client.session
            session[PENDING] = {**session[PENDING], "until": 1}
            session.save()
        elif reason == "new password":
            ann.set_password("another horse battery")
            ann.save()
        elif reason == "deactivated":
            User.objects.update(is_active=False)
        else:
            client.post(CODE, {"code": codes[1]})
            client.logout()
        assert client.post(CODE, {"code": codes[0]})["Location"].startswith(LOGIN)
        assert not may_enter(client)

    def test_leads_to_no_other_server(self, codes: list[str]) -> None:
        client = Client()
        client.post(LOGIN, ANN)
        form = {"code": codes[0], "next": "https://evil.example/"}
        assert client.post(CODE, form)["Location"] == "/admin/"

    def test_is_not_asked_of_somebody_who_is_locked_out(self, codes: list[str]) -> None:
        client = Client()
        client.post(LOGIN, ANN)
        for _ in range(5):
            sign_in(Client(), "wrong")
        assert client.post(CODE, {"code": codes[0]}).status_code == 429

    def test_gets_a_session_with_another_key(self, codes: list[str]) -> None:
        client = Client()
        client.post(LOGIN, ANN)
        pending = client.session.session_key
        client.post(CODE, {"code": codes[0]})
        assert client.session.session_key != pending
        assert PENDING not in client.session

    def test_shuts_out_sessions_begun_without_it(
        self, ann: User, client: Client
    ) -> None:
        stolen = Client()
        stolen.force_login(ann)
        assert may_enter(stolen)
        set_up(client)
        assert not may_enter(stolen)
        assert stolen.get(SETUP).status_code == 302
        assert stolen.post(SETUP, {"code": "1", "off": "1"}).status_code == 302
        assert TOTPDevice.objects.filter(confirmed=True).exists()

    def test_is_needed_to_turn_it_off(self, client: Client, app: TOTPDevice) -> None:
        client.post(SETUP, {"code": "x", "off": "1"})
        assert TOTPDevice.objects.filter(confirmed=True).exists()
        TOTPDevice.objects.update(throttling_failure_count=0)
        client.post(SETUP, {"code": code_of(app, later=1), "off": "1"})
        assert not TOTPDevice.objects.filter(confirmed=True).exists()
        assert not StaticToken.objects.exists()
        assert may_enter(client)
        assert sign_in(Client()).status_code == 302

    def test_gets_new_recovery_codes_for_old_ones(
        self, client: Client, codes: list[str]
    ) -> None:
        page = text(client.post(SETUP, {"code": codes[0], "codes": "1"}))
        new = re.findall(r"<li><code>(\w+)</code>", page)
        assert len(new) == 10
        assert not set(new) & set(codes)

    def test_of_a_lost_device_is_forgotten_by_a_command(self, codes: list[str]) -> None:
        call_command("reset_two_factor", "ann")
        assert sign_in(Client()).status_code == 302
        call_command("reset_two_factor", "ann")
        with pytest.raises(CommandError, match="no account named “ben”"):
            call_command("reset_two_factor", "ben")

    def test_of_a_lost_device_is_forgotten_by_a_superuser(
        self, app: TOTPDevice
    ) -> None:
        boss = Client()
        boss.force_login(User.objects.create_superuser("boss"))
        chosen = {
            "action": "turn_off_two_factor",
            "_selected_action": User.objects.get(username="ann").pk,
        }
        assert boss.post("/admin/auth/user/", chosen).status_code == 302
        assert sign_in(Client()).status_code == 302

    def test_is_not_forgotten_by_others(self, app: TOTPDevice) -> None:
        person = User.objects.create_user("ben", is_staff=True)
        for name in ("view_user", "change_user"):
            person.user_permissions.add(Permission.objects.get(codename=name))
        client = Client()
        client.force_login(person)
        chosen = {"action": "turn_off_two_factor", "_selected_action": person.pk}
        assert client.post("/admin/auth/user/", chosen).status_code == 403

    def test_secrets_are_on_no_list(self, client: Client, app: TOTPDevice) -> None:
        assert "otp_" not in text(client.get(INSIDE))
        assert client.get("/admin/otp_totp/totpdevice/").status_code == 404

    def test_the_page_is_for_staff(self, db: None) -> None:
        client = Client()
        assert client.get(SETUP)["Location"].startswith(LOGIN)
        client.force_login(User.objects.create_user("caller"))
        assert client.get(SETUP)["Location"].startswith(LOGIN)
        assert not TOTPDevice.objects.exists()


class TestCodeForEverybody:
    @pytest.fixture(autouse=True)
    def required(self, settings: Settings, ann: User) -> None:
        settings.ADMIN_REQUIRE_TOTP = True

    def test_leads_to_setting_one_up_and_then_inside(self) -> None:
        client = Client()
        page = client.post(
            LOGIN, {"username": "ann", "password": PASSWORD}, follow=True
        )
        assert page.redirect_chain[-1][0] == SETUP
        assert "Everybody who uses this console" in text(page)
        for path in (INSIDE, "/admin/live/", "/admin/auth/user/", "/admin/numbers/"):
            assert client.get(path).status_code == 302
        set_up(client)
        assert may_enter(client)

    def test_lets_one_go_again_before_that(self) -> None:
        client = Client()
        sign_in(client)
        assert client.post("/admin/logout/").status_code == 200
        assert "_auth_user_id" not in client.session
