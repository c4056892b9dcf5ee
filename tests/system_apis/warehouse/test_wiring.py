"""The host finds, configures and builds the API from its folder alone."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandboxes.warehouse import create_database
from shared.contracts.canonical.inventory import AvailabilityRequest, WantedLine
from shared.contracts.system.warehouse import Warehouse
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.host.wiring import Wiring
from system_apis.warehouse import api
from system_apis.warehouse.connector import WarehouseSettings


def wired(section: dict[str, Any], state: Path) -> Wiring:
    url = create_database(state / "wms.sqlite3")
    return Wiring(
        {},
        lambda contract: pytest.fail(f"asks for {contract}"),
        lambda kind: read_settings(kind, {"warehouse": section}, {"warehouse": url}, state),
    )


async def test_the_host_builds_it_from_the_topology(tmp_path: Path) -> None:
    wiring = wired({"url": "sandbox:warehouse", "sweep_seconds": 5}, tmp_path)
    warehouse = wiring.build(api.service)
    assert isinstance(warehouse, Warehouse)
    assert (api.name, api.tier) == ("warehouse (wms)", "system")
    for built in wiring.built:
        if start := getattr(built, "start", None):
            await start()
    answer = await warehouse.check_availability(AvailabilityRequest([WantedLine("TG-00001", Decimal(1))]))
    assert answer.enough
    for built in reversed(wiring.built):
        if aclose := getattr(built, "aclose", None):
            await aclose()


def test_a_literal_password_in_the_topology_is_refused(tmp_path: Path) -> None:
    section = {"url": "postgresql://db/wms", "password": "hunter2"}
    with pytest.raises(TopologyRefused, match="references to secrets") as caught:
        read_settings(WarehouseSettings, {"warehouse": section}, {}, tmp_path)
    assert "hunter2" not in str(caught.value)
