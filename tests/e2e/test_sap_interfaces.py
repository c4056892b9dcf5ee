"""By whichever of SAP's interfaces orders go, a quote becomes the same order, once."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandboxes.company import Quote, company
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology

FUSED = Path(__file__).parents[2] / "deploy" / "topologies" / "fused.toml"
BAPI = 'interfaces = { simulate_order = "bapi", create_order = "bapi", get_order = "bapi", cancel_order = "bapi" }'
IDOC = 'interfaces = { create_order = "idoc" }'
QUOTE = company().quotes_for("plain")[0]
OF_EACH_RUN = {"updated", "shipmentId", "trackingCode"}


async def order(suite: Any, quote: Quote) -> httpx.Response:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """What does not differ from run to run: the moment, the carrier's numbers, how long each step took."""
    steps = [(one["text"], one["state"]) for one in answer["steps"]]
    return {name: value for name, value in answer.items() if name not in OF_EACH_RUN} | {"steps": steps}


@pytest.mark.parametrize("interfaces", [BAPI, IDOC], ids=["bapi", "idoc"])
async def test_a_quote_becomes_one_order_with_the_answer_of_odata(
    suite: Any, suite_of: Callable[[Any], Any], tmp_path: Path, interfaces: str
) -> None:
    path = tmp_path / "sap.toml"
    path.write_text(FUSED.read_text().replace("[backends.sap]\n", f"[backends.sap]\n{interfaces}\n"))
    async with running_topology(path, load_topology(path), tmp_path, free_port()) as runtime:
        other = suite_of(runtime)
        answers = await asyncio.gather(*(order(other, QUOTE) for _ in range(3)))
        assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
        standing = (await other.sandbox("sap", "GET", "ledger"))["orders"]
    (entry,) = standing
    by_odata = (await order(suite, QUOTE)).json()
    assert {one.json()["erpOrderId"] for one in answers} == {entry["SalesOrder"]}
    assert [told(one.json()) for one in answers] == [told(by_odata)] * len(answers)
