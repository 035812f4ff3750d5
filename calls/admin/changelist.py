"""The list of calls: pages with few queries, whatever they show."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from bots.access.numbers import may_see_numbers
from bots.admin.changelist import ConsoleChangeList
from bots.site_settings.current import site_values
from calls.admin.filter_chips import chips, menus
from calls.models import Call
from calls.review.call_rows import call_rows

# Results of a search that are counted and listed.
MAX_COUNTED = 500


class CappedPaginator(Paginator[Call]):
    """Fetches a search's results once, up to a limit, for the count and the page."""

    object_list: QuerySet[Call]

    @cached_property
    def found(self) -> list[Call]:
        """The calls up to the limit, and one more if there are more."""
        return list(self.object_list[: MAX_COUNTED + 1])

    @property
    def count(self) -> int:
        return min(len(self.found), MAX_COUNTED)

    def page(self, number: int | str) -> Page[Call]:
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        end = min(begin + self.per_page, self.count)
        return Page(self.found[begin:end], number, self)


class CallChangeList(ConsoleChangeList):
    """A page of calls, each with its row: what it was about, and where a word is."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Call]:
        """Calls without the long fields, which a list does not show."""
        calls: QuerySet[Call] = super().get_queryset(request, exclude_parameters)
        calls = calls.select_related("cost").defer("cost__lines")
        if (
            self.query or site_values().mask_caller_numbers
        ):  # for excerpts, and for masks
            return calls.defer("settings", "search_text")
        return calls.defer("settings", "search_text", "variables", "extracted_fields")

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's calls, and the rows of all of them in a few queries."""
        super().get_results(request)
        found = getattr(self.paginator, "found", [])
        self.found_more = len(found) > MAX_COUNTED
        if found and isinstance(self.result_list, QuerySet):  # all on one page
            self.result_list = found
        self.result_list = list(self.result_list)
        rows = call_rows(
            self.result_list,
            self.query,
            hide=site_values().mask_caller_numbers,
            hide_in_excerpts=not may_see_numbers(request.user),
        )
        for call in self.result_list:
            call.row = rows[call.pk]
        self.chips, self.menus = list(chips(self)), menus(self)
