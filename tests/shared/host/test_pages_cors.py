"""Which pages may call a process: those of the edge on a developer's machine, otherwise none."""

from pathlib import Path

import msgspec

from shared.host.api import installed_apis
from shared.host.development import pages_that_may_call
from shared.host.placement import Placement
from shared.host.runtime import Runtime
from shared.host.topology import load_topology

TOPOLOGIES = Path(__file__).parents[3] / "deploy" / "topologies"
RUNTIME = Runtime(
    topology=str(TOPOLOGIES / "tiered.toml"), state="nowhere", issuer="http://127.0.0.1:8080", valkey="",
    development=True,
    processes={"edge": "http://127.0.0.1:8080", "core": "http://127.0.0.1:8081"},
)  # fmt: skip


def _placement(process: str) -> Placement:
    return Placement(load_topology(TOPOLOGIES / "tiered.toml"), process, installed_apis(), ())


def test_in_development_the_edges_page_may_call_the_other_processes_under_both_names_of_this_machine() -> None:
    edge = {"http://127.0.0.1:8080", "http://localhost:8080"}
    assert pages_that_may_call(RUNTIME, _placement("core")) == edge


def test_the_edge_itself_needs_that_only_for_its_other_name() -> None:
    assert pages_that_may_call(RUNTIME, _placement("edge")) == {"http://localhost:8080"}


def test_outside_development_no_page_may() -> None:
    served = msgspec.structs.replace(RUNTIME, development=False)
    assert pages_that_may_call(served, _placement("core")) == frozenset()
