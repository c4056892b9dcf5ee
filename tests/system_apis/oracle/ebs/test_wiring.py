"""Which orders go to the E-Business Suite is said in the topology, and what it cannot do is refused in a sentence."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sandboxes.kit import serve_sandbox
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.canonical.returns import NewErpReturn, NewErpReturnLine
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpCustomerNotFound,
    ErpOrderNotFound,
    OrderRejected,
    ReturnRejected,
)
from shared.host.settings import look_at_settings
from shared.host.topology import TopologyRefused
from shared.security.secrets import Secret
from system_apis.oracle.ebs.settings import EbsSettings
from system_apis.oracle.service import OracleErp
from system_apis.oracle.settings import OracleSettings

IN_SUITE = {"create_order": "ebs", "get_order": "ebs", "cancel_order": "ebs"}
POD = {"url": "https://pod.example", "username": "TRIPTYCH", "password": "env:POD"}
SUITE = {"url": "https://suite.example", "username": "TRIPTYCH", "password": "env:SUITE"}


@pytest.fixture(scope="module")
async def suite_url() -> AsyncIterator[str]:
    async with serve_sandbox("oracle_ebs") as url:
        yield url


@pytest.fixture
def both(control: Any, connect: Callable[..., Any], sandbox_url: str, suite_url: str, password: Path) -> OracleErp:
    """Customers in Fusion, orders in the suite."""
    del control
    suite = EbsSettings(url=suite_url, username="TRIPTYCH", password=Secret(f"file:{password}"))
    return OracleErp(connect(sandbox_url, interfaces=IN_SUITE, ebs=suite))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"interfaces": {"create_order": "ebs"}, "ebs": SUITE}, "interfaces.get_order and interfaces.cancel_order"),
        ({"interfaces": {"list_orders": "ebs"}, "ebs": SUITE}, "EBS does not do list_orders"),
        ({"interfaces": {"place_order": "ebs"}, "ebs": SUITE}, "no operation of the ERP"),
        ({"interfaces": IN_SUITE}, r"\[backends.oracle.ebs\]"),
        ({"interfaces": {"create_order": "soap"}}, "interfaces"),
        ({"ebs": {**SUITE, "alias": "order"}}, "alias"),
    ],
)
def test_a_choice_that_cannot_be_kept_is_refused_at_the_start(more: dict[str, Any], words: str) -> None:
    with pytest.raises(TopologyRefused, match=words):
        look_at_settings(OracleSettings, {"oracle": {**POD, **more}})


def test_a_choice_that_can_be_kept_is_read() -> None:
    read = look_at_settings(OracleSettings, {"oracle": {**POD, "interfaces": IN_SUITE, "ebs": SUITE}})
    assert read.ebs is not None
    assert read.ebs.url == SUITE["url"]


async def test_customers_are_judged_by_fusion_and_orders_stand_in_the_suite(
    both: OracleErp, control: Any, new_order: Callable[..., NewErpOrder]
) -> None:
    placed = await both.create_order(new_order("both-1"))
    assert (await both.get_order(placed.erp_order_id)).reference == "both-1"
    assert await control.ledger("orders") == []
    for order, refusal in (
        (new_order("both-2", "blocked-customer"), CustomerBlocked),
        (new_order("both-3", erp_number="99999999"), ErpCustomerNotFound),
        (new_order("both-4", ship_to_erp_number="99999999"), OrderRejected),
    ):
        with pytest.raises(refusal):
            await both.create_order(order)
    assert (await both.cancel_order(placed.erp_order_id, ErpCancellation("late"))).state == "cancelled"


async def test_what_the_suites_interface_has_no_call_for_is_said(
    both: OracleErp, new_order: Callable[..., NewErpOrder]
) -> None:
    order = new_order("both-5")
    placed = await both.create_order(order)
    with pytest.raises(BackendFault, match="lists no orders"):
        await both.list_orders(order.erp_number)
    with pytest.raises(BackendFault, match="lists no returns"):
        await both.list_returns(placed.erp_order_id)
    line = placed.lines[0]
    wanted = [NewErpReturnLine(line.item, line.sku, line.quantity, "damaged")]
    with pytest.raises(ReturnRejected, match="stands in the E-Business Suite"):
        await both.create_return(NewErpReturn("r-1", placed.erp_order_id, wanted))
    for asked in (both.list_returns("1"), both.create_return(NewErpReturn("r-2", "1", wanted))):
        with pytest.raises(ErpOrderNotFound):
            await asked
