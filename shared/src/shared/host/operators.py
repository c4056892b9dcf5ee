"""The operator's side of the flow operations API: asks over HTTP, shows tables, asks before it resumes."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.prompt import Confirm

from shared.binding.declare import Contract, Page
from shared.binding.problem_document import read_problem
from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, Problem
from shared.contracts.process.flow_operations import (
    FlowDetail,
    FlowOperations,
    FlowSummary,
    ResumeOutcome,
    ResumePreview,
)
from shared.host.api import installed_apis
from shared.host.operator_tables import colored, standard_output, table, tell_flow
from shared.host.runtime import Runtime
from shared.host.tokens import development_token
from shared.host.topology import chosen_apis, load_topology, process_of

CHUNK = 50
"""Dead letters resumed with one request: what a killed command leaves half told, never half done."""

_TOLD_FAILURES = 10


class OperatorConsole:
    """Commands of an operator; each returns an exit status. Problems are raised, for one line on standard error.

    Args:
        runtime: The running suite.
        token: An access token for the API it asks; in development one is made.
        console: Where it prints.

    Attributes:
        asked: The contract of the API it asks.
    """

    asked: ClassVar[type[Contract]] = FlowOperations

    def __init__(self, runtime: Runtime, token: str | None, console: Console | None = None) -> None:
        self._runtime = runtime
        self._token = token
        self._out = console or standard_output()

    async def __aenter__(self) -> Self:
        topology = load_topology(Path(self._runtime.topology))
        apis = chosen_apis(topology, installed_apis())
        api = next(api for api in apis if api.contract is self.asked)
        base = self._runtime.processes[process_of(topology, api)] + self.asked.prefix
        token = self._token or development_token(self._runtime, self.asked.slug)
        self._http = httpx.AsyncClient(base_url=base, headers={"authorization": f"Bearer {token}"}, timeout=40.0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    # --- commands ------------------------------------------------------------------------------------

    async def show_list(self, state: str | None, kind: str | None, limit: int) -> int:
        """Print flows, newest first."""
        page = await self._list(state, kind, limit)
        listed = table("flow", "kind", "state", "updated", "problem")
        for flow in page.items:
            updated = flow.updated.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            listed.add_row(escape(flow.flow_id), flow.kind, colored(flow.state), updated, escape(flow.problem))
        self._out.print(listed if page.items else "There are none.")
        if page.next_cursor is not None:
            self._out.print("[dim]There are more; raise --limit or name a --state or --kind.[/]")
        return 0

    async def show_flow(self, flow_id: str) -> int:
        """Print everything known of a flow."""
        tell_flow(self._out, await self._ask("GET", f"/flows/{quote(flow_id, safe='')}", FlowDetail))
        return 0

    async def act(self, flow_id: str, path: str, body: Any) -> int:
        """Do something to a flow and print how it stands now."""
        escaped = path.replace(f"/{flow_id}/", f"/{quote(flow_id, safe='')}/")
        tell_flow(self._out, await self._ask("POST", escaped, FlowDetail, body))
        return 0

    async def resume_one(self, flow_id: str, reason: str, patch: str, yes: bool) -> int:
        """Preview, ask, resume."""
        preview = await self._preview(flow_id, patch)
        self._tell_preview(preview)
        if preview.obstacle:
            return 1
        if not self._agreed(f"Resume {flow_id}?", yes):
            return 1
        path = f"/dead-letters/{quote(flow_id, safe='')}/resumption"
        tell_flow(self._out, await self._ask("POST", path, FlowDetail, {"reason": reason, "patch": patch}))
        return 0

    async def resume_many(self, kind: str | None, reason: str, yes: bool) -> int:
        """Preview all, ask, resume chunk by chunk. Stopped midway, what is not resumed is dead as before."""
        flow_ids = await self._dead(kind)
        if not flow_ids:
            self._out.print("There are no dead letters.")
            return 0
        ready = await self._preview_all(flow_ids)
        if not ready or not self._agreed(f"Resume {len(ready)} dead letters?", yes):
            return 1
        failed: list[ResumeOutcome] = []
        with Progress(console=self._out) as progress:
            task = progress.add_task("resumed", total=len(ready))
            for start in range(0, len(ready), CHUNK):
                body = {"flowIds": ready[start : start + CHUNK], "reason": reason}
                outcomes = await self._ask("POST", "/dead-letters/resumption", list[ResumeOutcome], body)
                failed += [outcome for outcome in outcomes if not outcome.resumed]
                progress.advance(task, len(outcomes))
        for outcome in failed[:_TOLD_FAILURES]:
            self._out.print(f"[yellow]{escape(outcome.flow_id)}[/] {escape(outcome.obstacle)}")
        self._out.print(f"{len(ready) - len(failed)} resumed, {len(flow_ids) - len(ready) + len(failed)} not.")
        return 0 if len(failed) == 0 and len(ready) == len(flow_ids) else 1

    # --- asking --------------------------------------------------------------------------------------

    async def _list(self, state: str | None, kind: str | None, limit: int, cursor: str | None = None) -> Any:
        query = {"state": state, "kind": kind, "limit": str(limit), "cursor": cursor}
        given = {name: value for name, value in query.items() if value is not None}
        return await self._ask("GET", "/flows", Page[FlowSummary], query=given)

    async def _dead(self, kind: str | None) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._list("dead", kind, 200, cursor)
            found += [flow.flow_id for flow in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def _preview(self, flow_id: str, patch: str = "") -> ResumePreview:
        path = f"/dead-letters/{quote(flow_id, safe='')}/preview"
        return await self._ask("POST", path, ResumePreview, {"patch": patch})

    async def _preview_all(self, flow_ids: list[str]) -> list[str]:
        """Print the writes that would follow in sum; returns the flows that can be resumed."""
        places = asyncio.Semaphore(16)

        async def preview(flow_id: str) -> ResumePreview:
            async with places:
                return await self._preview(flow_id)

        previews = await asyncio.gather(*(preview(flow_id) for flow_id in flow_ids))
        writes = Counter((w.step, w.certainty) for p in previews for w in p.writes)
        listed = table("backend write", "when", "flows")
        for (step, certainty), count in sorted(writes.items()):
            listed.add_row(step, certainty, str(count))
        self._out.print(listed)
        blind = sum(not p.rehearsed for p in previews)
        if blind:
            self._out.print(f"{blind} took workers down; what follows in them is not known.")
        obstacles = Counter(p.obstacle for p in previews if p.obstacle)
        for obstacle, count in obstacles.most_common(_TOLD_FAILURES):
            self._out.print(f"[yellow]{count} cannot be resumed:[/] {escape(obstacle)}")
        return [p.flow_id for p in previews if not p.obstacle]

    async def _ask(
        self,
        method: str,
        path: str,
        kind: Any,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        try:
            answer = await self._http.request(method, path, json=body, params=query, headers=headers)
        except httpx.HTTPError as error:
            raise BackendUnavailable(
                f"The suite does not answer ({type(error).__name__}); is `triptych up` running?"
            ) from None
        try:
            if answer.is_success:
                return None if kind is None else msgspec.json.decode(answer.content, type=kind)
            details = read_problem(answer.content)
        except msgspec.MsgspecError:
            raise BackendFault(f"The suite answered {answer.status_code} with something unexpected.") from None
        raise Problem.from_details(details)

    # --- telling -------------------------------------------------------------------------------------

    def _agreed(self, question: str, yes: bool) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise Invalid("Nobody is there to answer; look at the preview and say --yes.")
        return Confirm.ask(question, console=self._out)

    def _tell_preview(self, preview: ResumePreview) -> None:
        if preview.obstacle:
            self._out.print(f"[yellow]It cannot be resumed:[/] {escape(preview.obstacle)}")
            return
        listed = table("backend write", "when", "")
        for write in preview.writes:
            listed.add_row(write.step, write.certainty, "may have happened; same key" if write.repeated else "")
        for step in preview.kept:
            listed.add_row(f"[dim]{step}[/]", "[dim]done[/]", "[dim]not repeated[/]")
        self._out.print(listed if listed.row_count else "No backend write follows.")
        if preview.begins_anew:
            self._out.print("It begins anew: only reads were recorded.")
        if not preview.rehearsed:
            self._out.print("It took workers down, so its code was not run to see what follows.")
