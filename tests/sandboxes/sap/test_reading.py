"""Reads, point by point: addressing, wrappers, types, paging, encodings, errors."""

import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

ROOT = "/sap/opu/odata/sap"
SALES = f"{ROOT}/API_SALES_ORDER_SRV"
ATOM = "{http://www.w3.org/2005/Atom}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
METADATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"


async def get(reader: httpx.AsyncClient, path: str, **params: str) -> Any:
    answered = await reader.get(path, params=params)
    assert answered.status_code == 200, answered.text
    return answered.json()["d"]


async def test_entity_carries_metadata_and_deferred_links(reader: httpx.AsyncClient) -> None:
    answered = await reader.get(f"{SALES}/A_SalesOrder('4000001')")
    entity = answered.json()["d"]
    uri = f"{reader.base_url}{SALES}/A_SalesOrder('4000001')".replace("//sap", "/sap")
    assert entity["__metadata"]["uri"] == uri
    assert entity["__metadata"]["type"] == "API_SALES_ORDER_SRV.A_SalesOrderType"
    assert entity["__metadata"]["etag"] == answered.headers["etag"]
    assert entity["to_Item"] == {"__deferred": {"uri": f"{uri}/to_Item"}}
    assert answered.headers["dataserviceversion"] == "2.0"


async def test_types_are_spelt_as_odata_2_does(reader: httpx.AsyncClient) -> None:
    entity = await get(reader, f"{SALES}/A_SalesOrder('4000001')")
    assert entity["CreationDate"] == "/Date(1767744000000)/"
    assert entity["LastChangeDateTime"].endswith("+0000)/")
    assert isinstance(entity["TotalNetAmount"], str)
    assert entity["CompleteDeliveryIsDefined"] is False
    assert entity["DeliveryBlockReason"] == ""
    assert entity["BillingDocumentDate"] is None


async def test_document_numbers_have_no_leading_zeros_whichever_way_they_are_asked_for(
    reader: httpx.AsyncClient,
) -> None:
    entity = await get(reader, f"{SALES}/A_SalesOrderItem(SalesOrder='0004000001',SalesOrderItem='000010')")
    assert (entity["SalesOrder"], entity["SalesOrderItem"]) == ("4000001", "10")
    found = await get(reader, f"{SALES}/A_SalesOrder", **{"$filter": "SalesOrder eq '0004000001'"})
    assert len(found["results"]) == 1


async def test_collection_with_inline_count(reader: httpx.AsyncClient) -> None:
    found = await get(reader, f"{SALES}/A_SalesOrder", **{"$top": "2", "$skip": "1", "$inlinecount": "allpages"})
    assert found["__count"] == "192"
    assert [one["SalesOrder"] for one in found["results"]] == ["4000002", "4000003"]
    assert "__next" not in found
    assert "__count" not in await get(reader, f"{SALES}/A_SalesOrder", **{"$top": "1"})


async def test_count_is_plain_text(reader: httpx.AsyncClient) -> None:
    answered = await reader.get(f"{SALES}/A_SalesOrder/$count", params={"$filter": "SoldToParty eq '10100001'"})
    assert answered.text == "1"
    assert answered.headers["content-type"].startswith("text/plain")


async def test_property_and_its_raw_value(reader: httpx.AsyncClient) -> None:
    assert await get(reader, f"{SALES}/A_SalesOrder('4000001')/SoldToParty") == {"SoldToParty": "10100001"}
    raw = await reader.get(f"{SALES}/A_SalesOrder('4000001')/SoldToParty/$value")
    assert raw.text == "10100001"


async def test_navigation_to_many_to_one_and_beyond(reader: httpx.AsyncClient) -> None:
    items = await get(reader, f"{SALES}/A_SalesOrder('4000003')/to_Item", **{"$orderby": "SalesOrderItem desc"})
    assert [one["SalesOrderItem"] for one in items["results"]] == ["30", "20", "10"]
    key = "SalesOrder='4000003',SalesOrderItem='20'"
    assert (await get(reader, f"{SALES}/A_SalesOrderItem({key})/to_SalesOrder"))["SalesOrder"] == "4000003"
    lines = await get(reader, f"{SALES}/A_SalesOrder('4000003')/to_Item({key})/to_ScheduleLine")
    assert lines["results"][0]["SalesOrderItem"] == "20"


async def test_nested_expand_with_select_paths(reader: httpx.AsyncClient) -> None:
    entity = await get(
        reader,
        f"{SALES}/A_SalesOrder('4000003')",
        **{
            "$expand": "to_Item/to_ScheduleLine,to_Partner",
            "$select": "SalesOrder,to_Item/Material,to_Item/to_ScheduleLine",
        },
    )
    assert set(entity) == {"__metadata", "SalesOrder", "to_Item"}
    assert set(entity["to_Item"]["results"][0]) == {"__metadata", "Material", "to_ScheduleLine"}
    assert entity["to_Item"]["results"][0]["to_ScheduleLine"]["results"][0]["ScheduleLine"] == "1"


async def test_select_of_an_unknown_property_is_refused(reader: httpx.AsyncClient) -> None:
    refused = await reader.get(f"{SALES}/A_SalesOrder", params={"$select": "Nothing"})
    assert refused.status_code == 400
    assert "'Nothing'" in refused.json()["error"]["message"]["value"]


@pytest.mark.parametrize("option", ["$top=-1", "$skip=x", "$inlinecount=some", "$expand=to_Nowhere", "$search=x"])
async def test_bad_system_options_are_refused(reader: httpx.AsyncClient, option: str) -> None:
    assert (await reader.get(f"{SALES}/A_SalesOrder?{option}")).status_code == 400


async def test_server_paging_hands_out_a_next_link(reader: httpx.AsyncClient) -> None:
    params = {"$select": "Product", "$filter": "Division eq '00'", "$inlinecount": "allpages"}
    page = await get(reader, f"{ROOT}/API_PRODUCT_SRV/A_Product", **params)
    assert len(page["results"]) == 250
    assert "$skiptoken=250" in page["__next"]
    second = (await reader.get(page["__next"])).json()["d"]
    last = (await reader.get(second["__next"])).json()["d"]
    assert (len(second["results"]), len(last["results"]), last["__count"]) == (250, 40, "540")
    assert "__next" not in last


async def test_client_page_smaller_than_the_servers_has_no_next_link(reader: httpx.AsyncClient) -> None:
    page = await get(reader, f"{ROOT}/API_PRODUCT_SRV/A_Product", **{"$top": "10"})
    assert len(page["results"]) == 10
    assert "__next" not in page


async def test_client_page_larger_than_the_servers_is_kept_over_pages(reader: httpx.AsyncClient) -> None:
    page = await get(reader, f"{ROOT}/API_PRODUCT_SRV/A_Product", **{"$top": "300", "$select": "Product"})
    second = (await reader.get(page["__next"])).json()["d"]
    assert (len(page["results"]), len(second["results"])) == (250, 50)
    assert "__next" not in second


async def test_atom_is_the_default_encoding(reader: httpx.AsyncClient) -> None:
    feed = await reader.get(f"{SALES}/A_SalesOrder?$top=2&$expand=to_Item", headers={"accept": "*/*"})
    assert feed.headers["content-type"].startswith("application/atom+xml;type=feed")
    root = ET.fromstring(feed.text)
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 2
    properties = entries[0].find(f"{ATOM}content/{METADATA}properties")
    assert properties is not None
    assert properties.findtext(f"{DATA}SalesOrder") == "4000001"
    assert properties.find(f"{DATA}BillingDocumentDate").get(f"{METADATA}null") == "true"  # type: ignore[union-attr]
    assert entries[0].get(f"{METADATA}etag", "").startswith("W/")
    assert entries[0].findall(f"{ATOM}link/{METADATA}inline/{ATOM}feed/{ATOM}entry")


async def test_format_option_outranks_accept(reader: httpx.AsyncClient) -> None:
    as_json = await reader.get(f"{SALES}/A_SalesOrder('4000001')?$format=json", headers={"accept": "*/*"})
    as_atom = await reader.get(f"{SALES}/A_SalesOrder('4000001')?$format=atom")
    assert as_json.headers["content-type"].startswith("application/json")
    assert ET.fromstring(as_atom.text).tag == f"{ATOM}entry"


async def test_service_document_in_both_encodings(reader: httpx.AsyncClient) -> None:
    assert "A_SalesOrder" in (await get(reader, f"{SALES}/"))["EntitySets"]
    as_xml = await reader.get(f"{SALES}/", headers={"accept": "application/xml"})
    assert 'href="A_SalesOrder"' in as_xml.text


async def test_catalogue_lists_every_service(reader: httpx.AsyncClient) -> None:
    found = await get(reader, "/sap/opu/odata/IWFND/CATALOGSERVICE;v=2/ServiceCollection")
    names = {one["TechnicalServiceName"] for one in found["results"]}
    assert {"API_SALES_ORDER_SRV", "API_BUSINESS_PARTNER", "API_OUTBOUND_DELIVERY_SRV"} <= names


async def test_metadata_marks_etag_units_and_what_may_be_written(reader: httpx.AsyncClient) -> None:
    text = (await reader.get(f"{SALES}/$metadata")).text
    assert '<Property Name="LastChangeDateTime" Type="Edm.DateTimeOffset" Precision="7" ConcurrencyMode="Fixed"' in text
    assert 'Name="PurchaseOrderByCustomer" Type="Edm.String" MaxLength="35"' in text
    assert 'Name="TotalNetAmount" Type="Edm.Decimal" Precision="16" Scale="3" sap:unit="TransactionCurrency"' in text


async def test_unmodified_entity_is_not_sent_again(reader: httpx.AsyncClient) -> None:
    first = await reader.get(f"{SALES}/A_SalesOrder('4000001')")
    again = await reader.get(f"{SALES}/A_SalesOrder('4000001')", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_missing_order_has_the_applications_message(reader: httpx.AsyncClient) -> None:
    missing = await reader.get(f"{SALES}/A_SalesOrder('77')")
    error = missing.json()["error"]
    assert missing.status_code == 404
    assert error["code"] == "SLS_LO/501"
    assert error["message"] == {"lang": "en", "value": "Sales order 77 not found"}
    inner = error["innererror"]
    assert inner["application"]["service_id"] == "API_SALES_ORDER_SRV"
    assert inner["errordetails"][0]["severity"] == "error"
    assert len(inner["timestamp"].replace(".", "")) == 21


async def test_missing_segment_has_gateways_message_in_xml(reader: httpx.AsyncClient) -> None:
    missing = await reader.get(f"{SALES}/A_Nothing", headers={"accept": "*/*"})
    root = ET.fromstring(missing.text)
    assert missing.status_code == 404
    assert root.tag == f"{METADATA}error"
    assert root.findtext(f"{METADATA}code") == "/IWBEP/CM_MGW_RT/020"
    assert root.find(f"{METADATA}innererror/{METADATA}errordetails") is not None


@pytest.mark.parametrize(
    "key", ["(4000001)", "('4000001'", "(SalesOrder='1',Extra='2')", "()", "(datetime'2026-01-01T00:00:00')", "('')x"]
)
async def test_bad_keys_are_refused(reader: httpx.AsyncClient, key: str) -> None:
    assert (await reader.get(f"{SALES}/A_SalesOrder{key}")).status_code in {400, 404}


async def test_compound_key_needs_every_part(reader: httpx.AsyncClient) -> None:
    assert (await reader.get(f"{SALES}/A_SalesOrderItem(SalesOrder='4000001')")).status_code == 400
    assert (await reader.get(f"{SALES}/A_SalesOrderItem('4000001')")).status_code == 400


async def test_key_with_quote_and_slash_is_one_segment(reader: httpx.AsyncClient) -> None:
    missing = await reader.get(f"{ROOT}/API_PRODUCT_SRV/A_Product('TG%2F1%27%27x')")
    assert missing.status_code == 404
    assert "A_ProductType" in missing.json()["error"]["message"]["value"]


async def test_head_has_no_body(reader: httpx.AsyncClient) -> None:
    answered = await reader.head(f"{SALES}/A_SalesOrder('4000001')")
    assert (answered.status_code, answered.content) == (200, b"")
