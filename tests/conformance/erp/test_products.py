"""Products, alike in every ERP."""

from typing import Any

import pytest

from sandboxes.company import Company
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ProductNotFound


async def test_a_product_is_the_companys(erp: Any, firm: Company) -> None:
    for product in [*firm.products[:3], next(one for one in firm.products if not one.active)]:
        found = await erp.get_product(product.sku)
        assert found.sku == product.sku
        assert product.name.startswith(found.name)  # SAP keeps 40 characters
        assert found.list_price in (None, Money(product.list_price, "EUR"))  # and publishes no price
        assert found.sellable == product.active


async def test_no_product_is_not_found(erp: Any) -> None:
    for sku in ("NO-SUCH-PRODUCT", "TG-' OR 1=1", "TG-%", 'TG-"', "TG-\\"):
        with pytest.raises(ProductNotFound):
            await erp.get_product(sku.replace(" ", "_"))


async def test_every_product_is_listed_once_by_sku(erp: Any, firm: Company) -> None:
    listed: list[str] = []
    page = await erp.list_products(None, 200)
    listed += [one.sku for one in page.items]
    while page.next_cursor:
        page = await erp.list_products(page.next_cursor, 200)
        listed += [one.sku for one in page.items]
    assert listed == sorted(listed)
    assert {one.sku for one in firm.products} <= set(listed)
    assert len(listed) == len(set(listed))
