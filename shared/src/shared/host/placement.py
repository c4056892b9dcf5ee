"""Which APIs a topology chooses, and which of them one process serves."""

from dataclasses import dataclass
from pathlib import Path

from shared.binding.declare import Contract
from shared.host.api import Api, installed_apis
from shared.host.call_graph import check_calls
from shared.host.runtime import Runtime
from shared.host.topology import ProcessPlacement, Topology, apis_of_process, chosen_apis, load_topology


@dataclass(frozen=True)
class Placement:
    """Which APIs there are, and which of them are served here."""

    topology: Topology
    process: str
    chosen: tuple[Api, ...]
    here: tuple[Api, ...]

    @classmethod
    def of(cls, runtime: Runtime, process: str) -> "Placement":
        """Read the topology and choose; raises TopologyRefused, BrokenApi or ForbiddenCall with a sentence."""
        topology = load_topology(Path(runtime.topology))
        chosen = chosen_apis(topology, installed_apis())
        check_calls(chosen)
        return cls(topology, process, chosen, apis_of_process(topology, process, chosen))

    def api_of(self, contract: type[Contract]) -> Api:
        """The chosen API for a contract."""
        return next(api for api in self.chosen if api.contract is contract)

    @property
    def here_is(self) -> ProcessPlacement:
        """What the topology says of this process."""
        return self.topology.processes[self.process]
