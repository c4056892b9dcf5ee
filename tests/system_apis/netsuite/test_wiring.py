"""The host builds the service from a topology's `[backends.netsuite]`."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sandboxes.netsuite import CONSUMER_SECRET, TOKEN_SECRET
from shared.contracts.system.erp import Erp
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from system_apis.netsuite import NetSuiteErp, api

TOPOLOGY = Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml"
SECTION = tomllib.loads(TOPOLOGY.read_text())["backends"]["netsuite"]


def wired(section: dict[str, Any], state: Path, url: str, wire: Wire) -> NetSuiteErp:
    def settings(kind: Any) -> Any:
        return read_settings(kind, {"netsuite": section}, {"netsuite": url}, state)

    def no_peer(contract: Any) -> Any:
        raise AssertionError(f"asked for {contract}")

    return Wiring({Outbound: Outbound(wire)}, no_peer, settings).build(NetSuiteErp)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "netsuite").mkdir()
    (tmp_path / "netsuite" / "consumer_secret").write_text(CONSUMER_SECRET)
    (tmp_path / "netsuite" / "token_secret").write_text(TOKEN_SECRET)
    return tmp_path


async def test_section_of_a_topology_is_all_it_needs(state: Path, sandbox_url: str, wire: Wire) -> None:
    assert (api.contract, api.vendor, api.tier) == (Erp, "netsuite", "system")
    erp = wired(SECTION, state, sandbox_url, wire)
    assert (await erp.get_customer("10100001")).erp_number == "10100001"


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_secret": TOKEN_SECRET},
        {"token_secret": "file:/no/such/file"},
        {"account": "1234567-sb1"},
        {"auth": "m2m"},
        {"realm": "1234567"},
        {"concurrency": "all"},
        {"concurrency": 0},
    ],
)
def test_wrong_setting_is_refused_before_anything_runs(state: Path, wire: Wire, wrong: dict[str, str]) -> None:
    with pytest.raises(TopologyRefused, match=r"backends\.netsuite") as refused:
        wired({**SECTION, **wrong}, state, "http://127.0.0.1:9", wire)
    assert TOKEN_SECRET not in str(refused.value)
