"""Costs from usage and prices: rounding, holes, days, currencies, readable amounts."""

from datetime import date
from decimal import Decimal

import pytest

from calls.prices.calculation import Cost, Line, cost_of, lines_of
from calls.prices.first_prices import first_prices
from calls.prices.money import amount_text, cost_text
from calls.prices.number_kinds import number_kind
from calls.prices.price_book import PriceBook, Rate
from calls.prices.usage import Kind, Meter, Usage, name_asked_for, stored

DAY = date(2026, 11, 30)
MODEL = "openai/gpt-4.1-mini"


def rate(kind: Kind, amount: str, item: str = "", **changes: object) -> Rate:
    values = {"currency": "USD", "valid_from": date(2026, 1, 1), **changes}
    return Rate(kind, item, Decimal(amount), **values)  # type: ignore[arg-type]


def lines(usages: list[Usage], *rates: Rate, day: date = DAY) -> list[Line]:
    return lines_of(usages, PriceBook(rates, "USD"), day)


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 0), (1, 1), (60, 1), (61, 2), (3599, 60)]
)
def test_minutes_are_rounded_up_as_twilio_bills(seconds: int, minutes: int) -> None:
    price = rate(Kind.RELAY, "0.07")
    cost = cost_of(lines([Usage(Kind.RELAY, quantity=seconds)], price))
    assert cost == Cost(minutes * Decimal("0.07"))


def test_stored_numbers_have_plain_digits() -> None:
    usages = [Usage(Kind.RELAY, quantity=600), Usage(Kind.RECORDING, quantity=600)]
    prices = [rate(Kind.RELAY, "0.07"), rate(Kind.RECORDING, "0")]
    stored_lines = [line.to_json() for line in lines(usages, *prices)]
    numbers = [(one["units"], one["price"], one["amount"]) for one in stored_lines]
    assert numbers == [("10", "0.07", "0.7"), ("10", "0", "0")]


def test_each_leg_is_rounded_up_for_itself() -> None:
    legs = [Usage(Kind.RELAY, quantity=61), Usage(Kind.RELAY, quantity=1)]
    (line,) = lines(legs, rate(Kind.RELAY, "0.07"))
    assert (int(line.units), line.amount) == (3, Decimal("0.21"))


def test_tokens_and_characters_are_priced_by_the_million() -> None:
    meter = Meter()
    meter.tokens(MODEL, 1_000, 400, 50)
    meter.speech("inworld-tts-2", 2_000)
    cost = cost_of(
        lines(
            meter.usages,
            rate(Kind.TOKENS_READ, "0.40", MODEL),
            rate(Kind.TOKENS_CACHED, "0.10", MODEL),
            rate(Kind.TOKENS_WRITTEN, "1.60", MODEL),
            rate(Kind.SPEECH, "25", "inworld-tts-2"),
        )
    )
    assert cost == Cost(Decimal("0.00024") + Decimal("0.00004") + Decimal("0.05008"))


def test_cached_tokens_without_a_price_cost_as_much_as_others() -> None:
    usage = [Usage(Kind.TOKENS_CACHED, MODEL, 1_000_000)]
    assert cost_of(lines(usage, rate(Kind.TOKENS_READ, "0.4", MODEL))) == Cost(
        Decimal("0.4")
    )


def test_a_hole_in_the_table_is_unknown_and_the_rest_is_known() -> None:
    used = [Usage(Kind.RELAY, quantity=60), Usage(Kind.TOKENS_READ, "new/model", 10)]
    relay, tokens = lines(used, rate(Kind.RELAY, "0.07"))
    assert (relay.unknown, tokens.unknown, tokens.price) == ("", "no price", None)
    cost = cost_of([relay, tokens])
    assert cost == Cost(Decimal("0.07"), is_partial=True)
    assert cost_text(cost, "USD") == "at least $0.07"


def test_a_part_that_was_not_measured_is_unknown() -> None:
    meter = Meter()
    meter.tokens(MODEL, 100, 0, 10)
    meter.unknown_tokens(MODEL)
    prices = [
        rate(kind, "1", MODEL) for kind in (Kind.TOKENS_READ, Kind.TOKENS_WRITTEN)
    ]
    found = lines(meter.usages, *prices)
    assert {line.unknown for line in found} == {"not measured"}
    assert cost_of(found) == Cost(Decimal("0.00011"), is_partial=True)


def test_sums_with_unknown_parts_say_at_least() -> None:
    known, unknown = Cost(Decimal("1.50")), Cost(is_partial=True)
    assert cost_text(known + unknown, "EUR") == "at least €1.50"
    assert cost_text(known, "CHF") == "1.50 CHF"
    assert cost_text(unknown, "USD") == cost_text(None, "USD") == "unknown"


@pytest.mark.parametrize(
    ("day", "amount"),
    [(date(2026, 3, 31), "0.07"), (date(2026, 4, 1), "0.08"), (DAY, "0.09")],
)
def test_the_price_of_the_day_counts(day: date, amount: str) -> None:
    prices = [
        rate(Kind.RELAY, "0.09", valid_from=DAY),
        rate(Kind.RELAY, "0.07"),
        rate(Kind.RELAY, "0.08", valid_from=date(2026, 4, 1)),
    ]
    used = [Usage(Kind.RELAY, quantity=60)]
    assert cost_of(lines(used, *prices, day=day)) == Cost(Decimal(amount))


def test_before_its_first_day_a_price_does_not_count() -> None:
    used = [Usage(Kind.RELAY, quantity=60)]
    found = lines(used, rate(Kind.RELAY, "0.07"), day=date(2025, 12, 31))
    assert cost_of(found).is_unknown


def test_prices_in_another_currency_and_negative_ones_do_not_count() -> None:
    used = [Usage(Kind.RELAY, quantity=60)]
    euros = rate(Kind.RELAY, "0.06", currency="EUR")
    assert cost_of(lines(used, euros)).is_unknown
    assert cost_of(lines(used, rate(Kind.RELAY, "-1"))).is_unknown


def test_a_price_of_any_item_fills_holes_but_not_those_of_models() -> None:
    used = [Usage(Kind.LINE_IN, "FR local", 60), Usage(Kind.LINE_IN, "US local", 60)]
    prices = [rate(Kind.LINE_IN, "0.02"), rate(Kind.LINE_IN, "0.01", "us LOCAL")]
    assert cost_of(lines(used, *prices)) == Cost(Decimal("0.03"))
    tokens = [Usage(Kind.TOKENS_READ, MODEL, 1)]
    assert cost_of(lines(tokens, rate(Kind.TOKENS_READ, "1"))).is_partial


@pytest.mark.parametrize(
    "entry",
    [["relay", "", -5], ["relay", "", 10**12], ["relay", "", True]],
)
def test_absurd_quantities_are_unknown(entry: list[object]) -> None:
    assert stored([entry]) == [Usage(Kind.RELAY)]


def test_entries_of_no_kind_are_left_out() -> None:
    usage = Usage(Kind.SPEECH, "inworld-tts-2", 20)
    entries = [["gold", "", 1], "x", None, ["relay"], usage.to_json()]
    assert stored(entries) == [usage]


def test_negative_counts_of_a_provider_count_as_none() -> None:
    meter = Meter()
    meter.tokens(MODEL, -5, 9, -1)
    assert meter.usages == []


@pytest.mark.parametrize(
    ("answered", "name"),
    [
        (MODEL, MODEL),
        ("gpt-4.1-mini", MODEL),
        ("gpt-4.1-mini-2025-04-14", MODEL),
        ("gpt-4.1", "gpt-4.1"),
        ("google-ai-studio/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("", MODEL),
    ],
)
def test_models_are_known_by_the_name_they_were_asked_by(
    answered: str, name: str
) -> None:
    assert name_asked_for(answered, [MODEL, "google/gemini-2.5-flash"]) == name


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("+14155550100", "US local"),
        ("+18005550100", "US toll-free"),
        ("+493012345678", "DE local"),
        ("+4915112345678", "DE mobile"),
        ("sip:ann@example.com", "SIP"),
        ("client:ann", "app"),
        ("anonymous", ""),
    ],
)
def test_numbers_have_a_country_and_a_kind(address: str, kind: str) -> None:
    assert number_kind(address) == kind


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("1234.5", "$1,234.50"),
        ("0.00412", "$0.0041"),
        ("0.00000012", "under $0.0001"),
    ],
)
def test_amounts_are_readable(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount), "USD") == text


def test_the_first_prices_have_a_source_with_its_day() -> None:
    found = list(first_prices())
    keys = {(rate.kind, rate.item, rate.valid_from) for rate, _ in found}
    assert len(keys) == len(found) > 15
    assert all(rate.valid_from.isoformat() in source for rate, source in found)
