"""Function modules called by zeep, unmodified, from the published WSDL: over the same orders as OData."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from zeep.exceptions import Fault

AUTH = ("TRIPTYCH", "sandbox-only")
ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"
VIEWS = {"HEADER": "X", "ITEM": "X", "SDSCHEDULE": "X", "BUSINESS": "X", "STATUS_H": "X", "FLOW": "X"}
TABLES: dict[str, Any] = {
    f"ORDER_{name}_OUT": {} for name in ("HEADERS", "ITEMS", "SCHEDULES", "BUSINESS", "STATUSHEADERS", "FLOWS")
}


def placed(caller: Any, order: dict[str, Any], **header: str) -> str:
    """Create and commit in one session; returns the order's number."""
    asked = {**order, "ORDER_HEADER_IN": {**order["ORDER_HEADER_IN"], **header}}
    made = caller.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **asked)
    assert {one.TYPE for one in made.RETURN.item} <= {"S", "W", "I"}
    caller.call("BAPI_TRANSACTION_COMMIT", session=False, WAIT="X")
    return made.SALESDOCUMENT


def details(caller: Any, number: str) -> Any:
    return caller.call(
        "BAPISDORDER_GETDETAILEDLIST", I_BAPI_VIEW=VIEWS, SALES_DOCUMENTS={"item": [{"VBELN": number}]}, **TABLES
    )


def odata(url: str, number: str) -> Any:
    path = f"{url}{ORDERS}('{number.lstrip('0')}')?$expand=to_Item&$format=json"
    return httpx.get(path, auth=AUTH).json()["d"]


def test_order_made_by_function_is_seen_by_odata_and_by_function(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    number = placed(sap, order)
    assert len(number) == 10
    row = odata(fresh, number)
    assert (row["PurchaseOrderByCustomer"], row["PurchaseOrderByShipToParty"]) == ("PO-77", "FLOW-1")
    assert [one["RequestedQuantity"] for one in row["to_Item"]["results"]] == ["5", "2"]
    seen = details(sap, number)
    (header,) = seen.ORDER_HEADERS_OUT.item
    assert (header.SOLD_TO, header.REQ_DATE_H, header.DOC_TYPE) == ("0010100001", "2031-01-15", "TA")
    assert Decimal(row["TotalNetAmount"]) == header.NET_VAL_HD
    assert [one.ITM_NUMBER for one in seen.ORDER_ITEMS_OUT.item] == ["000010", "000020"]
    (line, _) = seen.ORDER_SCHEDULES_OUT.item
    assert (line.CONFIR_QTY, line.REQ_DATE) == (5, "2031-01-15")


def test_order_made_by_odata_is_seen_by_function(caller: Callable[[], Any], session: Any, fresh: str) -> None:
    body = {
        "SalesOrderType": "OR",
        "SalesOrganization": "1010",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "10100001",
        "PurchaseOrderByCustomer": "X-1",
        "to_Item": [{"Material": "TG-00001", "RequestedQuantity": "5"}],
    }
    made = session.post(f"{fresh}{ORDERS}?$format=json", json=body).json()["d"]
    answer = caller().call("BAPI_SALESORDER_GETSTATUS", SALESDOCUMENT=made["SalesOrder"].zfill(10), STATUSINFO={})
    (row,) = answer.STATUSINFO.item
    assert (row.PURCH_NO_C, row.MATERIAL, row.REQ_QTY, row.DLV_STAT_H) == ("X-1", "TG-00001", 5, "A")
    assert answer.RETURN.TYPE is None
    listed = caller().call(
        "BAPI_SALESORDER_GETLIST",
        CUSTOMER_NUMBER="0010100001",
        SALES_ORGANIZATION="1010",
        PURCHASE_ORDER_NUMBER="X-1",
        SALES_ORDERS={},
    )
    assert [one.SD_DOC for one in listed.SALES_ORDERS.item] == [made["SalesOrder"].zfill(10)]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"ORDER_PARTNERS": {}}, "V1/319", "PARTN_NUMB"),
        ({"ORDER_PARTNERS": {"item": [{"PARTN_ROLE": "AG", "PARTN_NUMB": "0099999999"}]}}, "V1/320", "PARTN_NUMB"),
        ({"ORDER_SCHEDULES_IN": {}}, "V1/404", "REQ_QTY"),
        ({"ORDER_ITEMS_IN": {"item": [{"ITM_NUMBER": "10", "MATERIAL": "NONE"}]}}, "V1/382", "MATERIAL"),
    ],
)
def test_business_refusal_is_an_answer_of_rows_and_makes_nothing(
    caller: Callable[[], Any], order: dict[str, Any], changed: dict[str, Any], code: str, field: str
) -> None:
    made = caller().call("BAPI_SALESORDER_CREATEFROMDAT2", **{**order, **changed})
    first, *_, last = made.RETURN.item
    assert made.SALESDOCUMENT is None
    assert (first.TYPE, f"{first.ID}/{first.NUMBER}", first.FIELD) == ("E", code, field)
    assert f"{last.ID}/{last.NUMBER}" == "V4/219"


def test_only_what_a_check_list_marks_is_taken(caller: Callable[[], Any], order: dict[str, Any], fresh: str) -> None:
    sap = caller()
    marked = dict.fromkeys(("DOC_TYPE", "SALES_ORG", "DISTR_CHAN", "DIVISION"), "X")
    number = placed(sap, {**order, "ORDER_HEADER_INX": {"UPDATEFLAG": "I", **marked}})
    assert odata(fresh, number)["PurchaseOrderByCustomer"] == ""


def test_simulation_answers_prices_and_dates_and_saves_nothing(
    caller: Callable[[], Any], order: dict[str, Any]
) -> None:
    sap = caller()
    tables = {"ORDER_ITEMS_OUT": {}, "ORDER_SCHEDULE_EX": {}, "MESSAGETABLE": {}}
    items = [{"ITM_NUMBER": "000010", "MATERIAL": "TG-00001", "REQ_QTY": "0000000005000"}]
    asked = {name: order[name] for name in ("ORDER_HEADER_IN", "ORDER_PARTNERS")}
    answer = sap.call("BAPI_SALESORDER_SIMULATE", **asked, ORDER_ITEMS_IN={"item": items}, **tables)
    (item,), (line,) = answer.ORDER_ITEMS_OUT.item, answer.ORDER_SCHEDULE_EX.item
    assert (item.REQ_QTY, line.CONFIR_QTY, answer.SOLD_TO_PARTY.SOLD_TO) == (5, 5, "0010100001")
    assert item.NET_VALUE1 > 0
    assert answer.RETURN.TYPE is None
    refused = sap.call("BAPI_SALESORDER_SIMULATE", **asked, ORDER_ITEMS_IN={}, MESSAGETABLE={})
    assert (refused.RETURN.TYPE, refused.RETURN.CODE) == ("E", "V4219")


def test_rejecting_items_needs_the_update_flag_and_a_commit(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    number = placed(sap, order)
    rejected = {
        "SALESDOCUMENT": number,
        "ORDER_ITEM_IN": {"item": [{"ITM_NUMBER": item, "REASON_REJ": "50"} for item in ("000010", "000020")]},
        "ORDER_ITEM_INX": {
            "item": [{"ITM_NUMBER": item, "UPDATEFLAG": "U", "REASON_REJ": "X"} for item in ("000010", "000020")]
        },
        "RETURN": {},
    }
    refused = sap.call("BAPI_SALESORDER_CHANGE", **rejected)
    assert refused.RETURN.item[0].TYPE == "E"
    sap.call("BAPI_SALESORDER_CHANGE", session=True, ORDER_HEADER_INX={"UPDATEFLAG": "U"}, **rejected)
    assert odata(fresh, number)["OverallSDDocumentRejectionSts"] == "A"
    sap.call("BAPI_TRANSACTION_COMMIT", session=False, WAIT="X")
    assert odata(fresh, number)["OverallSDDocumentRejectionSts"] == "C"


def test_customer_and_credit_account_are_told_with_what_is_used(caller: Callable[[], Any]) -> None:
    sap = caller()
    customer = sap.call("BAPI_CUSTOMER_GETDETAIL2", CUSTOMERNO="0010100001", COMPANYCODE="1010")
    assert customer.CUSTOMERADDRESS.NAME
    assert customer.CUSTOMERCOMPANYDETAIL.COMP_CODE == "1010"
    unknown = sap.call("BAPI_CUSTOMER_GETDETAIL2", CUSTOMERNO="0099999999")
    assert (unknown.RETURN.TYPE, unknown.RETURN.ID) == ("E", "F2")
    key = {"CREDITCONTROLAREA": "1000", "CUSTOMER": "0010100001"}
    (account,) = sap.call("BAPI_CREDIT_ACCOUNT_GET_STATUS", **key, CREDIT_ACCOUNT_DETAIL={}).CREDIT_ACCOUNT_DETAIL.item
    assert account.CRED_LIMIT > account.CRED_EXPOS > 0
    nowhere = sap.call("BAPI_CREDIT_ACCOUNT_GET_STATUS", CREDITCONTROLAREA="9", CUSTOMER="0010100001")
    assert nowhere.RETURN.TYPE == "E"
    named = {"CREDITCONTROLAREA": "1000", "CREDITACCOUNT": "0010100001"}
    (detail,) = sap.call("BAPI_CR_ACC_GETDETAIL", **named, CREDIT_ACCOUNT_DETAIL={}).CREDIT_ACCOUNT_DETAIL.item
    assert (detail.CRED_LIMIT, detail.CURRENCY) == (account.CRED_LIMIT, account.CURRENCY)
    assert sap.call("BAPI_CR_ACC_GETDETAIL", CREDITCONTROLAREA="9", CREDITACCOUNT="1").RETURN.TYPE == "E"


def test_exposure_is_told_by_kind_and_its_exception_is_a_fault(caller: Callable[[], Any]) -> None:
    sap = caller()
    owed = sap.call("SD_CREDIT_EXPOSURE", KKBER="1000", KUNNR="0010100001")
    assert owed.SUM_OPENS == owed.OPEN_ORDER + owed.OPEN_DELIVERY + owed.OPEN_INVOICE > 0
    with pytest.raises(Fault, match="No credit account"):
        sap.call("SD_CREDIT_EXPOSURE", KKBER="9", KUNNR="0010100001")


def test_availability_confirms_up_to_the_stock(caller: Callable[[], Any]) -> None:
    sap = caller()
    asked = {"PLANT": "1010", "MATERIAL": "TG-00001", "UNIT": "ST"}
    stock = sap.call("BAPI_MATERIAL_AVAILABILITY", **asked).AV_QTY_PLT
    wanted = {"item": [{"REQ_DATE": "2031-01-15", "REQ_QTY": stock + 1}]}
    short = sap.call("BAPI_MATERIAL_AVAILABILITY", **asked, WMDVSX=wanted, WMDVEX={})
    assert ("X", stock) == (short.DIALOGFLAG, short.WMDVEX.item[0].COM_QTY)


def test_status_of_an_order_without_minor_units_comes_as_a_currency_field(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    number = placed(sap, order, CURRENCY="JPY")
    (row, _) = sap.call("BAPI_SALESORDER_GETSTATUS", SALESDOCUMENT=number, STATUSINFO={}).STATUSINFO.item
    item = odata(fresh, number)["to_Item"]["results"][0]
    assert Decimal(item["NetAmount"]) == row.NET_VALUE * 100
