"""A vendor's own API is there where its backend is, and asks nothing of those who have another."""

from pathlib import Path

import pytest

from shared.host.api import installed_apis
from shared.host.topology import chosen_apis, load_topology

FUSED = Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml"


@pytest.mark.parametrize("vendor", ["sap", "oracle"])
def test_an_optional_api_is_left_out_where_its_backend_is_not(tmp_path: Path, vendor: str) -> None:
    text = FUSED.read_text().replace('erp = "sap"', f'erp = "{vendor}"')
    other = "oracle" if vendor == "sap" else "sap"
    before, _, after = text.partition(f"[backends.{other}]")
    text = before + "[backends." + after.partition("[backends.")[2]
    path = tmp_path / "one.toml"
    path.write_text(text)
    chosen = chosen_apis(load_topology(path), installed_apis())
    slugs = {api.contract.slug: api.vendor for api in chosen}
    assert slugs["erp"] == vendor
    assert ("sap_idocs" in slugs, "oracle_fusion" in slugs) == (vendor == "sap", vendor == "oracle")
    assert [api.backend for api in chosen if api.contract.slug == "erp"] == [vendor]
    (changes,) = (api for api in chosen if api.contract.slug == "erp_changes")
    assert bool(changes.subscriptions) == (vendor == "sap")


@pytest.mark.parametrize(("vendor", "heard"), [("sap", 3), ("oracle", 0)])
def test_documents_of_sap_are_heard_only_where_sap_is_the_erp(tmp_path: Path, vendor: str, heard: int) -> None:
    path = tmp_path / "one.toml"
    path.write_text(FUSED.read_text().replace('erp = "sap"', f'erp = "{vendor}"'))  # SAP is there for its documents
    chosen = {api.contract.slug: api for api in chosen_apis(load_topology(path), installed_apis())}
    assert "sap_idocs" in chosen
    assert len(chosen["erp_changes"].subscriptions) == heard
    assert len(chosen["order_fulfilment"].subscriptions) == 1
