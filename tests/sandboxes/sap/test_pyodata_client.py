"""pyodata, unmodified, takes the stand-in for an SAP system."""

from datetime import UTC, datetime
from typing import Any

import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

ROOT = "/sap/opu/odata/sap"
SERVICES = (
    "API_SALES_ORDER_SRV",
    "API_SALES_ORDER_SIMULATION_SRV",
    "API_BUSINESS_PARTNER",
    "API_PRODUCT_SRV",
    "API_MATERIAL_STOCK_SRV",
    "API_PRODUCT_AVAILY_INFO_BASIC",
    "API_CRDTMBUSINESSPARTNER",
    "API_OUTBOUND_DELIVERY_SRV;v=0002",
    "API_BILLING_DOCUMENT_SRV",
    "API_CUSTOMER_RETURN_SRV",
    "API_CREDIT_MEMO_REQUEST_SRV",
)


@pytest.fixture
def sales(fresh: str, session: requests.Session) -> Any:
    return pyodata.Client(f"{fresh}{ROOT}/API_SALES_ORDER_SRV/", session)


@pytest.mark.parametrize("service", SERVICES)
def test_metadata_of_every_service_parses_strictly(base_url: str, session: requests.Session, service: str) -> None:
    client = pyodata.Client(f"{base_url}{ROOT}/{service}/", session)
    assert client.schema.is_valid
    assert client.schema.entity_sets or client.schema.function_imports


def test_filter_select_order_and_inline_count(sales: Any) -> None:
    request = sales.entity_sets.A_SalesOrder.get_entities()
    request = request.filter(request.OverallSDProcessStatus == "C").select("SalesOrder,TotalNetAmount")
    found = request.order_by("SalesOrder desc").top(3).count(inline=True).execute()
    assert len(found) == 3
    assert found.total_count > 3
    assert [one.SalesOrder for one in found] == sorted((one.SalesOrder for one in found), reverse=True)


def test_count_is_a_number(sales: Any) -> None:
    assert sales.entity_sets.A_SalesOrder.get_entities().count().execute() == 192


def test_entity_with_nested_expand(sales: Any) -> None:
    found = sales.entity_sets.A_SalesOrder.get_entity("4000001").expand("to_Item/to_ScheduleLine,to_Partner").execute()
    assert found.SoldToParty == "10100001"
    assert {one.PartnerFunction for one in found.to_Partner} == {"SP", "SH", "BP", "PY"}
    assert found.to_Item[0].to_ScheduleLine[0].ScheduleLine == "1"


def test_navigation_without_expand(sales: Any) -> None:
    items = sales.entity_sets.A_SalesOrder.get_entity("4000003").nav("to_Item").get_entities().execute()
    assert [one.SalesOrderItem for one in items] == ["10", "20", "30"]


def test_deep_create_answers_with_what_was_nested(sales: Any, order: dict[str, Any]) -> None:
    created = sales.entity_sets.A_SalesOrder.create_entity().set(**order).execute()
    assert created.SalesOrder == "4000193"
    assert [one.Material for one in created.to_Item] == ["TG-00001", "TG-00002"]
    assert created.etag.startswith("W/\"datetimeoffset'")


def test_update_needs_the_entity_tag(sales: Any) -> None:
    orders = sales.entity_sets.A_SalesOrder
    found = orders.get_entity("4000001").execute()
    update = orders.update_entity("4000001").set(PurchaseOrderByCustomer="CHANGED")
    with pytest.raises(HttpError) as refused:
        update.execute()
    assert refused.value.response.status_code == 428
    update.add_headers({"If-Match": found.etag})
    update.execute()
    assert orders.get_entity("4000001").execute().PurchaseOrderByCustomer == "CHANGED"


def test_batch_of_a_read_and_a_changeset(sales: Any, order: dict[str, Any]) -> None:
    batch = sales.create_batch()
    batch.add_request(sales.entity_sets.A_SalesOrder.get_entity("4000001"))
    changes = sales.create_changeset()
    changes.add_request(sales.entity_sets.A_SalesOrder.create_entity().set(**order))
    batch.add_request(changes)
    read, [created] = batch.execute()
    assert read.SalesOrder == "4000001"
    assert created.SalesOrder == "4000193"


def test_function_import(fresh: str, session: requests.Session) -> None:
    client = pyodata.Client(f"{fresh}{ROOT}/API_PRODUCT_AVAILY_INFO_BASIC/", session)
    call = client.functions.DetermineAvailabilityAt.parameter("Material", "TG-00001")
    call = call.parameter("SupplyingPlant", "1010").parameter("ATPCheckingRule", "A")
    call = call.parameter("RequestedUTCDateTime", datetime(2026, 12, 1, tzinfo=UTC))
    record = call.execute()["DetermineAvailabilityAt"]
    assert int(record["AvailableQuantityInBaseUnit"]) > 0
    assert record["BaseUnit"] == "PC"


def test_next_link_of_a_paged_service(fresh: str, session: requests.Session) -> None:
    client = pyodata.Client(f"{fresh}{ROOT}/API_PRODUCT_SRV/", session)
    page = client.entity_sets.A_Product.get_entities().select("Product").execute()
    seen = [one.Product for one in page]
    while page.next_url:
        page = client.entity_sets.A_Product.get_entities().next_url(page.next_url).execute()
        seen += [one.Product for one in page]
    assert len(seen) == len(set(seen)) == 540
