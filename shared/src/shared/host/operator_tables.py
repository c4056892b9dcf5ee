"""How flows look on a terminal, and in a pipe."""

import os
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.contracts.process.flow_operations import FlowDetail

_COLORS = {
    "completed": "green", "running": "cyan", "waiting": "yellow", "compensating": "yellow", "pending": "dim",
    "refused": "magenta", "cancelled": "magenta", "dead": "bold red", "discarded": "dim",
    "retired": "dim",
    "done": "green", "failed": "red", "undone": "yellow",
}  # fmt: skip


_UNBOUNDED = 4000
"""Characters of a line that no terminal has to show."""


def standard_output() -> Console:
    """Standard output; where it is no terminal, rows stay on one line, so that `grep` and `awk` find ids whole."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_UNBOUNDED if piped else None)


def table(*columns: str) -> Table:
    """An empty table without lines; what the first column names is to be copied, and stays on one line."""
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for place, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=place == 0)
    return made


def colored(state: str) -> str:
    """A state in its colour."""
    return f"[{_COLORS.get(state, 'white')}]{state}[/]"


def tell_flow(out: Console, known: FlowDetail) -> None:
    """Print everything known of a flow."""
    flow, facts = known.flow, Table.grid(padding=(0, 2))
    for label, text in (
        ("flow", flow.flow_id), ("kind", flow.kind), ("created", f"{flow.created.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("correlation", flow.correlation_id), ("trace", flow.trace_id), ("awaited by", flow.parent),
        ("archive", flow.archive), ("request", known.request), ("problem", flow.problem),
    ):  # fmt: skip
        if text:
            facts.add_row(f"[dim]{label}[/]", escape(text))
    out.print(f"\n{colored(flow.state)}{' (cancel requested)' if flow.cancel_requested else ''}")
    out.print(facts)
    steps = table("#", "step", "state", "tries", "ms", "detail")
    for step in known.timeline:
        took = "" if step.duration_ms is None else f"{step.duration_ms:,.0f}"
        steps.add_row(
            str(step.seq), step.step, colored(step.state), str(step.attempts), took, escape(step.detail)
        )  # fmt: skip
    out.print(steps)
    for entry in known.audit:
        at = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"
        out.print(f"[dim]{at}[/] {entry.act} by {escape(entry.who)}: {escape(entry.detail)}")
