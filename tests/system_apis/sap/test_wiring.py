"""The host builds the service from a topology's `[backends.sap]`."""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.system.erp import Erp
from shared.contracts.system.sap_idocs import SapIdocs
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.security.key_ring import KeyRing, ensure_key_file
from shared.security.secrets import Secret
from system_apis.sap import SapErp, apis

SECTION = {"url": "sandbox:sap", "username": "TRIPTYCH", "password": "file:{state}/sap/password"}


def wired(section: dict[str, Any], state: Path, url: str, wire: Wire) -> SapErp:
    def settings(kind: Any) -> Any:
        return read_settings(kind, {"sap": section}, {"sap": url}, state)

    def no_peer(contract: Any) -> Any:
        raise AssertionError(f"asked for {contract}")

    keys = KeyRing(Secret(f"file:{ensure_key_file(state / 'keys')}"))
    return Wiring({Outbound: Outbound(wire), KeyRing: keys}, no_peer, settings).build(SapErp)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "sap").mkdir()
    (tmp_path / "sap" / "password").write_text("sandbox-only\n")
    return tmp_path


async def test_section_of_a_topology_is_all_it_needs(state: Path, sandbox_url: str, wire: Wire) -> None:
    assert [(api.contract, api.vendor, api.tier) for api in apis] == [
        (Erp, "sap", "system"),
        (SapIdocs, "sap", "system"),
    ]
    erp = wired(SECTION, state, sandbox_url, wire)
    assert (await erp.get_order("4000001")).erp_order_id == "4000001"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "sandbox-only"},
        {"password": "file:/no/such/file"},
        {"reference_field": "PurchaseOrderByCustomer"},
        {"clint": "100"},
    ],
)
def test_wrong_setting_is_refused_before_anything_runs(state: Path, wire: Wire, wrong: dict[str, str]) -> None:
    with pytest.raises(TopologyRefused, match=r"backends\.sap") as refused:
        wired({**SECTION, **wrong}, state, "http://127.0.0.1:9", wire)
    assert "sandbox-only" not in str(refused.value)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"create_ordre": "odata"}, 'interfaces names "create_ordre", which is no operation of the ERP'),
        (
            {"list_products": "bapi"},
            'interfaces.list_products = "bapi": BAPI does not do list_products; possible is odata',
        ),
        (
            {"simulate_order": "odata4"},
            'interfaces.simulate_order = "odata4": ODATA4 does not do simulate_order; possible is odata, bapi',
        ),
        ({"create_order": "rest"}, "Invalid enum value 'rest'"),
    ],
)
def test_interface_that_cannot_do_an_operation_is_refused_before_anything_runs(
    state: Path, wire: Wire, chosen: dict[str, str], says: str
) -> None:
    with pytest.raises(TopologyRefused) as refused:
        wired({**SECTION, "interfaces": chosen}, state, "http://127.0.0.1:9", wire)
    assert says in str(refused.value)
