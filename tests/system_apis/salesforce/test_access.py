"""What the API declares to touch is what a stand-in org sees it touch, operation by operation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from sandboxes.company import company
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewCrmOrder
from shared.contracts.canonical.quote import Quote, QuoteState
from shared.contracts.canonical.returns import NewCrmReturn, NewCrmReturnLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.crm import Crm, CrmOrderStatus, CrmReturnNote, ErpIdentity, ErpRecord, OrderCancellation
from shared.governance.access import Access, ObjectAccess, together
from system_apis.salesforce.access import CrmAccess
from system_apis.salesforce.access_reading import reading_of
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.permission_set import NAMESPACE, grantable, permission_set
from system_apis.salesforce.service import SalesforceCrm
from system_apis.salesforce.translator import Translator

USERNAME = "integration@tarn-gauge.example"
Touched = dict[str, dict[str, Any]]
NOTE = CrmReturnNote(
    state="closed",
    note="credited",
    erp_return_id="60000001",
    tracking_number="1Z999",
    credit_memo_id="90000001",
    refund=Money(Decimal(5), "EUR"),
)
STATES: tuple[QuoteState | None, ...] = (None, "draft", "in-review", "approved", "rejected", "accepted", "expired")


def as_touched(access: Access) -> Touched:
    """A declaration in the words of the stand-in; what is only pointed to leaves no trace there."""
    shown = {name: msgspec.to_builtins(each, order="deterministic") for name, each in access.items()}
    assert not any(each.pop("all_records") for each in shown.values())
    return {name: each for name, each in shown.items() if any(each.values())}


class Steps:
    """Everything `Crm` does, one operation after the other, each as fully as it can."""

    def __init__(self, crm: SalesforceCrm, new_order: Callable[..., NewCrmOrder], quote: Quote) -> None:
        self._crm = crm
        self._order = msgspec.structs.replace(new_order(), tracking_number="1Z1", start=date(2026, 2, 1))
        self._quote = quote
        self._customer = quote.customer_id
        self._order_id = self._return_id = ""

    async def list_customers(self) -> None:
        page = await self._crm.list_customers(search="a", limit=1)
        await self._crm.list_customers(search="a", cursor=page.next_cursor, limit=1)
        await self._crm.list_customers(limit=1)

    async def get_customer(self) -> None:
        await self._crm.get_customer(self._customer)

    async def get_customer_overview(self) -> None:
        await self._crm.get_customer_overview(self._customer)

    async def note_erp_number(self) -> None:
        prospect = company().prospects_for("plain")[0]
        await self._crm.note_erp_number(prospect.salesforce_id, ErpIdentity("77001122"))

    async def find_customer(self) -> None:
        await self._crm.find_customer("77001122")

    async def note_erp_record(self) -> None:
        await self._crm.note_erp_record(self._customer, ErpRecord("A new name", "DE1", order_blocked=True))

    async def list_quotes(self) -> None:
        for state in STATES:
            await self._crm.list_quotes(self._customer, state, limit=1)
        page = await self._crm.list_quotes(self._customer, limit=1)
        await self._crm.list_quotes(self._customer, cursor=page.next_cursor, limit=1)

    async def get_quote(self) -> None:
        await self._crm.get_quote(self._quote.quote_id)

    async def record_order(self) -> None:
        self._order_id = (await self._crm.record_order(self._order)).crm_order_id

    async def get_order(self) -> None:
        await self._crm.get_order(self._order_id)

    async def note_order_status(self) -> None:
        await self._crm.note_order_status(self._order_id, CrmOrderStatus("shipped", "1Z2"))

    async def record_return(self) -> None:
        lines = [NewCrmReturnLine(self._quote.lines[0].sku, Decimal(1), "damaged")]
        new = NewCrmReturn("R-1", self._order_id, lines, "dented")
        self._return_id = (await self._crm.record_return(new)).crm_return_id

    async def get_return(self) -> None:
        await self._crm.get_return(self._return_id)

    async def note_return(self) -> None:
        await self._crm.note_return(self._return_id, NOTE)

    async def cancel_order(self) -> None:
        await self._crm.cancel_order(self._order_id, OrderCancellation("changed their mind"))


@pytest.fixture
def steps(crm: SalesforceCrm, new_order: Callable[..., NewCrmOrder], quote: Quote) -> Steps:
    return Steps(crm, new_order, quote)


def in_order() -> list[str]:
    """Every operation, in an order in which each finds what it needs."""
    return [name for name in vars(Steps) if name in Crm.operations]


async def test_every_operation_touches_exactly_what_it_declares(
    org: Any, steps: Steps, settings: SalesforceSettings
) -> None:
    declared = CrmAccess(settings).operations()
    assert set(declared) == set(in_order()) == set(Crm.operations)
    for name in in_order():
        await org.control("touched", clear=True)
        step: Callable[[], Awaitable[None]] = getattr(steps, name)
        await step()
        touched = {sobject: each for sobject, each in (await org.control("touched")).items() if any(each.values())}
        assert (name, touched) == (name, as_touched(declared[name]))


def test_custom_fields_are_declared_under_the_orgs_own_names() -> None:
    usual = CrmAccess.usual().settings
    renamed = msgspec.structs.replace(usual, order_reference_field="Ref__c", tax_number_field="", currency="EUR")
    access = together(CrmAccess(renamed).operations().values())
    assert "Ref__c" in access["Order"].create & access["Order"].read
    assert "External_Order_Id__c" not in access["Order"].create | access["Order"].read
    assert "Tax_Number__c" not in access["Account"].read
    assert not any("CurrencyIsoCode" in each.read | each.create for each in access.values())


def test_a_statement_that_no_operation_declares_is_named() -> None:
    declaration = CrmAccess.usual()
    assert declaration.undeclared() == []
    declaration.touches.pop("get_quote")
    [finding] = declaration.undeclared()
    assert finding.startswith("No operation in system_apis.salesforce.access declares the statement 'SELECT ")


def test_a_translator_method_that_no_operation_declares_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def closing_fields(self: Translator) -> dict[str, Any]:
        return {"Status": "Closed"}

    monkeypatch.setattr(Translator, "closing_fields", closing_fields, raising=False)
    [finding] = CrmAccess.usual().undeclared()
    assert "declares what closing_fields writes" in finding


NESTED = (
    "SELECT Id,(SELECT Id,(SELECT Quantity FROM QuoteLineItems ORDER BY Sort) FROM Quotes WHERE (A=null OR B>=:c) "
    "AND C IN ('D','E F')) FROM Account WHERE F LIKE :g LIMIT 5"
)


@pytest.mark.parametrize(
    ("soql", "reading"),
    [
        ("SELECT Id,Product2.Name FROM QuoteLineItem", "QuoteLineItem.Id Product2.Name"),
        (
            NESTED,
            "Account.Id Account.F Quote.Id Quote.A Quote.B Quote.C QuoteLineItem.Quantity QuoteLineItem.Sort",
        ),
    ],
)
def test_a_statement_tells_what_it_reads(soql: str, reading: str) -> None:
    assert {".".join(place) for place in reading_of(soql)} == set(reading.split())


def test_a_relationship_that_nobody_explained_is_refused() -> None:
    with pytest.raises(ValueError, match="which object the relationship Cases leads to"):
        reading_of("SELECT Id,(SELECT Id FROM Cases) FROM Account")


async def test_the_permission_set_names_what_the_org_lets_one_grant_and_nothing_else(
    served: Any,
) -> None:
    access = together(CrmAccess.usual().operations().values())
    for name, each in access.items():
        described = (await served.rest("GET", f"/sobjects/{name}/describe"))["fields"]
        touched = each.read | each.create | each.edit
        permissionable = {field["name"] for field in described if field["permissionable"]}
        assert (name, grantable(name, each)) == (name, sorted(touched & permissionable))


def test_the_permission_set_is_metadata_that_grants_no_more_than_is_declared() -> None:
    access = together(CrmAccess.usual().operations().values())
    root = ET.fromstring(permission_set(access))
    tag = f"{{{NAMESPACE}}}"
    assert root.tag == f"{tag}PermissionSet"
    assert root.findtext(f"{tag}label") == "Triptych Integration"
    fields = {
        each.findtext(f"{tag}field"): each.findtext(f"{tag}editable") for each in root.iter(f"{tag}fieldPermissions")
    }
    assert fields["Order.External_Order_Id__c"] == "true"
    assert fields["Quote.ShippingAddress"] == "false"
    assert not {"Account.Id", "Account.Name", "Order.Status", "Quote.CurrencyIsoCode"} & fields.keys()
    objects = {each.findtext(f"{tag}object"): each for each in root.iter(f"{tag}objectPermissions")}
    assert set(objects) == set(access)
    assert objects["Order"].findtext(f"{tag}allowCreate") == "true"
    assert objects["Contact"].findtext(f"{tag}allowEdit") == "false"
    forbidden = ("allowDelete", "viewAllRecords", "modifyAllRecords")
    assert {each.findtext(f"{tag}{name}") for each in objects.values() for name in forbidden} == {"false"}
    permissions = [each.findtext(f"{tag}name") for each in root.iter(f"{tag}userPermissions")]
    assert permissions == ["ActivateOrder", "ApiEnabled", "EditActivatedOrders"]


PERMISSIONS = "Triptych_Integration"


@pytest.fixture
async def permitted(org: Any) -> AsyncIterator[Callable[[Access], Awaitable[None]]]:
    """Leaves the integration user with what a permission set grants, and nothing else."""

    async def permit(access: Access) -> None:
        await org.control("permission-set", name=PERMISSIONS, xml=permission_set(access), assign=[USERNAME])

    yield permit
    await org.control("permission-set", name=PERMISSIONS, withdraw=[USERNAME])


def everything() -> dict[str, ObjectAccess]:
    return together(CrmAccess.usual().operations().values())


async def test_the_permission_set_is_enough_for_every_operation(permitted: Any, steps: Steps) -> None:
    await permitted(everything())
    for name in in_order():
        step: Callable[[], Awaitable[None]] = getattr(steps, name)
        await step()


@pytest.mark.parametrize("without", ["Quote.ShippingAddress", "Order.Description"])
async def test_with_one_field_less_exactly_the_operations_that_declare_it_fail(
    permitted: Any, steps: Steps, without: str
) -> None:
    sobject, _, field = without.partition(".")
    await permitted({name: _less(each, field) if name == sobject else each for name, each in everything().items()})
    for name in in_order():
        declared = CrmAccess.usual().operations()[name].get(sobject, ObjectAccess())
        step: Callable[[], Awaitable[None]] = getattr(steps, name)
        if field in declared.read | declared.create | declared.edit:
            with pytest.raises(BackendFault, match=r"compare its schema with our settings|extend its permissions"):
                await step()
        else:
            await step()


def _less(access: ObjectAccess, field: str) -> ObjectAccess:
    return ObjectAccess(access.read - {field}, access.create - {field}, access.edit - {field}, access.delete)
