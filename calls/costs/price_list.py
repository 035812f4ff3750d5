"""The prices of this deployment: typed in, or taken from Inworld's model list."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.timezone import localdate

from bots import catalogue
from bots.models import InworldCatalogue
from calls.models import Price
from calls.models.costs import MAX_MILLION_PRICE
from calls.prices.first_prices import CURRENCY as DOLLARS
from calls.prices.price_book import PriceBook, Rate
from calls.prices.usage import Kind, Usage

SOURCE = "Inworld's model list"
MAX_AGE = timedelta(days=1)


def refresh_list() -> None:
    """Fetch Inworld's model list if nobody did so for a day."""
    at = catalogue.stored(InworldCatalogue.Kind.MODELS).fetched_at
    if at is None or timezone.now() - at > MAX_AGE:
        catalogue.refreshed(InworldCatalogue.Kind.MODELS)


def price_book() -> PriceBook:
    """All prices, as they are now."""
    return PriceBook(map(_rate, Price.objects.all()), settings.CURRENCY)


def with_listed_prices(
    book: PriceBook, used: Iterable[tuple[Usage, date]]
) -> PriceBook:
    """The prices, with those of Inworld's list that a model lacks or that changed.

    A price of the list is stored when a call needs it, so that it keeps its date. One
    that was typed in counts instead of the list's, until it is deleted.
    """
    if settings.CURRENCY != DOLLARS:
        return book
    days = defaultdict[tuple[Kind, str], set[date]](set)
    for usage, day in used:
        if usage.kind in (Kind.TOKENS_READ, Kind.TOKENS_WRITTEN):
            days[usage.kind, usage.item].add(day)
    if not days:
        return book
    since = catalogue.stored(InworldCatalogue.Kind.MODELS).fetched_at
    listed = _listed_prices({item for _, item in days})
    rows = [
        _row(kind, item, amount, first)
        for (kind, item), its_days in sorted(days.items())
        if (amount := listed.get((kind, item))) is not None
        and since is not None
        and (first := _day_of_news(kind, item, amount, its_days, localdate(since)))
    ]
    if not rows:
        return book
    Price.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["kind", "item", "valid_from"],
        update_fields=["amount"],
    )
    return price_book()


def _listed_prices(names: set[str]) -> dict[tuple[Kind, str], Decimal]:
    found = {}
    for model in catalogue.models():
        for kind, price in (
            (Kind.TOKENS_READ, model.price_read),
            (Kind.TOKENS_WRITTEN, model.price_written),
        ):
            if model.id in names and price is not None and price <= MAX_MILLION_PRICE:
                found[kind, model.id] = Decimal(str(price))
    return found


def _day_of_news(
    kind: Kind, item: str, amount: Decimal, days: set[date], since: date
) -> date | None:
    """The first day, if no price is known for it, or the last, if the list has another.

    For a day before the list was fetched, the price that was known then stays.
    """
    same = Price.objects.filter(kind=kind, item__iexact=item, currency=DOLLARS)
    prices, latest = list(same.order_by("-valid_from")), max(days)
    if not any(price.valid_from <= min(days) for price in prices):
        return min(days)
    known = next(price for price in prices if price.valid_from <= latest)
    is_other = known.amount != amount.quantize(Decimal("0.000001"))
    return latest if known.is_listed and is_other and latest >= since else None


def _row(kind: Kind, item: str, amount: Decimal, day: date) -> Price:
    return Price(
        kind=kind,
        item=item,
        amount=amount,
        currency=DOLLARS,
        valid_from=day,
        source=SOURCE,
        is_listed=True,
    )


def _rate(price: Price) -> Rate:
    kind = Kind(price.kind)
    return Rate(kind, price.item, price.amount, price.currency, price.valid_from)
