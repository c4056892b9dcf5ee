"""What the CRM is told of an order, when, and how following it ends."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from eventually import eventually

from process_apis.order_fulfilment import api, flow
from process_apis.order_fulfilment.flow import NEWS, FollowOrder, FollowOrderV1, FollowOrderV2, crm_status
from shared.contracts.canonical.order import ErpOrder
from shared.contracts.canonical.shipment import Shipment
from shared.contracts.canonical.values import Money
from shared.contracts.process.order_fulfilment import OrderNews, OrderToFollow
from shared.contracts.system.cross_references import KeysDisagree

PLACED = ErpOrder("4711", "order-q1", "10100001", "open", Money(Decimal(90), "EUR"))
HOUR = 3600


async def hours(runner: Any, systems: Any, most: int = 12) -> Any:
    """Let hours pass, one look each, until the flow has ended."""

    async def rests() -> Any:
        view = await runner.view("f")
        return view if view.ended or view.state == "waiting" else None

    for _ in range(most):
        view = await eventually(rests)
        if view.ended:
            return view
        asked = len(systems.called)
        systems.ahead += HOUR + 1
        await eventually(lambda asked=asked: len(systems.called) > asked)
    raise AssertionError(view)


def seen(systems: Any, *looks: tuple[str, str]) -> None:
    """What ERP and carrier answer at each look; the last from then on."""
    erp, parcel = systems.answers["erp.get_order"], systems.answers["logistics.get_shipment"]
    systems.answers["erp.get_order"] = [msgspec.structs.replace(erp, state=state) for state, _ in looks]
    systems.answers["logistics.get_shipment"] = [msgspec.structs.replace(parcel, state=state) for _, state in looks]


async def test_each_change_is_told_once_and_an_order_at_rest_costs_no_write(start: Any, systems: Any) -> None:
    seen(
        systems,
        ("open", "pre-transit"), ("open", "pre-transit"), ("delivered", "pre-transit"), ("delivered", "in-transit"),
        ("invoiced", "out-for-delivery"), ("invoiced", "out-for-delivery"), ("invoiced", "delivered"),
    )  # fmt: skip
    runner = await start(FollowOrder)
    await runner.submit(FollowOrder, "f", OrderToFollow("order-q1"))
    view = await hours(runner, systems)
    assert (view.state, view.result.outcome, view.result.notes) == ("completed", "fulfilled", 3)
    assert systems.writes() == ["crm.note_order_status"] * 3
    assert systems.called.count("erp.get_order") == 7


async def test_an_order_cancelled_in_the_erp_is_cancelled_in_the_crm(start: Any, systems: Any) -> None:
    seen(systems, ("open", "pre-transit"), ("cancelled", "refunded"))
    runner = await start(FollowOrder)
    await runner.submit(FollowOrder, "f", OrderToFollow("order-q1"))
    view = await hours(runner, systems)
    assert (view.result.outcome, view.result.shipment_state) == ("cancelled", "refunded")
    assert systems.writes() == ["crm.cancel_order"]


async def test_an_order_that_never_arrives_is_given_up_in_the_end(
    start: Any, systems: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MOST_LOOKS", 3)
    seen(systems, ("invoiced", "returned"))
    runner = await start(FollowOrder)
    await runner.submit(FollowOrder, "f", OrderToFollow("order-q1"))
    view = await hours(runner, systems)
    assert (view.state, view.result.outcome, view.result.notes) == ("completed", "out-of-time", 1)
    assert systems.called.count("erp.get_order") == 3


async def test_news_end_a_rest_at_once_and_the_same_is_heard_once(start: Any, systems: Any) -> None:
    seen(systems, ("open", "pre-transit"), ("delivered", "pre-transit"), ("invoiced", "delivered"))
    runner = await start(FollowOrder)
    follower = await runner.submit(FollowOrder, "f", OrderToFollow("order-q1"))
    for key, new in (("a", True), ("a", False), ("b", True)):
        assert await runner.signal("f", NEWS, OrderNews(key), key=key) == new
    view = await follower.result(30)  # no hour has passed
    assert (view.state, view.result.outcome, view.result.notes) == ("completed", "fulfilled", 2)
    assert systems.called.count("erp.get_order") == 3


async def test_version_1_rests_without_listening_and_is_served(start: Any, systems: Any) -> None:
    seen(systems, ("open", "pre-transit"), ("invoiced", "delivered"))
    runner = await start(FollowOrderV1)
    await runner.submit(FollowOrderV1, "f", OrderToFollow("order-q1"))
    view = await hours(runner, systems)
    assert "flow.sleep" in [entry.step for entry in view.timeline]
    assert FollowOrderV1 in api.flows


async def test_an_order_under_other_keys_than_those_that_are_noted_is_not_followed(start: Any, systems: Any) -> None:
    systems.answers["cross_references.resolve"] = KeysDisagree("Another order.")
    runner = await start(FollowOrder)
    view = await (await runner.submit(FollowOrder, "f", OrderToFollow("order-q1"))).result(30)
    assert (view.state, view.problem.type, systems.writes()) == ("refused", "/problems/keys-disagree", [])


@pytest.mark.parametrize("version", [FollowOrderV1, FollowOrderV2])
async def test_earlier_versions_make_the_calls_they_made(start: Any, systems: Any, version: Any) -> None:
    seen(systems, ("invoiced", "delivered"))
    runner = await start(version)
    view = await (await runner.submit(version, "f", OrderToFollow("order-q1"))).result(30)
    assert (view.kind, view.state) == (f"follow-order@{version.version}", "completed")
    assert systems.called == [
        "quote_to_order.get_order", "crm.get_order", "erp.get_order", "logistics.get_shipment", "crm.note_order_status",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "parcel", "said"),
    [
        ("open", "booked", "Pending"),
        ("blocked", "pre-transit", "Pending"),
        ("in-delivery", "pre-transit", "Released"),
        ("delivered", "pre-transit", "Packed"),
        ("invoiced", "pre-transit", "Packed"),
        ("open", "in-transit", "Shipped"),
        ("delivered", "out-for-delivery", "Shipped"),
        ("delivered", "delivered", "Delivered"),
        ("invoiced", "delivered", "Invoiced"),
        ("invoiced", "returned", "Failed"),
        ("delivered", "failed", "Failed"),
    ],
)
def test_the_crm_says_what_is_furthest(order: Any, parcel: Any, said: str) -> None:
    status = crm_status(msgspec.structs.replace(PLACED, state=order), Shipment("s", parcel, tracking_code="EZ1"))
    assert (status.fulfilment, status.tracking_number) == (said, "EZ1")
