"""Pages that show costs: a call, the list, the statistics, home; prices and budgets."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot, BotRole
from calls.costs.settling import local_day, settle_call
from calls.models import AuditEvent, Budget, Call, CallCost, DaySpending, Price
from calls.prices.usage import REPORT, Kind, Usage
from tests.calls.costs.test_settling import call_of, relay, used

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Bot:
    return Bot.objects.create(name="Shop")


def ended(bot: Bot, number: str = "+15005550006", **values: Any) -> Call:
    """A call of two minutes that began now, with its cost."""
    now = timezone.now()
    call = call_of(120, now, bot=bot, bot_name=bot.name, to_number=number, **values)
    used(call, REPORT, Usage(Kind.LINE_IN, quantity=120))
    used(call, "relay 0", relay(61))
    settle_call(call.pk)
    return call


def text(client: Client, path: str) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_call_shows_its_cost_by_line(admin_client: Client, shop: Bot) -> None:
    page = text(admin_client, f"calls/call/{ended(shop).pk}/change/")
    assert "Cost: $0.16" in page
    assert '<span class="quiet">2 min</span> $0.14' in page
    page = text(admin_client, f"calls/call/{ended(shop, '+33123456789').pk}/change/")
    assert "Cost: at least $0.14" in page
    assert "It has no price yet." in page


def test_a_call_without_a_cost_shows_none(admin_client: Client, shop: Bot) -> None:
    call = call_of(bot=shop, is_test=True)
    page = text(admin_client, f"calls/call/{call.pk}/change/")
    assert "Cost: not known yet" in page
    assert "no budget counts it" in page


def test_the_list_shows_the_cost_below_the_length(
    admin_client: Client, shop: Bot
) -> None:
    ended(shop)
    unknown = ended(shop, "+33123456789")
    CallCost.objects.filter(call=unknown).update(amount=0)
    page = text(admin_client, "calls/call/")
    assert "0 turns · $0.16" in page
    assert "0 turns · cost unknown" in page


def test_statistics_have_the_cost_of_bots_numbers_and_days(
    admin_client: Client, shop: Bot
) -> None:
    ended(shop)
    ended(shop, is_test=True)
    page = text(admin_client, "statistics/?period=today")
    assert page.count("<td>$0.16</td>") == 5  # bot, number, twice all calls, day
    call_of(bot=shop, start=timezone.now())  # not calculated yet
    assert "<td>at least $0.16</td>" in text(admin_client, "statistics/?period=today")
    file = admin_client.get("/admin/statistics/?period=today&format=csv")
    names, row = file.content.decode().lstrip("\ufeff").splitlines()
    assert names.endswith("cost,cost_currency,cost_is_partial")
    assert row.endswith("0.157,USD,True")


def test_months_are_added_up(admin_client: Client, shop: Bot) -> None:
    ended(shop)
    earlier = timezone.now() - timedelta(days=40)
    call = call_of(60, earlier, bot=shop)
    CallCost.objects.create(call=call, day=earlier.date(), amount=2, currency="USD")
    first = earlier.date().replace(day=1)
    path = f"statistics/?period=own&first={first}&last={local_day(timezone.now())}"
    page = text(admin_client, path)
    assert f'<th scope="row">{earlier:%B %Y}</th><td>1</td><td>$2.00</td>' in page


def test_home_has_the_months_cost_and_the_budgets(
    admin_client: Client, shop: Bot
) -> None:
    ended(shop)
    Budget.objects.create(bot=shop, limit=Decimal("0.18"))
    Budget.objects.create(limit=Decimal("0.15"), period="day")
    page = text(admin_client, "")
    assert "Cost this month" in page
    assert ">$0.16</a>" in page
    assert "87&nbsp;%, nearly spent" in page
    assert "104&nbsp;%, spent" in page


def test_people_see_costs_and_budgets_of_their_bots_alone(shop: Bot) -> None:
    other = Bot.objects.create(name="Other")
    ended(shop)
    ended(other)
    for bot in (shop, other, None):
        Budget.objects.create(bot=bot, limit=10)
    user = User.objects.create_user("ann", is_staff=True)
    BotRole.objects.create(user=user, bot=shop, role="viewer")
    client = Client()
    client.force_login(user)
    page = text(client, "")
    assert ">$0.16</a>" in page
    assert "Shop" in page
    assert "All bots" not in page
    budgets = text(client, "calls/budget/")
    assert "Shop" in budgets
    assert "Other" not in budgets
    assert client.get("/admin/calls/budget/add/").status_code == 403
    assert client.get("/admin/calls/price/").status_code == 403


@pytest.mark.parametrize(("group", "status"), [("viewer", 403), ("operator", 200)])
def test_operators_edit_prices_and_budgets(group: str, status: int) -> None:
    user = User.objects.create_user("ann", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    for page in ("price/add/", "price/again/", "budget/add/"):
        assert client.get(f"/admin/calls/{page}").status_code == status
    assert client.get("/admin/calls/price/").status_code == 200


PRICE = {"kind": "relay", "item": "", "amount": "0.08", "valid_from": "2026-12-01"}


def test_a_price_is_typed_in(admin_client: Client) -> None:
    admin_client.post("/admin/calls/price/add/", {**PRICE, "source": "Contract"})
    price = Price.objects.get(source="Contract")
    assert (price.currency, price.amount) == ("USD", Decimal("0.08"))
    assert price.valid_from == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"amount": "-1"}, "A price cannot be negative."),
        ({"amount": "700"}, "More than 20 for a minute cannot be right."),
        ({"amount": "NaN"}, "Enter a number."),
        ({"kind": "tokens-read"}, "Write the model"),
        ({"kind": "tokens-read", "item": "a/b", "amount": "99999"}, "More than 2000"),
        ({"valid_from": "2026-08-10"}, "There is a price for this from that day on"),
        ({"valid_from": "30.2.2026"}, "Enter a valid date."),
    ],
)
def test_bad_prices_are_refused(
    admin_client: Client, values: dict[str, str], words: str
) -> None:
    response = admin_client.post("/admin/calls/price/add/", {**PRICE, **values})
    assert response.status_code == 200
    assert words in response.content.decode()


def test_holes_in_the_prices_lead_to_their_form(
    admin_client: Client, shop: Bot
) -> None:
    assert "Without a price" not in text(admin_client, "calls/price/")
    for _ in range(2):
        ended(shop, "+33123456789")
    page = text(admin_client, "calls/price/")
    assert "Incoming call <bdi>FR local</bdi>, in 2 calls" in page
    query = "?kind=line-in&amp;item=FR+local"
    assert query in page
    form = text(admin_client, f"calls/price/add/{query.replace('&amp;', '&')}")
    assert 'value="FR local"' in form
    assert '<option value="line-in" selected>' in form


def test_prices_in_another_currency_say_that_they_do_not_count(
    admin_client: Client, settings: Settings
) -> None:
    settings.CURRENCY = "EUR"
    page = text(admin_client, "calls/price/")
    assert "In USD, but this console counts in EUR. Write it in EUR." in page
    assert "Price in EUR" in text(admin_client, "calls/price/add/")


def test_the_first_page_says_that_prices_in_another_currency_do_not_count(
    admin_client: Client, settings: Settings
) -> None:
    words = "Some prices are in USD, but this console counts in"
    assert words not in text(admin_client, "")
    settings.CURRENCY = "EUR"
    assert f"{words} EUR." in text(admin_client, "")
    for price in list(Price.objects.all()):
        price.pk, price.currency, price.valid_from = None, "EUR", date(2026, 12, 24)
        price.save()
    assert words not in text(admin_client, "")


def test_a_listed_price_that_somebody_changes_is_typed(admin_client: Client) -> None:
    price = Price.objects.create(
        kind="tokens-read",
        item="a/b",
        amount=1,
        currency="USD",
        valid_from="2026-11-01",
        is_listed=True,
    )
    values = {**PRICE, "kind": "tokens-read", "item": "a/b", "amount": "2"}
    admin_client.post(f"/admin/calls/price/{price.pk}/change/", values)
    price.refresh_from_db()
    assert (price.is_listed, int(price.amount)) == (False, 2)


def test_costs_are_calculated_again_with_a_corrected_price(
    admin_client: Client, shop: Bot
) -> None:
    call = ended(shop)
    Price.objects.filter(kind="relay").update(amount=1)
    today = local_day(timezone.now())
    days = {"first": str(today), "last": str(today)}
    response = admin_client.post("/admin/calls/price/again/", days, follow=True)
    assert "The cost of 1 call is calculated again" in response.content.decode()
    settle_call(call.pk)
    assert CallCost.objects.get().amount == Decimal("2.017")
    assert DaySpending.objects.get().amount == Decimal("2.017")
    assert AuditEvent.objects.filter(details__contains="1 calls").exists()
    for wrong in (
        {"first": "2026-11-02", "last": "2026-11-01"},
        {"first": "0001-01-01", "last": str(today)},
        {"first": str(today), "last": "9999-12-31"},
        {"first": "x"},
    ):
        response = admin_client.post("/admin/calls/price/again/", wrong)
        assert b"errorlist" in response.content


def test_budgets_are_listed_with_their_state(admin_client: Client, shop: Bot) -> None:
    ended(shop)
    Budget.objects.create(bot=shop, limit=Decimal("0.10"))
    page = text(admin_client, "calls/budget/")
    assert "157 %</span>" in page
    assert "$0.16 of $0.10 spent<" in page
    assert "budget-reached" in page


def test_a_budget_without_its_part_says_what_is_missing(
    admin_client: Client, shop: Bot
) -> None:
    values = {"bot": shop.pk, "period": "day", "limit": "5", "warning_percent": "80"}
    for action, words in (
        ("transfer", "Write the number to transfer callers to."),
        ("bot", "Choose the bot that answers instead."),
    ):
        response = admin_client.post(
            "/admin/calls/budget/add/", {**values, "action": action}
        )
        assert words in response.content.decode()
    # The page hides what the chosen action does not have.
    hidden = {"action": "message", "transfer_number": "x", "other_bot": shop.pk}
    admin_client.post("/admin/calls/budget/add/", {**values, **hidden})
    budget = Budget.objects.get()
    assert budget.limit == 5
    assert (budget.transfer_number, budget.other_bot) == ("", None)
    editor = text(admin_client, f"bots/bot/{shop.pk}/change/")
    assert '"/admin/calls/budget/"' in editor
