"""A return under a clock that moves when told: approvals days later, goods that come or never do, what is undone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from eventually import eventually

from process_apis.customer_returns.flow import RefundReturn, RefundReturnV1
from process_apis.customer_returns.service import DurableCustomerReturns
from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.problems import Conflict, NotFound, Problem
from shared.contracts.canonical.order import ConfirmedLine, ErpOrder
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.returns import CrmReturn, ErpReturn, ReturnCredit, ReturnReceipt
from shared.contracts.canonical.shipment import Rate, Rates, Shipment
from shared.contracts.canonical.values import Address, Money
from shared.contracts.process.customer_returns import (
    DecidedOtherwise,
    GoodsReceived,
    NoApprovalAwaited,
    NoGoodsAwaited,
    ReturnDecision,
    ReturnLine,
    ReturnProgress,
    ReturnRequest,
)
from shared.contracts.system.cross_references import KeysDisagree
from shared.contracts.system.erp import ReturnRejected
from shared.contracts.system.logistics import LabelNotRefundable

DAY = 86_400
NOW = datetime(2026, 3, 2, tzinfo=UTC)
NINETY = Money(Decimal(90), "EUR")
FORWARD = [
    "crm.record_return", "erp.create_return", "logistics.purchase_label", "crm.note_return",
    "cross_references.note_keys", "warehouse.receive_return", "erp.credit_return", "crm.note_return",
]  # fmt: skip
UNDONE = ["logistics.refund_label", "erp.cancel_return", "crm.note_return"]


@pytest.fixture(autouse=True)
def delivered(systems: Any) -> None:
    """The order was invoiced and nothing of it has come back yet; everybody says yes."""
    line = ConfirmedLine("10", "A", Decimal(3), NINETY)
    authorized = ErpReturn("60", "return-R1", "4711", "open", NINETY)
    credit = ReturnCredit("61", NINETY, "90")
    label = Shipment("shp_9", "pre-transit", carrier="UPS", tracking_code="1Z9", label_url="https://l/9.png")
    systems.answers |= {
        "erp.get_order": ErpOrder("4711", "order-q1", "10100001", "invoiced", NINETY, lines=[line]),
        "erp.list_returns": [[]],
        "crm.get_customer": Customer("001", "Alster", shipping_address=Address(city="Hamburg")),
        "crm.record_return": CrmReturn("0rO", "1", "return-R1", "requested"),
        "crm.note_return": CrmReturn("0rO", "1", "return-R1", "approved"),
        "erp.create_return": authorized,
        "erp.cancel_return": authorized,
        "erp.get_product": Product("A", "a"),
        "erp.credit_return": msgspec.structs.replace(authorized, state="credited", credit=credit),
        "logistics.get_rates": Rates("shp_9", [Rate("r1", "UPS", "Ground", NINETY)]),
        "logistics.purchase_label": label,
        "logistics.refund_label": label,
        "logistics.get_shipment": label,
        "warehouse.receive_return": ReturnReceipt("rcp-1", "return-R1", "HAM1", NOW, []),
    }


class Desk:
    """The API as its callers use it, each under a name of their own."""

    def __init__(self, api: DurableCustomerReturns, systems: Any) -> None:
        self._api = api
        self._systems = systems

    def _as(self, who: str) -> Any:
        principal = Principal(who, "desk", "urn:triptych:process:customer-returns", frozenset(), 1e12, "test")
        return calling(CallContext(principal=principal, wait=0.0))

    async def ask(self, reason: Any = "damaged", **changed: Any) -> ReturnProgress:
        request = ReturnRequest("R1", "order-q1", [ReturnLine("A", Decimal(2), reason)])
        with self._as("clerk"):
            return await self._api.request_return(msgspec.structs.replace(request, **changed))

    async def decide(self, approved: bool, who: str = "boss", note: str = "") -> ReturnProgress:
        with self._as(who):
            return await self._api.decide_return("return-R1", ReturnDecision(approved, note))

    async def receive(self) -> ReturnProgress:
        with self._as("dock"):
            return await self._api.receive_goods("return-R1", GoodsReceived("Box is wet."))

    async def until(self, *stages: str) -> ReturnProgress:
        """The return at rest in one of `stages`: nothing of it runs until somebody does something or time goes on."""

        async def rests() -> ReturnProgress | None:
            known = await self._api.get_return("return-R1")
            return (
                known if known.stage in stages and known.state not in ("pending", "running", "compensating") else None
            )

        return await eventually(rests)

    async def is_dead(self) -> bool:
        return (await self._api.get_return("return-R1")).state == "dead"

    def later(self, seconds: float) -> None:
        self._systems.ahead += seconds


@pytest.fixture
def desk(start: Any, systems: Any) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        yield Desk(DurableCustomerReturns(await start(RefundReturn)), systems)

    return opened


def writes(systems: Any) -> list[str]:
    return [name for name in systems.writes() if name != "erp.list_returns"]


async def called(systems: Any, name: str, times: int) -> None:
    await eventually(lambda: systems.called.count(name) >= times)


async def test_version_1_makes_the_calls_it_made(start: Any, systems: Any) -> None:
    delivered = msgspec.structs.replace(systems.answers["logistics.get_shipment"], state="delivered")
    systems.answers["logistics.get_shipment"] = delivered
    runner = await start(RefundReturnV1)
    request = ReturnRequest("R1", "order-q1", [ReturnLine("A", Decimal(2), "damaged")])
    await runner.submit(RefundReturnV1, "return-R1", request)

    async def state() -> str:
        return (await runner.view("return-R1")).state

    async def waits() -> bool:
        return await state() == "waiting"

    async def ends() -> bool:
        return await state() == "completed"

    await eventually(waits)
    systems.ahead += DAY
    await eventually(ends)
    assert writes(systems) == [name for name in FORWARD if name != "cross_references.note_keys"]
    assert "cross_references.resolve" not in systems.called


async def test_an_order_under_other_keys_than_those_that_are_noted_is_not_taken_back(desk: Any, systems: Any) -> None:
    systems.answers["cross_references.resolve"] = KeysDisagree("Another order.")
    async with desk() as at:
        with suppress(KeysDisagree):  # told at once, if it comes within the wait
            await at.ask()
        known = await at.until("closed")
    assert (known.problem.type, writes(systems)) == ("/problems/keys-disagree", [])


async def test_our_own_fault_is_refunded_without_asking_once_the_carrier_has_brought_the_goods(
    desk: Any, systems: Any
) -> None:
    async with desk() as at:
        await at.ask()
        waiting = await at.until("waiting-for-goods")
        assert waiting.label is not None
        assert (waiting.label.tracking_code, waiting.label.label_url) == ("1Z9", "https://l/9.png")
        assert waiting.approval is None
        assert waiting.until is not None
        systems.answers["logistics.get_shipment"] = msgspec.structs.replace(
            systems.answers["logistics.get_shipment"], state="delivered"
        )
        at.later(3601)
        settled = (await at.until("refunded")).refunded
    assert settled is not None
    assert (settled.refund, settled.credit_memo_id, settled.approved_by) == (NINETY, "90", "")
    assert writes(systems) == FORWARD


async def test_an_approval_may_take_days_and_who_gave_it_is_kept(desk: Any, systems: Any) -> None:
    async with desk() as at:
        await at.ask("not-satisfied")
        waiting = await at.until("waiting-for-approval")
        assert waiting.until is not None
        assert abs((waiting.until.timestamp() - systems.clock()) - 14 * DAY) < 60
        assert writes(systems) == ["crm.record_return"]
        at.later(13 * DAY)
        decided = await at.decide(True, note="Good customer.")
        assert decided.approval is not None
        assert (decided.approval.approved, decided.approval.by, decided.approval.note) == (
            True, "boss", "Good customer.",
        )  # fmt: skip
        assert (await at.decide(True, "another")).approval == decided.approval
        with pytest.raises(DecidedOtherwise, match="boss has approved"):
            await at.decide(False, "another")
        await at.until("waiting-for-goods")
        assert (await at.receive()).stage in ("waiting-for-goods", "crediting", "refunded")
        settled = await at.until("refunded")
        assert settled.refunded is not None
        assert settled.refunded.approved_by == "boss"
        assert (await at.receive()).stage == "refunded"


async def test_a_refused_approval_closes_the_return_in_the_crm_and_frees_the_reference(desk: Any, systems: Any) -> None:
    async with desk() as at:
        await at.ask("other")
        await at.until("waiting-for-approval")
        await at.decide(False, note="Worn.")
        closed = await at.until("closed")
        assert closed.problem is not None
        assert closed.problem.type == "/problems/approval-refused"
        assert "boss: Worn." in closed.problem.detail
        assert writes(systems) == ["crm.record_return", "crm.note_return"]
        assert (await at.decide(False)).stage == "closed"
        with pytest.raises(DecidedOtherwise, match="boss has refused"):
            await at.decide(True)
        assert (await at.ask("other")).return_id == "return-R1.2"


async def test_nobody_decides_in_time(desk: Any, systems: Any) -> None:
    async with desk() as at:
        await at.ask("other", approval_within_seconds=DAY)
        await at.until("waiting-for-approval")
        at.later(DAY + 1)
        closed = await at.until("closed")
    assert closed.problem is not None
    assert closed.problem.type == "/problems/approval-timed-out"
    assert writes(systems) == ["crm.record_return", "crm.note_return"]


async def test_goods_that_never_come_undo_everything_in_reverse(desk: Any, systems: Any) -> None:
    async with desk() as at:
        await at.ask(goods_within_seconds=3 * DAY, look_every_seconds=DAY)
        for looks in (1, 2, 3):
            await at.until("waiting-for-goods")
            at.later(DAY + 1)
            await called(systems, "logistics.get_shipment", looks)
        closed = await at.until("closed")
    assert closed.problem is not None
    assert closed.problem.type == "/problems/goods-not-returned"
    assert closed.label is None
    assert writes(systems)[-3:] == UNDONE
    assert systems.called.count("logistics.get_shipment") == 3


async def test_a_parcel_on_the_road_is_not_given_up_in_silence(desk: Any, systems: Any) -> None:
    systems.answers["logistics.refund_label"] = LabelNotRefundable("The carrier has it.")
    async with desk() as at:
        await at.ask(goods_within_seconds=DAY, look_every_seconds=DAY)
        await at.until("waiting-for-goods")
        at.later(DAY + 1)
        await eventually(at.is_dead)
    assert "erp.cancel_return" not in systems.called


async def test_a_return_that_the_erp_rejects_is_withdrawn_from_the_crm(desk: Any, systems: Any) -> None:
    systems.answers["erp.create_return"] = ReturnRejected("No.")
    async with desk() as at:
        with suppress(ReturnRejected):  # raised here if the flow has ended when we look for the first time
            await at.ask()
        closed = await at.until("closed")
    assert closed.problem is not None
    assert closed.problem.detail == "No."
    assert writes(systems) == ["crm.record_return", "erp.create_return", "crm.note_return"]


async def test_the_credit_memo_is_waited_for(desk: Any, systems: Any) -> None:
    asked = msgspec.structs.replace(
        systems.answers["erp.credit_return"], state="credit-requested", credit=ReturnCredit("61", NINETY)
    )
    systems.answers["erp.get_return"] = [asked, systems.answers["erp.credit_return"]]
    systems.answers["erp.credit_return"] = asked
    async with desk() as at:
        await at.ask()
        await at.until("waiting-for-goods")
        await at.receive()
        for looks in (1, 2):
            await at.until("crediting")
            at.later(3601)
            await called(systems, "erp.get_return", looks)
        settled = await at.until("refunded")
    assert settled.refunded is not None
    assert settled.refunded.credit_memo_id == "90"
    assert systems.called.count("erp.credit_return") == 1


async def test_what_is_not_awaited_is_refused(desk: Any) -> None:
    async with desk() as at:
        with pytest.raises(NotFound):
            await at.decide(True)
        await at.ask()
        await at.until("waiting-for-goods")
        with pytest.raises(NoApprovalAwaited, match="waiting-for-goods"):
            await at.decide(True)
        await at.receive()
        await at.until("refunded")
        with pytest.raises(NoApprovalAwaited):
            await at.decide(True)


async def test_goods_before_the_authorization_are_not_awaited(desk: Any) -> None:
    async with desk() as at:
        await at.ask("other")
        await at.until("waiting-for-approval")
        with pytest.raises(NoGoodsAwaited, match="waiting-for-approval"):
            await at.receive()


async def test_a_reference_stands_for_one_return(desk: Any) -> None:
    async with desk() as at:
        first = await at.ask()
        assert (await at.ask()).return_id == first.return_id
        with pytest.raises(Conflict):
            await at.ask("defective")


async def test_a_refusal_within_the_wait_is_told_at_once(start: Any, systems: Any) -> None:
    systems.answers["erp.get_order"] = msgspec.structs.replace(systems.answers["erp.get_order"], state="open")
    api = DurableCustomerReturns(await start(RefundReturn))
    with calling(CallContext(wait=5.0)), pytest.raises(Problem) as refused:
        await api.request_return(ReturnRequest("R1", "order-q1", [ReturnLine("A", Decimal(1), "damaged")]))
    assert (refused.value.slug, refused.value.extensions["returnId"]) == ("order-not-delivered", "return-R1")
    assert writes(systems) == []
