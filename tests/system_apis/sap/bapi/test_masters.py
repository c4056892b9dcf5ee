"""Customers and credit by BAPIs: what they tell beyond OData, what they do not, and logging on."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandboxes.company import Company
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap.bapi.settings import BapiSettings
from system_apis.sap.service import SapErp

Connect = Callable[..., SapErp]
BOTH = {"get_customer": "bapi", "get_credit": "bapi"}


def said(function: str, inside: str) -> tuple[int, bytes]:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<r:{function}.Response xmlns:r="urn:sap-com:document:sap:rfc:functions">{inside}</r:{function}.Response>'
        "</s:Body></s:Envelope>"
    )
    return 200, body.encode()


async def test_credit_tells_how_much_of_the_limit_is_used(bapi: SapErp, firm: Company) -> None:
    customer = firm.customers[0]
    standing = await bapi.get_credit(customer.sap_customer)
    assert standing.limit.amount == customer.credit_limit
    assert standing.exposure == Money(customer.credit_exposure.quantize(Decimal("0.01")), standing.limit.currency)
    assert standing.available is not None
    assert standing.available.amount == max(customer.credit_limit - customer.credit_exposure, Decimal(0))


async def test_credit_agrees_with_odata_in_what_both_tell(
    bapi: SapErp, connect: Connect, sandbox_url: str, firm: Company
) -> None:
    for customer in firm.customers[:5]:
        by_odata, by_bapi = [await erp.get_credit(customer.sap_customer) for erp in (connect(sandbox_url), bapi)]
        assert (by_bapi.limit, by_bapi.blocked, by_bapi.risk_class) == (
            by_odata.limit,
            by_odata.blocked,
            by_odata.risk_class,
        )


async def test_customer_agrees_with_odata_in_what_both_tell(
    bapi: SapErp, connect: Connect, sandbox_url: str, firm: Company
) -> None:
    blocked = next(one for one in firm.customers if one.order_blocked)
    for customer in (firm.customers[0], blocked):
        by_odata, by_bapi = [await erp.get_customer(customer.sap_customer) for erp in (connect(sandbox_url), bapi)]
        assert by_bapi.name == by_odata.name
        assert (by_bapi.order_blocked, by_bapi.tax_number) == (by_odata.order_blocked, by_odata.tax_number)
        assert [one.company_code for one in by_bapi.company_codes] == ["1010"]
        assert by_bapi.sales_areas == []
        assert by_bapi.address is not None
        assert by_odata.address is not None
        assert (by_bapi.address.city, by_bapi.address.country) == (by_odata.address.city, by_odata.address.country)


async def test_unknown_customers_are_unknown(bapi: SapErp) -> None:
    for asked in (bapi.get_customer, bapi.get_credit):
        with pytest.raises(ErpCustomerNotFound):
            await asked("99999999")


async def test_blocks_that_sap_does_not_tell_are_not_taken_for_none(peer: Any, connect: Connect) -> None:
    server = await peer(said("F", "<CUSTOMERADDRESS><NAME>Tarn</NAME></CUSTOMERADDRESS><RETURN/>"))
    with pytest.raises(BackendFault, match="blocked"):
        await connect(server.url, interfaces=BOTH).get_customer("2")


async def test_credit_fields_of_another_release_are_named_by_the_settings(peer: Any, connect: Connect) -> None:
    row = "<item><LIMIT>10</LIMIT><USED>4</USED><CURRENCY>EUR</CURRENCY></item>"
    server = await peer(said("F", f"<CREDIT_ACCOUNT_DETAIL>{row}</CREDIT_ACCOUNT_DETAIL>"))
    with pytest.raises(BackendFault, match="no CRED_LIMIT and no CRED_EXPOS; set the names"):
        await connect(server.url, interfaces=BOTH).get_credit("2")
    named = BapiSettings(credit_limit_field="LIMIT", credit_exposure_field="USED")
    standing = await connect(server.url, interfaces=BOTH, bapi=named).get_credit("2")
    assert standing.available == Money(Decimal("6.00"), "EUR")


async def test_refused_password_is_tried_once_and_named_nowhere(
    connect: Connect, sandbox_url: str, control: Any, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-this-one")
    with pytest.raises(BackendFault, match="credentials") as caught:
        await connect(sandbox_url, secret=wrong, interfaces=BOTH).get_credit("10100001")
    assert "not-this-one" not in caught.value.detail
    assert [one[2] for one in await control.requests()].count(401) == 1


async def test_rotated_password_is_read_anew(connect: Connect, sandbox_url: str, control: Any, tmp_path: Path) -> None:
    del control
    secret = tmp_path / "password"
    secret.write_text("before")
    erp = connect(sandbox_url, secret=secret, interfaces=BOTH)
    secret.write_text("sandbox-only")
    assert (await erp.get_credit("10100001")).erp_number == "10100001"


SIMULATED = (
    "<ORDER_ITEMS_OUT><item><ITM_NUMBER>000010</ITM_NUMBER><MATERIAL>A</MATERIAL><PLANT>1010</PLANT>"
    "<REQ_QTY>5.000</REQ_QTY><NET_VALUE1>10.00</NET_VALUE1></item></ORDER_ITEMS_OUT>"
)
AVAILABLE = (
    "<DIALOGFLAG>X</DIALOGFLAG><WMDVEX><item><REQ_DATE>2031-01-15</REQ_DATE><REQ_QTY>5.000</REQ_QTY>"
    "<COM_DATE>2031-01-17</COM_DATE><COM_QTY>3.000</COM_QTY></item></WMDVEX>"
)


@pytest.mark.parametrize(
    ("availability", "confirmed"),
    [
        (AVAILABLE, (Decimal(3), date(2031, 1, 17))),
        ("<DIALOGFLAG>N</DIALOGFLAG>", (None, None)),
        ("<RETURN><TYPE>E</TYPE><CODE>M3305</CODE></RETURN>", (None, None)),
    ],
    ids=["partly there", "not checked", "not kept in the plant"],
)
async def test_item_that_a_simulation_does_not_schedule_is_asked_for(
    peer: Any, connect: Connect, availability: str, confirmed: tuple[Any, Any]
) -> None:
    server = await peer(said("F", SIMULATED), said("F", availability), said("F", "<RETURN><TYPE>E</TYPE></RETURN>"))
    asked = NewErpOrder("r", "2", "EUR", [NewOrderLine("A", Decimal(5))], requested_date=date(2031, 1, 15))
    simulated = await connect(server.url, interfaces={"simulate_order": "bapi"}).simulate_order(asked)
    (line,) = simulated.lines
    assert (line.confirmed_quantity, line.confirmed_date, simulated.credit) == (*confirmed, "not-checked")
    assert (
        b"<WMDVSX><item><REQ_DATE>2031-01-15</REQ_DATE><REQ_QTY>5.000</REQ_QTY></item></WMDVSX>" in server.requests[1]
    )
