"""A page of the list of calls: counted and told as cheaply as it can be."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from calls.models import Call
from calls.review import search

# A search that finds more counts no further: nobody pages through so many.
MAX_COUNTED = 500


class CappedPaginator(Paginator[Call]):
    """What a search found up to a limit, fetched once to be counted and shown."""

    object_list: QuerySet[Call]

    @cached_property
    def found(self) -> list[Call]:
        """The calls, and one more than the limit where there are more."""
        return list(self.object_list[: MAX_COUNTED + 1])

    @property
    def count(self) -> int:
        """How many are shown, page by page."""
        return min(len(self.found), MAX_COUNTED)

    def page(self, number: int | str) -> Page[Call]:
        """One page of them."""
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        end = min(begin + self.per_page, self.count)
        return Page(self.found[begin:end], number, self)


class CallChangeList(ChangeList):
    """A page of calls; of those that a search found, it tells where."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Call]:
        """Calls without what a list does not show, which may be long."""
        found: QuerySet[Call] = super().get_queryset(request, exclude_parameters)
        return found.defer("settings", "variables", "summary", "extracted_fields")

    def get_filters(self, request: HttpRequest) -> Any:
        """As the admin does it, which stumbles over a year of ten digits."""
        try:
            return super().get_filters(request)
        except OverflowError as error:
            raise IncorrectLookupParameters from error

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's calls at once, to look into their turns together."""
        super().get_results(request)
        found_here = getattr(self.paginator, "found", [])
        self.found_more = len(found_here) > MAX_COUNTED
        if found_here and isinstance(self.result_list, QuerySet):  # all on one page
            self.result_list = found_here
        self.result_list = list(self.result_list)
        found = search.excerpts(self.result_list, self.query)
        for call in self.result_list:
            call.excerpt = found.get(call.pk)
