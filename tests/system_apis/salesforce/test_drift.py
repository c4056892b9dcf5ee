"""An org that drifts is told by field, with the operations that break and what to do."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from shared.binding.problems import BackendUnavailable
from shared.governance.drift import Finding
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.drift import CrmDrift
from system_apis.salesforce.platform.describe import Describe


@pytest.fixture
async def org(fresh: Any) -> AsyncGenerator[Any]:
    """The org with its schema as it was; records are as they may be, which is quicker."""
    yield fresh
    await fresh.heal()
    await fresh.control("schema")


async def drift_of(salesforce: SalesforceConnector) -> list[Finding]:
    return await CrmDrift(salesforce, Describe(salesforce)).findings()


@pytest.fixture
def drift(salesforce: SalesforceConnector) -> CrmDrift:
    return CrmDrift(salesforce, Describe(salesforce))


async def test_an_org_as_we_know_it_has_no_findings_and_is_asked_once_for_each_object(
    drift: CrmDrift, org: Any
) -> None:
    before = len(await org.requests("/sobjects"))
    assert await drift.findings() == []
    asked = [each["path"] for each in (await org.requests("/sobjects"))[before:]]
    assert len(asked) == len(set(asked)) == 12
    assert await drift.findings() == []
    assert len(await org.requests("/sobjects")) == before + 12


READ_ORDERS = {"cancel_order", "get_customer_overview", "get_order", "note_order_status", "record_order"}
READ_CUSTOMERS = {
    "list_customers", "get_customer", "find_customer", "get_customer_overview", "note_erp_number", "note_erp_record",
}  # fmt: skip
READ_QUOTES = {"list_quotes", "get_quote", "get_customer_overview"}
RETURNS = {"record_return", "get_return", "note_return"}
PROVOKED: list[tuple[str, dict[str, Any] | None, str, set[str], str]] = [
    ("ReturnOrder", None, "missing-object", RETURNS, "Enable"),
    ("Pricebook2", None, "missing-object", {"record_order"}, "permission-set"),
    ("Order.External_Order_Id__c", None, "missing-field", READ_ORDERS, "`order_reference_field`"),
    ("Account.Tax_Number__c", None, "missing-field", READ_CUSTOMERS, '`tax_number_field = ""`'),
    ("Account.Phone", None, "missing-field", READ_CUSTOMERS, "Bring it back"),
    ("Quote.ExpirationDate", {"type": "string"}, "wrong-type", READ_QUOTES, "type string; we need date"),
    ("Order.Tracking_Number__c", {"type": "double"}, "wrong-type", READ_ORDERS, "one of combobox"),
    ("Order.ERP_Order_Number__c", {"createable": False}, "not-allowed", {"record_order"}, "may not create it"),
    ("Account.ERP_Customer_Number__c", {"updateable": False, "calculated": True}, "not-allowed", {"note_erp_number"},
     "It is a formula"),
    ("ReturnOrder.External_Return_Id__c", {"length": 40}, "too-short", {"record_return"}, "holds 40 characters"),
    ("Order.External_Order_Id__c", {"unique": False}, "not-unique", {"record_order"}, "Mark it `Unique`"),
    ("Order.Fulfilment_Status__c", {"inactive": ["Shipped"]}, "missing-value", {"note_order_status"}, "'Shipped'"),
    ("Quote.Status", {"inactive": ["Rejected", "Denied"]}, "missing-value", READ_QUOTES, "None of Rejected, Denied"),
    ("OrderItem.Description", {"required": True}, "newly-required", {"record_order"}, "default value"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "facts", "kind", "operations", "words"), PROVOKED)
async def test_what_drifted_is_named_with_the_operations_it_breaks_and_what_to_do(
    drift: CrmDrift, org: Any, subject: str, facts: dict[str, Any] | None, kind: str, operations: set[str], words: str
) -> None:
    sobject, _, name = subject.partition(".")
    await org.control("schema", object=sobject, field=name, **({"set": facts} if facts else {}))
    [finding] = await drift.findings()
    assert (finding.subject, finding.drift, set(finding.operations)) == (subject, kind, operations)
    assert finding.breaking
    assert words in f"{finding.detail} {finding.advice}"


async def test_a_value_that_we_send_and_the_org_refuses_breaks_what_sends_it(drift: CrmDrift, org: Any) -> None:
    await org.control("schema", object="Quote", field="Status", set={"inactive": ["Accepted"]})
    sent, seen = await drift.findings()
    assert (sent.operations, sent.breaking) == (("record_order",), True)
    assert "the org refuses it" in sent.detail
    assert "None of Accepted is active" in seen.detail


async def test_a_value_that_an_open_picklist_lacks_is_told_but_breaks_nothing(drift: CrmDrift, org: Any) -> None:
    await org.control("schema", object="ReturnOrderLineItem", field="ProcessingPlan", set={"inactive": ["Restock"]})
    [finding] = await drift.findings()
    assert (finding.drift, finding.breaking, finding.operations) == ("missing-value", False, ("record_return",))


async def test_breaking_findings_come_first(drift: CrmDrift, org: Any) -> None:
    await org.control("schema", object="ReturnOrderLineItem", field="ProcessingPlan", set={"inactive": ["Restock"]})
    await org.control("schema", object="ReturnOrderLineItem", field="UnitPrice")
    assert [each.breaking for each in await drift.findings()] == [True, False]


async def test_settings_decide_which_fields_are_looked_for(
    connect: Any, settings: SalesforceSettings, org: Any
) -> None:
    renamed = msgspec.structs.replace(settings, order_reference_field="Ref__c", tax_number_field="", currency="EUR")
    await org.control("schema", object="Account", field="Tax_Number__c")
    await org.control("schema", object="Account", field="CurrencyIsoCode")
    [finding] = await drift_of(connect(renamed))
    assert (finding.subject, finding.drift) == ("Order.Ref__c", "missing-field")


async def test_an_org_of_one_currency_is_told_which_setting_to_give(drift: CrmDrift, org: Any) -> None:
    await org.control("schema", object="Account", field="CurrencyIsoCode")
    [finding] = await drift.findings()
    assert "`currency` in [backends.salesforce]" in finding.advice


async def test_an_org_that_is_away_is_a_problem_and_not_drift(drift: CrmDrift, org: Any) -> None:
    await org.fault(fault="status", status=503, path="*/sobjects*", times=20)
    with pytest.raises(BackendUnavailable):
        await drift.findings()
