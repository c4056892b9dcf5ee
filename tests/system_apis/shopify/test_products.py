"""Products and stock of the shop."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from sandboxes.company import company
from shared.contracts.canonical.commerce import ProductToSave, Stock, StockToSet
from shared.contracts.canonical.values import Money
from shared.contracts.system.commerce import ReferenceReused, ShopProductNotFound, ShopProductRefused, UnknownStock
from system_apis.shopify import ShopifyCommerce
from system_apis.shopify.translator import handle_of

Fail = Callable[..., Awaitable[None]]
Products = Callable[[], Awaitable[dict[str, dict[str, Any]]]]
FIRST, SECOND = company().products[0], company().products[1]
GAUGE = ProductToSave("Gauge", Money(Decimal("9.5"), "EUR"))


async def test_a_product_is_read_by_its_sku(commerce: ShopifyCommerce) -> None:
    product = await commerce.get_product(FIRST.sku)
    assert (product.sku, product.name, product.price) == (FIRST.sku, FIRST.name, Money(FIRST.list_price, "EUR"))
    assert product.available == sum(FIRST.stock.values())


@pytest.mark.parametrize("sku", ["NONE-1", 'a"b', "x'OR'1", "sku:*"])
async def test_what_is_not_sold_is_not_found(commerce: ShopifyCommerce, sku: str) -> None:
    with pytest.raises(ShopProductNotFound):
        await commerce.get_product(sku)


async def test_a_product_is_entered_once_and_then_changed(commerce: ShopifyCommerce, products: Products) -> None:
    before = len(await products())
    made = await commerce.save_product("NEW-1", GAUGE)
    assert await commerce.save_product("NEW-1", GAUGE) == made
    changed = await commerce.save_product("NEW-1", ProductToSave("Gauge II", Money(Decimal(11), "EUR"), sellable=False))
    assert (changed.product_id, changed.name, changed.sellable) == (made.product_id, "Gauge II", False)
    assert len(await products()) == before + 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "status"])
async def test_an_answer_that_is_lost_makes_no_second_product(
    commerce: ShopifyCommerce, fail: Fail, products: Products, fault: str
) -> None:
    before = len(await products())
    await fail(fault, times=1)
    await commerce.save_product("NEW-2", GAUGE)
    assert len(await products()) == before + 1


@pytest.mark.parametrize("price", [Money(Decimal(1), "USD"), Money(Decimal(-1), "EUR"), Money(Decimal("NaN"), "EUR")])
async def test_a_price_that_is_none_of_this_shop_is_refused(commerce: ShopifyCommerce, price: Money) -> None:
    with pytest.raises(ShopProductRefused) as caught:
        await commerce.save_product("NEW-3", ProductToSave("Gauge", price))
    assert [error.pointer for error in caught.value.errors] == ["/price"]


async def test_what_the_shop_refuses_is_told_by_field(commerce: ShopifyCommerce) -> None:
    with pytest.raises(ShopProductRefused) as caught:
        await commerce.save_product("NEW-4", ProductToSave("  ", Money(Decimal(1), "EUR")))
    assert [error.pointer for error in caught.value.errors] == ["/name"]


def test_no_two_skus_share_a_handle() -> None:
    skus = ["tg-1", "TG-1", "TG 1", "TG_1", "*", "!"]
    assert len({handle_of(sku) for sku in skus}) == len(skus)


async def test_stock_is_set_whatever_it_was(commerce: ShopifyCommerce, products: Products) -> None:
    wanted = StockToSet("count-1", [Stock(FIRST.sku, 3), Stock(SECOND.sku, 0)])
    assert (await commerce.set_stock(wanted)).levels == wanted.levels
    held = await products()
    assert (held[FIRST.sku]["available"], held[SECOND.sku]["available"]) == (3, 0)


async def test_a_late_repeat_does_not_overwrite_newer_figures(commerce: ShopifyCommerce, products: Products) -> None:
    older = StockToSet("count-1", [Stock(FIRST.sku, 3)])
    await commerce.set_stock(older)
    await commerce.set_stock(StockToSet("count-2", [Stock(FIRST.sku, 8)]))
    await commerce.set_stock(older)
    assert (await products())[FIRST.sku]["available"] == 8


async def test_a_reference_belongs_to_its_figures(commerce: ShopifyCommerce, products: Products) -> None:
    await commerce.set_stock(StockToSet("count-1", [Stock(FIRST.sku, 3)]))
    with pytest.raises(ReferenceReused, match="choose another"):
        await commerce.set_stock(StockToSet("count-1", [Stock(FIRST.sku, 4)]))
    assert (await products())[FIRST.sku]["available"] == 3


async def test_an_unknown_sku_changes_nothing(commerce: ShopifyCommerce, products: Products) -> None:
    before = await products()
    with pytest.raises(UnknownStock) as caught:
        await commerce.set_stock(StockToSet("count-1", [Stock(FIRST.sku, 3), Stock("NONE-1", 1)]))
    assert [error.pointer for error in caught.value.errors] == ["/levels/1/sku"]
    assert await products() == before
