"""Any resource of a pod is open to callers in Oracle's own names, and no value becomes more than a value."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, PreconditionFailed
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.oracle_fusion import (
    EffectiveRange,
    OracleAction,
    OracleChange,
    OracleChanges,
    OracleCondition,
    OracleFinder,
    OracleOrdering,
    OracleQuery,
    OracleRecord,
    OracleRecordNotFound,
    OracleRefused,
)
from system_apis.oracle.resources.service import OracleResources
from system_apis.oracle.service import OracleErp

ORDERS = "salesOrdersForOrderHub"
Is = OracleCondition


@pytest.fixture
def door(control: Any, connect: Callable[..., Any], sandbox_url: str) -> OracleResources:
    del control
    return OracleResources(connect(sandbox_url))


@pytest.fixture
def door_to(connect: Callable[..., Any]) -> Callable[..., OracleResources]:
    return lambda url: OracleResources(connect(url))


async def ask(door: OracleResources, resource: str, **more: Any) -> list[OracleRecord]:
    return (await door.query(OracleQuery(resource, **more))).items


async def test_what_the_erp_contract_has_no_operation_for_is_reached(
    door: OracleResources, erp: OracleErp, control: Any, new_order: Callable[..., NewErpOrder]
) -> None:
    placed = await erp.create_order(new_order("door-1"))
    await control.do("fulfil", order=placed.erp_order_id)
    billed = [Is("receivablesInvoiceLines.SalesOrder", value=placed.erp_order_id)]
    (invoice,) = await ask(door, "receivablesInvoices", where=billed, expand=["receivablesInvoiceLines"])
    assert invoice.fields["BillToCustomerNumber"] == placed.erp_number
    assert len(invoice.fields["receivablesInvoiceLines"]) == len(placed.lines)
    sku = placed.lines[0].sku
    (item,) = await ask(door, "itemsV2", where=[Is("ItemNumber", value=sku)], fields=["ItemDescription"])
    assert item.fields.keys() == {"ItemDescription"}
    onhand = await ask(door, "inventoryOnhandBalances", where=[Is("ItemNumber", value=sku)])
    details = await ask(door, "onhandQuantityDetails", where=[Is("ItemNumber", value=sku)])
    assert [one.fields["PrimaryOnhandQuantity"] for one in onhand] == [one.fields["PrimaryQuantity"] for one in details]
    (prices,) = await ask(door, "priceLists", where=[Is("CurrencyCode", value="EUR")])
    (page) = await door.query(OracleQuery("priceLists", key=prices.key, child="items", limit=2, expand=["charges"]))
    assert [len(one.fields["charges"]) for one in page.items] == [1, 1]
    assert page.next_cursor
    parties = await ask(door, "hubOrganizations", area="crm", limit=1)
    assert parties[0].fields["PartyId"]


async def test_a_list_of_values_and_orders_in_bulk_are_reached(
    door: OracleResources, control: Any, new_order: Callable[..., NewErpOrder]
) -> None:
    stock = (await ask(door, "inventoryOnhandBalances", limit=1))[0].key
    page = await door.query(OracleQuery("inventoryOnhandBalances", key=stock, values="ItemsLOV", limit=2))
    assert (len(page.items), page.next_cursor is not None) == (2, True)
    order = new_order("bulk")
    account = {"AccountNumber": order.erp_number}
    numbers = ("SourceTransactionLineId", "SourceTransactionLineNumber", "SourceTransactionScheduleId")
    line = dict.fromkeys(numbers, "1") | {"SourceScheduleNumber": "1", "ProductNumber": order.lines[0].sku}
    staged = [
        OracleChange("create", "salesOrdersForOrderHubRequests", fields={
            "SourceTransactionNumber": one, "SourceTransactionSystem": "BULK", "SourceTransactionId": one,
            "TransactionalCurrencyCode": order.currency, "billToCustomer": [account],
            "lines": [{**line, "OrderedQuantity": 1}],
        })
        for one in ("b-1", "b-2")
    ]  # fmt: skip
    made = (await door.save(OracleChanges(staged))).records
    assert [one.key for one in made] == ["BULK:b-1", "BULK:b-2"]
    assert len((await control.do("import-orders"))["imported"]) == len(made)
    assert (await ask(door, ORDERS, key="BULK:b-2"))[0].fields["StatusCode"] == "DOO_DRAFT"


async def test_pages_follow_one_another_and_one_record_is_read_by_its_key(door: OracleResources) -> None:
    asked = {"order_by": [OracleOrdering("ItemNumber", descending=True)], "limit": 200}
    first = await door.query(OracleQuery("itemsV2", **asked))
    second = await door.query(OracleQuery("itemsV2", **asked, cursor=first.next_cursor))
    numbers = [str(one.fields["ItemNumber"]) for one in (*first.items, *second.items)]
    assert numbers == sorted(set(numbers), reverse=True)
    (again,) = await ask(door, "itemsV2", key=second.items[0].key)
    assert again == second.items[0]
    assert again.version


@pytest.mark.parametrize("value", ["x' or ItemNumber like '%", 'x" or 1=1', "x;ItemNumber=TG-00001", "x%", "Ж 東京"])
async def test_a_value_stays_a_value(door: OracleResources, value: str) -> None:
    assert await ask(door, "itemsV2", where=[Is("ItemNumber", value=value)]) == []
    assert await ask(door, "itemsV2", where=[Is("ItemNumber", "in", values=[value])]) == []
    with pytest.raises(OracleRecordNotFound):
        await ask(door, "itemsV2", key=value + "/../../priceLists")


async def test_a_finder_asks_by_name(door: OracleResources, erp: OracleErp, new_order: Any) -> None:
    placed = await erp.create_order(new_order("door-2"))
    finder = OracleFinder("findByOrderNumber", {"OrderNumber": placed.erp_order_id})
    (found,) = await ask(door, ORDERS, finder=finder, fields=["OrderNumber", "lines.ProductNumber"])
    assert [one["ProductNumber"] for one in found.fields["lines"]] == [one.sku for one in placed.lines]
    for wrong in (OracleFinder("findByOrderNumber", {"OrderNumber": "1;2"}), OracleFinder("findByNothing")):
        with pytest.raises(OracleRefused):
            await ask(door, ORDERS, finder=wrong)


@pytest.mark.parametrize(
    "question",
    [
        OracleQuery("itemsV2", where=[Is("Nothing", value="x")]),
        OracleQuery("itemsV2", fields=["Nothing"]),
        OracleQuery("itemsV2", where=[Is("ItemNumber", ">", value=None)]),
        OracleQuery("itemsV2", where=[Is("ItemNumber", "in")]),
        OracleQuery("priceLists", child="items"),
        OracleQuery("priceLists", key="1", child="items", values="Currencies"),
        OracleQuery("itemsV2", key="1", where=[Is("ItemNumber", value="x")]),
        OracleQuery("itemsV2", key="1", finder=OracleFinder("findByNumber")),
    ],
)
async def test_a_question_that_cannot_be_asked_is_refused_in_words(
    door: OracleResources, question: OracleQuery
) -> None:
    with pytest.raises(OracleRefused) as refused:
        await door.query(question)
    assert refused.value.errors


async def test_there_is_no_such_resource_record_or_action(door: OracleResources) -> None:
    for question in (OracleQuery("nothings"), OracleQuery("itemsV2", key="nothing")):
        with pytest.raises(OracleRecordNotFound):
            await door.query(question)
    with pytest.raises(OracleRecordNotFound):
        await door.invoke(OracleAction(ORDERS, "explode", "LEG:nothing"))
    with pytest.raises(OracleRecordNotFound):
        await door.save(OracleChanges([OracleChange("update", "itemsV2", "nothing", fields={"ItemClass": "x"})]))


async def test_one_change_is_made_with_its_version_and_by_alternate_key(door: OracleResources) -> None:
    fields = {"OrganizationCode": "001", "ItemNumber": "TG-NEW", "ItemClass": "Gauges", "UnitWeightQuantity": 1.5}
    (made,) = (await door.save(OracleChanges([OracleChange("create", "itemsV2", fields=fields)]))).records
    upsert = OracleChange("upsert", "itemsV2", fields={**fields, "ItemDescription": "Better"})
    (better,) = (await door.save(OracleChanges([upsert]))).records
    assert (better.key, better.fields["ItemDescription"], better.fields["UnitWeightQuantity"]) == (
        made.key, "Better", 1.5,
    )  # fmt: skip
    stale = OracleChange("update", "itemsV2", made.key, fields={"ItemDescription": "Worse"}, version=made.version)
    with pytest.raises(PreconditionFailed):
        await door.save(OracleChanges([stale]))
    gone = (await door.save(OracleChanges([OracleChange("delete", "itemsV2", made.key)]))).records
    assert gone == [OracleRecord(made.key, {})]


async def test_several_changes_are_all_made_or_none(door: OracleResources) -> None:
    def item(number: str, **more: Any) -> OracleChange:
        fields = {"OrganizationCode": "001", "ItemNumber": number, "ItemClass": "Gauges", **more}
        return OracleChange("create", "itemsV2", fields=fields)

    made = (await door.save(OracleChanges([item("TG-A"), item("TG-B")]))).records
    assert [one.fields["ItemNumber"] for one in made] == ["TG-A", "TG-B"]
    with pytest.raises(OracleRefused) as refused:
        await door.save(OracleChanges([item("TG-C"), item("TG-D", Nothing=1)]))
    assert refused.value.errors[0].pointer == "/changes/1/fields/Nothing"
    assert await ask(door, "itemsV2", where=[Is("ItemNumber", "like", "TG-C")]) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ([OracleChange("update", "itemsV2")], "/changes/0/key"),
        ([OracleChange("create", "itemsV2", "1")], "/changes/0/key"),
        ([OracleChange("create", "priceLists", child="items")], "/changes/0/key"),
        ([OracleChange("delete", "priceLists", "1", child="items")], "/changes/0/childKey"),
        ([OracleChange("delete", "priceLists", "1", child_key="2")], "/changes/0/child"),
        ([OracleChange("delete", "a", "1"), OracleChange("update", "a", "1", effective=EffectiveRange("UPDATE"))],
         "/changes/1"),
    ],
)  # fmt: skip
async def test_changes_that_name_nothing_are_refused_before_oracle_is_asked(
    door_to: Callable[..., OracleResources], changes: list[OracleChange], pointer: str
) -> None:
    with pytest.raises(OracleRefused) as refused:
        await door_to("http://127.0.0.1:9").save(OracleChanges(changes))
    assert refused.value.errors[0].pointer == pointer


@pytest.mark.parametrize("key", [".", ".."])
async def test_a_key_that_leads_elsewhere_is_refused_before_oracle_is_asked(
    door_to: Callable[..., OracleResources], key: str
) -> None:
    door = door_to("http://127.0.0.1:9")
    with pytest.raises(OracleRefused, match="key"):
        await door.query(OracleQuery("itemsV2", key=key))
    with pytest.raises(OracleRefused, match="key"):
        await door.save(OracleChanges([OracleChange("delete", "priceLists", "1", child="items", child_key=key)]))
    with pytest.raises(OracleRefused, match="key"):
        await door.invoke(OracleAction("itemsV2", "act", key))


@pytest.mark.parametrize("action", ["update", "upsert", "replace"])
async def test_children_are_not_sent_twice(
    door_to: Callable[..., OracleResources], peer: Callable[..., Awaitable[Any]], action: Any
) -> None:
    server = await peer(*[(503, b"")] * 4)
    key = "" if action == "upsert" else "1"
    nested = OracleChange(action, "orders", key, fields={"lines": [{"ProductNumber": "TG-00011"}]})
    plain = OracleChange(action, "orders", key, fields={"Comments": "x"})
    with pytest.raises(BackendUnavailable):
        await door_to(server.url).save(OracleChanges([nested]))
    assert len(server.requests) == 1
    with pytest.raises(BackendUnavailable):
        await door_to(server.url).save(OracleChanges([plain, nested]))
    assert len(server.requests) == 2
    with pytest.raises(BackendUnavailable):
        await door_to(server.url).save(OracleChanges([plain]))
    assert len(server.requests) > 3


async def test_an_action_runs_and_tells_its_result(door: OracleResources, erp: OracleErp, new_order: Any) -> None:
    placed = await erp.create_order(new_order("door-3"))
    hold: Any = {"SourceTransactionSystem": "TRIPTYCH", "OrderNumber": placed.erp_order_id, "HoldCode": "CHECK"}
    done = await door.invoke(OracleAction(ORDERS, "applyHold", parameters={"holdRequests": [hold]}))
    assert done.fields == {"result": "SUCCESS"}
    assert (await erp.get_order(placed.erp_order_id)).state == "blocked"
    with pytest.raises(OracleRefused) as refused:
        await door.invoke(OracleAction(ORDERS, "applyHold", "TRIPTYCH:door-3"))
    assert refused.value.errors[0].pointer == "/parameters/HoldCode"


async def test_a_range_of_days_goes_as_effective_of_and_nothing_is_sent_twice(
    door_to: Callable[..., OracleResources], peer: Callable[..., Awaitable[Any]]
) -> None:
    server = await peer((200, b'{"Rate":2}'), (503, b""))
    effective = EffectiveRange("UPDATE", date(2026, 1, 1), date(4712, 12, 31), "LOGICAL_ROW_END_DATE")
    change = OracleChange("update", "rates", "R1", fields={"Rate": 2}, effective=effective)
    await door_to(server.url).save(OracleChanges([change]))
    assert b"range" in server.requests[0].lower()
    sent = dict(line.split(": ", 1) for line in server.requests[0].decode().split("\r\n")[1:] if ": " in line)
    wanted = "RangeStartDate=2026-01-01;RangeEndDate=4712-12-31;RangeMode=UPDATE;RangeSpan=LOGICAL_ROW_END_DATE"
    assert {name.lower(): value for name, value in sent.items()}["effective-of"] == wanted
    with pytest.raises(BackendUnavailable):
        await door_to(server.url).save(OracleChanges([change]))
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", [b"[]", b'{"items":{},"links":7}', b"<html/>", b'{"links":7}'])
async def test_an_answer_that_is_none_is_a_fault(
    door_to: Callable[..., OracleResources], peer: Callable[..., Awaitable[Any]], body: bytes
) -> None:
    server = await peer(*[(200, body)] * 3)
    with pytest.raises(BackendFault):
        await door_to(server.url).query(OracleQuery("itemsV2"))
    with pytest.raises(BackendFault):
        await door_to(server.url).invoke(OracleAction("itemsV2", "act"))
    with pytest.raises(BackendFault):
        await door_to(server.url).save(OracleChanges([OracleChange("update", "itemsV2", "1", fields={"A": 1})]))


async def test_what_is_nested_deeper_than_records_is_told_as_text(
    door_to: Callable[..., OracleResources], peer: Callable[..., Awaitable[Any]]
) -> None:
    deep: Any = {"N": 1}
    for name in ("E", "D", "C", "B"):
        deep = {name: {"items": [deep], "hasMore": False}}
    item = {"Plain": 12.5, "None": None, "Tags": ["a", "b"], "One": {"X": 1}, "links": [], **deep}
    server = await peer((200, json.dumps({"items": [item], "hasMore": False}).encode()))
    (found,) = await ask(door_to(server.url), "things")
    below = found.fields["B"][0]["C"][0]["D"][0]["E"]
    assert json.loads(str(below)) == {"items": [{"N": 1}], "hasMore": False}
    assert (found.fields["One"], json.loads(str(found.fields["Tags"]))) == ([{"X": 1}], ["a", "b"])
    assert Decimal(str(found.fields["Plain"])) == Decimal("12.5")
