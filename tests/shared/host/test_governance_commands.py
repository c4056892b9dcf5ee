"""What we may do in a backend and whether it drifted, from the command line, beside a running suite and without one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from shared.host.runtime import Runtime

TOPOLOGY = (Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml").read_text()
TAG = "{http://soap.sforce.com/2006/04/metadata}"


@pytest.fixture
async def org(suite: Runtime) -> AsyncIterator[Any]:
    """Changes the schema of the running stand-in, and takes it back."""
    async with httpx.AsyncClient(base_url=suite.sandboxes["salesforce"]) as client:

        async def change(**body: Any) -> None:
            assert (await client.post("/__sandbox__/schema", json=body)).status_code == 200

        yield change
        await change()
        await client.delete("/__sandbox__/faults")


async def test_an_org_as_we_know_it_ends_with_zero(triptych_here: Any, org: Any) -> None:
    said = await triptych_here("drift", "salesforce")
    assert (said.status, said.err) == (0, "")
    assert "salesforce is as our contracts and translators need it" in said.text


async def test_drift_is_a_table_for_people_and_a_line_for_programs(triptych_here: Any, org: Any) -> None:
    await org(object="Order", field="External_Order_Id__c", set={"unique": False})
    await org(object="ReturnOrderLineItem", field="ProcessingPlan", set={"inactive": ["Restock"]})
    asked = (triptych_here("drift", "salesforce", COLUMNS="100"), triptych_here("drift", "salesforce", "--json"))
    table, line = [*await asyncio.gather(*asked)]
    assert (table.status, table.err, line.status, line.err) == (1, "", 1, "")
    assert "salesforce differs in 2 from what we need; 1 of them break operations." in table.out
    for words in ("External_Order_Id__c", "It is not unique", "record_order", "Mark it"):
        assert words in table.out
    told = json.loads(line.out)
    assert (told["backend"], told["breaking"]) == ("salesforce", True)
    assert [(each["subject"], each["drift"], each["breaking"]) for each in told["findings"]] == [
        ("Order.External_Order_Id__c", "not-unique", True),
        ("ReturnOrderLineItem.ProcessingPlan", "missing-value", False),
    ]


async def test_an_org_that_is_away_is_one_line(triptych_here: Any, suite: Runtime, org: Any) -> None:
    async with httpx.AsyncClient(base_url=suite.sandboxes["salesforce"]) as client:
        await client.post("/__sandbox__/faults", json={"path": "*/sobjects*", "fault": "status", "status": 503})
        for _ in range(2):
            await client.post("/__sandbox__/faults", json={"path": "*/sobjects*", "fault": "close", "times": 20})
    said = await triptych_here("drift", "salesforce")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("triptych: ")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("drift", "salesforce"), "run `triptych up` first"),
        (("drift", "salesforce", "--topology", "fused"), "wants the sandbox 'salesforce', which is not running"),
        (("permission-set", "warehouse"), "for 'warehouse'; there is that of: salesforce"),
        (("permission-set", "salesforce", "--output", "/nowhere/at/all.xml"), "cannot be written"),
    ],
)
async def test_a_refusal_is_one_line_that_says_what_to_do(triptych: Any, arguments: tuple[str, ...], hint: str) -> None:
    said = await triptych(*arguments)
    assert (said.status, said.out) == (2, "")
    assert hint in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


async def test_the_permission_set_speaks_the_topologys_names_and_needs_no_secret(triptych: Any, tmp_path: Path) -> None:
    topology, document = tmp_path / "ours.toml", tmp_path / "ours.permissionset-meta.xml"
    settings = 'order_reference_field = "Ref__c"\ntax_number_field = ""\ncurrency = "EUR"\n'
    topology.write_text(TOPOLOGY.replace("[backends.salesforce]\n", f"[backends.salesforce]\n{settings}"))
    said = await triptych("permission-set", "salesforce", "--topology", str(topology), "--output", str(document))
    assert (said.status, said.out) == (0, "")
    assert "SalesforcePlatform does what its callers ask for" in said.err
    fields = {each.text for each in ET.fromstring(document.read_text()).iter(f"{TAG}field")}
    assert "Order.Ref__c" in fields
    assert not {"Order.External_Order_Id__c", "Account.Tax_Number__c"} & fields
