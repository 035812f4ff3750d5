"""The first prices, which the database of another test may have lost."""

import pytest

from calls.models import Price
from calls.prices.first_prices import first_prices


@pytest.fixture(autouse=True)
def prices(db: None) -> None:
    """Prices as a new deployment has them."""
    Price.objects.all().delete()
    Price.objects.bulk_create(
        Price(
            kind=rate.kind,
            item=rate.item,
            amount=rate.amount,
            currency=rate.currency,
            valid_from=rate.valid_from,
            source=source,
        )
        for rate, source in first_prices()
    )
