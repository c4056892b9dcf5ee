"""Whatever goes into an ERP comes out as it went in, or is refused with a sentence; never cut, rounded or garbled."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sandboxes.company import Customer
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.party import NewErpCustomer
from shared.contracts.canonical.values import Address, Money
from shared.contracts.system.erp import ErpCustomerRejected, OrderRejected

EXAMPLES = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LETTERS = st.sampled_from("aZ09 .,-'\"&<>/\\%_*+:;#()äßéŁøЖ東京مح🚀\u00a0")
TODAY = datetime.now(UTC).date()
MINOR_UNITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


def texts(longest: int) -> st.SearchStrategy[str]:
    short = st.text(LETTERS, min_size=1, max_size=12)
    long = st.integers(longest - 2, longest).map(lambda length: ("Ünïcode & Söhne " * 20)[:length])
    return st.one_of(short, long).map(str.strip).filter(bool)


ADDRESSES = st.builds(
    Address, texts(60), st.sampled_from(["", "7", "12 a"]), texts(40), st.just(""),
    st.sampled_from(["20095", "SW1A 1AA", "1234"]), st.sampled_from(["DE", "GB", "JP", "US"]),
)  # fmt: skip


def as_written(address: Address) -> Address:
    return replace(address, street=f"{address.street} {address.house_number}".strip(), house_number="")


Play = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
async def play() -> Play:
    """Runs a coroutine on the loop of the tests from the thread on which examples are made up."""
    loop = asyncio.get_running_loop()
    return lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(60)


async def test_names_and_addresses_survive(erp: Any, reference: Callable[[], str], play: Play) -> None:
    kept = refused = 0

    async def enter(name: str, address: Address) -> None:
        nonlocal kept, refused
        try:
            entered = await erp.create_customer(NewErpCustomer(reference(), name, "EUR", address))
        except ErpCustomerRejected:
            refused += 1
            return
        read = await erp.get_customer(entered.erp_number)
        assert read.name == name
        assert read.address is not None
        assert as_written(read.address) == as_written(address)
        kept += 1

    @EXAMPLES
    @given(texts(80), ADDRESSES)
    def every(name: str, address: Address) -> None:
        play(enter(name, address))

    await asyncio.to_thread(every)
    assert kept > refused


async def test_quantities_prices_currencies_and_dates_survive(
    erp: Any, reference: Callable[[], str], play: Play, buyer: Customer, new_order: Callable[..., NewErpOrder]
) -> None:
    sku = new_order().lines[0].sku
    kept = refused = 0

    async def place(quantity: Decimal, price: Decimal, currency: str, day: date) -> None:
        nonlocal kept, refused
        order = NewErpOrder(
            reference(), buyer.sap_customer, currency, [NewOrderLine(sku, quantity, Money(price, currency))],
            requested_date=day, purchase_order="PO & 'Ж' 東京 <1>",
        )  # fmt: skip
        try:
            placed = await erp.create_order(order)
        except OrderRejected:
            refused += 1
            return
        read = await erp.get_order(placed.erp_order_id)
        (line,) = read.lines
        assert (line.quantity, line.net.currency, read.requested_date) == (quantity, currency, day)
        exact = Decimal(1).scaleb(-MINOR_UNITS[currency])
        assert abs(line.net.amount - quantity * price) <= exact / 2
        assert line.net.amount == line.net.amount.quantize(exact)
        kept += 1

    @EXAMPLES
    @given(
        st.one_of(st.integers(1, 20).map(Decimal), st.sampled_from([Decimal("0.5"), Decimal("1.125"), Decimal(99)])),
        st.integers(1, 99_999).map(lambda cents: Decimal(cents).scaleb(-2)),
        st.sampled_from(["EUR", "USD", "JPY", "KWD"]),
        st.sampled_from([TODAY + timedelta(days=1), TODAY + timedelta(days=400), date(TODAY.year + 1, 12, 31)]),
    )
    def every(quantity: Decimal, price: Decimal, currency: str, day: date) -> None:
        price = price.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency])) or Decimal(1)
        play(place(quantity, price, currency, day))

    await asyncio.to_thread(every)
    assert kept > refused
