"""A deployment says in its topology what its SLA tiers allow."""

from pathlib import Path

import pytest

from shared.host.topology import TopologyRefused, load_topology
from shared.resilience.rate_limit_policy import Policy

_TOPOLOGY = """
name = "small"
[processes.suite]
edge = true
[tiers.gold.default]
name = "gold"
limit = 60
window_seconds = 1
burst = {burst}
[tiers.gold.groups."erp:read"]
name = "gold-erp"
limit = 5
window_seconds = 1
burst = 5
"""


def test_tiers_of_a_topology_are_read_with_their_groups(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(_TOPOLOGY.format(burst=10))
    gold = load_topology(path).tiers["gold"]
    assert gold.default == Policy("gold", 60, 1, 10)
    assert gold.groups == {"erp:read": Policy("gold-erp", 5, 1, 5)}


def test_a_tier_that_allows_nothing_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(_TOPOLOGY.format(burst=0))
    with pytest.raises(TopologyRefused, match=r"'gold'.*at least 1"):
        load_topology(path)
