"""Lists take from the address what their own filters offer, and nothing else."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from bots.admin.changelist import ConsoleAdmin

pytestmark = pytest.mark.django_db

LISTS = {
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/": model_admin
    for model, model_admin in admin.site._registry.items()
}
each_list = pytest.mark.parametrize("address", LISTS)
CALLS = "/admin/calls/call/"
HUGE = "9" * 30


@each_list
def test_every_admin_has_the_strict_list(address: str) -> None:
    assert isinstance(LISTS[address], ConsoleAdmin)


@each_list
def test_a_parameter_that_no_filter_has_is_refused(
    admin_client: Client, address: str
) -> None:
    for parameter in (
        *("pk__regex", "pk__in", "id__lt", "pk__isnull", "pk"),
        *("nonsense", "nonsense__regex", "a__b__c__d", "history__id", "_secret"),
        *("password__startswith", "encrypted_value__startswith", "user__password"),
        *("started_at__month", "is_active__in", "status__regex", "bot__name__regex"),
    ):
        answer = admin_client.get(f"{address}?{parameter}=1")
        assert answer.status_code == 400, parameter


def test_neither_calls_nor_their_exports_are_searched_through_the_address(
    admin_client: Client,
) -> None:
    for lookup in (
        *("call_sid__regex", "summary__iregex", "relay_nonce__startswith"),
        *("turns__text__contains", "from_number__startswith", "transfer__number"),
        *("settings__system_prompt__contains", "bot__tools__headers__contains"),
        *("slowest_response_ms__lt", "started_at__month", "variables__a__regex"),
    ):
        for page in ("", "export.csv", "export.jsonl"):
            answer = admin_client.get(f"{CALLS}{page}?{lookup}=1")
            assert answer.status_code == 400, (page, lookup)


@each_list
def test_what_a_list_offers_is_taken(admin_client: Client, address: str) -> None:
    for query in ("q=x", "o=-1.2", "p=1", "all=", "_popup=1", "_facets=", "e=1"):
        assert admin_client.get(f"{address}?{query}").status_code == 200
    page = admin_client.get(address)
    for spec in page.context["cl"].filter_specs:
        for choice in spec.choices(page.context["cl"]):
            chosen = admin_client.get(f"{address}{choice['query_string']}")
            assert chosen.status_code == 200, choice


def test_values_that_cannot_be_are_no_errors(admin_client: Client) -> None:
    for query in (
        f"slowest_response_ms__gte={'9' * 5000}",
        f"slowest_response_ms__gte={HUGE}",
        "slowest_response_ms__gte=²",
        f"bot__id__exact={HUGE}",
        "bot__id__exact=1&bot__id__exact=x",
        "started_at__gte=99999-01-01",
        f"started_at__hour={HUGE}",
        f"since={HUGE}",
        f"until={'9' * 5000}",
        "since=9999-12-31&until=9999-12-31",
        "since=0001-01-01",
        "when=never",
        f"tag={'9' * 5000}",
        "handled_at__isnull=maybe",
        f"p={'9' * 5000}",
        f"o={'9' * 5000}",
        f"is_test__exact={HUGE}",
        f"was_interrupted__exact={HUGE}",
        "bot__isnull=maybe",
        "answered_at__isnull=maybe",
        f"status__in={'a,' * 5000}",
        "q=" + "a+" * 2000,
    ):
        for page in ("", "export.csv"):
            response = admin_client.get(f"{CALLS}{page}?{query}")
            assert response.status_code in (200, 302, 404), (page, query[:80])
            b"".join(response)


@pytest.mark.parametrize("path", ["", "export.csv", "%00/change/"])
def test_a_nul_is_refused_everywhere(admin_client: Client, path: str) -> None:
    page = f"{CALLS}{path}"
    for query in ("status__exact=%00", "q=%00", "to_number__exact=a%00b"):
        assert admin_client.get(f"{page}?{query}").status_code == 400
    admin_client.cookies["sessionid"] = "12345678\0"
    assert admin_client.get(page).status_code == 400


@each_list
def test_a_long_search_is_no_error(admin_client: Client, address: str) -> None:
    search: dict[str, Any] = {"q": "a " * 2000}
    assert admin_client.get(address, search).status_code == 200


@each_list
def test_rows_that_cannot_be_are_not_selected(
    admin_client: Client, address: str
) -> None:
    for row in (HUGE, "x", "\0", "-1", ""):
        form = {"action": "delete_selected", "_selected_action": ["1", row]}
        assert admin_client.post(address, form).status_code == 400, repr(row)
