"""The host finds, configures and builds the API from its folder alone."""

from pathlib import Path

import pytest

from sandboxes.shopify import TOKEN
from shared.contracts.system.commerce import Commerce
from shared.host.settings import read_settings
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from system_apis.shopify import api


async def test_the_host_builds_it_from_the_topology(shop: str, tmp_path: Path) -> None:
    for name in ("token", "secret"):
        (tmp_path / name).write_text(f"{TOKEN}\n")
    section = {
        "url": "sandbox:shopify", "token": "file:{state}/token", "webhook_secret": "file:{state}/secret",
        "webhook_store": "{state}/deliveries.sqlite3", "location": "69000001",
    }  # fmt: skip
    wire = open_wire()
    wiring = Wiring(
        {Outbound: Outbound(wire)},
        lambda contract: pytest.fail(f"asks for {contract}"),
        lambda kind: read_settings(kind, {"shopify": section}, {"shopify": shop}, tmp_path),
    )
    assert isinstance(wiring.build(api.service), Commerce)
    assert (api.name, api.tier) == ("commerce (shopify)", "system")
    await wire.aclose()
