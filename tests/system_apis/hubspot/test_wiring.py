"""The host finds, configures and builds the API from its folder alone."""

from pathlib import Path

import pytest

from sandboxes.hubspot import TOKEN
from shared.contracts.system.marketing import Marketing
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from system_apis.hubspot import api
from system_apis.hubspot.connector import HubSpotSettings


async def test_the_host_builds_it_from_the_topology(portal: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    backends = {"hubspot": {"url": "sandbox:hubspot", "token": "file:{state}/token"}}
    wire = open_wire()
    wiring = Wiring(
        {Outbound: Outbound(wire)},
        lambda contract: pytest.fail(f"asks for {contract}"),
        lambda kind: read_settings(kind, backends, {"hubspot": portal}, tmp_path),
    )
    assert isinstance(wiring.build(api.service), Marketing)
    assert (api.name, api.tier) == ("marketing (hubspot)", "system")
    await wire.aclose()


def test_a_missing_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopologyRefused, match="token"):
        read_settings(
            HubSpotSettings, {"hubspot": {"url": "sandbox:hubspot"}}, {"hubspot": "http://127.0.0.1:1"}, tmp_path
        )
