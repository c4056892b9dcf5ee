"""The host finds, configures and builds the API from its folder alone."""

from pathlib import Path
from typing import Any

import pytest

from sandboxes.easypost import API_KEY
from shared.contracts.system.logistics import Logistics
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from system_apis.easypost import api
from system_apis.easypost.connector import EasyPostSettings

SENDER = {"company": "Tarn Gauge", "street": "Longley Ln 5555", "city": "Reno", "postal_code": "89511", "country": "US"}


def section(state: Path) -> dict[str, Any]:
    (state / "easypost.key").write_text(f"{API_KEY}\n")
    (state / "next.secret").write_text("the next one")
    return {
        "url": "sandbox:easypost", "api_key": "file:{state}/easypost.key", "sender": SENDER,
        "webhook_store": "{state}/messages.sqlite3", "other_webhook_secrets": ["file:{state}/next.secret"],
    }  # fmt: skip


async def test_the_host_builds_it_from_the_topology(sandbox: str, tmp_path: Path) -> None:
    backends = {"easypost": section(tmp_path)}
    wire = open_wire()
    wiring = Wiring(
        {Outbound: Outbound(wire)},
        lambda contract: pytest.fail(f"asks for {contract}"),
        lambda kind: read_settings(kind, backends, {"easypost": sandbox}, tmp_path),
    )
    assert isinstance(wiring.build(api.service), Logistics)
    assert (api.name, api.tier) == ("logistics (easypost)", "system")
    await wire.aclose()


@pytest.mark.parametrize("missing", ["api_key", "sender", "webhook_store"])
def test_what_is_missing_from_the_topology_is_named(tmp_path: Path, missing: str) -> None:
    short = {name: value for name, value in section(tmp_path).items() if name != missing}
    with pytest.raises(TopologyRefused, match=missing):
        read_settings(EasyPostSettings, {"easypost": short}, {"easypost": "http://127.0.0.1:1"}, tmp_path)
