"""`$filter`: every operator and function, and literals that cannot break out."""

import string
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxes.company import company
from sandboxes.sap.odata_v2.edm import Value
from sandboxes.sap.odata_v2.errors import ODataError
from sandboxes.sap.odata_v2.expression import Literal, Operation, parse_expression
from sandboxes.sap.odata_v2.filter_sql import condition
from sandboxes.sap.odata_v2.primitives import to_literal
from sandboxes.sap.services.product import PRODUCT
from sandboxes.sap.services.sales_order import SALES_ORDER

ROOT = "/sap/opu/odata/sap"
ORDERS = SALES_ORDER.sets["A_SalesOrder"]


async def count(reader: httpx.AsyncClient, path: str, condition: str) -> int:
    answered = await reader.get(f"{ROOT}/{path}/$count", params={"$filter": condition})
    assert answered.status_code == 200, answered.text
    return int(answered.text)


async def test_string_functions(reader: httpx.AsyncClient) -> None:
    products = "API_PRODUCT_SRV/A_ProductDescription"
    gauges = await count(reader, products, "startswith(ProductDescription,'Pressure gauge')")
    assert gauges == await count(reader, products, "substringof('sure gauge', ProductDescription)") == 45
    assert gauges == await count(reader, products, "tolower(substring(ProductDescription,0,8)) eq 'pressure'")
    assert gauges == await count(reader, products, "indexof(ProductDescription,'gauge') eq 9 and length(Language) eq 2")
    assert await count(reader, products, "endswith(Product,'00001')") == 1
    assert await count(reader, products, "concat(Product,Language) eq 'TG-00001EN'") == 1
    assert await count(reader, products, "replace(toupper(trim(Product)),'TG-','') eq '00002'") == 1


async def test_numbers_compare_as_numbers_not_as_text(reader: httpx.AsyncClient) -> None:
    stock, amount = "API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod", "MatlWrhsStkQtyInMatlBaseUnit"
    everywhere = [there for one in company().products for there in one.stock.values()]
    assert await count(reader, stock, f"{amount} gt 900m") == sum(there > 900 for there in everywhere)
    assert await count(reader, stock, f"{amount} eq 0.000M") == sum(there == 0 for there in everywhere)
    assert await count(reader, stock, f"{amount} mul 2 add 1 ge 801L") == sum(
        there * 2 + 1 >= 801 for there in everywhere
    )
    assert await count(reader, stock, f"{amount} mod 10 eq 3") == sum(there % 10 == 3 for there in everywhere)
    assert await count(reader, stock, f"floor({amount} div 1000) eq 4.0") == sum(
        there // 1000 == 4 for there in everywhere
    )
    assert await count(reader, stock, f"{amount} sub 1 lt -0.5d") == sum(there - 1 < -0.5 for there in everywhere)
    assert await count(reader, stock, f"-{amount} eq 0 or ceiling({amount}) eq round({amount})") == len(everywhere)


async def test_moments(reader: httpx.AsyncClient) -> None:
    orders = "API_SALES_ORDER_SRV/A_SalesOrder"
    first = "CreationDate ge datetime'2026-01-07T00:00:00' and CreationDate lt datetime'2026-01-08T00:00'"
    assert await count(reader, orders, first) == 1
    assert await count(reader, orders, "LastChangeDateTime gt datetimeoffset'2099-01-15T09:00:00Z'") == 0
    assert await count(reader, orders, "LastChangeDateTime le datetimeoffset'2026-01-07T10:30:00.0000000+01:00'") == 1
    assert (
        await count(
            reader, orders, "year(CreationDate) eq 2026 and month(CreationDate) eq 1 and day(CreationDate) eq 7"
        )
        == 1
    )
    assert await count(reader, orders, "BillingDocumentDate eq null") == 192
    assert await count(reader, orders, "CreationDate ne null") == 192


async def test_logic_and_precedence(reader: httpx.AsyncClient) -> None:
    orders = "API_SALES_ORDER_SRV/A_SalesOrder"
    one = "SalesOrder eq '4000001'"
    assert await count(reader, orders, f"{one} or SalesOrder eq '4000002' and SalesOrder eq '4000003'") == 1
    assert await count(reader, orders, f"({one} or SalesOrder eq '4000002') and SalesOrder eq '4000003'") == 0
    assert await count(reader, orders, f"not ({one})") == 191
    assert await count(reader, orders, f"not endswith(PurchaseOrderByCustomer,'0000') and {one}") == 0
    assert await count(reader, orders, "CompleteDeliveryIsDefined eq false") == 192
    assert await count(reader, orders, "not CompleteDeliveryIsDefined") == 192


async def test_filter_and_order_over_a_to_one_navigation(reader: httpx.AsyncClient) -> None:
    items = "API_SALES_ORDER_SRV/A_SalesOrderItem"
    assert await count(reader, items, "to_SalesOrder/SoldToParty eq '10100003'") == 3
    answered = await reader.get(
        f"{ROOT}/{items}", params={"$orderby": "to_SalesOrder/PurchaseOrderByCustomer desc", "$top": "1"}
    )
    assert answered.status_code == 200


async def test_document_numbers_order_as_numbers(reader: httpx.AsyncClient) -> None:
    found = await reader.get(f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrderItem?$filter=SalesOrderItem gt '9'&$top=1")
    assert found.json()["d"]["results"][0]["SalesOrderItem"] == "10"


@pytest.mark.parametrize(
    "text",
    [
        "SalesOrder eq",
        "SalesOrder eq 4000001",
        "Nothing eq '1'",
        "to_Item/Material eq 'x'",
        "TotalNetAmount eq '5'",
        "SalesOrder",
        "SalesOrder eq 'a' extra",
        "frobnicate(SalesOrder)",
        "startswith(SalesOrder)",
        "startswith(TotalNetAmount,'1')",
        "SalesOrder eq 'open",
        'SalesOrder eq "x"',
        "CreationDate gt datetime'yesterday'",
        "CreationDate gt null",
        "not SalesOrder",
        "(" * 70 + "true" + ")" * 70,
        "1=1; DROP TABLE x",
    ],
)
async def test_nonsense_is_refused_as_an_odata_error(reader: httpx.AsyncClient, text: str) -> None:
    refused = await reader.get(f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrder", params={"$filter": text})
    assert refused.status_code == 400
    assert refused.json()["error"]["message"]["value"]


@given(st.text())
def test_a_string_literal_reads_back_as_it_was_written(text: str) -> None:
    tree = parse_expression(
        f"PurchaseOrderByCustomer eq {to_literal(ORDERS.properties['PurchaseOrderByCustomer'], text)}"
    )
    assert isinstance(tree, Operation)
    assert tree.operands[1] == Literal("Edm.String", text)


@given(st.text(alphabet=string.printable + "ß漢🚰"))
def test_a_literal_is_bound_and_never_part_of_the_sql(text: str) -> None:
    prop = ORDERS.properties["PurchaseOrderByCustomer"]
    sql = condition(SALES_ORDER, ORDERS, parse_expression(f"PurchaseOrderByCustomer eq {to_literal(prop, text)}"))
    assert sql.text == '(t0."PurchaseOrderByCustomer" = ?)'
    assert sql.parameters == (text,)


@given(st.text(max_size=80))
def test_any_text_as_a_filter_is_a_condition_or_a_refusal(text: str) -> None:
    with suppress(ODataError):
        sql = condition(SALES_ORDER, ORDERS, parse_expression(text))
        assert sql.text.count("?") == len(sql.parameters)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    value=st.text(max_size=30).filter(
        lambda text: "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    )
)
def test_no_literal_finds_what_it_does_not_name(base_url: str, value: str) -> None:
    literal = to_literal(PRODUCT.sets["A_Product"].properties["Product"], value)
    answered = httpx.get(
        f"{base_url}{ROOT}/API_PRODUCT_SRV/A_Product/$count",
        params={"$filter": f"Product eq {literal}"},
        auth=("TRIPTYCH", "sandbox-only"),
    )
    known: Value = value if value in company().product_by_sku else None
    assert (answered.status_code, answered.text) == (200, "1" if known else "0")
