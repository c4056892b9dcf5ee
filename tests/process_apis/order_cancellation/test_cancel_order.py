"""Who is asked in which order, and what is put right when somebody says no."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from process_apis.order_cancellation.flow import CancelOrder, CancelOrderV1, require_in_the_house
from shared.binding.problems import BackendUnavailable, Conflict
from shared.contracts.canonical.order import ErpOrder, OrderState
from shared.contracts.canonical.shipment import Shipment, ShipmentState, WarehouseShipment
from shared.contracts.canonical.values import Money
from shared.contracts.process.order_cancellation import GoodsHaveLeft, OrderToCancel
from shared.contracts.system.crm import CrmOrderNotFound
from shared.contracts.system.cross_references import KeysDisagree
from shared.contracts.system.erp import OrderNotCancellable
from shared.contracts.system.logistics import LabelNotRefundable

REQUEST = OrderToCancel("order-q1", "The customer called.")
PLACED = ErpOrder("4711", "order-q1", "10100001", "open", Money(Decimal(90), "EUR"))
GOODS = WarehouseShipment("s1", "order-q1", "planned", datetime(2026, 3, 2, tzinfo=UTC))
PARCEL = Shipment("shp_1", "pre-transit")

CALLS_OF_VERSION_1 = [
    "quote_to_order.get_order", "erp.get_order", "warehouse.get_shipment", "warehouse.get_reservation",
    "logistics.get_shipment", "crm.get_order", "warehouse.release_reservation", "erp.cancel_order",
    "logistics.refund_label", "crm.cancel_order",
]  # fmt: skip
"""What its unfinished runs have recorded, in this order; not to be changed while it is served."""


async def run(start: Any) -> Any:
    runner = await start(CancelOrder)
    return await (await runner.submit(CancelOrder, "c", REQUEST)).result(5)


async def test_the_goods_are_stopped_first_and_the_quote_is_set_free_last(start: Any, systems: Any) -> None:
    view = await run(start)
    assert (view.state, view.result.label_refunded) == ("completed", True)
    assert systems.writes() == [
        "warehouse.release_reservation", "erp.cancel_order", "logistics.refund_label", "crm.cancel_order",
        "quote_to_order.retire_order",
    ]  # fmt: skip
    assert view.timeline[-1].step == "flow.publish", "it is told once all of it is true"


async def test_goods_that_left_since_we_asked_are_refused_before_anything_is_written(start: Any, systems: Any) -> None:
    systems.answers["warehouse.release_reservation"] = Conflict("The goods have left.")
    view = await run(start)
    assert (view.state, view.problem.type) == ("refused", "/problems/goods-have-left")
    assert systems.writes() == ["warehouse.release_reservation"]


@pytest.mark.parametrize(("state", "again"), [("confirmed", True), ("released", False)])
async def test_what_the_erp_refuses_puts_the_goods_back_if_they_were_promised(
    start: Any, systems: Any, state: Any, again: bool
) -> None:
    hold = systems.answers["warehouse.get_reservation"]
    systems.answers["warehouse.get_reservation"] = msgspec.structs.replace(hold, state=state)
    systems.answers["erp.cancel_order"] = OrderNotCancellable("Billing is under way.")
    view = await run(start)
    assert (view.state, view.problem.detail) == ("refused", "Billing is under way.")
    back = ["warehouse.reserve", "warehouse.confirm_reservation"] if again else []
    assert systems.writes() == ["warehouse.release_reservation", "erp.cancel_order", *back]


async def test_a_label_that_the_carrier_keeps_does_not_stop_a_cancellation_that_the_erp_has_made(
    start: Any, systems: Any
) -> None:
    systems.answers["logistics.refund_label"] = LabelNotRefundable("The window is over.")
    view = await run(start)
    assert (view.state, view.result.label_refunded) == ("completed", False)
    assert systems.writes()[-2:] == ["crm.cancel_order", "quote_to_order.retire_order"]


async def test_a_run_that_began_before_orders_were_retired_ends_as_it_began(start: Any, systems: Any) -> None:
    """The record is that of version 1 up to a CRM that was down while the suite was upgraded."""
    crm = systems.answers["crm.cancel_order"]
    systems.answers["crm.cancel_order"] = BackendUnavailable("The CRM does not answer.")
    before = await start(CancelOrderV1)
    old = await (await before.submit(CancelOrderV1, "c", REQUEST)).result(0.3)
    assert (old.kind, old.state) == ("cancel-order@1", "waiting")
    assert systems.called == CALLS_OF_VERSION_1
    await before.stop()

    systems.called.clear()
    systems.answers["crm.cancel_order"] = crm
    systems.ahead += 100
    after = await start(CancelOrder, CancelOrderV1)
    view = await (await after.submit(CancelOrder, "c", REQUEST)).result(5)
    assert (view.kind, view.state, systems.called) == ("cancel-order@1", "completed", ["crm.cancel_order"])
    new = await (await after.submit(CancelOrder, "d", REQUEST)).result(5)
    assert (new.kind, new.state, systems.called[-1]) == ("cancel-order@3", "completed", "quote_to_order.retire_order")


async def test_an_order_under_other_keys_than_those_that_are_noted_is_left_alone(start: Any, systems: Any) -> None:
    systems.answers["cross_references.resolve"] = KeysDisagree("Another order.")
    view = await run(start)
    assert (view.state, view.problem.type, systems.writes()) == ("refused", "/problems/keys-disagree", [])


async def test_the_keys_of_an_order_that_was_placed_before_any_were_noted_are_noted(start: Any, systems: Any) -> None:
    known = systems.answers["cross_references.resolve"]
    systems.answers["cross_references.resolve"] = msgspec.structs.replace(known, unnoted=["erp"])
    assert (await run(start)).state == "completed"
    assert systems.writes()[:2] == ["cross_references.note_keys", "warehouse.release_reservation"]


async def test_an_order_that_the_crm_does_not_have_is_refused_before_anything_is_written(
    start: Any, systems: Any
) -> None:
    systems.answers["crm.get_order"] = CrmOrderNotFound("No order 801.")
    view = await run(start)
    assert (view.state, systems.writes()) == ("refused", [])


@pytest.mark.parametrize("state", get_args(OrderState))
def test_only_what_the_erp_has_not_begun_to_deliver_is_in_the_house(state: Any) -> None:
    placed = msgspec.structs.replace(PLACED, state=state)
    if state in ("open", "blocked", "cancelled"):
        require_in_the_house("order-q1", placed, GOODS, PARCEL)
    else:
        with pytest.raises(GoodsHaveLeft, match=f"{state} in the ERP"):
            require_in_the_house("order-q1", placed, GOODS, PARCEL)


@pytest.mark.parametrize("status", ["planned", "picking", "packed", "shipped", "delivered", "cancelled"])
def test_goods_that_the_warehouse_has_handed_over_have_left(status: Any) -> None:
    goods = msgspec.structs.replace(GOODS, status=status)
    if status in ("shipped", "delivered"):
        with pytest.raises(GoodsHaveLeft, match=f"warehouse has {status}"):
            require_in_the_house("order-q1", PLACED, goods, PARCEL)
    else:
        require_in_the_house("order-q1", PLACED, goods, PARCEL)


@pytest.mark.parametrize("state", get_args(ShipmentState))
def test_a_parcel_that_the_carrier_has_scanned_has_left(state: Any) -> None:
    parcel = msgspec.structs.replace(PARCEL, state=state)
    if state in ("booked", "pre-transit", "refunded"):
        require_in_the_house("order-q1", PLACED, GOODS, parcel)
    else:
        with pytest.raises(GoodsHaveLeft, match=f"is {state}"):
            require_in_the_house("order-q1", PLACED, GOODS, parcel)
