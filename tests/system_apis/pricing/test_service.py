"""Prices over the wire: exact, refused with the line named, and asked for no more often than allowed."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import httpx
import pytest

from sandboxes.company import company
from shared.binding.problems import BackendFault, BackendUnavailable, QuotaExceeded
from shared.contracts.canonical.price import LineToPrice, PriceRequest, Prices
from shared.contracts.canonical.values import Money
from shared.contracts.system.pricing import (
    CurrencyNotPriced,
    CustomerNotPriced,
    PricedCustomerNotFound,
    QuantityNotPriced,
    SkuNotPriced,
)
from system_apis.pricing import RestPricing

Asked = Callable[[], Awaitable[list[int]]]
Fail = Callable[..., Awaitable[None]]

DAY = date(2026, 1, 15)
ACTIVE = [one for one in company().products if one.active]
PRODUCT = ACTIVE[1]
AGREED = company().customers[0]
PLAIN = company().customers[1]


def request(
    *quantities: str, currency: str = "EUR", sku: str = PRODUCT.sku, customer: str = PLAIN.sap_customer
) -> PriceRequest:
    lines = [LineToPrice(sku, Decimal(text)) for text in quantities or ("1",)]
    return PriceRequest(customer, currency, lines, DAY)


def agreement(price: str, sku: str = PRODUCT.sku) -> dict[str, str]:
    return {"id": "AG-1", "customer": PLAIN.sap_customer, "sku": sku, "currency": "EUR", "net_price": price,
            "valid_from": "2026-01-01", "valid_until": "2026-12-31"}  # fmt: skip


def net(prices: Prices) -> Decimal:
    return prices.lines[0].net_price.amount


async def test_lines_are_priced_by_list_and_by_scale_in_their_order(pricing: RestPricing) -> None:
    prices = await pricing.price_lines(request("1", "10", "100", "2.5"))
    assert [(line.source, str(line.discount_percent)) for line in prices.lines] == [
        ("list", "0"), ("scale", "2"), ("scale", "5"), ("list", "0"),
    ]  # fmt: skip
    assert prices.lines[0].net_price == prices.lines[0].list_price == Money(PRODUCT.list_price, "EUR")
    assert prices.net_total.amount == sum(line.net_amount.amount for line in prices.lines)
    assert (prices.erp_number, prices.on) == (PLAIN.sap_customer, DAY)


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
async def test_amounts_have_the_digits_of_their_currency(pricing: RestPricing, currency: str, digits: int) -> None:
    line = (await pricing.price_lines(request("13", currency=currency))).lines[0]
    for money in (line.list_price, line.net_price, line.net_amount):
        assert money.currency == currency
        assert money.amount.as_tuple().exponent == -digits
    assert line.net_amount.amount == line.net_price.amount * 13


async def test_an_agreement_gives_the_price_while_it_is_valid(pricing: RestPricing) -> None:
    agreed = await pricing.get_agreements(AGREED.sap_customer)
    valid = next(one for one in agreed.agreements if one.valid_from <= DAY <= one.valid_until)
    lapsed = next(one for one in agreed.agreements if one.valid_until < DAY)
    lines = [LineToPrice(one.sku, Decimal(500)) for one in (valid, lapsed)]
    prices = await pricing.price_lines(PriceRequest(AGREED.sap_customer, AGREED.currency, lines, DAY))
    first, second = prices.lines
    assert (first.source, first.net_price, first.agreement_id) == ("agreement", valid.net_price, valid.agreement_id)
    assert first.valid_until == valid.valid_until
    assert (second.source, second.agreement_id, second.valid_until) == ("scale", None, None)


async def test_without_a_day_prices_are_those_of_today(pricing: RestPricing, control: httpx.AsyncClient) -> None:
    await control.post("/clock", json={"offset_seconds": 0})
    lines = [LineToPrice(PRODUCT.sku, Decimal(1))]
    assert (await pricing.price_lines(PriceRequest(PLAIN.sap_customer, "EUR", lines))).on >= DAY


async def test_what_has_no_price_is_refused_with_its_line(pricing: RestPricing) -> None:
    inactive = next(one for one in company().products if not one.active)
    lines = [LineToPrice(sku, Decimal(1)) for sku in (PRODUCT.sku, "NO&SUCH/SKU?", inactive.sku)]
    with pytest.raises(SkuNotPriced) as caught:
        await pricing.price_lines(PriceRequest(PLAIN.sap_customer, "EUR", lines, DAY))
    assert [error.pointer for error in caught.value.errors] == ["/lines/1/sku", "/lines/2/sku"]


async def test_unknown_customers_and_currencies_are_refused(pricing: RestPricing) -> None:
    with pytest.raises(CustomerNotPriced, match="99999999"):
        await pricing.price_lines(request(customer="99999999"))
    with pytest.raises(CurrencyNotPriced, match="XAU"):
        await pricing.price_lines(request(currency="XAU"))
    with pytest.raises(PricedCustomerNotFound, match="99999999"):
        await pricing.get_agreements("99999999")


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "1e12"])
async def test_quantities_that_nobody_sells_are_refused_unasked(
    pricing: RestPricing, asked: Asked, quantity: str
) -> None:
    with pytest.raises(QuantityNotPriced) as caught:
        await pricing.price_lines(request("1", quantity))
    assert [error.pointer for error in caught.value.errors] == ["/lines/1/quantity"]
    assert await asked() == []


async def test_a_fresh_answer_is_not_asked_for_again(pricing: RestPricing, asked: Asked) -> None:
    first = await pricing.price_lines(request("1"))
    assert await pricing.price_lines(request("1")) == first
    await pricing.price_lines(request("2"))
    assert await asked() == [200, 200]


async def test_an_answer_that_must_be_asked_for_is_confirmed_or_replaced(
    pricing: RestPricing, control: httpx.AsyncClient, asked: Asked
) -> None:
    await control.post("/max-age", json={"seconds": 0})
    first = await pricing.price_lines(request("1"))
    assert await pricing.price_lines(request("1")) == first
    await control.post("/agreement", json=agreement("3.21"))
    assert net(await pricing.price_lines(request("1"))) == Decimal("3.21")
    assert await asked() == [200, 304, 200]


async def test_nothing_is_kept_where_nothing_may_be(opened: Callable[..., RestPricing], asked: Asked) -> None:
    pricing = opened(max_kept=0)
    for _ in range(2):
        await pricing.price_lines(request("1"))
    assert await asked() == [200, 200]


async def test_agreements_are_asked_for_each_time(
    pricing: RestPricing, control: httpx.AsyncClient, asked: Asked
) -> None:
    assert (await pricing.get_agreements(PLAIN.sap_customer)).agreements == []
    await control.post("/agreement", json=agreement("3.21"))
    assert [one.agreement_id for one in (await pricing.get_agreements(PLAIN.sap_customer)).agreements] == ["AG-1"]
    assert await asked() == [200, 200]


async def test_refusals_are_not_kept(pricing: RestPricing, asked: Asked) -> None:
    for _ in range(2):
        with pytest.raises(CustomerNotPriced):
            await pricing.price_lines(request(customer="99999999"))
    assert await asked() == [422, 422]


async def test_a_read_survives_one_bad_answer(pricing: RestPricing, fail: Fail) -> None:
    for number, fault in enumerate(("lost-reply", "truncate", "close", "status"), 1):
        await fail(fault)
        assert (await pricing.price_lines(request(str(number)))).lines


@pytest.mark.parametrize("fault", ["nonsense", "html"])
async def test_an_answer_of_another_shape_is_the_services_fault(pricing: RestPricing, fail: Fail, fault: str) -> None:
    await fail(fault)
    with pytest.raises(BackendFault):
        await pricing.price_lines(request("1"))


async def test_an_unasked_not_modified_is_the_services_fault(pricing: RestPricing, fail: Fail) -> None:
    await fail("status", status=304)
    with pytest.raises(BackendFault):
        await pricing.price_lines(request("1"))


async def test_lasting_trouble_is_named(pricing: RestPricing, fail: Fail) -> None:
    await fail("status", status=503, times=None)
    with pytest.raises(BackendUnavailable, match="503"):
        await pricing.price_lines(request("1"))


async def test_a_spent_allowance_says_when_to_come_back(
    opened: Callable[..., RestPricing], control: httpx.AsyncClient
) -> None:
    await control.post("/rate-limit", json={"requests": 0})
    with pytest.raises(QuotaExceeded) as caught:
        await opened(retry_delays=()).price_lines(request("1"))
    assert caught.value.retry_after == 1.0


async def test_a_wrong_key_is_our_fault_and_stays_unsaid(opened: Callable[..., RestPricing]) -> None:
    with pytest.raises(BackendFault, match="credentials") as caught:
        await opened(key="pk-mistyped").price_lines(request("1"))
    assert "mistyped" not in caught.value.detail
