"""The version 4 doors of the stand-in: the same orders as by version 2, in the newer spelling."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import httpx
import pytest

OLDER = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
SALES = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
STOCK = "/sap/opu/odata4/sap/api_product_availy_info/srvd_a2x/sap/apiproductavailyinfo/0001"
EXACT = {"accept": "application/json;IEEE754Compatible=true"}


async def read(client: httpx.AsyncClient, path: str, **headers: str) -> Any:
    answered = await client.get(f"{SALES}/{path}", headers=headers)
    assert answered.status_code == 200, answered.text
    assert answered.headers["odata-version"] == "4.0"
    return answered.json()


@pytest.fixture
def body(order: dict[str, Any]) -> dict[str, Any]:
    """The order of two items, as version 4 writes it."""
    items = [{**one, "RequestedQuantity": int(one["RequestedQuantity"])} for one in order.pop("to_Item")]
    return {**order, "RequestedDeliveryDate": "2027-01-15", "_Item": items}


async def test_order_is_the_one_that_version_2_shows(reader: httpx.AsyncClient) -> None:
    newer = await read(reader, "SalesOrder('4000001')?$expand=_Item($expand=_ScheduleLine),_Partner", **EXACT)
    older = (await reader.get(f"{OLDER}/A_SalesOrder('4000001')?$expand=to_Item")).json()["d"]
    assert newer["@odata.context"] == "$metadata#SalesOrder(_Item(),_Partner())/$entity"
    assert newer["@odata.etag"] == older["__metadata"]["etag"]
    assert newer["TotalNetAmount"] == older["TotalNetAmount"]
    assert (newer["CreationDate"][4], newer["BillingDocumentDate"]) == ("-", None)
    assert newer["LastChangeDateTime"].endswith("Z")
    assert [one["Material"] for one in newer["_Item"]] == [one["Material"] for one in older["to_Item"]["results"]]
    assert newer["_Item"][0]["_ScheduleLine"][0]["ScheduleLine"] == "1"
    assert {one["PartnerFunction"] for one in newer["_Partner"]} == {"SP", "SH", "BP", "PY"}


async def test_decimals_are_numbers_unless_strings_are_asked_for(reader: httpx.AsyncClient) -> None:
    path = "SalesOrder('4000001')?$select=TotalNetAmount"
    assert isinstance((await read(reader, path))["TotalNetAmount"], int | float)
    assert isinstance((await read(reader, path, **EXACT))["TotalNetAmount"], str)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("contains(PurchaseOrderByCustomer,'00')", "substringof('00',PurchaseOrderByCustomer)"),
        (
            "SalesOrder in ('4000001','4000003') and TotalNetAmount gt 0.5",
            "SalesOrder eq '4000001' or SalesOrder eq '4000003'",
        ),
        ("CreationDate ge 2020-01-01 and not (SoldToParty eq '10100001')", "SoldToParty ne '10100001'"),
        ("LastChangeDateTime gt 2020-01-01T00:00:00Z", "SalesOrder ne ''"),
        ("startswith(tolower(PurchaseOrderByCustomer),'o''x')", "SalesOrder eq ''"),
    ],
)  # fmt: skip
async def test_filter_finds_what_the_older_spelling_finds(reader: httpx.AsyncClient, newer: str, older: str) -> None:
    found = await reader.get(f"{SALES}/SalesOrder/$count", params={"$filter": newer})
    expected = await reader.get(f"{OLDER}/A_SalesOrder/$count", params={"$filter": older})
    assert (found.status_code, found.text) == (200, expected.text)


@pytest.mark.parametrize(
    "query",
    [
        "$filter=substringof('x',SoldToParty)", "$filter=CreationDate ge datetime'2026-01-15T00:00:00'",
        "$filter=TotalNetAmount gt 12.5m", "$filter=SalesOrder in ()", "$filter=_Item/any(Material eq 'X')",
        "$filter=_Item/all()", "$filter=_Item/any(i:i/Nothing eq 1)", "$filter=_Item/any(i:i/Material)",
        "$filter=_Item/any(i:i/_ScheduleLine/any(i:true))", "$filter=_Item/Material eq 'X'", "$filter=any(i:true)",
        "$filter=Nothing eq 1", "$inlinecount=allpages", "$count=yes", "$top=-1", "$select=to_Item", "$expand=to_Item",
        "$expand=_Item($select=Nothing)", "$expand=_Item($top=1", "$search=", "$search=(x", "$search=AND",
        "$expand=_Item;x", "$expand=_Partner($search=x)", "$apply=groupby(SoldToParty)", "$apply=groupby((Nothing))",
        "$apply=aggregate(SoldToParty with sum as A)", "$apply=aggregate(TotalNetAmount with median as A)",
        "$apply=groupby((SoldToParty))&$select=SoldToParty", "$apply=groupby((SoldToParty))&$orderby=SalesOrder",
        "$apply=filter(SalesOrder eq '1')", "$apply=aggregate($count as A,$count as A)", "$apply=compute(1 as A)",
    ],
)  # fmt: skip
async def test_what_is_no_version_4_is_refused_with_a_text_as_message(reader: httpx.AsyncClient, query: str) -> None:
    refused = await reader.get(f"{SALES}/SalesOrder?{query}")
    assert refused.status_code == 400
    assert isinstance(refused.json()["error"]["message"], str)


@pytest.mark.parametrize(
    ("condition", "meets"),
    [
        ("_Item/any(i:i/Material eq 'TG-00001')", lambda items: any(m == "TG-00001" for m, _ in items)),
        ("_Item/any(i:i/Material eq 'TG-00001' and i/RequestedQuantity gt 2)",
         lambda items: any(m == "TG-00001" and q > 2 for m, q in items)),
        ("_Item/all(i:i/RequestedQuantity ge 5)", lambda items: all(q >= 5 for _, q in items)),
        ("not _Item/any()", lambda items: not items),
        ("_Item/$count gt 2", lambda items: len(items) > 2),
        ("_Item/any(i:i/_ScheduleLine/any(s:s/ScheduleLineOrderQuantity eq i/RequestedQuantity))", bool),
        ("_Item/any(i:i/_SalesOrder/SalesOrder eq SalesOrder and $it/SoldToParty ne '')", bool),
    ],
)  # fmt: skip
async def test_lambdas_ask_about_the_entities_behind_a_navigation(
    reader: httpx.AsyncClient, condition: str, meets: Any
) -> None:
    everything = "$select=SalesOrder&$orderby=SalesOrder&$top=60"
    shown = await read(reader, f"SalesOrder?{everything}&$expand=_Item($select=Material,RequestedQuantity)")
    expected = [
        one["SalesOrder"]
        for one in shown["value"]
        if meets([(item["Material"], item["RequestedQuantity"]) for item in one["_Item"]])
    ]
    last = shown["value"][-1]["SalesOrder"]
    asked = quote(f"SalesOrder le '{last}' and ({condition})")
    found = await read(reader, f"SalesOrder?{everything}&$filter={asked}")
    assert [one["SalesOrder"] for one in found["value"]] == expected


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("10100001", "contains(SoldToParty,'10100001')"),
        ("4000003 OR 4000004", "SalesOrder in ('4000003','4000004')"),
        ('"4000003" AND NOT 9999', "SalesOrder eq '4000003'"),
        ("(4000003 OR 4000004) 400000", "SalesOrder in ('4000003','4000004')"),
        ("o'x", "SalesOrder eq ''"),
    ],
)
async def test_search_looks_through_the_texts_of_an_order(reader: httpx.AsyncClient, text: str, condition: str) -> None:
    found = await reader.get(f"{SALES}/SalesOrder/$count", params={"$search": text})
    expected = await reader.get(f"{SALES}/SalesOrder/$count", params={"$filter": condition})
    assert (found.status_code, found.text) == (200, expected.text)
    none = await reader.get(f"{SALES}/SalesOrder/$count", params={"$search": text, "$filter": "SalesOrder eq ''"})
    assert none.text == "0"


async def test_rows_are_grouped_and_summed_up_exactly(reader: httpx.AsyncClient) -> None:
    figures = (
        "TotalNetAmount with sum as Net,TotalNetAmount with max as Most,CreationDate with min as First,"
        "SoldToParty with countdistinct as Parties,$count as Orders,TotalNetAmount with average as Mean"
    )
    few = "SalesOrder lt '4000031'"
    shown = await read(reader, f"SalesOrder?$filter={few}&$top=60", **EXACT)
    found = await read(
        reader,
        f"SalesOrder?$apply=filter({few})/groupby((TransactionCurrency),aggregate({figures}))"
        "&$orderby=Net desc&$count=true",
        **EXACT,
    )
    assert found["@odata.context"] == "$metadata#SalesOrder(TransactionCurrency,Net,Most,First,Parties,Orders,Mean)"
    groups: dict[str, list[Any]] = {}
    for one in shown["value"]:
        groups.setdefault(one["TransactionCurrency"], []).append(one)
    assert found["@odata.count"] == str(len(groups))
    sums = [Decimal(one["Net"]) for one in found["value"]]
    assert sums == sorted(sums, reverse=True)
    for one in found["value"]:
        members = groups[one["TransactionCurrency"]]
        amounts = [Decimal(each["TotalNetAmount"]) for each in members]
        assert (Decimal(one["Net"]), Decimal(one["Most"])) == (sum(amounts), max(amounts))
        assert (one["Orders"], one["Parties"]) == (
            str(len(members)),
            str(len({each["SoldToParty"] for each in members})),
        )
        assert one["First"] == min(each["CreationDate"] for each in members)
        assert abs(Decimal(one["Mean"]) * len(members) - sum(amounts)) < Decimal("0.001")


async def test_aggregate_alone_is_one_row_even_of_nothing(reader: httpx.AsyncClient) -> None:
    found = await read(
        reader, "SalesOrder?$apply=filter(SalesOrder eq '')/aggregate($count as N,TotalNetAmount with sum as Net)"
    )
    assert found["value"] == [{"N": 0, "Net": None}]
    pairs = await read(reader, "SalesOrder?$apply=groupby((SoldToParty,TransactionCurrency))&$top=3&$skip=1")
    assert [set(one) for one in pairs["value"]] == [{"SoldToParty", "TransactionCurrency"}] * 3


@pytest.fixture
async def credit_blocked(writer: httpx.AsyncClient, body: dict[str, Any]) -> str:
    """The number of an order beyond its customer's credit limit."""
    items = [{**one, "RequestedQuantity": 90_000} for one in body["_Item"]]
    made = await writer.post(f"{SALES}/SalesOrder", json={**body, "_Item": items})
    assert made.status_code == 201, made.text
    return made.json()["SalesOrder"]


async def test_bound_action_releases_a_credit_block_once(writer: httpx.AsyncClient, credit_blocked: str) -> None:
    order = await read(writer, f"SalesOrder('{credit_blocked}')")
    assert (order["TotalCreditCheckStatus"], order["TotalBlockStatus"]) == ("B", "C")
    path = f"{SALES}/SalesOrder('{credit_blocked}')/SAP__self.ReleaseCreditBlock"
    assert (await writer.post(path)).status_code == 428
    assert (await writer.post(path, headers={"if-match": 'W/"old"'})).status_code == 412
    done = await writer.post(path, headers={"if-match": order["@odata.etag"]})
    assert (done.status_code, done.json()["TotalCreditCheckStatus"], done.json()["TotalBlockStatus"]) == (200, "D", "")
    assert done.headers["etag"] == done.json()["@odata.etag"] != order["@odata.etag"]
    again = await writer.post(path, headers={"if-match": "*"})
    assert (again.status_code, again.json()["error"]["code"]) == (400, "UKM_SD/110")


async def test_bound_action_rejects_what_is_blocked_for_a_reason(
    writer: httpx.AsyncClient, credit_blocked: str
) -> None:
    schema = "com.sap.gateway.srvd_a2x.salesorder.v0001"
    path, tag = f"{SALES}/SalesOrder('{credit_blocked}')/{schema}.RejectCreditBlock", {"if-match": "*"}
    for wrong in ({"Reason": "11"}, {"SalesDocumentRjcnReason": 11}, {"SalesDocumentRjcnReason": "ZZ"}):
        assert (await writer.post(path, json=wrong, headers=tag)).status_code == 400
    minimal = {**tag, "prefer": "return=minimal"}
    assert (await writer.post(path, json={"SalesDocumentRjcnReason": "51"}, headers=minimal)).status_code == 204
    items = (await read(writer, f"SalesOrder('{credit_blocked}')/_Item"))["value"]
    assert {one["SalesDocumentRjcnReason"] for one in items} == {"51"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("SalesOrder('4000001')/SAP__self.Nothing", 404),
        ("SalesOrder('4000001')/other.ReleaseCreditBlock", 404),
        ("SalesOrder/SAP__self.ReleaseCreditBlock", 405),
        ("SalesOrder('4000001')/SAP__self.ReleaseApprovalRequest", 400),
    ],
)
async def test_action_that_is_not_there_or_not_due_is_refused(
    writer: httpx.AsyncClient, path: str, status: int
) -> None:
    refused = await writer.post(f"{SALES}/{path}", headers={"if-match": "*"})
    assert (refused.status_code, bool(refused.json()["error"]["message"])) == (status, True)
    assert (await writer.get(f"{SALES}/SalesOrder('4000001')/SAP__self.ReleaseCreditBlock")).status_code == 405


async def test_order_that_nothing_follows_is_deleted(writer: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = await writer.post(f"{SALES}/SalesOrder", json=body)
    path, tag = made.headers["location"], {"if-match": made.headers["etag"]}
    assert (await writer.delete(path)).status_code == 428
    assert (await writer.delete(path, headers=tag)).status_code == 204
    assert (await writer.get(path)).status_code == 404


async def test_page_leads_on_to_the_next_and_counts(reader: httpx.AsyncClient) -> None:
    first = await read(reader, "SalesOrder?$select=SalesOrder&$orderby=SalesOrder desc&$count=true")
    second = await read(reader, first["@odata.nextLink"])
    numbers = [one["SalesOrder"] for one in first["value"] + second["value"]]
    assert (first["@odata.count"], len(numbers), len(set(numbers))) == (192, 192, 192)
    assert numbers == sorted(numbers, reverse=True)
    assert "@odata.nextLink" not in second
    assert set(first["value"][0]) == {"@odata.etag", "SalesOrder"}
    part = await read(reader, "SalesOrder?$top=2&$skip=1&$orderby=SalesOrder")
    assert [one["SalesOrder"] for one in part["value"]] == ["4000002", "4000003"]


async def test_expanded_navigation_has_options_of_its_own(reader: httpx.AsyncClient) -> None:
    options = "$filter=SalesOrderItem ne '20';$orderby=SalesOrderItem desc;$top=1;$count=true;$select=Material"
    found = await read(reader, f"SalesOrder('4000003')?$select=SoldToParty&$expand=_Item({options})")
    assert found["_Item@odata.count"] == 2
    assert [set(one) for one in found["_Item"]] == [{"Material", "SalesOrder", "SalesOrderItem"}]
    assert found["_Item"][0]["SalesOrderItem"] == "30"
    items = await read(reader, "SalesOrder('4000003')/_Item?$expand=_SalesOrder($select=SoldToParty)")
    assert {one["_SalesOrder"]["SoldToParty"] for one in items["value"]} == {found["SoldToParty"]}


async def test_deep_create_answers_with_what_was_nested(writer: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = await writer.post(f"{SALES}/SalesOrder", json=body)
    assert made.status_code == 201, made.text
    order = made.json()
    assert made.headers["location"].endswith(f"{SALES}/SalesOrder('{order['SalesOrder']}')")
    assert made.headers["etag"] == order["@odata.etag"]
    assert [one["Material"] for one in order["_Item"]] == ["TG-00001", "TG-00002"]
    assert order["RequestedDeliveryDate"] == "2027-01-15"
    assert (await writer.get(f"{OLDER}/A_SalesOrder('{order['SalesOrder']}')")).status_code == 200
    short = await writer.post(f"{SALES}/SalesOrder", json=body, headers={"prefer": "return=minimal"})
    assert (short.status_code, short.content) == (204, b"")
    assert short.headers["odata-entityid"] == short.headers["location"]


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"_Item": {"results": []}}, "_Item"),
        ({"to_Item": []}, "to_Item"),
        ({"RequestedDeliveryDate": "/Date(0)/"}, "RequestedDeliveryDate"),
        ({"_Item": [{"Material": "TG-00001", "RequestedQuantity": "5"}]}, "RequestedQuantity"),
        ({"SoldToParty": "1"}, "SoldToParty"),
        ({"PurchaseOrderByCustomer": "x" * 36}, "PurchaseOrderByCustomer"),
    ],
)
async def test_refused_order_names_what_is_wrong(
    writer: httpx.AsyncClient, body: dict[str, Any], change: dict[str, Any], target: str
) -> None:
    refused = await writer.post(f"{SALES}/SalesOrder", json=body | change)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["target"], error["@Common.numericSeverity"]) == (target, 4)
    assert isinstance(error["message"], str)


async def test_change_needs_the_entity_tag_and_answers_as_preferred(writer: httpx.AsyncClient) -> None:
    path, change = f"{SALES}/SalesOrder('4000001')", {"PurchaseOrderByCustomer": "NEW"}
    etag = (await writer.get(path)).headers["etag"]
    assert (await writer.get(path, headers={"if-none-match": etag})).status_code == 304
    assert (await writer.patch(path, json=change)).status_code == 428
    done = await writer.patch(path, json=change, headers={"if-match": etag})
    assert (done.status_code, done.content) == (204, b"")
    assert (await writer.patch(path, json=change, headers={"if-match": etag})).status_code == 412
    wanted = {"if-match": done.headers["etag"], "prefer": "return=representation"}
    shown = await writer.patch(path, json={"PurchaseOrderByCustomer": "NEWER"}, headers=wanted)
    assert (shown.status_code, shown.json()["PurchaseOrderByCustomer"]) == (200, "NEWER")
    assert (await writer.delete(path, headers={"if-match": etag})).status_code == 412


async def test_large_numbers_may_be_strings_where_both_sides_say_so(writer: httpx.AsyncClient) -> None:
    path = f"{SALES}/SalesOrderItem(SalesOrder='4000001',SalesOrderItem='10')"
    headers = {"content-type": "application/json;IEEE754Compatible=true"}
    assert (await writer.patch(path, json={"RequestedQuantity": "7"})).status_code == 400
    assert (await writer.patch(path, json={"RequestedQuantity": "7"}, headers=headers)).status_code == 204
    assert (await writer.get(f"{path}/RequestedQuantity")).json()["value"] == 7


async def test_write_without_a_token_is_refused_as_by_version_2(reader: httpx.AsyncClient) -> None:
    refused = await reader.post(f"{SALES}/SalesOrder", json={})
    assert (refused.status_code, refused.headers["x-csrf-token"]) == (403, "Required")
    fetched = await reader.get(f"{SALES}/", headers={"x-csrf-token": "Fetch"})
    assert fetched.headers["x-csrf-token"]
    assert {"name": "SalesOrder", "url": "SalesOrder"} in fetched.json()["value"]


async def test_availability_is_told_by_functions(reader: httpx.AsyncClient) -> None:
    place = "ATPCheckingRule='A',Material='TG-00001',SupplyingPlant='1010'"
    at = (
        await reader.get(f"{STOCK}/DetermineAvailabilityAt({place},RequestedUTCDateTime=2026-12-01T00:00:00Z)")
    ).json()
    assert (at["PeriodStartUTCDateTime"], at["BaseUnit"]) == ("2026-12-01T00:00:00Z", "PC")
    series = (await reader.get(f"{STOCK}/CalculateAvailabilityTimeseries({place})")).json()["value"]
    assert series[0]["AvailableQuantityInBaseUnit"] == at["AvailableQuantityInBaseUnit"] > 0
    missing = await reader.get(f"{STOCK}/DetermineAvailabilityAt({place})")
    assert (missing.status_code, missing.json()["error"]["target"]) == (400, "RequestedUTCDateTime")


async def batch(writer: httpx.AsyncClient, *requests: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    answered = await writer.post(f"{SALES}/$batch", json={"requests": requests}, headers=headers)
    assert answered.status_code == 200, answered.text
    return answered.json()["responses"]


async def test_group_of_a_batch_is_done_whole_or_not_at_all(writer: httpx.AsyncClient, body: dict[str, Any]) -> None:
    create = {"id": "1", "method": "POST", "url": "SalesOrder", "atomicityGroup": "g", "body": body,
              "headers": {"content-type": "application/json"}}  # fmt: skip
    item = {**create, "id": "2", "url": "$1/_Item", "body": {"Material": "TG-00003", "RequestedQuantity": 1}}
    made, added = await batch(writer, create, item)
    assert (made["status"], added["status"], added["body"]["SalesOrderItem"]) == (201, 201, "30")
    wrong = {**item, "body": {"Material": "NONE", "RequestedQuantity": 1}}
    answers = await batch(writer, create, wrong, {"id": "3", "method": "GET", "url": "SalesOrder/$count"})
    assert [one["status"] for one in answers] == [424, 400]
    read_on = {"id": "3", "method": "GET", "url": "SalesOrder/$count"}
    after = {**item, "id": "4", "atomicityGroup": None, "dependsOn": ["g"]}
    answers = await batch(writer, create, wrong, read_on, after, prefer="odata.continue-on-error")
    assert [(one["id"], one["status"]) for one in answers] == [("1", 424), ("2", 400), ("3", 200), ("4", 424)]
    assert answers[2]["body"] == "193"


async def test_batch_that_cannot_be_read_is_refused(writer: httpx.AsyncClient) -> None:
    mixed = {"content-type": "multipart/mixed; boundary=x"}
    assert (await writer.post(f"{SALES}/$batch", content=b"--x--", headers=mixed)).status_code == 415
    twice = {"id": "1", "method": "GET", "url": "SalesOrder"}
    for wrong in ({}, {"requests": [{"id": "1"}]}, {"requests": [twice, twice]}):
        assert (await writer.post(f"{SALES}/$batch", json=wrong)).status_code == 400


@pytest.mark.parametrize("root", [SALES, STOCK])
async def test_metadata_is_of_version_4_and_closed(reader: httpx.AsyncClient, root: str) -> None:
    document = ET.fromstring((await reader.get(f"{root}/$metadata")).text)
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    assert document.get("Version") == "4.0"
    types = {one.get("Name") for kind in ("EntityType", "ComplexType") for one in document.iter(f"{edm}{kind}")}
    used = {one.get("Type", "").removesuffix(")").rpartition(".")[2]
            for kind in ("NavigationProperty", "ReturnType") for one in document.iter(f"{edm}{kind}")}  # fmt: skip
    assert used
    assert used <= types


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{SALES}/SalesOrder('1')", 404), (f"{SALES}/A_SalesOrder", 404),
        (f"{SALES}/SalesOrder('4000001')/to_Item", 404),
        ("/sap/opu/odata4/sap/api_nothing/srvd_a2x/sap/nothing/0001/", 404), (f"{SALES}/SalesOrder(SalesOrder=1)", 400),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_told_as_json(reader: httpx.AsyncClient, path: str, status: int) -> None:
    refused = await reader.get(path)
    assert refused.status_code == status
    assert refused.json()["error"]["code"]


async def test_other_formats_and_methods_are_refused(writer: httpx.AsyncClient) -> None:
    assert (await writer.get(f"{SALES}/SalesOrder", headers={"accept": "application/atom+xml"})).status_code == 406
    assert (await writer.post(f"{SALES}/SalesOrder", content=b"<entry/>")).status_code == 415
    assert (await writer.patch(f"{SALES}/SalesOrder", json={})).status_code == 405
    assert (await writer.post(f"{SALES}/$metadata")).status_code == 405
