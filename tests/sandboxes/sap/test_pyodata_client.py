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
    "API_SLS_DOC_WITH_CREDIT_BLOCK",
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


def test_catalogue_parses_and_names_every_service_checked_here(base_url: str, session: requests.Session) -> None:
    client = pyodata.Client(f"{base_url}/sap/opu/odata/IWFND/CATALOGSERVICE;v=2/", session)
    published = {one.ServiceUrl for one in client.entity_sets.ServiceCollection.get_entities().execute()}
    assert published == {f"{ROOT}/{one}" for one in SERVICES} | {"/sap/opu/odata/IWFND/CATALOGSERVICE;v=2"}


def test_filters_built_by_the_client_find_what_they_say(sales: Any) -> None:
    orders = sales.entity_sets.A_SalesOrder

    def found(**conditions: Any) -> list[str]:
        return [one.SalesOrder for one in orders.get_entities().filter(**conditions).order_by("SalesOrder").execute()]

    assert found(SalesOrder__in=["4000003", "4000001"]) == ["4000001", "4000003"]
    assert found(SalesOrder__gt="4000002", SalesOrder__lt="4000004") == ["4000003"]
    assert found(SalesOrder="4000001", PurchaseOrderByCustomer="it's none") == []
    assert "4000001" in found(SoldToParty__startswith="101", SalesOrder__lt="4000002")
    number = orders.get_entity("4000001").execute().PurchaseOrderByCustomer
    assert "4000001" in found(PurchaseOrderByCustomer__contains=number[1:-1])


def test_decimals_dates_and_moments_arrive_typed(sales: Any) -> None:
    found = sales.entity_sets.A_SalesOrder.get_entity("4000001").execute()
    assert (type(found.TotalNetAmount), type(found.CreationDate)) == (str, datetime)
    assert found.LastChangeDateTime.tzinfo is not None
    assert found.BillingDocumentDate.year == 1753  # what the client makes of null


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


def test_deep_create_reaches_partners_and_below_items(sales: Any, order: dict[str, Any]) -> None:
    order["to_Partner"] = [{"PartnerFunction": "SH", "Customer": "10200011"}]
    order["to_Item"][0]["to_Text"] = [{"Language": "EN", "LongTextID": "0001", "LongText": "Handle with care ☎"}]
    created = sales.entity_sets.A_SalesOrder.create_entity().set(**order).execute()
    assert {one.PartnerFunction: one.Customer for one in created.to_Partner}["SH"] == "10200011"
    item = sales.entity_sets.A_SalesOrderItem.get_entity(SalesOrder=created.SalesOrder, SalesOrderItem="10")
    assert [one.LongText for one in item.expand("to_Text").execute().to_Text] == ["Handle with care ☎"]


def test_refused_create_tells_saps_error(sales: Any, order: dict[str, Any]) -> None:
    with pytest.raises(HttpError) as refused:
        sales.entity_sets.A_SalesOrder.create_entity().set(**{**order, "SoldToParty": "1"}).execute()
    assert refused.value.response.status_code == 400
    assert "V1/320" in refused.value.response.text


def test_entity_is_deleted_by_its_tag(sales: Any) -> None:
    orders = sales.entity_sets.A_SalesOrder
    deleting = orders.delete_entity("4000001")
    deleting.add_headers({"If-Match": orders.get_entity("4000001").execute().etag})
    deleting.execute()
    with pytest.raises(HttpError) as gone:
        orders.get_entity("4000001").execute()
    assert gone.value.response.status_code == 404


def test_function_imports_of_a_warehouse_are_called(base_url: str, sales: Any, session: requests.Session) -> None:
    order = sales.entity_sets.A_SalesOrder.get_entities().filter("OverallSDProcessStatus eq 'A'").top(1).execute()[0]
    fulfilled = requests.post(f"{base_url}/__sandbox__/fulfil", json={"order": order.SalesOrder, "until": "delivery"})
    delivery = fulfilled.json()["delivery"]
    client = pyodata.Client(f"{base_url}{ROOT}/API_OUTBOUND_DELIVERY_SRV;v=0002/", session)
    # the client reads no collections of complex types, so picking is asked for without it
    picked = session.post(
        f"{base_url}{ROOT}/API_OUTBOUND_DELIVERY_SRV;v=0002/PickAllItems?DeliveryDocument='{delivery}'"
    )
    assert picked.status_code == 200
    client.functions.PostGoodsIssue.parameter("DeliveryDocument", delivery).execute()
    header = client.entity_sets.A_OutbDeliveryHeader.get_entity(delivery).execute()
    assert (header.OverallPickingStatus, header.OverallGoodsMovementStatus) == ("C", "C")


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


def test_changeset_with_one_refusal_changes_nothing(sales: Any, order: dict[str, Any]) -> None:
    orders, batch, changes = sales.entity_sets.A_SalesOrder, sales.create_batch(), sales.create_changeset()
    changes.add_request(orders.create_entity().set(**order))
    changes.add_request(orders.create_entity().set(**{**order, "SoldToParty": "1"}))
    batch.add_request(changes)
    with pytest.raises(HttpError) as refused:
        batch.execute()
    assert "V1/320" in str(refused.value.response.content)
    assert orders.get_entities().count().execute() == 192


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
