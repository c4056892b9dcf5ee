"""Orders of the shop."""

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from shared.contracts.system.commerce import ShopOrderNotFound
from system_apis.shopify import ShopifyCommerce


async def test_an_order_is_read_with_its_lines_and_where_it_goes(commerce: ShopifyCommerce) -> None:
    order = await commerce.get_order("5000003")
    assert (order.summary.number, order.summary.payment, order.summary.fulfilment) == ("#1003", "paid", "open")
    assert len(order.lines) == 3
    assert (
        sum((line.unit_price.amount * line.quantity for line in order.lines), Decimal()) == order.summary.total.amount
    )
    assert order.ship_to is not None
    assert order.email
    assert order.ship_to_name


async def test_every_line_of_a_long_order_comes(commerce: ShopifyCommerce, control: httpx.AsyncClient) -> None:
    made = (await control.post("/order", json={"lines": 230})).json()
    order = await commerce.get_order(str(made["id"]))
    assert len({line.line_id for line in order.lines}) == 230


@pytest.mark.parametrize("order_id", ["1", "nobody"])
async def test_what_is_not_there_is_not_found(commerce: ShopifyCommerce, order_id: str) -> None:
    with pytest.raises(ShopOrderNotFound):
        await commerce.get_order(order_id)


async def test_orders_are_listed_by_their_latest_change_to_the_end(commerce: ShopifyCommerce) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await commerce.list_orders(None, cursor, 10)
        seen += [order.order_id for order in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [str(5_000_001 + number) for number in range(24)]


async def test_only_what_changed_since_a_moment_is_listed(commerce: ShopifyCommerce) -> None:
    page = await commerce.list_orders(datetime(2026, 1, 5, 8, 20, tzinfo=UTC))
    assert [order.updated.minute for order in page.items] == [20, 21, 22, 23]


async def test_the_largest_page_stays_below_what_one_query_may_cost(commerce: ShopifyCommerce) -> None:
    assert len((await commerce.list_orders(None, None, 200)).items) == 24
