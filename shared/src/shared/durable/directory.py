"""All flows of a process, whichever of its APIs runs them."""

from collections.abc import Sequence
from typing import Any

from shared.contracts.process.flow_operations import FlowNotFound
from shared.durable.dead_letters import DeadLetters
from shared.durable.flow_view import FlowView
from shared.durable.journal import AuditEntry, FlowState
from shared.durable.runner import FlowRunner


class FlowDirectory:
    """The runners of one process over their one journal. A kind that nobody runs any more can still be looked at."""

    def __init__(self) -> None:
        self._runners: list[FlowRunner] = []

    def add(self, runner: FlowRunner) -> None:
        """Make a runner's flows known."""
        self._runners.append(runner)

    async def page(
        self, *, states: Sequence[FlowState] = (), kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[list[FlowView[Any]], int | None]:
        """See `FlowRunner.page`."""
        if not self._runners:
            return [], None
        return await self._runners[0].page(states=states, kind=kind, limit=limit, before=before)

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """See `FlowRunner.audit`."""
        return await self._runners[0].audit(flow_id, limit=limit, before=before) if self._runners else ([], None)

    async def runner_of(self, flow_id: str) -> FlowRunner:
        """The runner that runs a flow, or any when none does; raises FlowNotFound."""
        if not self._runners:
            raise FlowNotFound(f"There is no flow {flow_id}; no flows run here.")
        kind = (await self._runners[0].view(flow_id)).kind
        return next((runner for runner in self._runners if kind in runner.kinds), self._runners[0])

    async def view(self, flow_id: str) -> FlowView[Any]:
        """See `FlowRunner.view`."""
        return await (await self.runner_of(flow_id)).view(flow_id)

    async def dead_letters_of(self, flow_id: str) -> DeadLetters:
        """The channel in which a flow is repaired; raises FlowNotFound."""
        return (await self.runner_of(flow_id)).dead_letters
