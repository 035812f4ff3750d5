"""Blocked callers in the admin: entries, imports and the button of a call."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from bots.models import PhoneNumber
from calls.models import BlockedCaller, Call
from calls.webhooks.admission import matching_block
from tests.calls.webhooks.test_incoming import RINGING

CALLER = RINGING["From"]


def signed_in(client: Client, group: str) -> User:
    person = User.objects.create_user("ann", is_staff=True)
    person.groups.set(Group.objects.filter(name=group))
    client.force_login(person)
    return person


@pytest.fixture
def call(db: None) -> Call:
    """A call that is over."""
    return Call.objects.create(
        call_sid="CA1", from_number=CALLER, started_at=timezone.now()
    )


@pytest.mark.django_db
class TestAdmin:
    PASTE = "/admin/calls/blockedcaller/paste/"

    def test_an_operator_blocks_a_caller_on_the_calls_page(
        self, client: Client, call: Call
    ) -> None:
        ann = signed_in(client, "operator")
        page = f"/admin/calls/call/{call.pk}/change/"
        assert "Block this caller" in client.get(page).content.decode()
        client.post(f"/admin/calls/call/{call.pk}/block/", {"note": "Rude <b>"})
        entry = BlockedCaller.objects.get()
        assert (entry.pattern, entry.note, entry.added_by) == (CALLER, "Rude <b>", ann)
        shown = client.get(page).content.decode()
        assert "Block this caller" not in shown
        assert ">blocked</a>" in shown
        assert (
            "Rude &lt;b&gt;"
            in client.get("/admin/calls/blockedcaller/").content.decode()
        )

    def test_callers_of_selected_calls_are_blocked_at_once(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        callers = [("CA2", CALLER), ("CA3", "+15005550003"), ("CA4", "anonymous")]
        for sid, number in callers:
            Call.objects.create(
                call_sid=sid, from_number=number, started_at=timezone.now()
            )
        every = list(Call.objects.values_list("pk", flat=True))
        chosen = {"action": "block_callers", "_selected_action": every}
        page = client.post("/admin/calls/call/", chosen, follow=True).content.decode()
        blocked = set(BlockedCaller.objects.values_list("pattern", flat=True))
        assert blocked == {CALLER, "+15005550003"}
        assert "Blocked: 2." in page
        assert "hides their number" in page

    @pytest.mark.parametrize(
        ("number", "pattern"),
        [
            ("911", "911"),
            ("client:Ann B", "client:ann b"),
            ("4915112345678", "+4915112345678"),
            ("whatsapp:+4915112345678", "+4915112345678"),
            ("sip:004915112345678@pbx.example.com", "+4915112345678"),
            ("(415) 555-0100", "+14155550100"),  # we have an American number
        ],
    )
    def test_a_caller_is_blocked_however_twilio_writes_them(
        self, client: Client, call: Call, number: str, pattern: str
    ) -> None:
        signed_in(client, "operator")
        call.from_number, call.to_number = number, "+15005550006"
        call.save()
        client.post(f"/admin/calls/call/{call.pk}/block/", {"note": "Rude"})
        (entry,) = matching_block(number, call.to_number)
        page = f"/admin/calls/blockedcaller/{entry.pk}/change/"
        client.post(page, {"pattern": entry.pattern, "note": "Very rude"})
        entry.refresh_from_db()
        assert (entry.pattern, entry.note) == (pattern, "Very rude")

    def test_who_only_reads_cannot_block(self, client: Client, call: Call) -> None:
        signed_in(client, "viewer")
        page = client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
        assert "Block this caller" not in page
        answer = client.post(f"/admin/calls/call/{call.pk}/block/")
        assert answer.status_code == 403
        assert client.get(self.PASTE).status_code == 403
        chosen = {"action": "block_callers", "_selected_action": call.pk}
        client.post("/admin/calls/call/", chosen)
        assert not BlockedCaller.objects.exists()
        assert client.get("/admin/calls/blockedcaller/").status_code == 403

    def test_a_block_is_asked_for_by_a_form_only(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        assert client.get(f"/admin/calls/call/{call.pk}/block/").status_code == 405
        assert client.post("/admin/calls/call/999999/block/").status_code == 404

    def test_a_test_calls_operator_cannot_be_blocked(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        Call.objects.update(is_test=True, from_number="ann (browser)")
        page = client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
        assert "Block this caller" not in page
        answer = client.post(f"/admin/calls/call/{call.pk}/block/")
        assert answer.status_code == 404

    def test_a_pasted_list_is_added_and_the_rest_stays_in_the_field(
        self, client: Client
    ) -> None:
        ann = signed_in(client, "operator")
        BlockedCaller.objects.create(pattern="+1900*")
        pasted = "+1 415 555 0100, why not\n+1900*\n<script>alert(1)</script>\n"
        page = client.post(self.PASTE, {"pasted": pasted}).content.decode()
        entry = BlockedCaller.objects.get(pattern="+14155550100")
        assert (entry.note, entry.added_by) == ("why not", ann)
        assert "Blocked: 1." in page
        assert "Already in the list: 1." in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "why not" not in page
        assert "Not understood: 1." in page
        answer = client.post(self.PASTE, {"pasted": "+1901*\n+1901*"})
        assert answer.status_code == 302
        assert BlockedCaller.objects.count() == 3

    def test_a_list_of_thousands_is_added_in_a_few_queries(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        signed_in(client, "operator")
        pasted = "\n".join(f"+1415555{n:04}" for n in range(5000))
        with django_assert_max_num_queries(40):
            client.post(self.PASTE, {"pasted": pasted})
        assert BlockedCaller.objects.count() == 5000
        too_many = client.post(self.PASTE, {"pasted": f"{pasted}\n+19005550100"})
        assert "5,000 lines at most" in too_many.content.decode()

    def test_an_entry_is_typed_any_way_and_stored_one_way(self, client: Client) -> None:
        ann = signed_in(client, "operator")
        add = "/admin/calls/blockedcaller/add/"
        client.post(add, {"pattern": "+1 (415) 555-0100", "note": ""})
        entry = BlockedCaller.objects.get()
        assert (entry.pattern, entry.added_by) == ("+14155550100", ann)
        again = client.post(add, {"pattern": "+14155550100"}).content.decode()
        assert "already exists" in again
        wrong = client.post(add, {"pattern": "*"}).content.decode()
        assert "country code" in wrong
        assert BlockedCaller.objects.count() == 1

    def test_a_number_is_given_its_most_calls_on_its_page(self, client: Client) -> None:
        signed_in(client, "operator")
        add = "/admin/bots/phonenumber/add/"
        client.post(
            add,
            {
                "number": "+14155550100",
                "max_concurrent_calls": "5",
                "when_closed": "message",
            },
        )
        assert PhoneNumber.objects.get().max_concurrent_calls == 5
        wrong = client.post(
            add,
            {
                "number": "+14155550101",
                "max_concurrent_calls": "-1",
                "when_closed": "message",
            },
        )
        assert wrong.status_code == 200
        assert PhoneNumber.objects.count() == 1
