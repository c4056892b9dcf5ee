"""What is done about a change in the ERP: the CRM ends up with what the ERP says last, and nothing else is written."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from process_apis.erp_changes.customer import corrections
from process_apis.erp_changes.flow import PassOnErpChange
from process_apis.erp_changes.subscriptions import IDOCS, billed, delivered
from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.party import Customer, ErpCustomer
from shared.contracts.process.erp_changes import ErpChange
from shared.contracts.process.order_fulfilment import FulfilmentEnded, FulfilmentNotFound, FulfilmentProgress
from shared.contracts.system.crm import CustomerNotFound, ErpRecord
from shared.contracts.system.cross_references import KeysDisagree
from shared.contracts.system.erp import ErpCustomerNotFound, ErpOrderNotFound
from shared.contracts.system.sap_idocs import DeliveredLine, DeliveryConfirmed, InvoicePosted

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KNOWN = Customer("001", "Alster", erp_number="10100001", legal_name="Alster AG", tax_number="DE 123.456")
ENTERED = ErpCustomer("10100001", "77", "Alster AG", tax_number="DE123456")
RENAMED = msgspec.structs.replace(ENTERED, name="Alster SE")


@pytest.fixture
def passed(start: Any, systems: Any) -> Any:
    systems.answers |= {"crm.find_customer": KNOWN, "erp.get_customer": ENTERED}

    async def on(kind: Any = "customer", *numbers: str) -> Any:
        runner = await start(PassOnErpChange)
        handle = await runner.submit(PassOnErpChange, "f", ErpChange("r1", kind, list(numbers or ["10100001"])))
        return await handle.result(30)

    return on


async def test_a_customer_of_whom_the_crm_knows_all_costs_no_write(passed: Any, systems: Any) -> None:
    view = await passed()
    assert (view.result.told, view.result.corrected) == (["001"], [])
    assert systems.called == ["crm.find_customer", "erp.get_customer"]


async def test_what_the_erp_leads_is_corrected_and_read_again_after_the_write(passed: Any, systems: Any) -> None:
    after = msgspec.structs.replace(KNOWN, legal_name="Alster SE")
    systems.answers |= {"erp.get_customer": RENAMED, "crm.note_erp_record": after}
    view = await passed()
    assert view.result.corrected == ["001/legalName"]
    assert systems.called == [
        "crm.find_customer", "erp.get_customer", "cross_references.resolve", "crm.note_erp_record", "erp.get_customer",
    ]  # fmt: skip


async def test_a_number_that_is_noted_as_another_customers_corrects_nobody(passed: Any, systems: Any) -> None:
    systems.answers |= {"erp.get_customer": RENAMED, "cross_references.resolve": KeysDisagree("It is 002's.")}
    view = await passed()
    assert (view.state, view.problem.type) == ("refused", "/problems/keys-disagree")
    assert "crm.note_erp_record" not in systems.called


async def test_who_wrote_something_older_finds_what_is_newer_and_writes_that(passed: Any, systems: Any) -> None:
    blocked = msgspec.structs.replace(RENAMED, order_blocked=True)
    first = msgspec.structs.replace(KNOWN, legal_name="Alster SE")
    systems.answers |= {
        "erp.get_customer": [RENAMED, blocked],
        "crm.note_erp_record": [first, msgspec.structs.replace(first, order_blocked=True)],
    }
    view = await passed()
    assert view.result.corrected == ["001/legalName", "001/orderBlocked"]
    assert systems.called.count("crm.note_erp_record") == 2


async def test_a_crm_without_room_for_it_is_asked_once(passed: Any, systems: Any) -> None:
    systems.answers |= {"erp.get_customer": RENAMED, "crm.note_erp_record": KNOWN}
    view = await passed()
    assert (view.result.told, view.result.corrected) == (["001"], [])
    assert systems.called.count("crm.note_erp_record") == 1


@pytest.mark.parametrize(
    "missing", [{"crm.find_customer": CustomerNotFound()}, {"erp.get_customer": ErpCustomerNotFound()}]
)
async def test_a_customer_that_one_side_lacks_concerns_nobody(passed: Any, systems: Any, missing: Any) -> None:
    systems.answers |= missing
    assert (await passed()).result.unknown == ["10100001"]


async def test_who_follows_the_orders_is_told_once_each(passed: Any, systems: Any) -> None:
    told = FulfilmentProgress(state="waiting", created=NOW, updated=NOW, fulfilment_id="f", order_id="order-q1")
    systems.answers["order_fulfilment.hear_of_order"] = told
    view = await passed("order", "4711", "4711", "4712")
    assert view.result.told == ["order-q1"] * 2
    assert systems.called.count("erp.get_order") == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"erp.get_order": ErpOrderNotFound()},
        {"order_fulfilment.hear_of_order": FulfilmentNotFound()},
        {"order_fulfilment.hear_of_order": FulfilmentEnded()},
    ],
)
async def test_an_order_that_nobody_follows_is_left_alone(passed: Any, systems: Any, answer: Any) -> None:
    systems.answers |= answer
    assert (await passed("order", "4711")).result.unknown == ["4711"]


async def test_an_order_with_words_of_others_as_its_reference_is_not_asked_for(passed: Any, systems: Any) -> None:
    systems.answers["erp.get_order"] = msgspec.structs.replace(systems.answers["erp.get_order"], reference="by phone")
    assert (await passed("order", "4711")).result.unknown == ["4711"]
    assert systems.called == ["erp.get_order"]


async def test_what_cannot_be_passed_on_now_is_retried(passed: Any, systems: Any) -> None:
    systems.answers["erp.get_customer"] = [BackendUnavailable(), ENTERED]
    assert (await passed()).state == "completed"


@pytest.mark.parametrize(
    ("known", "entered", "told"),
    [
        ({}, {}, ErpRecord()),
        ({}, {"name": "Alster  AG"}, ErpRecord()),
        ({"legal_name": ""}, {"name": "Alster"}, ErpRecord()),
        ({"legal_name": ""}, {"name": "Alster AG"}, ErpRecord(legal_name="Alster AG")),
        ({"legal_name": "A" * 60}, {"name": "A" * 35}, ErpRecord()),
        ({"legal_name": "Alster AG"}, {"name": "Alster"}, ErpRecord(legal_name="Alster")),
        ({}, {"tax_number": ""}, ErpRecord()),
        ({}, {"tax_number": "DE9"}, ErpRecord(tax_number="DE9")),
        ({}, {"order_blocked": True}, ErpRecord(order_blocked=True)),
        ({}, {"marked_for_deletion": True}, ErpRecord(order_blocked=True)),
        ({"order_blocked": True}, {"marked_for_deletion": True}, ErpRecord()),
        ({"order_blocked": True}, {}, ErpRecord(order_blocked=False)),
        ({}, {"delivery_blocked": True}, ErpRecord()),
    ],
)
def test_only_what_the_erp_leads_and_says_differently_is_told(known: Any, entered: Any, told: Any) -> None:
    customer = msgspec.structs.replace(KNOWN, **known)
    assert corrections(customer, msgspec.structs.replace(ENTERED, **entered)) == told


def test_a_document_names_the_orders_it_is_about() -> None:
    lines = [DeliveredLine(number, "10", "TG-1", Decimal(1)) for number in ("4711", "", "4712")]
    assert delivered(DeliveryConfirmed("received-1", "ab12", "80", lines)).erp_numbers == ["4711", "4712"]
    invoice = InvoicePosted("received-2", "ab13", "90", ["4711"])
    assert billed(invoice) == ErpChange("ab13", "order", ["4711"])
    assert {each.key(invoice) for each in IDOCS if each.event is InvoicePosted} == {"erp-order-ab13"}
